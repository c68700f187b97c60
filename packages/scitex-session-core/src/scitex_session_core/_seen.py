"""A session as it is at this moment: what the journal tells, its record and its process."""

from __future__ import annotations

from pathlib import Path

from ._errors import RecordError
from ._fold import mark_ended, moment, take_over
from ._layout import whereabouts
from ._life import life
from ._made import MADE, made_by
from ._record import read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def seen_now(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session as it is at this moment, `session` itself where it has ended."""
    if session["status"] != "running":
        return session
    record = _record_of(session)
    now = dict(session)
    if record is not None:
        artifacts = record["artifacts"]
        take_over(now, {**record, "artifacts": len(artifacts), MADE: made_by(artifacts)})
        if record.get("status") != "running":
            # The record is right: its run was killed, or the disk full, before the journal heard.
            end = {**record, "exit_code": record.get("exit_status"), "run_dir": None}
            mark_ended(now, end, moment(record.get("ended")))
            now["run_dir"] = str(whereabouts(Path(now["run_dir"])))
            return now
    if now["process"] is not None:
        # Without its record there, a directory's heart is that of another run.
        place = whereabouts(Path(now["run_dir"])) if record is not None else None
        now["status"] = life(now["process"], place)
    return now


def _record_of(session: dict[str, Any]) -> dict[str, Any] | None:
    if session["run_dir"] is None:
        return None
    try:
        record = read_record(Path(session["run_dir"]))
    except (RecordError, ValueError):  # no path can hold a NUL, and a garbage line can
        return None
    return record if record["id"] == session["id"] else None  # an sdir that was used again
