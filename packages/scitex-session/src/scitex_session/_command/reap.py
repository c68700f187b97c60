"""`reap` files the ends of dead runs; `reindex` registers runs from their directories."""

from __future__ import annotations

import os
from json import dumps
from pathlib import Path

from scitex_session._errors import UsageError
from scitex_session_core import (
    RECORD_NAME,
    RecordError,
    SessionManager,
    file_crash,
    legacy_record,
    locate_run,
    read_record,
    registry_dir,
    reindex,
)
from scitex_session_core import reap as reap_below

from .output import OK, printable, refuse, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_RUNNING = "RUNNING"


def reap_command(*paths: Path, force: bool = False, json: bool = False) -> int:
    """File the ends of dead runs: write them into their records, and move them out of RUNNING.

    Parameters
    ----------
    paths : Path
        Folders. The runs in every RUNNING below them are looked at; by default all that the
        registry knows of.
    force : bool
        Also file runs of other machines that have been silent, and those that scitex-session 0.3.1
        left in RUNNING. Only you can know that they are dead.
    json : bool
        Print an array of JSON objects instead.
    """
    filed = reap(*paths, force=force)
    if json:
        say(dumps(filed, indent=2))
        return OK
    for run in filed:
        say(f"{run['id']}  {run['status']}: {printable(_why(run))}")
        say(f"  from {printable(run['source'])}")
        say(f"  to   {printable(run['directory'])}")
    left = [] if force else _left_alone(paths)
    for place in left:
        say(f"left as it is: {printable(place)}")
    hint = " (--force files what was left, if you know that it is dead)" if left else ""
    say(f"filed {_count(len(filed))}{hint}")
    return OK


def reap(*paths: str | os.PathLike[str], force: bool = False) -> list[dict[str, Any]]:
    """File the ends of runs whose processes are dead.

    Their ends are written into their records and registered, and they are moved out of ``RUNNING``.
    Runs that may be alive are left alone.

    Parameters
    ----------
    *paths : path-like
        Folders. The runs in every ``RUNNING`` below them are looked at; by default all that the
        registry knows of.
    force : bool
        Also file, as ``lost``, runs of other machines that missed five heartbeats, and runs that
        scitex-session 0.3.1 left without a record. Only you can know that they are dead.

    Returns
    -------
    list of dict
        Each with ``id``, ``status``, ``reason`` (as in the record), ``source`` (where the run was)
        and ``directory`` (where it is now).

    Raises
    ------
    UsageError
        A path is no folder with runs.
    """
    filed = {}
    for source in [] if paths else _dead_in_registry():
        filed[source] = file_crash(source, registry=registry_dir())
    for root in _roots(paths):
        for place in reap_below(root, registry=registry_dir(), force=force):
            filed[place.parent.parent / _RUNNING / place.name] = place
    return [found for source, place in filed.items() if (found := _filed(source, place))]


def _roots(paths: tuple[str | os.PathLike[str], ...]) -> list[Path]:
    """Return the folders to look into."""
    if not paths:
        places = SessionManager().directories().values()
        moving = (p for p in places if p.parent.name == _RUNNING or "FINISHED" in p.parent.name)
        return sorted({place.parent.parent for place in moving})
    roots = [Path(os.path.abspath(path)) for path in paths]
    for root in roots:
        if not root.is_dir():
            raise UsageError(f"{root} is not a folder")
        if root.parent.name == _RUNNING:
            raise UsageError(f"{root} is one run; give the folder above {_RUNNING}")
    return [root.parent if root.name == _RUNNING else root for root in roots]


def _dead_in_registry() -> Iterator[Path]:
    for session in SessionManager().select({"status": "crashed"}):
        if session["end_time"] is None and session["run_dir"] is not None:
            yield locate_run(session["run_dir"])


def _filed(source: Path, place: Path) -> dict[str, Any] | None:
    try:
        record = read_record(place)
    except RecordError:  # its directory is gone
        return None
    if record.get("status") == "running":
        return None
    return {
        "id": record["id"],
        "status": record.get("status"),
        "reason": record.get("reason"),
        "source": str(source),
        "directory": str(place),
    }


def _left_alone(paths: tuple[Path, ...]) -> list[str]:
    """Return the runs that only `force` files, with the reason."""
    lost = {
        Path(session["run_dir"]): f"it is of {session['process']['host']}, and has been silent"
        for session in SessionManager().select({"status": "lost"})
        if session["run_dir"] is not None and session["end_time"] is None
    }
    left = []
    for root in _roots(paths):
        left += [f"{run} ({why})" for run, why in lost.items() if run.is_relative_to(root)]
        running = root / _RUNNING
        for name in sorted(os.listdir(running)) if running.is_dir() else ():
            has_record = (locate_run(running / name) / RECORD_NAME).exists()
            if not has_record and legacy_record(running / name) is not None:
                left.append(f"{running / name} (scitex-session 0.3.1 left it)")
    return left


def _why(run: Mapping[str, Any]) -> str:
    reason = run["reason"] if isinstance(run["reason"], dict) else {}
    told = ["out of memory"] if reason.get("out_of_memory") else []
    if reason.get("signal"):
        told.append(f"killed by signal {reason['signal']}")
    output = reason.get("last_output")
    if isinstance(output, dict) and output:
        stream, line = next(reversed(output.items()))
        told.append(f"its last line on {stream} was {line!r}")
    return ", ".join(told) or str(reason.get("kind") or "it ended as its record says")


def reindex_command(*paths: Path) -> int:
    """Register the runs below folders: of a lost registry, moved ones, and those of 0.3.1.

    Parameters
    ----------
    paths : Path
        The folders to search.
    """
    if not paths:
        return refuse("reindex needs a PATH", usage=True)
    try:
        registered = reindex(paths)
    except OSError as error:
        where = printable(os.fspath(error.filename or registry_dir()))
        return refuse(f"{where}: {error.strerror or error}")
    as_is = "it is" if len(registered) == 1 else "they are"
    say(f"registered {_count(len(registered))} that the registry did not know as {as_is}")
    return OK


def _count(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"
