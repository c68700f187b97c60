"""``events.jsonl``: what happened to a run after its record was written.

One line per event, appended by any process at any time: a child that tags the run, a colleague who
adds a note a year later. A record with all of its events folded in is the truth about a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

from ._atomic import append_line
from ._errors import InvalidTypeError, InvalidValueError
from ._exclusive import Exclusive
from ._jsonable import dumps
from ._layout import EVENTS_NAME, whereabouts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
