"""Registers runs from their directories, those of scitex-session 0.3.1 too."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path

from scitex_session_core._archive_reader import is_archive, open_archive
from scitex_session_core._atomic import read_regular
from scitex_session_core._errors import (
    ArchiveError,
    InvalidSessionIdError,
    InvalidTypeError,
    RecordError,
    warn,
)
from scitex_session_core._paths import (
    ARCHIVE_SUFFIX,
    CONFIG_NAME,
    COPY_SUFFIX,
    PREVIOUS,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    TRASH,
    DirectoryLock,
    absolute,
    check_id,
    locate_run,
)
from scitex_session_core._process import liveness
from scitex_session_core._record.outcome import status_of
from scitex_session_core._record.record import read_record, write_record

from .fold import fold
from .index import Index
from .journal import append, encoded, record_event, registry_dir
from .own_end import OwnEnd, ended_as_registered
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

# Folders that never hold runs, and may hold a hundred thousand files.
_SKIPPED = {
    *(".git", ".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules", "site-packages"),
    TRASH,
}
_MOST_BYTES = 16 << 20  # of a CONFIG.yaml
# A run is registered again if one of these differs.
_COMPARED = (
    "status",
    "exit_code",
    "start_time",
    "end_time",
    "attempt",
    "run_dir",
    "tags",
    "results",
    "made",
)

# The name of a run directory of scitex-session 0.3.1: local time, and four characters.
_LEGACY_NAME = re.compile(
    r"((?:DEBUG_)?(\d{4})Y-(\d\d)M-(\d\d)D-(\d\d)h(\d\d)m(\d\d)s_[A-Za-z0-9]{4})(?:-.*)?\Z"
)
# The names that scitex-session 0.3.1 adds to the user's configuration.
_LEGACY_KEYS = {
    *("ID", "PID", "START_DATETIME", "END_DATETIME", "RUN_DURATION", "FILE", "ARGS", "SDIR"),
    *("SDIR_OUT", "SDIR_RUN", "EXIT_STATUS", "DEBUG"),
}


def reindex(
    roots: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    registry: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Register the run directories under `roots` that are not in the registry as they are.

    This restores a registry that was lost, and registers runs that were moved, that came from
    another machine, or that scitex-session 0.3.1 left. Where registry and record differ, the
    record is right, but for one case: where a record says that its run goes on or crashed, and the
    run registered its own end, that end is written into the record, and a warning tells it. `reap`
    then moves the run. Records of every schema are read, and unknown fields ignored. Of several
    copies of a run, the one where the registry says it is counts, or else the first that is found.
    If it takes more than a second, a terminal shows how far it has come.

    Parameters
    ----------
    roots : path-like or iterable of path-like
        The folders to search, and archives of runs. Symbolic links in them are not followed.
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
    progress = Progress("looking for runs, folders so far")
    try:
        for run_dir, record in _found(_checked(roots), progress):
            session_id = record["id"]
            if session_id in seen:
                continue
            known = index.get(session_id)
            if known is not None and _is_copy(known, run_dir):
                continue
            seen.add(session_id)
            told = _with_own_end(record, known, run_dir, where)
            if known is None or _differs(known, told, run_dir):
                append(where, record_event(told, run_dir))
                registered.append(run_dir)
    finally:
        progress.done()
    return registered


def _checked(roots: object) -> list[Path]:
    given = [roots] if isinstance(roots, (str, os.PathLike)) else roots
    allowed = "a path, or several"
    try:
        paths = [absolute(root) for root in given]  # type: ignore[attr-defined]
    except TypeError:
        raise InvalidTypeError("roots", roots, allowed) from None
    for path in paths:
        path.stat()  # a misspelt root must not pass for a folder without runs
    return paths


def _found(roots: list[Path], progress: Progress) -> Iterator[tuple[Path, dict[str, Any]]]:
    archives: list[Path] = []
    for root in roots:
        if is_archive(root):
            archives.append(root)
        for folder, inside, files in os.walk(root):
            progress.show(1)
            inside[:] = sorted(name for name in inside if not _is_skipped(name))
            run_dir = Path(folder)
            record = _record(run_dir) if RECORD_NAME in files else legacy_record(run_dir)
            if record is None:
                archives += (run_dir / n for n in sorted(files) if n.endswith(ARCHIVE_SUFFIX))
                continue
            # A run may hold anything, but no other runs than the earlier ones of its sdir.
            inside[:] = [PREVIOUS] if PREVIOUS in inside else []
            yield run_dir, record
    # Of a run that also has a directory, that counts: it may have changed since.
    for path in archives:
        if is_archive(path):
            yield from _archived(path)


def _archived(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    try:
        names = open_archive(path).names
    except ArchiveError as error:
        warn(f"not registered: {error}")
        return
    for name in names:
        record = _record(path / name)
        if record is not None:
            yield path / name, record


def _is_skipped(name: str) -> bool:
    return name in _SKIPPED or name.endswith(COPY_SUFFIX)


def _record(run_dir: Path) -> dict[str, Any] | None:
    try:
        record = read_record(run_dir)
        check_id(record["id"])
    except RecordError as error:
        warn(f"not registered: {error}")
        return None
    except InvalidSessionIdError:
        return None  # a file of another program with this name
    return record if "started" in record or "schema" in record else None


def _is_copy(known: dict[str, Any], run_dir: Path) -> bool:
    """Tell whether the run is where the registry says, and `run_dir` is another place."""
    if known["run_dir"] is None:
        return False
    try:
        place = locate_run(Path(known["run_dir"]))  # it may have been moved and not registered
        return place != run_dir and bool(read_record(place)["id"] == known["id"])
    except ValueError:  # a garbage line may hold a path with a NUL
        return False
    except RecordError:
        return legacy_record(place) is not None and place.is_dir()


def _with_own_end(
    record: dict[str, Any], known: dict[str, Any] | None, run_dir: Path, registry: Path
) -> dict[str, Any]:
    """Return the record with the end that its run registered itself, and write it, if it has none.

    A run never says of itself that it crashed: that others wrote. Where only the folder tells the
    status, there is no time of the end.
    """
    status = "running" if record.get("ended") is None else record.get("status")
    if known is None or "schema" not in record or status not in ("running", "crashed", "lost"):
        return record
    ended = ended_as_registered(record, known)
    if ended is None:
        return record
    if status != "running" or liveness(record.get("process")) != "alive":
        trouble = None
        try:
            with DirectoryLock(run_dir):
                write_record(run_dir, ended)
        except OSError as error:
            trouble = error
        OwnEnd(ended, registry).say_believed(run_dir, status, trouble)
    return ended


def _differs(known: dict[str, Any], record: dict[str, Any], run_dir: Path) -> bool:
    """Tell whether registering this record would change the session in the registry."""
    event = json.loads(encoded(record_event(record, run_dir)))
    registered = fold([(0, event)]) or {}
    return any(known[name] != registered.get(name) for name in _COMPARED)


def legacy_record(run_dir: Path) -> dict[str, Any] | None:
    """Return a record for a run directory of scitex-session 0.3.1; None if it is none.

    Such a directory has no record, but a ``CONFIG.yaml`` if the run ended well; the status of
    others is ``unknown``. Arguments and configuration are read only if PyYAML is installed, as it
    is beside `scitex-session`. Pickles are never opened.
    """
    named = _LEGACY_NAME.match(run_dir.name)
    state = run_dir.parent.name
    if named is None or (state != RUNNING and state not in STATUS_OF_FOLDER):
        return None
    if not (run_dir / "logs").is_dir() and not (run_dir / CONFIG_NAME).is_file():
        return None
    config = _read_config(run_dir / CONFIG_NAME)
    exit_status = config.get("EXIT_STATUS")
    ended = state in STATUS_OF_FOLDER
    return {
        "id": named[1],
        "status": _status_of_run(state, exit_status) if ended else "unknown",
        "exit_status": exit_status if ended else None,
        "started": _local_time(config.get("START_DATETIME")) or _time_in_name(named),
        "ended": _local_time(config.get("END_DATETIME")) if ended else None,
        "script": str(config["FILE"]) if config.get("FILE") else None,
        "arguments": config["ARGS"] if isinstance(config.get("ARGS"), dict) else {},
        "config": {name: value for name, value in config.items() if name not in _LEGACY_KEYS},
        "process": None,
        "versions": {"scitex-session": "0.3.1"},
    }


def _status_of_run(state: str, exit_status: object) -> str:
    return status_of(exit_status) if isinstance(exit_status, int) else STATUS_OF_FOLDER[state]


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    try:
        import yaml
    except ImportError:
        return _read_top_level(text)
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # a tag of Python, which is never followed
        return _read_top_level(text)
    return {str(name): value for name, value in config.items()} if isinstance(config, dict) else {}


def _read_top_level(text: str) -> dict[str, Any]:
    """Read the plain values at the top level of the few names that 0.3.1 adds."""
    config: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name in _LEGACY_KEYS and (value := value.strip().strip("'\"")):
            config[name] = int(value) if re.fullmatch(r"-?\d{1,9}", value) else value
    return config


def _local_time(time: object) -> str | None:
    try:
        found = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
        return found.astimezone().isoformat()
    except (ValueError, OverflowError):
        return None


def _time_in_name(named: re.Match[str]) -> str | None:
    try:
        return datetime(*map(int, named.groups()[1:])).astimezone().isoformat()  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
