"""``session.json``: the record of a run, its source of truth."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from scitex_session_core._atomic import append_line, overwrite, write_atomic
from scitex_session_core._errors import InvalidTypeError, InvalidValueError, RecordError
from scitex_session_core._paths import (
    EVENTS_NAME,
    RECORD_NAME,
    STATUS_IN,
    Exclusive,
    places,
    whereabouts,
)
from scitex_session_core._process import life

from .masker import dumps
from .outcome import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = 1


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


def _by_directory(record: dict[str, Any], place: Path) -> dict[str, Any]:
    # The rename came through and the last record did not: the disk was full.
    if record.get("status") != "running" or place.parent.name not in STATUS_IN:
        return record
    status = STATUS_IN[place.parent.name]
    return {**record, "status": status, "exit_status": 0 if status == "success" else None}


# What each kind of event can't do without, and of what type: readers skip what they can't fold, so
# that it would be lost without a word.
_NEEDED: dict[str, dict[str, tuple[type | tuple[type, ...], str]]] = {
    "artifact": {"path": ((str, PathLike), "a path")},
    "git": {},
    "note": {"note": (str, "a string")},
    "result": {"results": (Mapping, "a mapping")},
    "tag": {"tag": (str, "a string")},
    "untag": {"tag": (str, "a string")},
}


def utc_now() -> str:
    """Return the time in UTC as ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def append_event(run_dir: str | PathLike[str], event: str, **fields: Any) -> None:
    """Append one event to the run in `run_dir`, or where that has moved to.

    Parameters
    ----------
    run_dir : path-like
        A run directory; it may have ended long ago.
    event : {"artifact", "git", "note", "result", "tag", "untag"}
        What happened. ``artifact`` takes `path`, `sha256`, `bytes` and `role`; ``tag`` and
        ``untag`` take `tag`; ``note`` takes `note`; ``result`` takes `results`, a mapping;
        ``git`` takes the fields of the record's ``git`` to replace.
    **fields
        What belongs to it.

    Raises
    ------
    InvalidValueError
        No such kind of event, or what it is about is missing.
    InvalidTypeError
        What it is about has another type than that needs.
    OSError
        The line could not be written.
    """
    if event not in _NEEDED:
        raise InvalidValueError("event", event, "one of " + ", ".join(_NEEDED))
    for name, (kind, allowed) in _NEEDED[event].items():
        if name not in fields:
            raise InvalidValueError(f"the fields of {event!r}", sorted(fields), f"with {name}")
        if not isinstance(fields[name], kind):
            raise InvalidTypeError(name, fields[name], allowed)
    line = dumps({"event": event, "time": utc_now(), **fields})
    told = Path(run_dir)
    place = whereabouts(told)
    written = False
    if place == told:
        try:
            append_line(told / EVENTS_NAME, line)
            written = True
        except FileNotFoundError:  # it moved between the look and the append
            if whereabouts(told) == told:
                raise
        place = whereabouts(told)
        if place == told:
            return
    # It has moved. A rename took the line along; a copy may have been complete before the line was
    # there. And what the old place had to the last is carried over first: a tag must not come to
    # stand behind the untag that followed it.
    with Exclusive(place):
        if not written or line not in event_lines(place):
            append_line(place / EVENTS_NAME, line)


def read_events(run_dir: Path) -> list[dict[str, Any]]:
    """Return the events of a run in order; lines that a crash tore are skipped."""
    lines = event_lines(run_dir)
    return [event for line in lines if (event := parse_line(line)) is not None]


def event_lines(run_dir: Path) -> list[bytes]:
    """Return what was appended to the events of a run, line by line, torn or not."""
    try:
        return (run_dir / EVENTS_NAME).read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return []


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the object on a line, or None for one that is empty, torn or garbage."""
    if not line:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def fold_events(record: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return `record` with `events` folded in; one that says nothing sensible changes nothing.

    Per key the last event wins, so that folding twice changes nothing: a record that was folded at
    its close is folded again by whoever reads it after a later tag.
    """
    folded = dict(record)
    artifacts = {_key(a): a for a in _list(record.get("artifacts")) if isinstance(a, dict)}
    tags = dict.fromkeys(tag for tag in _list(record.get("tags")) if isinstance(tag, str))
    for event in events:
        match event:
            case {"event": "artifact", "path": _}:
                artifact = {name: event.get(name) for name in ("path", "sha256", "bytes", "role")}
                artifacts[_key(artifact)] = artifact
            case {"event": "tag", "tag": str(tag)}:
                tags.pop(tag, None)  # by the last time it was given, or folding twice reorders
                tags[tag] = None
            case {"event": "untag", "tag": str(tag)}:
                tags.pop(tag, None)
            case {"event": "note", "note": str(note)}:
                folded["note"] = note
            case {"event": "result", "results": dict(results)}:
                folded["results"] = {**_dict(folded.get("results")), **results}
            case {"event": "git"}:
                told = {k: v for k, v in event.items() if k not in ("event", "time")}
                folded["git"] = {**_dict(folded.get("git")), **told}
    folded["artifacts"] = list(artifacts.values())
    folded["tags"] = list(tags)
    return folded


def _key(artifact: dict[str, Any]) -> tuple[str, str]:
    # A file that was read and then written again is an input and an output.
    return str(artifact.get("path")), str(artifact.get("role"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


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
    """Return `record` of a run that ended.

    Parameters
    ----------
    record : dict
        As it began.
    exit_status : int or None
        None where nobody knows.
    reason : mapping
        Why it ended, from `outcome`.
    message : str
        A word of the caller.
    status : str, optional
        What `exit_status` says, by default.
    ended : str, optional
        When, in ISO 8601; now by default.
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
        return round((end - begin).total_seconds(), 6)
    except (ValueError, TypeError):
        return None
