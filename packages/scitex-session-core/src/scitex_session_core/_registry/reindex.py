"""Registering runs from their directories, wherever these lie by now."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path

from scitex_session_core._errors import InvalidSessionIdError, InvalidTypeError, RecordError, warn
from scitex_session_core._paths import (
    COPYING,
    PREVIOUS,
    RECORD_NAME,
    RUNNING,
    STATUS_IN,
    absolute,
    check_id,
)
from scitex_session_core._record.outcome import status_of
from scitex_session_core._record.record import read_record

from .fold import fold
from .index import Index
from .journal import encoded, record_event, registry_dir, tell_found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

# What never holds runs, and may hold a hundred thousand files.
_SKIPPED = {".git", ".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules", "site-packages"}
_TOLD = ("status", "exit_code", "start_time", "end_time", "run_dir", "tags", "results", "made")


def reindex(
    roots: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    registry: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Register the run directories found under `roots` that the registry does not know as they are.

    A registry that was lost, runs that were moved or copied from another machine, and runs of
    scitex-session 0.3.1 are found again so. The record is the truth: where the registry says
    otherwise, it is told anew. Records of every schema are read, what is unknown in them passed
    over. Of several copies of one run, the one at the place that the registry knows stays; else
    the first found counts.

    Parameters
    ----------
    roots : path-like or iterable of path-like
        Where to look; symbolic links below are not followed.
    registry : path-like, optional
        The directory of the registry, as for `SessionManager`.

    Returns
    -------
    list of Path
        The run directories that were registered.

    Raises
    ------
    InvalidTypeError
        `roots` are no paths.
    FileNotFoundError
        One of `roots` does not exist.
    OSError
        The registry can't be written.
    """
    where = registry_dir() if registry is None else absolute(registry)
    index = Index(where)
    registered = []
    seen: set[str] = set()
    for run_dir, record in _found(_checked(roots)):
        session_id = record["id"]
        if session_id in seen:
            continue
        known = index.get(session_id)
        if known is not None and _elsewhere(known, run_dir):
            continue
        seen.add(session_id)
        if known is None or _differs(known, record, run_dir):
            tell_found(where, record, run_dir)
            registered.append(run_dir)
    return registered


def _checked(roots: object) -> list[Path]:
    given = [roots] if isinstance(roots, (str, os.PathLike)) else roots
    allowed = "a path, or several"
    try:
        paths = [absolute(root) for root in given]  # type: ignore[attr-defined]
    except TypeError:
        raise InvalidTypeError("roots", roots, allowed) from None
    for path in paths:
        path.stat()  # a misspelt root must not pass for one without runs
    return paths


def _found(roots: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for root in roots:
        for folder, inside, files in os.walk(root):
            inside[:] = sorted(name for name in inside if not _is_skipped(name))
            run_dir = Path(folder)
            record = _record(run_dir) if RECORD_NAME in files else legacy_record(run_dir)
            if record is None:
                continue
            # A run may hold anything, but no run other than those that its sdir held before.
            inside[:] = [PREVIOUS] if PREVIOUS in inside else []
            yield run_dir, record


def _is_skipped(name: str) -> bool:
    return name in _SKIPPED or name.endswith(COPYING)


def _record(run_dir: Path) -> dict[str, Any] | None:
    try:
        record = read_record(run_dir)
        check_id(record["id"])
    except RecordError as error:
        warn(f"not registered: {error}")
        return None
    except InvalidSessionIdError:
        return None  # a file of another program that has this name
    return record if "started" in record or "schema" in record else None


def _elsewhere(known: dict[str, Any], run_dir: Path) -> bool:
    """Tell whether the run is where the registry says, and that is not here: this is a copy."""
    place = known["run_dir"]
    if place is None or Path(place) == run_dir:
        return False
    try:
        return bool(read_record(Path(place))["id"] == known["id"])
    except (RecordError, ValueError):
        return legacy_record(Path(place)) is not None and Path(place).is_dir()


def _differs(known: dict[str, Any], record: dict[str, Any], run_dir: Path) -> bool:
    """Tell whether the registry would say something else once it was told of this record."""
    told = json.loads(encoded(record_event(record, run_dir)))
    true = fold([(0, told)]) or {}
    return any(known[name] != true.get(name) for name in _TOLD)


_CONFIG = "CONFIGS/CONFIG.yaml"
# Its IDs: local time, and four characters.
_NAME = re.compile(
    r"((?:DEBUG_)?(\d{4})Y-(\d\d)M-(\d\d)D-(\d\d)h(\d\d)m(\d\d)s_[A-Za-z0-9]{4})(?:-.*)?\Z"
)
# What it adds to the user's configuration.
_OWN = {
    *("ID", "PID", "START_DATETIME", "END_DATETIME", "RUN_DURATION", "FILE", "ARGS", "SDIR"),
    *("SDIR_OUT", "SDIR_RUN", "EXIT_STATUS", "DEBUG"),
}


def legacy_record(run_dir: Path) -> dict[str, Any] | None:
    """Return what a record would say of a run of scitex-session 0.3.1; None if it is none.

    Its pickles are never opened. Arguments and configuration are told only where PyYAML is
    installed, as it is beside `scitex-session`. A run that never wrote its configuration did not
    end well, and how it ended nobody knows: its status is ``unknown``.
    """
    named = _NAME.match(run_dir.name)
    state = run_dir.parent.name
    if named is None or (state != RUNNING and state not in STATUS_IN):
        return None
    if not (run_dir / "logs").is_dir() and not (run_dir / _CONFIG).is_file():
        return None
    told = _read(run_dir / _CONFIG)
    exit_status = told.get("EXIT_STATUS")
    ended = state in STATUS_IN
    return {
        "id": named[1],
        "status": _status(state, exit_status) if ended else "unknown",
        "exit_status": exit_status if ended else None,
        "started": _local(told.get("START_DATETIME")) or _from_name(named),
        "ended": _local(told.get("END_DATETIME")) if ended else None,
        "script": str(told["FILE"]) if told.get("FILE") else None,
        "arguments": told["ARGS"] if isinstance(told.get("ARGS"), dict) else {},
        "config": {name: value for name, value in told.items() if name not in _OWN},
        "process": None,
    }


def _status(state: str, exit_status: object) -> str:
    return status_of(exit_status) if isinstance(exit_status, int) else STATUS_IN[state]


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    try:
        import yaml
    except ImportError:
        return _top_level(text)
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # a tag of Python's, which is never obeyed
        return _top_level(text)
    return {str(name): value for name, value in told.items()} if isinstance(told, dict) else {}


def _top_level(text: str) -> dict[str, Any]:
    """Read the plain values at the top level, of the few names that are 0.3.1's own."""
    told: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name in _OWN and (value := value.strip().strip("'\"")):
            told[name] = int(value) if re.fullmatch(r"-?\d{1,9}", value) else value
    return told


def _local(time: object) -> str | None:
    try:
        found = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
        return found.astimezone().isoformat()
    except (ValueError, OverflowError):
        return None


def _from_name(named: re.Match[str]) -> str | None:
    try:
        return datetime(*map(int, named.groups()[1:])).astimezone().isoformat()  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
