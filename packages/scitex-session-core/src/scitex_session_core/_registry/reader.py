"""Read a run as it truly is: its record and, where that has no end, the end only the registry has.

A run that can't write its record any more still registers its end. Whoever files the run writes
that end down (`write_own_end`); who only reads it, reads it here, and is told which was believed.
"""

from __future__ import annotations

from scitex_session_core._paths import locate_run
from scitex_session_core._record import record as written

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def read_record(run_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the record of a run, with its events folded in.

    Parameters
    ----------
    run_dir : path-like
        The directory of a run in any state. If it moved from ``RUNNING`` to ``FINISHED_*``, it is
        read there. One that is held open is read wherever it is.

    Returns
    -------
    dict
        The record as it was written. Until somebody files its death, a dead run still says
        ``running``; `current_status` tells them apart. Only where the run could not write its own
        end, and the user's registry has it, the record has that end, and a warning says so.

    Raises
    ------
    RecordError
        There is no record, or it can't be read.
    """
    record = written.read_record(run_dir)
    if record.get("status") != "running":
        return record
    place = locate_run(run_dir)
    if written.observed(record, place) == "running":
        return record
    return _believed(record, place) or record


def current_status(record: Mapping[str, Any], run_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the status of a run now. One that is on record as running may be dead.

    Parameters
    ----------
    record : mapping
        The record, or any mapping with its ``id``, ``status`` and ``process``.
    run_dir : path-like, optional
        The run directory, at its first place or where it is now. It is needed for the heartbeat of
        a run of another machine, and for a run that ended a moment ago.

    Returns
    -------
    str
        The status on record or, instead of ``running``, one of ``running`` (its process is there,
        or its heart beats), ``crashed`` (its process is gone), ``lost`` (it is of another machine
        and missed five heartbeats; it may come back), ``unknown`` (nobody can tell). A run that
        could not write its own end has the status that the user's registry tells, and a warning
        says so.
    """
    status = written.current_status(record, run_dir)
    if record.get("status") != "running" or status not in ("crashed", "lost", "unknown"):
        return status
    if not isinstance(record.get("id"), str):
        return status
    ended = _believed(dict(record), None if run_dir is None else locate_run(run_dir))
    return status if ended is None else str(ended["status"])


def _believed(record: dict[str, Any], place: Path | None) -> dict[str, Any] | None:
    """Return the record with the end that its run registered itself, and say so; None if none."""
    from .own_end import own_end  # few runs are read that could not write their end

    found = own_end(record)
    if found is None:
        return None
    found.say_believed(place, "running")
    return found.record
