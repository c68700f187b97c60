"""From the events of a session to what is known of it.

Which events there are decides, not the order in which they are read: files of several machines,
and parts of files, may be read in any order, and give the same sessions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .journal import MADE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeAlias

    Told: TypeAlias = tuple[int, dict[str, Any]]

_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def fold(told: Iterable[Told]) -> dict[str, Any] | None:
    """Return the session that `told` tells of; None where nobody said that it began.

    Parameters
    ----------
    told : iterable of (int, dict)
        All events of one session. Those of one file stand in the file's order.

    Notes
    -----
    - The first creation counts: in one file the one that stands first (the order of appends to a
      file is the only one that two processes agree on), among files the earliest.
    - What a session says of its own end outweighs a crash that others believed to see; otherwise
      the earliest end is the end.
    - What a record said when it was found again counts as the creation, and as the end.
    - What an end says of tags, results and note counts before what is added later or was added
      earlier (clocks of two machines may differ), and a removal takes away what was told before it.
    """
    ends, updates, records = [], [], []
    events = _standing(told)
    for at, _, event in events:
        kind = event.get("event")
        if kind == "close":
            ends.append((at, event))
        elif kind == "update":
            updates.append((at, event))
        elif kind == "record":
            records.append((at, event))
    if records:
        last = max(records, key=_when)
        updates = [update for update in updates if _when(update) > _when(last)]
        found = last[1]
        session = _created(found, moment(found.get("started")))
        take_over(session, found)
        if found.get("status") != "running":
            ends = [(moment(found.get("ended")), found)]
    elif (creation := _creation(events)) is not None:
        _, created = creation
        session = _created(created, moment(created.get("time")))
    else:
        return None
    if len(ends) > 1:
        ends.sort(key=_when)
    for _, event in ends:
        take_over(session, event)
    own = [end for end in ends if end[1].get("status") not in ("crashed", "lost")]
    if ends:
        at, event = (own or ends)[0]
        if event.get("event") == "close":
            at = moment(event.get("time"))
        mark_ended(session, event, at)
    if len(updates) > 1:
        updates.sort(key=_when)
    for _, event in updates:
        _update(session, event)
    return session


def line_of(told: Iterable[Told]) -> object:
    """Return what tells the line that created a session from every other."""
    creation = _creation(_standing(told))
    return creation[1].get("line") if creation else None


def moment(text: object) -> datetime | None:
    """Return the time that `text` tells in ISO 8601, UTC where it names no zone, or None."""
    try:
        time = datetime.fromisoformat(text)  # type: ignore[arg-type]  # or TypeError
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def mark_ended(session: dict[str, Any], event: Mapping[str, Any], at: datetime | None) -> None:
    """Take over the end itself."""
    session["status"] = _text(event.get("status")) or "unknown"
    session["exit_code"] = _integer(event.get("exit_code"))
    session["end_time"] = at
    session["run_dir"] = _text(event.get("run_dir")) or session["run_dir"]


def take_over(session: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Take over what an end, or a record, says besides the end."""
    session["run_dir"] = _text(event.get("run_dir")) or session["run_dir"]
    if isinstance(results := event.get("results"), dict):
        session["results"] = results
    if isinstance(tags := event.get("tags"), list):
        session["tags"] = _texts(tags)
    if isinstance(note := event.get("note"), str):
        session["note"] = note
    if (number := _integer(event.get("artifacts"))) is not None:
        session["artifacts"] = number
    if isinstance(made := event.get(MADE), list):
        session[MADE] = _texts(made)


def _standing(told: Iterable[Told]) -> list[tuple[datetime | None, int, dict[str, Any]]]:
    """Return the events that no removal took away, with their times."""
    events = _in_order(told)
    removed = [at or _NEVER for at, _, event in events if event.get("event") == "remove"]
    if not removed:
        return events
    last = max(removed)
    return [found for found in events if (found[0] or _LONG_AGO) > last]


def _in_order(told: Iterable[Told]) -> list[tuple[datetime | None, int, dict[str, Any]]]:
    """Give events a time by which they can be ordered: within a file, never before the last one.

    A clock may be set back. The order of the lines of one file is known without it.
    """
    events = []
    last: dict[int, datetime] = {}
    for file, event in told:
        at = moment(event.get("time"))
        if at is not None:
            if file in last and at <= last[file]:
                at = min(last[file], _NEVER - _MICROSECOND) + _MICROSECOND
            last[file] = at
        events.append((at, file, event))
    return events


def _creation(
    events: Iterable[tuple[datetime | None, int, dict[str, Any]]],
) -> tuple[datetime | None, dict[str, Any]] | None:
    first_of_file: dict[int, tuple[datetime | None, dict[str, Any]]] = {}
    for at, file, event in events:
        if event.get("event") == "create":
            first_of_file.setdefault(file, (at, event))
    creations = list(first_of_file.values())
    if len(creations) < 2:
        return creations[0] if creations else None
    return min(creations, key=_when)


def _when(found: tuple[datetime | None, dict[str, Any]]) -> tuple[datetime, str]:
    # Two of the same microsecond are told apart by their text, so that all readers agree.
    at, event = found
    return at or _NEVER, repr(sorted(event.items()))


def _created(event: dict[str, Any], at: datetime | None) -> dict[str, Any]:
    process, attempt = event.get("process"), event.get("attempt")
    return {
        "id": event["id"],
        "config": _dict(event.get("config")),
        "status": "running",
        "start_time": at,
        "end_time": None,
        "exit_code": None,
        "script_path": _text(event.get("script_path")),
        "function": _text(event.get("function")),
        "arguments": _dict(event.get("arguments")),
        "results": {},
        "tags": _texts(event.get("tags")),
        "note": "",
        "artifacts": 0,
        MADE: [],
        "parent": _text(event.get("parent")),
        "attempt": 1 if (number := _integer(attempt)) is None else number,
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


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
