"""The record of a run, ``session.json``, and the events appended to it, ``events.jsonl``.

The record is written before user code and at the end. Events are appended by any process at any
time: a child that tags the run, a colleague who adds a note a year later. The record with all of
its events folded in is the truth about a run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from scitex_session_core._atomic import OpenDirectory, opened
from scitex_session_core._errors import InvalidTypeError, InvalidValueError, RecordError
from scitex_session_core._paths import (
    EVENTS_NAME,
    RECORD_NAME,
    STATUS_OF_FOLDER,
    DirectoryLock,
    archive_of,
    locate_run,
    possible_places,
)
from scitex_session_core._process import observed_status

from .masker import dumps
from .outcome import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scitex_session_core._archive_reader import ArchivedRun

SCHEMA = 1

# A million artifacts take 150 MB. What is larger would only fill the memory of its readers.
_MOST_BYTES = 256 << 20

# The fields that each kind of event must have, and their types. Readers skip an event that they
# can't fold, so without this check it would be lost silently.
_REQUIRED: dict[str, dict[str, tuple[type | tuple[type, ...], str]]] = {
    "artifact": {"path": ((str, PathLike), "a path")},
    "end": {"status": (str, "a string"), "reason": (Mapping, "a mapping")},
    "git": {},
    "note": {"note": (str, "a string")},
    "result": {"results": (Mapping, "a mapping")},
    "scheduler": {"scheduler": (str, "a string"), "job": (str, "a string")},
    "signal": {"name": (str, "a string")},
    "tag": {"tag": (str, "a string")},
    "untag": {"tag": (str, "a string")},
}
_OF_THE_END = ("status", "exit_status", "reason", "message", "ended", "duration_s")


def utc_now() -> str:
    """Return the time in UTC as ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def parse_time(text: object) -> datetime | None:
    """Return the time of an ISO 8601 text, in UTC if it has no zone; None if it is not one."""
    try:
        time = datetime.fromisoformat(text)  # type: ignore[arg-type]  # or TypeError
        if time.tzinfo is UTC:
            return time
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def as_dict(value: object) -> dict[str, Any]:
    """Return a part of a record if it is a mapping; anyone may have written the record."""
    return value if isinstance(value, dict) else {}


def attempt_of(found: Mapping[str, Any]) -> int:
    """Return the number of the attempt that a record, or an event of the registry, tells of."""
    number = found.get("attempt")
    return number if isinstance(number, int) and number > 1 else 1


def write_record(
    run_dir: Path | OpenDirectory, record: Mapping[str, Any], *, name: str = RECORD_NAME
) -> None:
    """Write the record of a run, whole or not at all; over the earlier one if there is no room.

    Where no new file can be made (a full disk, a directory that the script has closed to writing),
    a record that fits into the room of the earlier one is written in its place.

    Parameters
    ----------
    run_dir : Path or RunDir
        The directory of the run, or that directory held open.
    record : mapping
        The record.
    name : str
        The name of the file.

    Raises
    ------
    OSError
        The record could not be written; the earlier one stands as it was.
    """
    data = dumps(record, indent=2, names=("id", "script", "cwd", "parent")) + b"\n"
    with opened(run_dir) as directory:
        try:
            directory.write(name, data)
        except OSError:
            if not directory.overwrite(name, data):
                raise


def read_record(run_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the record of a run as it was written, with its events folded in.

    `scitex_session_core.read_record` also believes an end that only the registry has.

    Raises
    ------
    RecordError
        There is no record, or it can't be read.
    """
    held = isinstance(run_dir, OpenDirectory)
    for place in [run_dir] if held else possible_places(run_dir):
        path = Path(place) / RECORD_NAME
        try:
            # Events first: if the run moves between the two, its record is missed here, and both
            # are read from where it went.
            events = read_events(place)
            record = json.loads(_content(place, RECORD_NAME))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RecursionError) as error:
            why = getattr(error, "strerror", None) or error  # the path is said already
            raise RecordError(str(path), f"can't be read: {why}") from error
        if not isinstance(record, dict) or not isinstance(record.get("id"), str):
            raise RecordError(str(path), "is not the record of a run: it has no 'id'")
        return fold_events(_with_status_of_folder(record, _folder_of(place)), events)
    raise RecordError(str(Path(run_dir) / RECORD_NAME), "there is no such record")


def current_status(record: Mapping[str, Any], run_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the status of a run now, by its record, its process and its heartbeat.

    `scitex_session_core.current_status` also believes an end that only the registry has.
    """
    status = str(record.get("status", "unknown"))
    if status != "running":
        return status
    if run_dir is None:
        return observed_status(record.get("process"))
    found = observed_status(record.get("process"), locate_run(run_dir))
    if found == "running":
        return found
    if is_job_over(record):
        found = "crashed"
    # The run may have ended after `record` was read, or begun again; or its other ranks go on.
    try:
        later = read_record(run_dir)
    except RecordError:
        return found
    if later["id"] != record.get("id"):
        return found
    if later.get("status") != "running":
        return str(later.get("status"))
    goes_on = "ranks" in later or later.get("attempt") != record.get("attempt")
    return observed(later, locate_run(run_dir)) if goes_on else found


def observed(record: dict[str, Any], run_dir: Path) -> str:
    """Tell the status of a run whose record says that it is running: `observed_status` of it.

    That of a run of several ranks tells all of them.
    """
    if record.get("ranks"):
        from .ranks import observed_ranks, ranks_of  # few runs have any

        if ranks_of(record) is not None:
            return observed_ranks(run_dir, record)
    found = observed_status(record.get("process"), run_dir)
    return "crashed" if found != "running" and is_job_over(record) else found


def is_job_over(record: Mapping[str, Any]) -> bool:
    """Tell whether a scheduler has said that the job of a run is over, which has no end of its own.

    That proves the death of a run whose heart does not beat, from any host. Where a process has
    escaped its job, as it can without control groups, the heart goes on.
    """
    return record.get("status") == "running" and "scheduler" in as_dict(record.get("reason"))


def run_in_archive(place: str | PathLike[str]) -> ArchivedRun | None:
    """Return the run at a place in an archive; None if the place is in none.

    Raises
    ------
    ArchiveError
        The archive is none of ours, is damaged, or holds no such run.
    """
    if archive_of(place) is None:
        return None
    from scitex_session_core._archive_reader import archived_run  # zipfile: few runs are archived

    return archived_run(place)


def _folder_of(place: str | PathLike[str]) -> str:
    archived = run_in_archive(place)
    return Path(place).parent.name if archived is None else archived.folder


def _with_status_of_folder(record: dict[str, Any], folder: str) -> dict[str, Any]:
    # On a full disk the rename may succeed where the last record could not be written.
    if record.get("status") != "running" or folder not in STATUS_OF_FOLDER:
        return record
    status = STATUS_OF_FOLDER[folder]
    return {**record, "status": status, "exit_status": 0 if status == "success" else None}


def append_event(run_dir: str | PathLike[str], event: str, **fields: Any) -> None:
    """Append an event to a run, wherever its directory is by now.

    Parameters
    ----------
    run_dir : path-like
        A run directory, or one that is held open. The run may have ended long ago.
    event : str
        The kind of event: ``artifact``, ``end``, ``git``, ``note``, ``result``, ``scheduler``,
        ``signal``, ``tag`` or ``untag``.
    **fields
        Its fields: for ``artifact`` `path`, `sha256`, `bytes` and `role`, and `run` for an input
        that is a file of another run, with `path` relative to that; for ``end``, of a run
        whose record can't be written any more, the fields of the record that tell its end; for
        ``tag`` and
        ``untag`` `tag`; for ``note`` `note`; for ``result`` `results`, a mapping; for ``signal``
        `signal` and `name`; for ``scheduler`` `scheduler`, `job`, `attempt`, `cause`, and when the
        run `died`; for ``git`` the fields of the record's ``git`` to replace.

    Raises
    ------
    InvalidValueError
        There is no such kind of event, or a field that it must have is missing.
    InvalidTypeError
        A field has the wrong type.
    OSError
        The line could not be written.
    """
    if event not in _REQUIRED:
        raise InvalidValueError("event", event, "one of " + ", ".join(_REQUIRED))
    for name, (kind, allowed) in _REQUIRED[event].items():
        if name not in fields:
            raise InvalidValueError(f"the fields of {event!r}", sorted(fields), f"with {name}")
        if not isinstance(fields[name], kind):
            raise InvalidTypeError(name, fields[name], allowed)
    line = dumps({"event": event, "time": utc_now(), **fields})
    given, run_dir = run_dir, Path(run_dir)
    place = locate_run(run_dir)
    written = False
    if place == run_dir:
        try:
            _append(given, line)
            written = True
        except FileNotFoundError:  # it moved between the look and the append
            if locate_run(run_dir) == run_dir:
                raise
        place = locate_run(run_dir)
        if place == run_dir:
            return
    # It moved. A rename took the line along; a copy may have been complete before the line was
    # there. Wait until the copier has carried over the last events of the old place: a tag must
    # not come to stand behind the untag that followed it.
    with DirectoryLock(place):
        if not written or line not in event_lines(place):
            _append(place, line)


def _append(run_dir: str | PathLike[str], line: bytes) -> None:
    with opened(run_dir) as directory:
        directory.append(EVENTS_NAME, line)


def read_events(run_dir: str | PathLike[str]) -> list[dict[str, Any]]:
    """Return the events of a run in order. Torn lines are skipped."""
    lines = event_lines(run_dir)
    return [event for line in lines if (event := parse_line(line)) is not None]


def event_lines(run_dir: str | PathLike[str]) -> list[bytes]:
    """Return the lines of a run's events, whole and torn."""
    try:
        return _content(run_dir, EVENTS_NAME).split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return []


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object on a line; None if the line is empty, torn or garbage."""
    if not line:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _content(run_dir: str | PathLike[str], name: str) -> bytes:
    """Return the content of a record, or of events. Every file of another run is read here.

    Raises
    ------
    OSError
        There is no such file, or it is none that a run writes: see `read_regular`.
    """
    if (archived := run_in_archive(run_dir)) is not None:
        return archived.read(name, _MOST_BYTES)
    with opened(run_dir) as directory:
        return directory.read(name, _MOST_BYTES)


def fold_events(record: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return `record` with `events` folded in. An event that makes no sense changes nothing.

    For each key the last event wins, so that folding twice changes nothing: the end of a run folds
    its events into the record, and every reader folds them again.
    """
    folded = dict(record)
    unended = record.get("status") == "running"
    attempt = attempt_of(record)
    word: dict[str, Any] | None = None
    artifacts = {_key(a): a for a in _list(record.get("artifacts")) if isinstance(a, dict)}
    tags = dict.fromkeys(tag for tag in _list(record.get("tags")) if isinstance(tag, str))
    for event in events:
        match event:
            case {"event": "artifact", "path": _}:
                artifact = {name: event.get(name) for name in ("path", "sha256", "bytes", "role")}
                artifact.update((n, event[n]) for n in ("run", "modified") if n in event)
                if attempt > 1:
                    artifact["attempt"] = attempt
                artifacts[_key(artifact)] = artifact
            case {"event": "tag", "tag": str(tag)}:
                tags.pop(tag, None)  # the last time counts, or folding twice would reorder
                tags[tag] = None
            case {"event": "untag", "tag": str(tag)}:
                tags.pop(tag, None)
            case {"event": "note", "note": str(note)}:
                folded["note"] = note
            case {"event": "result", "results": dict(results)}:
                folded["results"] = {**as_dict(folded.get("results")), **results}
            case {"event": "signal", "name": str()}:
                folded["stop_asked"] = {n: event.get(n) for n in ("signal", "name", "time")}
            case {"event": "end", "status": str(), "reason": dict()} if unended:
                folded.update((name, event.get(name)) for name in _OF_THE_END)
            case {"event": "git"}:
                folded["git"] = _git_with(as_dict(folded.get("git")), event)
            case {"event": "scheduler", "scheduler": str(), "job": str()}:
                word = event
    # Last, since an ``end`` brings a reason of its own.
    if word and word.get("attempt", 1) == record.get("attempt", 1):
        folded["reason"] = _reason_with(folded, word)
        if folded.get("status") == "running":
            folded["ended"] = word.get("died")
    folded["artifacts"] = list(artifacts.values())
    folded["tags"] = list(tags)
    return folded


def _reason_with(record: Mapping[str, Any], word: Mapping[str, Any]) -> Any:
    """Merge the scheduler's word into the reason of a run that was killed, or may be dead."""
    reason = record.get("reason")
    if record.get("status") == "running":
        reason = {"kind": "crashed", **as_dict(reason)}
    if as_dict(reason).get("kind") not in ("crashed", "lost", "signal", "stopped"):
        return reason  # the run ended by itself after all
    told = ("cause", "scheduler", "job", *(["exit_code"] if word.get("cause") == "FAILED" else []))
    return {**as_dict(reason), **{n: word[n] for n in told if word.get(n) is not None}}


def _git_with(git: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Merge an event into the record's ``git``: what is found is no longer unknown."""
    found = {k: v for k, v in event.items() if k not in ("event", "time", "unknown", "notes")}
    unknown = {k: v for k, v in as_dict(git.get("unknown")).items() if k not in found}
    notes = dict.fromkeys(
        [*map(str, _list(git.get("notes"))), *map(str, _list(event.get("notes")))]
    )
    merged = {**git, **found, "unknown": {**unknown, **as_dict(event.get("unknown"))}}
    if not merged["unknown"]:
        del merged["unknown"]
    if notes:
        merged["notes"] = list(notes)
    if found and "time" in event:
        merged["as_of"] = {**as_dict(git.get("as_of")), **dict.fromkeys(found, event["time"])}
    return merged


def _key(artifact: dict[str, Any]) -> tuple[str, ...]:
    # A file that is read and then written is both an input and an output, and each attempt may
    # have made one of the same name.
    return tuple(str(artifact.get(name)) for name in ("path", "role", "run", "attempt"))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def ended_record(
    record: dict[str, Any],
    *,
    exit_status: int | None,
    reason: Mapping[str, Any],
    message: str = "",
    status: str | None = None,
    ended: str | None = None,
) -> dict[str, Any]:
    """Return `record` with the end of the run.

    Parameters
    ----------
    record : dict
        The record of a running run.
    exit_status : int or None
        The exit status; None if nobody knows it.
    reason : mapping
        Why the run ended, from `outcome`.
    message : str
        The message of the caller.
    status : str, optional
        The status; by default the one that `exit_status` implies.
    ended : str, optional
        When the run ended, in ISO 8601; now by default.

    Notes
    -----
    There is no duration if the end lies before the start: the clock was set back meanwhile. A run
    that measures its time by another clock gives as `ended` its start and that time.
    """
    ended = ended or utc_now()
    return {
        **record,
        "status": status or status_of(exit_status),
        "exit_status": exit_status,
        "reason": dict(reason),
        "message": message,
        "ended": ended,
        "duration_s": _seconds_between(record.get("started"), ended),
    }


def _seconds_between(started: object, ended: str) -> float | None:
    try:
        begin, end = datetime.fromisoformat(str(started)), datetime.fromisoformat(ended)
        seconds = round((end - begin).total_seconds(), 6)
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None
