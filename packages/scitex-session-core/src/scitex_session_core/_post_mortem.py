"""What a death that nobody announced puts into the record of a run."""

from __future__ import annotations

from datetime import UTC, datetime

from ._ending import ended_record
from ._events import utc_now
from ._last_words import last_words
from ._layout import EVENTS_NAME, HEARTBEAT_NAME, LOG_NAMES, RECORD_NAME
from ._oom import out_of_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def crashed_record(
    record: dict[str, Any],
    run_dir: Path,
    seen: Mapping[str, Any] | None = None,
    *,
    status: str = "crashed",
) -> dict[str, Any]:
    """Return `record` of a run whose process died without a goodbye.

    Parameters
    ----------
    record : dict
        As it was. What an earlier witness told of the same death is kept.
    run_dir : Path
        Where the run is.
    seen : mapping, optional
        What is known of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    status : {"crashed", "lost"}
        ``lost`` where its death is not known, and only its silence is.
    """
    seen = seen or {}
    earlier = record.get("reason")
    reason = {
        "kind": status,
        **{name: seen[name] for name in ("signal", "exit_status") if seen.get(name) is not None},
    }
    if out_of_memory(process if isinstance(process := record.get("process"), dict) else {}, seen):
        reason["out_of_memory"] = True
    if isinstance(earlier, dict):
        reason = {**earlier, **reason}
    return ended_record(
        record,
        exit_status=None,
        reason={**reason, **last_words(run_dir)},
        status=status,
        ended=seen.get("seen") or record.get("ended") or last_sign_of_life(run_dir),
    )


def last_sign_of_life(run_dir: Path) -> str:
    """Return when a run last wrote to one of its files: the best guess at when it died."""
    times = []
    for name in (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, *LOG_NAMES):
        try:
            times.append((run_dir / name).stat().st_mtime)
        except OSError:
            continue
    if not times:
        return utc_now()
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="microseconds")
