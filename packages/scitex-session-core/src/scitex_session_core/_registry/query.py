"""Questions to a registry: which sessions meet these filters, and which made this file.

Sessions that have ended are selected by SQL. The journal does not know whether a running session
is still alive, so each of these is looked at.
"""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import eq, ge, gt, le, lt
from pathlib import Path
from typing import NamedTuple

from scitex_session_core._errors import InvalidTypeError, InvalidValueError, RecordError
from scitex_session_core._paths import locate_run
from scitex_session_core._process import observed_status
from scitex_session_core._record.record import read_record

from .fields import FIELDS, check_field, comparable, is_live, values_of
from .fold import parse_time, take_details, take_end
from .journal import MADE, digest_number, is_digest, output_digests, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .fields import Comparable
    from .index import Index

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
# A condition that so many facts meet is met often.
_MANY_FACTS = 5000


def _like(text: str, pattern: str) -> bool:
    """Match as SQLite's LIKE does: with % and _, and without regard to the case of ASCII letters.

    After a mismatch, only the last % takes one more character. A regular expression would try all
    of them, and take for ever over a pattern with ten.
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


class _Operator(NamedTuple):
    """One operator, in Python and in SQL.

    Values of two kinds never match. SQLite however sorts all numbers before all texts, so that a
    comparison needs a bound at '', which is the first text.

    Attributes
    ----------
    holds : callable
        Compares a value of a session with the value of the filter, both of one kind.
    text, number : str
        The same in SQL, for a filter with a text, and with a number. ``{0}`` is the column, and
        ``{1}`` the value, or several for ``in``.
    negated : bool
        Whether the operator holds where this comparison does not.
    """

    holds: Callable[[Any, Any], bool]
    text: str
    number: str
    negated: bool = False


_OPERATORS = {
    "=": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})"),
    "!=": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})", negated=True),
    "<": _Operator(lt, "{0} < {1} AND {0} >= ''", "{0} < {1}"),
    "<=": _Operator(le, "{0} <= {1} AND {0} >= ''", "{0} <= {1}"),
    ">": _Operator(gt, "{0} > {1}", "{0} > {1} AND {0} < ''"),
    ">=": _Operator(ge, "{0} >= {1}", "{0} >= {1} AND {0} < ''"),
    "in": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})"),
    "like": _Operator(_like, "{0} LIKE {1} AND {0} >= ''", ""),
}


class Condition(NamedTuple):
    """A filter that was checked: `field` is compared with one of `values`, which may hold None."""

    field: str
    operator: str
    values: tuple[Comparable | None, ...]

    @property
    def live(self) -> bool:
        """Whether its answer may change while a session runs."""
        return is_live(self.field)

    def matches(self, session: dict[str, Any]) -> bool:
        """Tell whether a session meets it. One of several values of the field is enough."""
        operator, found = _OPERATORS[self.operator], values_of(session, self.field)
        holds = (None in self.values and not found) or any(
            isinstance(value, str) is isinstance(given, str) and operator.holds(value, given)
            for given in self._given()
            for value in found
        )
        return holds is not operator.negated

    def sql(self) -> tuple[str, list[Comparable | None]]:
        """Return it as SQL on the row ``s`` of a session, with the parameters."""
        given = self._given()
        parameters: list[Comparable | None] = [*given]
        if self.field in FIELDS:
            column = f"s.{self.field}"
            condition, absent = self._comparison(column), f"{column} IS NULL"
            more: list[Comparable | None] = []
        else:
            owner = "s.config" if self.field.startswith("config.") else "s.n"
            named = "SELECT owner FROM facts WHERE k = (SELECT k FROM names WHERE name = ?)"
            condition = f"{owner} IN ({named} AND {self._comparison('value')})"
            absent = f"{owner} NOT IN ({named})"
            more = [comparable(self.field)]
            parameters = [*more, *given]
        if None in self.values:
            condition = f"({condition} OR {absent})" if given else absent
            parameters = [*parameters, *more] if given else more
        # With a NULL, a comparison is neither true nor false.
        return f"({condition}) IS NOT TRUE" if self.negated else condition, parameters

    def facts(self) -> tuple[str, list[Comparable | None]] | None:
        """Return a query for the facts that meet it, if only sessions with such a fact do."""
        if self.field in FIELDS or self.negated or None in self.values:
            return None
        named = "k = (SELECT k FROM names WHERE name = ?)"
        query = f"SELECT 1 FROM facts WHERE {named} AND {self._comparison('value')}"
        return query, [comparable(self.field), *self._given()]

    @property
    def negated(self) -> bool:
        """Whether it is met by the sessions that have no such value."""
        return _OPERATORS[self.operator].negated

    def _given(self) -> list[Comparable]:
        return [value for value in self.values if value is not None]

    def _comparison(self, column: str) -> str:
        given, operator = self._given(), _OPERATORS[self.operator]
        text = bool(given) and isinstance(given[0], str)
        return (operator.text if text else operator.number).format(
            column, ", ".join("?" * len(given))
        )


def checked(filters: Mapping[str, Any] | None) -> list[Condition]:
    """Return the conditions of `filters`.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        There is no such field or operator, or the field can't be compared with the value.
    """
    if filters is None:
        return []
    if not isinstance(filters, Mapping):
        raise InvalidTypeError("filters", filters, "a mapping from a field to what it must be")
    if len(filters) > _MOST_FILTERS:
        allowed = f"at most {_MOST_FILTERS} of them"
        raise InvalidValueError("filters", f"{len(filters)} filters", allowed)
    return [_condition(check_field(name), asked) for name, asked in filters.items()]


def _condition(name: str, asked: object) -> Condition:
    operator, value = "=", asked
    if isinstance(asked, tuple):
        allowed = f"a value, or an operator ({', '.join(_OPERATORS)}) and a value"
        if len(asked) != 2 or asked[0] not in _OPERATORS:
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
        value = value.item()  # numpy's scalars are numbers
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
    return index.whole(lambda: _select(index, conditions, field, limit, descending=descending))


def _select(
    index: Index,
    conditions: list[Condition],
    field: str,
    limit: int | None,
    *,
    descending: bool,
) -> list[dict[str, Any]]:
    if not any(condition.live for condition in conditions) and not is_live(field):
        numbers = _numbers(index, conditions, field, descending, limit)
        return [session_now(session) for session in index.sessions(numbers)]
    # A session without an end in the journal may have died or ended: only a look at it tells.
    now = [session_now(session) for session in index.running()]
    found = [s for s in now if all(condition.matches(s) for condition in conditions)]
    ended = "s.status <> 'running'"
    later = index.sessions(_numbers(index, conditions, field, descending, limit, ended))
    # A session that ended between the two looks is in both; the later one is right.
    once = {session["id"]: session for session in (*found, *later)}
    return _sorted(list(once.values()), field, descending)[:limit]


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
        place = locate_run(Path(now["run_dir"])) if record is not None else None
        now["status"] = observed_status(now["process"], place)
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
        # If many sessions match, going through all in order soon meets enough of them. The plus
        # keeps SQLite from looking up and sorting all that match.
        where.append(f"+{text}" if limit is not None and _met_often(index, condition) else text)
        parameters += values
    if field in FIELDS:
        order = f"s.{field} {direction} NULLS LAST, s.id {direction}"
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


def _met_often(index: Index, condition: Condition) -> bool:
    if condition.field.startswith("config.") or (facts := condition.facts()) is None:
        return False
    query, parameters = facts
    counted = f"SELECT count(*) FROM ({query} LIMIT {_MANY_FACTS})"
    return index.numbers(counted, parameters, 1) == [_MANY_FACTS]


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
