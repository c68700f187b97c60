"""Selecting sessions: what has ended by SQL, what has not by looking at it."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

from ._errors import InvalidTypeError, InvalidValueError
from ._fields import FIELDS, check_field, comparable, is_live, values_of
from ._filters import checked
from ._seen import seen_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._filters import Condition
    from ._index import Index


# So many facts of a kind are many.
_MANY = 5000


def select(
    index: Index, filters: Mapping[str, Any] | None, sort: str, limit: int | None
) -> list[dict[str, Any]]:
    """Return the sessions that meet all `filters`, as they are now; see `SessionManager.select`."""
    conditions = checked(filters)
    descending, field = _sorting(sort)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise InvalidTypeError("limit", limit, "an integer of 0 or more, or None")
    if limit is not None and limit < 0:
        raise InvalidValueError("limit", limit, "an integer of 0 or more, or None")
    if not any(condition.live for condition in conditions) and not is_live(field):
        numbers = _numbers(index, conditions, field, descending, limit)
        return [seen_now(session) for session in index.sessions(numbers)]
    # What the journal takes for running may have died or ended: only a look at it tells.
    now = [seen_now(session) for session in index.running()]
    found = [s for s in now if all(condition.matches(s) for condition in conditions)]
    ended = "s.status <> 'running'"
    later = index.sessions(_numbers(index, conditions, field, descending, limit, ended))
    # One that ended between the two looks is in both; the later one is right.
    once = {session["id"]: session for session in (*found, *later)}
    return _sorted(list(once.values()), field, descending)[:limit]


def _sorting(sort: object) -> tuple[bool, str]:
    if not isinstance(sort, str):
        raise InvalidTypeError("sort", sort, "the name of a field, '-' before it for descending")
    return sort.startswith("-"), check_field(sort.removeprefix("-"))


def _numbers(
    index: Index,
    conditions: list[Condition],
    field: str,
    descending: bool,
    limit: int | None,
    *more: str,
) -> list[int]:
    """Return the numbers of the sessions, in order."""
    direction = "DESC" if descending else "ASC"
    where, parameters = list(more), []
    for condition in conditions:
        text, values = condition.sql()
        # Many that match are met soon by going through all in order; the plus keeps SQLite from
        # looking each of them up, and sorting them all.
        where.append(f"+{text}" if limit is not None and _many(index, condition) else text)
        parameters += values
    if field in FIELDS:
        order = f"s.{field} {direction} NULLS LAST, s.id {direction}"
        query = f"SELECT s.n FROM sessions s {_where(where)} ORDER BY {order}"
        return index.numbers(query, parameters, limit)
    # The values stand in order: whoever has one first, and then the others. A session with several
    # comes by the one that is met first.
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


def _many(index: Index, condition: Condition) -> bool:
    if condition.field.startswith("config.") or (fact := condition.fact()) is None:
        return False
    query, parameters = fact
    counted = f"SELECT count(*) FROM ({query} LIMIT {_MANY})"
    return index.numbers(counted, parameters, 1) == [_MANY]


def _where(conditions: list[str]) -> str:
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def _sorted(found: list[dict[str, Any]], field: str, descending: bool) -> list[dict[str, Any]]:
    """Sort as SQLite does: numbers before texts, who has no value last, the same by ID."""
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
