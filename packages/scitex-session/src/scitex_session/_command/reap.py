"""`reap` files the ends of dead runs; `reindex` registers runs from their directories."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session._errors import UsageError
from scitex_session._lifecycle.notices import start_notices
from scitex_session_core import (
    RECORD_NAME,
    InvalidTypeError,
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

from .facts import how_it_ended
from .output import OK, printable, refuse, runs_in_words, say, say_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_RUNNING = "RUNNING"


def reap_command(*paths: str, force: bool = False, json: bool = False) -> int:
    """File the ends of dead runs: write them into their records, and move them out of RUNNING.

    Parameters
    ----------
    paths : str
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
        say_json(filed)
        return OK
    for run in filed:
        say(printable(f"{run['id']}: {how_it_ended(run)}{_last_line(run)}"))
        say(f"  from {printable(run['source'])}")
        say(f"  to   {printable(run['directory'])}")
    left = [] if force else _left_alone(paths)
    for place in left:
        say(f"left as it is: {printable(place)}")
    hint = " (--force files what was left, if you know that it is dead)" if left else ""
    say(f"filed {runs_in_words(len(filed))}{hint}")
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
    InvalidTypeError, UsageError
        A path is none, or no folder with runs.
    """
    filed = {}
    for source in [] if paths else _dead_in_registry():
        filed[source] = file_crash(source, registry=registry_dir())
    for root in _roots(paths):
        for place in reap_below(root, registry=registry_dir(), force=force):
            filed[place.parent.parent / _RUNNING / place.name] = place
    start_notices(filed.values())
    return [found for source, place in filed.items() if (found := _filed(source, place))]


def _roots(paths: tuple[str | os.PathLike[str], ...]) -> list[Path]:
    if not paths:
        places = SessionManager().directories().values()
        moving = (p for p in places if p.parent.name == _RUNNING or "FINISHED" in p.parent.name)
        return sorted({place.parent.parent for place in moving})
    roots = _folders(paths)
    for root in roots:
        if root.parent.name == _RUNNING:
            raise UsageError(f"{root} is one run; give the folder above {_RUNNING}")
    return [root.parent if root.name == _RUNNING else root for root in roots]


def _folders(paths: tuple[str | os.PathLike[str], ...]) -> list[Path]:
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise InvalidTypeError("a path", path, "a text or a path")
        # An empty one is a variable of a shell that is not set, rather than the working directory.
        if not os.path.isdir(path):
            raise UsageError(f"{os.fspath(path) or repr('')} is not a folder")
    return [Path(os.path.abspath(path)) for path in paths]


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
    told = {name: record.get(name) for name in ("id", "status", "reason")}
    return {**told, "source": str(source), "directory": str(place)}


def _left_alone(paths: tuple[str, ...]) -> list[str]:
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


def _last_line(run: Mapping[str, Any]) -> str:
    output = run["reason"].get("last_output") if isinstance(run["reason"], dict) else None
    if not isinstance(output, dict) or not output:
        return ""
    stream, line = next(reversed(output.items()))
    return f", its last line on {stream} was {line!r}"


def reindex_command(*paths: str, json: bool = False) -> int:
    """Register the runs below folders: of a lost registry, moved ones, and those of 0.3.1.

    Parameters
    ----------
    paths : str
        The folders to search.
    json : bool
        Print an array of JSON objects with ID and directory of each that was registered.
    """
    if not paths:
        return refuse("reindex needs a PATH", usage="reindex")
    roots = _folders(paths)
    try:
        registered = reindex(roots)
    except OSError as error:
        where = printable(os.fspath(error.filename or registry_dir()))
        return refuse(f"{where}: {error.strerror or error}")
    if json:
        ids = {place: run_id for run_id, place in SessionManager().directories().items()}
        runs = [{"id": ids.get(place), "directory": str(place)} for place in registered]
        say_json(runs)
        return OK
    as_is = "it is" if len(registered) == 1 else "they are"
    say(f"registered {runs_in_words(len(registered))} that the registry did not know as {as_is}")
    return OK
