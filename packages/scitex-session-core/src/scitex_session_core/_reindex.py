"""Registering runs from their directories, wherever these lie by now."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ._errors import InvalidSessionIdError, InvalidTypeError, RecordError, warn
from ._fold import fold
from ._ids import check_id
from ._index import Index
from ._journal import encoded
from ._layout import COPYING, PREVIOUS, RECORD_NAME
from ._legacy import legacy_record
from ._places import absolute, registry_dir
from ._record import read_record
from ._telling import record_event, tell_found

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
