"""Filters on sessions: checked once, then said in SQL or asked of a session in Python."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from scitex_session_core._errors import InvalidTypeError, InvalidValueError, RecordError
from scitex_session_core._paths import whereabouts
from scitex_session_core._process import life
from scitex_session_core._record.record import read_record

from .fields import FIELDS, check_field, comparable, is_live, values_of
from .fold import mark_ended, moment, take_over
from .journal import MADE, as_fact, is_digest, kept_of, made_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .fields import Comparable
    from .index import Index

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "like")
_LONGEST_PATTERN = 1000
_MOST_ALTERNATIVES = 10_000
_MOST_FILTERS = 100
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ALLOWED = {
    "text": "a text or None",
    "number": "a number or None",
    "time": "a datetime with a zone, or None",
    "": "a text, a number, a bool or None",
}


class Condition(NamedTuple):
    """One filter, checked. `values` are what the field is compared with; one, unless for `in`."""

    field: str
    operator: str
    values: tuple[Comparable | None, ...]

    @property
    def live(self) -> bool:
        """Whether it asks for what may change while a session runs."""
        return is_live(self.field)

    def matches(self, session: dict[str, Any]) -> bool:
        """Tell whether it holds for a session: for any of the field's values, if it has several."""
        found = values_of(session, self.field)
        if self.operator == "!=":
            return not _among(found, self.values)
        if self.operator in ("=", "in"):
            return _among(found, self.values)
        (value,) = self.values
        if self.operator == "like":
            return any(isinstance(v, str) and _like(v, str(value)) for v in found)
        return any(_compare(v, self.operator, value) for v in found)

    def sql(self) -> tuple[str, list[Comparable | None]]:
        """Return a condition on the row ``s`` of a session, and its parameters."""
        if self.field in FIELDS:
            return self._on(f"s.{self.field}")
        owner = "s.config" if self.field.startswith("config.") else "s.n"
        named = "SELECT owner FROM facts WHERE k = (SELECT k FROM names WHERE name = ?)"
        name = comparable(self.field)
        within = [v for v in self.values if v is not None]
        if self.operator in ("=", "in", "!="):
            marks = ", ".join("?" * len(within))
            having = f"{owner} IN ({named} AND value IN ({marks}))"
            parameters: list[Comparable | None] = [name, *within]
            if None in self.values:
                having = f"({having} OR {owner} NOT IN ({named}))"
                parameters.append(name)
            return (f"NOT {having}" if self.operator == "!=" else having), parameters
        condition, parameters = self._on("value")
        return f"{owner} IN ({named} AND {condition})", [name, *parameters]

    def fact(self) -> tuple[str, list[Comparable | None]] | None:
        """Return the part of `sql` that looks for facts, where it asks for some that are there."""
        if self.field in FIELDS or self.operator == "!=" or None in self.values:
            return None
        condition, parameters = self._on("value")
        named = "k = (SELECT k FROM names WHERE name = ?)"
        query = f"SELECT 1 FROM facts WHERE {named} AND {condition}"
        return query, [comparable(self.field), *parameters]

    def _on(self, column: str) -> tuple[str, list[Comparable | None]]:
        value = self.values[0] if self.values else None
        if self.operator == "in":
            within = [v for v in self.values if v is not None]
            listed = f"{column} IN ({', '.join('?' * len(within))})"
            return (f"({listed} OR {column} IS NULL)" if None in self.values else listed), [*within]
        if self.operator in ("=", "!="):
            return f"{column} {'IS NOT' if self.operator == '!=' else 'IS'} ?", [value]
        # SQLite sorts numbers before texts: without a bound, every text would be above a number.
        if self.operator == "like" or (self.operator in ("<", "<=") and isinstance(value, str)):
            return f"{column} {self.operator.upper()} ? AND {column} >= ''", [value]
        if self.operator in (">", ">=") and not isinstance(value, str):
            return f"{column} {self.operator} ? AND {column} < ''", [value]
        return f"{column} {self.operator} ?", [value]


def checked(filters: Mapping[str, Any] | None) -> list[Condition]:
    """Return the conditions that `filters` lays down.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        There is no such field or operator, or the value is none that it can be compared with.
    """
    if filters is None:
        return []
    from collections.abc import Mapping

    if not isinstance(filters, Mapping):
        raise InvalidTypeError("filters", filters, "a mapping from a field to what it must be")
    if len(filters) > _MOST_FILTERS:
        allowed = f"at most {_MOST_FILTERS} of them"
        raise InvalidValueError("filters", f"{len(filters)} filters", allowed)
    return [_condition(check_field(name), asked) for name, asked in filters.items()]


def _condition(name: str, asked: object) -> Condition:
    operator, value = "=", asked
    if isinstance(asked, tuple):
        allowed = f"a value, or an operator ({', '.join(OPERATORS)}) and a value"
        if len(asked) != 2 or asked[0] not in OPERATORS:
            raise InvalidValueError(f"the filter on {name}", asked, allowed)
        operator, value = asked
    kind = FIELDS.get(name, "")
    if operator == "in":
        allowed = f"a list of at most {_MOST_ALTERNATIVES} values"
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise InvalidTypeError(f"the filter on {name}", value, allowed)
        if len(value) > _MOST_ALTERNATIVES:
            raise InvalidValueError(f"the filter on {name}", f"{len(value)} values", allowed)
        return Condition(name, operator, tuple(_value(name, kind, item) for item in value))
    checked = _value(name, kind, value)
    if checked is None and operator not in ("=", "!="):
        raise InvalidTypeError(f"the filter on {name}", asked, f"a value to be {operator} of")
    if operator == "like":
        allowed = f"a text of at most {_LONGEST_PATTERN} characters, % for any, _ for one"
        if not isinstance(checked, str) or kind not in ("text", ""):
            raise InvalidTypeError(f"the filter on {name}", asked, allowed)
        if len(checked) > _LONGEST_PATTERN:
            raise InvalidValueError(f"the filter on {name}", asked, allowed)
    return Condition(name, operator, (checked,))


def _value(name: str, kind: str, value: Any) -> Comparable | None:
    if value is None:
        return None
    if hasattr(type(value), "dtype") and getattr(value, "ndim", 1) == 0:
        value = value.item()  # numpy's scalars are numbers, too
    fits = {
        "text": isinstance(value, str),
        "number": isinstance(value, (int, float)),
        "time": isinstance(value, datetime) and value.utcoffset() is not None,
        "": isinstance(value, (str, int, float)),
    }
    if not fits[kind]:
        raise InvalidTypeError(f"the filter on {name}", value, _ALLOWED[kind])
    found = comparable(value)
    if found is None:
        raise InvalidValueError(f"the filter on {name}", value, _ALLOWED[kind])
    return "failed" if name == "status" and found == "error" else found


def _among(found: list[Comparable], values: tuple[Comparable | None, ...]) -> bool:
    return any(value in found for value in values if value is not None) or (
        None in values and not found
    )


def _compare(found: Any, operator: str, value: Any) -> bool:
    if isinstance(found, str) is not isinstance(value, str):
        return False
    if found == value:
        return operator in ("<=", ">=")
    return bool(found > value) is (operator in (">", ">="))


def _like(text: str, pattern: str) -> bool:
    """Match as SQLite does: % and _, and no difference between the cases of ASCII letters.

    The last % takes up what was matched too early. A regular expression would try all of them, and
    take for ever over a pattern with ten.
    """
    text, pattern = text.translate(_LOWER), pattern.translate(_LOWER)
    at = begun = taken = 0
    star = -1
    while at < len(text):
        if begun < len(pattern) and pattern[begun] == "%":
            star, taken = begun, at
            begun += 1
        elif begun < len(pattern) and pattern[begun] in ("_", text[at]):
            at, begun = at + 1, begun + 1
        elif star >= 0:
            taken += 1
            at, begun = taken, star + 1
        else:
            return False
    return not pattern[begun:].strip("%")


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


def seen_now(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session as it is at this moment, `session` itself where it has ended."""
    if session["status"] != "running":
        return session
    record = _record_of(session)
    now = dict(session)
    if record is not None:
        artifacts = record["artifacts"]
        take_over(now, {**record, "artifacts": len(artifacts), MADE: made_by(artifacts)})
        if record.get("status") != "running":
            # The record is right: its run was killed, or the disk full, before the journal heard.
            end = {**record, "exit_code": record.get("exit_status"), "run_dir": None}
            mark_ended(now, end, moment(record.get("ended")))
            now["run_dir"] = str(whereabouts(Path(now["run_dir"])))
            return now
    if now["process"] is not None:
        # Without its record there, a directory's heart is that of another run.
        place = whereabouts(Path(now["run_dir"])) if record is not None else None
        now["status"] = life(now["process"], place)
    return now


def _record_of(session: dict[str, Any]) -> dict[str, Any] | None:
    if session["run_dir"] is None:
        return None
    try:
        record = read_record(Path(session["run_dir"]))
    except (RecordError, ValueError):  # no path can hold a NUL, and a garbage line can
        return None
    return record if record["id"] == session["id"] else None  # an sdir that was used again


def makers(index: Index, sha256: object) -> list[dict[str, Any]]:
    """Return the sessions that made a file; see `SessionManager.makers`."""
    allowed = "the SHA-256 of a file, in 64 hexadecimal digits"
    if not isinstance(sha256, str):
        raise InvalidTypeError("sha256", sha256, allowed)
    if not is_digest(sha256.lower()):
        raise InvalidValueError("sha256", sha256, allowed)
    kept = kept_of(sha256.lower())
    query = "SELECT owner FROM facts WHERE k = (SELECT k FROM names WHERE name = ?) AND value = ?"
    told = index.sessions(index.numbers(query, [MADE, as_fact(kept)], None))
    # What a session that goes on has made, its record alone says.
    going = (session for session in map(seen_now, index.running()) if kept in session[MADE])
    found = {session["id"]: session for session in (*going, *map(seen_now, told))}
    return sorted(found.values(), key=_newest, reverse=True)


def _newest(session: dict[str, Any]) -> tuple[float, str]:
    start = session["start_time"]
    return start.timestamp() if start else 0.0, session["id"]
