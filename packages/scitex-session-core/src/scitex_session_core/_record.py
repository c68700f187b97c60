"""``session.json``: the record of a run, its source of truth."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

from ._atomic import overwrite, write_atomic
from ._errors import InvalidTypeError, InvalidValueError, RecordError
from ._events import fold_events, read_events, utc_now
from ._git import read_git
from ._jsonable import dumps
from ._layout import RECORD_NAME, STATUS_IN, places, whereabouts
from ._life import life
from ._oom import oom_kills
from ._process import identify
from ._secrets import argv_without_secrets
from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

SCHEMA = 1

# What tells one run of the same code from another and is no secret.
_TELLING_VARIABLES = (
    "CONDA_DEFAULT_ENV",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_JOB_ID",
    "VIRTUAL_ENV",
)


def new_record(
    session_id: str,
    *,
    script: Path | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    argv: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    parent: str | None = None,
    attempt: int = 1,
) -> dict[str, Any]:
    """Describe a run of this process that begins now.

    Parameters
    ----------
    session_id : str
        Its ID.
    script : Path, optional
        The script; its folder is where the commit is looked for.
    function : str, optional
        The function that runs.
    arguments : mapping, optional
        The values its parameters have.
    argv : sequence of str
        The command line.
    config : mapping, optional
        The user's configuration.
    seed : int, optional
        The seed of the run.
    parent : str, optional
        The ID of the run that began this one, or that it goes on with.
    attempt : int
        Which attempt at the same work this is; the first is 1.

    Returns
    -------
    dict
        Every field of schema 1, status ``running``. Besides what `identify` finds, ``process`` has
        ``oom_kills``: how many processes of its control group the kernel has killed for want of
        memory so far, so that one more of them tells how this run died.

    Raises
    ------
    InvalidValueError
        `attempt` is less than 1.
    InvalidTypeError
        `attempt` is no integer.
    """
    _check_attempt(attempt)
    try:
        cwd = os.getcwd()
    except OSError:  # the working directory was removed under us
        cwd = ""
    git_from = script.parent if script else None
    return {
        "schema": SCHEMA,
        "id": session_id,
        "status": "running",
        "exit_status": None,
        "reason": None,
        "message": "",
        "script": str(script) if script else None,
        "function": function,
        "arguments": dict(arguments or {}),
        "argv": argv_without_secrets(argv),
        "cwd": cwd,
        "config": dict(config or {}),
        "seed": seed,
        "started": utc_now(),
        "ended": None,
        "duration_s": None,
        "process": {**identify(), "oom_kills": oom_kills()},
        "python": ".".join(map(str, sys.version_info[:3])),
        "platform": _platform(),
        "environment": None,
        "env": {n: os.environ[n] for n in _TELLING_VARIABLES if n in os.environ},
        "git": read_git(git_from) if git_from else None,
        "parent": parent,
        "attempt": attempt,
        "tags": [],
        "note": "",
        "results": {},
        "artifacts": [],
        "versions": {"scitex-session": __version__},
    }


def write_record(run_dir: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run, whole or not at all; on a full disk over the older one.

    Raises
    ------
    OSError
        It could not be written; an older one stands as it was.
    """
    data = dumps(record, indent=2, names=("id", "script", "cwd", "parent")) + b"\n"
    try:
        write_atomic(run_dir / RECORD_NAME, data)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        if not (full and overwrite(run_dir / RECORD_NAME, data)):
            raise


def read_record(run_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the record of a run, with its events folded in.

    Parameters
    ----------
    run_dir : Path
        A run directory, of a run in any state. One in ``RUNNING`` that has moved to ``FINISHED_*``
        in the meantime is read there.

    Returns
    -------
    dict
        As it was written: a dead run whose death nobody filed yet still says ``running``;
        `current_status` tells.

    Raises
    ------
    RecordError
        There is no record, or it is none.
    """
    for place in places(run_dir):
        path = place / RECORD_NAME
        try:
            # The events first: should the run move between the two, the record is missed here and
            # both are read from where it went.
            events = read_events(place)
            record = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise RecordError(str(path), f"can't be read: {error}") from error
        if not isinstance(record, dict) or not isinstance(record.get("id"), str):
            raise RecordError(str(path), "is not the record of a run: it has no 'id'")
        return fold_events(_by_directory(record, place), events)
    raise RecordError(str(Path(run_dir) / RECORD_NAME), "there is no such record")


def current_status(record: Mapping[str, Any], run_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the status of a run as it is now: a run said to be running may be dead.

    Parameters
    ----------
    record : mapping
        The record, or anything with its ``id``, ``status`` and ``process``.
    run_dir : Path, optional
        The run directory (where it was when it began will do). With it, a run of another machine is
        told by its heartbeat, and one that ended a moment ago by how it ended.

    Returns
    -------
    str
        What the record says or, where that is ``running``: ``running`` (its process is there, or
        its heart beats), ``crashed`` (its process is gone), ``lost`` (of another machine, and its
        heart has been silent for five beats; it may come back), ``unknown`` (nobody can tell).
    """
    status = str(record.get("status", "unknown"))
    if status != "running":
        return status
    if run_dir is None:
        return life(record.get("process"))
    found = life(record.get("process"), whereabouts(run_dir))
    if found == "running":
        return found
    # `record` may have been read before the end that its process then came to.
    try:
        later = read_record(run_dir)
    except RecordError:
        return found
    ended = later["id"] == record.get("id") and later.get("status") != "running"
    return str(later.get("status")) if ended else found


def _check_attempt(attempt: object) -> None:
    if not isinstance(attempt, int) or isinstance(attempt, bool):
        raise InvalidTypeError("attempt", attempt, "an integer from 1 on")
    if attempt < 1:
        raise InvalidValueError("attempt", attempt, "an integer from 1 on")


def _by_directory(record: dict[str, Any], place: Path) -> dict[str, Any]:
    # The rename came through and the last record did not: the disk was full.
    if record.get("status") != "running" or place.parent.name not in STATUS_IN:
        return record
    status = STATUS_IN[place.parent.name]
    return {**record, "status": status, "exit_status": 0 if status == "success" else None}


def _platform() -> str:
    if hasattr(os, "uname"):
        system = os.uname()
        return f"{system.sysname}-{system.release}-{system.machine}"
    import platform

    return platform.platform()
