"""Folds the events of a session, as the journal has them, into one session.

The order of reading does not matter: files of several machines, and parts of files, may be read in
any order and give the same sessions.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from scitex_session_core._record.record import as_dict, attempt_of, parse_time

from .journal import MADE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    # The number of a file of the journal, and an event in it.
    Entry: TypeAlias = tuple[int, dict[str, Any]]
    # An event, and the time by which it is ordered.
    Timed: TypeAlias = tuple[datetime | None, dict[str, Any]]

_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_SHORT_LIVES = (["create"], ["create", "close"])
_TIMES = ("start_time", "end_time")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def fold(entries: Iterable[Entry]) -> dict[str, Any] | None:
    """Return the session of these events; None if its creation is not among them.

    Parameters
    ----------
    entries : iterable of (int, dict)
        All events of one session, each with the number of its file. Those of one file are in the
        order of the file.

    Notes
    -----
    - The highest attempt counts. Of an earlier one, only the files that it made are kept: a crash
      of it that is filed late changes nothing.
    - The first creation counts: within a file the first line (the order of appends to one file is
      the only order on which two processes agree), among files the earliest.
    - The end that a session registers itself wins over a crash that others registered. Otherwise
      the earliest end counts.
    - A record that was found again replaces the creation and the end.
    - Tags, results and note of an end are applied before all updates, whenever these were appended:
      clocks of two machines may differ. A removal cancels all events before it.
    """
    entries = [*entries]
    kinds = [event.get("event") for _, event in entries[:3]]
    if kinds in _SHORT_LIVES and attempt_of(entries[0][1]) == attempt_of(entries[-1][1]):
        # Nearly all: what the order of many events decides is decided already.
        session = _created(entries[0][1], parse_time(entries[0][1].get("time")))
        for _, end in entries[1:]:
            take_details(session, end)
            take_end(session, end, parse_time(end.get("time")))
        return session
    ends, updates, records, earlier = [], [], [], []
    events = _after_removals(entries)
    last_attempt = max((attempt_of(event) for _, _, event in events), default=1)
    for at, _, event in events:
        kind = event.get("event")
        if kind == "update":
            updates.append((at, event))
        elif attempt_of(event) < last_attempt:
            earlier.append((at, event))
        elif kind == "close":
            ends.append((at, event))
        elif kind == "record":
            records.append((at, event))
    if records:
        last = max(records, key=_when)
        updates = [update for update in updates if _when(update) > _when(last)]
        found = last[1]
        session = _created(found, parse_time(found.get("started")))
        take_details(session, found)
        if found.get("status") != "running":
            ends = [(parse_time(found.get("ended")), found)]
    elif (creation := _creation(events, last_attempt)) is not None:
        _, created = creation
        session = _created(created, parse_time(created.get("time")))
        if last_attempt > 1:  # which began with the tags and the note of then, and without results
            updates = [update for update in updates if _when(update) > _when(creation)]
    else:
        return None
    if len(ends) > 1:
        ends.sort(key=_when)
    for _, event in sorted(earlier, key=_when):
        take_files(session, event)
    for _, event in ends:
        take_details(session, event)
    own = [end for end in ends if end[1].get("status") not in ("crashed", "lost")]
    if ends:
        at, event = (own or ends)[0]
        if event.get("event") == "close":
            at = parse_time(event.get("time"))
        take_end(session, event, at)
    if len(updates) > 1:
        updates.sort(key=_when)
    for _, event in updates:
        _update(session, event)
    return session


class Folded:
    """A session with many events, and what the next event needs to know of them.

    To fold thousands of events for each one that is added would slow down with their number. An
    update that is later than all events so far is added to their session alone.

    Parameters
    ----------
    session : dict
        The session.
    token : object
        The unique token of the journal line that created it.
    latest : datetime
        The latest time of an event; the end of time if the time of one is not known.
    by_file : dict
        The latest time in each file of the journal.

    Attributes
    ----------
    session, token
        As they were given.
    """

    __slots__ = ("_by_file", "_latest", "session", "token")

    def __init__(
        self, session: dict[str, Any], token: object, latest: datetime, by_file: dict[int, datetime]
    ) -> None:
        self.session = session
        self.token = token
        self._latest = latest
        self._by_file = by_file

    @classmethod
    def of(cls, session: dict[str, Any], entries: Sequence[Entry]) -> Folded:
        """Return the session that `fold` made of these events."""
        by_file: dict[int, datetime] = {}
        latest = _LONG_AGO
        for at, file, _ in _with_times(entries):
            latest = max(latest, at or _NEVER)
            if at is not None:
                by_file[file] = at
        return cls(session, creation_token(entries), latest, by_file)

    def with_updates(self, entries: Iterable[Entry]) -> Folded | None:
        """Return it with these events; None if all of its events are needed to tell."""
        session, latest, by_file = self.session, self._latest, dict(self._by_file)
        for file, event in entries:
            at = _later(parse_time(event.get("time")), by_file.get(file))
            if event.get("event") != "update" or at is None or at <= latest:
                return None
            latest = by_file[file] = at
            session = dict(session)
            _update(session, event)
        return Folded(session, self.token, latest, by_file)

    def dumps(self) -> str:
        """Return it as text."""
        found = ((name, self.session[name]) for name in _TIMES)
        times = {name: at and at.isoformat() for name, at in found}
        by_file = {file: at.isoformat() for file, at in self._by_file.items()}
        parts = [{**self.session, **times}, self.token, self._latest.isoformat(), by_file]
        return json.dumps(parts)

    @classmethod
    def loads(cls, text: str) -> Folded:
        """Return what `dumps` returned.

        Raises
        ------
        ValueError, TypeError, KeyError, AttributeError
            The text is damaged.
        """
        session, token, latest, by_file = json.loads(text)
        for name in _TIMES:
            if session[name] is not None:
                session[name] = datetime.fromisoformat(session[name])
        times = {int(file): datetime.fromisoformat(at) for file, at in by_file.items()}
        return cls(session, token, datetime.fromisoformat(latest), times)


def creation_token(entries: Iterable[Entry]) -> object:
    """Return the unique token of the journal line that created the session."""
    creation = _creation(_after_removals(entries))
    return creation[1].get("line") if creation else None


def take_end(session: dict[str, Any], event: Mapping[str, Any], at: datetime | None) -> None:
    """Copy status, exit code and place of an end into `session`."""
    session["status"] = _text(event.get("status")) or "unknown"
    session["exit_code"] = _integer(event.get("exit_code"))
    session["end_time"] = at
    session["run_dir"] = _text(event.get("run_dir")) or session["run_dir"]


def take_details(session: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Copy results, tags, note and artifacts of an end, or of a record, into `session`."""
    session["run_dir"] = _text(event.get("run_dir")) or session["run_dir"]
    if isinstance(results := event.get("results"), dict):
        session["results"] = results
    if isinstance(tags := event.get("tags"), list):
        session["tags"] = _texts(tags)
    if isinstance(note := event.get("note"), str):
        session["note"] = note
    take_files(session, event)


def take_files(session: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Copy the number of artifacts, and the digests of the files made, into `session`."""
    if (number := _integer(event.get("artifacts"))) is not None:
        session["artifacts"] = number
    if isinstance(made := event.get(MADE), list):
        session[MADE] = _texts(made)


def _after_removals(
    entries: Iterable[Entry],
) -> list[tuple[datetime | None, int, dict[str, Any]]]:
    """Return the events after the last removal, with their times and files."""
    events = _with_times(entries)
    removed = [at or _NEVER for at, _, event in events if event.get("event") == "remove"]
    if not removed:
        return events
    last = max(removed)
    return [found for found in events if (found[0] or _LONG_AGO) > last]


def _with_times(entries: Iterable[Entry]) -> list[tuple[datetime | None, int, dict[str, Any]]]:
    """Return the events with times that keep the order within each file.

    A clock may be set back, but the order of the lines of one file is known without it.
    """
    events = []
    last: dict[int, datetime] = {}
    for file, event in entries:
        at = _later(parse_time(event.get("time")), last.get(file))
        if at is not None:
            last[file] = at
        events.append((at, file, event))
    return events


def _later(at: datetime | None, last: datetime | None) -> datetime | None:
    """Return the time of a line, or a moment after that of the line before it if that is later."""
    if at is None or last is None or at > last:
        return at
    return min(last, _NEVER - _MICROSECOND) + _MICROSECOND


def _creation(
    events: Iterable[tuple[datetime | None, int, dict[str, Any]]], attempt: int | None = None
) -> Timed | None:
    first_of_file: dict[int, Timed] = {}
    for at, file, event in events:
        if event.get("event") == "create" and attempt in (None, attempt_of(event)):
            first_of_file.setdefault(file, (at, event))
    creations = list(first_of_file.values())
    if len(creations) < 2:
        return creations[0] if creations else None
    return min(creations, key=_when)


def _when(timed: Timed) -> tuple[datetime, str]:
    # Events of the same microsecond are ordered by their text, so that all readers agree.
    at, event = timed
    return at or _NEVER, repr(sorted(event.items()))


def _created(event: dict[str, Any], at: datetime | None) -> dict[str, Any]:
    process, sweep = event.get("process"), event.get("sweep")
    return {
        "id": event["id"],
        "config": as_dict(event.get("config")),
        "status": "running",
        "start_time": at,
        "end_time": None,
        "exit_code": None,
        "script_path": _text(event.get("script_path")),
        "function": _text(event.get("function")),
        "arguments": as_dict(event.get("arguments")),
        "env": as_dict(event.get("env")),
        "results": {},
        "tags": _texts(event.get("tags")),
        "note": _text(event.get("note")) or "",
        "artifacts": 0,
        MADE: [],
        "parent": _text(event.get("parent")),
        "attempt": attempt_of(event),
        "sweep": sweep if isinstance(sweep, dict) else None,
        "run_dir": _text(event.get("run_dir")),
        "process": process if isinstance(process, dict) else None,
    }


def _update(session: dict[str, Any], event: Mapping[str, Any]) -> None:
    tags = dict.fromkeys(session["tags"])
    if isinstance(tag := event.get("untag"), str):
        tags.pop(tag, None)
    if isinstance(tag := event.get("tag"), str):
        tags[tag] = None
    session["tags"] = list(tags)
    if isinstance(note := event.get("note"), str):
        session["note"] = note
    if isinstance(results := event.get("results"), dict):
        session["results"] = {**session["results"], **results}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
