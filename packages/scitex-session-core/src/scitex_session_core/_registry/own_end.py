"""The end that a run registered itself, where its record could not be written and says otherwise.

What a run says of its own end outweighs a crash that others believe in, in a registry (`fold`) and
here. Whoever files the death of a run does not open the index of the registry: that may have to
fold the whole journal first, and loads SQLite. The few files that can hold the run's lines are
read.
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from scitex_session_core._atomic import open_regular
from scitex_session_core._errors import InvalidValueError, warn
from scitex_session_core._record.record import attempt_of, ended_record, parse_line

from .fold import fold
from .journal import JournalTooLongError, journal_files, machine_name, registry_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from .fold import Entry

_OWN = ("success", "failed", "error", "finished")
_BLOCK = 1 << 20


class OwnEnd(NamedTuple):
    """The end that a run registered itself.

    Attributes
    ----------
    record : dict
        The record of the run, with that end.
    registry : Path
        The registry that tells it.
    """

    record: dict[str, Any]
    registry: Path

    def say_believed(
        self, run_dir: Path | None, instead_of: object, trouble: OSError | None = None
    ) -> None:
        """Warn which of the two was believed; `trouble` is why the record can't be written."""
        which = f"in {run_dir}" if run_dir else f"of {self.record['id']}"
        tried = f"; the record still can't be written: {trouble}" if trouble else ""
        warn(
            f"the record {which} says {instead_of!r}, the registry {self.registry} "
            f"{self.record['status']!r}: the registry is believed, since the run told its own end "
            f"there, and could not write its record{tried}"
        )


def own_end(
    record: dict[str, Any], registry: Path | None = None, *, deadline: float | None = None
) -> OwnEnd | None:
    """Return the end that a dead run registered itself; None if it registered none.

    Parameters
    ----------
    record : dict
        The record of the run.
    registry : Path, optional
        The registry to look into; the user's own by default. What can't be read tells nothing.
    deadline : float, optional
        When to give up, on `time.monotonic`.

    Raises
    ------
    JournalTooLongError
        It took too long.
    """
    try:
        registry = registry or registry_dir()
        session = fold(_entries(record, registry, deadline))
    except (OSError, InvalidValueError):
        return None
    ended = None if session is None else ended_as_registered(record, session)
    return None if ended is None else OwnEnd(ended, registry)


def ended_as_registered(
    record: dict[str, Any], session: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return a record with the end that its run registered itself; None if it registered none.

    The reason is null: a registry does not hold it.
    """
    ended = session["end_time"]
    if session["status"] not in _OWN or ended is None:
        return None
    if session["attempt"] != attempt_of(record):  # this one died before it was registered
        return None
    status = "failed" if session["status"] == "error" else session["status"]
    return {
        **ended_record(
            record,
            exit_status=session["exit_code"],
            reason={},
            message=str(record.get("message") or ""),
            status=status,
            ended=ended.isoformat(timespec="microseconds"),
        ),
        "reason": None,
    }


def _entries(record: Mapping[str, Any], registry: Path, deadline: float | None) -> Iterator[Entry]:
    """Yield the events of a run that its own machine registered since it began."""
    session_id = record["id"]
    quoted = json.dumps(session_id, ensure_ascii=False).encode("utf-8", "backslashreplace")
    machine = machine_name(record.get("process"))
    month = str(record.get("started") or "")[: len("2026-11")]
    for number, path in enumerate(journal_files(registry)):
        if not path.name.startswith(machine) or path.stem[-len("2026-11") :] < month:
            continue
        with open(open_regular(path), "rb") as file:
            while block := file.read(_BLOCK) + file.readline():
                if deadline is not None and time.monotonic() > deadline:
                    raise JournalTooLongError(str(path))
                if quoted not in block:
                    continue
                for line in block.split(b"\n"):
                    event = parse_line(line) if quoted in line else None
                    if event is not None and event.get("id") == session_id:
                        yield number, event
