"""Questions to a registry: which sessions meet these filters, and which made this file.

Sessions that have ended are selected by SQL. The journal does not know whether a running session
is still alive, so each of these is looked at.
"""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

from itertools import islice
from pathlib import Path

from scitex_session_core._errors import InvalidTypeError, InvalidValueError, RecordError
from scitex_session_core._paths import locate_run
from scitex_session_core._process import observed_status
from scitex_session_core._record.record import observed, parse_time, read_record

from .conditions import Condition, Group, checked, resolved
from .fields import FIELDS, check_field, comparable, is_live, leaves, values_of
from .fold import take_details, take_end
from .journal import MADE, digest_number, is_digest, output_digests, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .conditions import Tree
    from .index import Index

# A condition that so many facts meet is met often.
_MANY_FACTS = 5000
# So many of the first sessions are looked at before all that match are looked up.
_FIRST_LOOK = 3000


def select(index: Index, filters: object, sort: str, limit: int | None) -> list[dict[str, Any]]:
    """Return the sessions that meet all `filters`, as they are now; see `SessionManager.select`."""
    conditions = checked(filters)
    descending, field = _sorting(sort)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise InvalidTypeError("limit", limit, "an integer of 0 or more, or None")
    if limit is not None and limit < 0:
        raise InvalidValueError("limit", limit, "an integer of 0 or more, or None")
    return index.whole(lambda: _select(index, conditions, field, limit, descending=descending))


def _select(
    index: Index,
    conditions: Group,
    field: str,
    limit: int | None,
    *,
    descending: bool,
) -> list[dict[str, Any]]:
    # A session without an end in the journal may have died or ended: only a look at it tells.
    live = conditions.live or is_live(field)
    now = [session_now(session) for session in index.running()] if live else []
    conditions = _resolved(conditions, index, now)
    if not live:
        numbers = _numbers(index, conditions, field, descending, limit)
        return [session_now(session) for session in index.sessions(numbers)]
    found = [session for session in now if conditions.matches(session)]
    ended = "s.status <> 'running'"
    later = index.sessions(_numbers(index, conditions, field, descending, limit, ended))
    # A session that ended between the two looks is in both; the later one is right.
    once = {session["id"]: session for session in (*found, *later)}
    return _sorted(list(once.values()), field, descending)[:limit]


def _resolved(conditions: Group, index: Index, now: list[dict[str, Any]]) -> Group:
    """Return conditions with each regular expression replaced by the texts that it matches."""

    def texts(condition: Condition) -> list[str]:
        found = dict.fromkeys(index.texts(*condition.texts()))
        for session in now:
            values = values_of(session, condition.field)
            found.update((value, None) for value in values if isinstance(value, str))
        return list(found)

    parts = tuple(resolved(part, texts) for part in conditions.parts)
    return Group(conditions.kind, parts)


def names(index: Index) -> list[str]:
    """Return the dotted names of all values; see `SessionManager.names`."""
    found = dict.fromkeys(index.names())
    for session in map(session_now, index.running()):
        found.update((name, None) for name, _ in leaves("results", session["results"]))
    return list(found)


def makers(index: Index, sha256: object) -> list[dict[str, Any]]:
    """Return the sessions that made a file; see `SessionManager.makers`."""
    allowed = "the SHA-256 of a file, in 64 hexadecimal digits"
    if not isinstance(sha256, str):
        raise InvalidTypeError("sha256", sha256, allowed)
    if not is_digest(sha256.lower()):
        raise InvalidValueError("sha256", sha256, allowed)
    return index.whole(lambda: _makers(index, shortened(sha256.lower())))


def _makers(index: Index, digest: str) -> list[dict[str, Any]]:
    query = "SELECT owner FROM facts WHERE k = (SELECT k FROM names WHERE name = ?) AND value = ?"
    ended = index.sessions(index.numbers(query, [MADE, digest_number(digest)], None))
    # Only its record says what a running session has made.
    running = (session for session in map(session_now, index.running()) if digest in session[MADE])
    found = {session["id"]: session for session in (*running, *map(session_now, ended))}
    return sorted(found.values(), key=_start, reverse=True)


def session_now(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session as it is at this moment; `session` itself if it has ended."""
    if session["status"] != "running":
        return session
    record = _record_of(session)
    now = dict(session)
    if record is not None:
        artifacts = record["artifacts"]
        take_details(now, {**record, "artifacts": len(artifacts), MADE: output_digests(artifacts)})
        if record.get("status") != "running":
            # The record is right: its run was killed, or the disk full, before the end was
            # registered.
            end = {**record, "exit_code": record.get("exit_status"), "run_dir": None}
            take_end(now, end, parse_time(record.get("ended")))
            now["run_dir"] = str(locate_run(Path(now["run_dir"])))
            return now
    if now["process"] is not None:
        # Without its record, the heartbeat in the directory is that of another run.
        if record is None:
            now["status"] = observed_status(now["process"])
        else:
            place = locate_run(Path(now["run_dir"]))
            now["status"] = observed({"process": now["process"], **record}, place)
    return now


def _record_of(session: dict[str, Any]) -> dict[str, Any] | None:
    if session["run_dir"] is None:
        return None
    try:
        record = read_record(Path(session["run_dir"]))
    except (RecordError, ValueError):  # ValueError: a garbage line may hold a path with a NUL
        return None
    return record if record["id"] == session["id"] else None  # an sdir that was used again


def _start(session: dict[str, Any]) -> tuple[float, str]:
    start = session["start_time"]
    return start.timestamp() if start else 0.0, session["id"]


def _sorting(sort: object) -> tuple[bool, str]:
    if not isinstance(sort, str):
        raise InvalidTypeError("sort", sort, "the name of a field, '-' before it for descending")
    return sort.startswith("-"), check_field(sort.removeprefix("-"))


def _numbers(
    index: Index,
    conditions: Group,
    field: str,
    descending: bool,
    limit: int | None,
    *more: str,
) -> list[int]:
    """Return the numbers of the sessions, in order."""
    direction = "DESC" if descending else "ASC"
    order = f"s.{field} {direction} NULLS LAST, s.id {direction}" if field in FIELDS else ""
    if limit is not None and order:
        found = _first(index, conditions, order, limit, *more)
        if found is not None:
            return found
    where, parameters = list(more), []
    for part in conditions.parts:
        text, values = part.sql()
        # If many sessions match, going through all in order soon meets enough of them. The plus
        # keeps SQLite from looking up and sorting all that match.
        often = limit is not None and _is_fact(part) and not _is_rare(index, part)
        where.append(f"+{text}" if often else text)
        parameters += values
    if order:
        query = f"SELECT s.n FROM sessions s {_where(where)} ORDER BY {order}"
        return index.numbers(query, parameters, limit)
    # Facts are in the order of their values: first the sessions that have one, then the others. A
    # session with several values comes at the first.
    name, owner = comparable(field), "s.config" if field.startswith("config.") else "s.n"
    key = "(SELECT k FROM names WHERE name = ?)"
    query = (
        f"SELECT s.n FROM facts f CROSS JOIN sessions s ON f.owner = {owner} "
        f"{_where([f'f.k = {key}', *where])} ORDER BY f.value {direction}, s.id {direction}"
    )
    found = index.numbers(query, [name, *parameters], limit)
    if limit is None or len(found) < limit:
        without = f"{owner} NOT IN (SELECT owner FROM facts WHERE k = {key})"
        query = f"SELECT s.n FROM sessions s {_where([without, *where])} ORDER BY s.id {direction}"
        rest = None if limit is None else limit - len(found)
        found += index.numbers(query, [name, *parameters], rest)
    return found


def _first(index: Index, conditions: Group, order: str, limit: int, *more: str) -> list[int] | None:
    """Return the numbers of the first sessions; None if a few thousand of them do not tell.

    SQL would look up all that meet a condition, be it half of a million, before it gives the first.
    So it gives those that meet the rare conditions, or the first few thousand of all, and these
    are looked at.
    """
    where, parameters = list(more), []
    looked_up = any_rare = False
    for part in conditions.parts:
        is_rare = _is_rare(index, part)
        looked_up = looked_up or isinstance(part, Group) or _is_fact(part)
        any_rare = any_rare or is_rare
        if is_rare or (isinstance(part, Condition) and not _is_fact(part)):
            text, values = part.sql()
            where.append(text)
            parameters += values
    if not looked_up or not (any_rare or order.startswith("s.start_time")):
        return None
    if any_rare and len(conditions.parts) == 1:
        return None  # SQL looks up the same
    query = f"SELECT s.n FROM sessions s {_where(where)} ORDER BY {order}"
    first = index.numbers(query, parameters, None if any_rare else _FIRST_LOOK)
    met = (number for number, session in index.numbered(first) if conditions.matches(session))
    found = [*islice(met, limit)]
    return found if len(found) == limit or any_rare or len(first) < _FIRST_LOOK else None


def _is_fact(tree: Tree) -> bool:
    return isinstance(tree, Condition) and tree.field not in FIELDS


def _is_rare(index: Index, tree: Tree) -> bool:
    """Tell whether so few facts meet a condition that looking these up pays."""
    if isinstance(tree, Group):
        rare = (_is_rare(index, part) for part in tree.parts)
        return any(rare) if tree.kind == "and" else tree.kind == "or" and all(rare)
    if (facts := tree.facts()) is None:
        return False
    query, parameters = facts
    counted = f"SELECT count(*) FROM ({query} LIMIT {_MANY_FACTS})"
    return index.numbers(counted, parameters, 1) != [_MANY_FACTS]


def _where(conditions: list[str]) -> str:
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def _sorted(found: list[dict[str, Any]], field: str, descending: bool) -> list[dict[str, Any]]:
    """Sort as SQLite does: numbers before texts, no value last, equal values by ID."""
    keyed, without = [], []
    for session in found:
        keys = [(isinstance(value, str), value) for value in values_of(session, field)]
        if keys:
            keyed.append((max(keys) if descending else min(keys), session["id"], session))
        else:
            without.append((session["id"], session))
    keyed.sort(key=lambda item: item[:2], reverse=descending)
    without.sort(key=lambda item: item[0], reverse=descending)
    return [session for *_, session in keyed] + [session for _, session in without]
