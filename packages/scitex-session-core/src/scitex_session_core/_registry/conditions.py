"""Conditions on sessions: checked, and put in SQL and in Python so that both give the same answer.

A tree of conditions consists of plain values: a mapping from fields to what each must be, or a
tuple of ``"and"``, ``"or"`` or ``"not"`` and trees.
"""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from operator import eq, ge, gt, le, lt
from typing import NamedTuple

from scitex_session_core._errors import InvalidTypeError, InvalidValueError

from .fields import FIELDS, STATUSES, check_field, comparable, is_live, near, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    from .fields import Comparable

    Tree: TypeAlias = "Condition | Group"

_LONGEST_PATTERN = 1000
_MOST_ALTERNATIVES = 10_000
_MOST_FILTERS = 100
# SQLite's parser takes conditions that are some 30 deep.
_DEEPEST = 20
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ALLOWED = {
    "text": "a text or None",
    "number": "a number or None",
    "time": "a datetime with a zone, a time in ISO 8601, or None",
    "": "a text, a number, a bool or None",
}


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


_AMONG = "{0} IN (SELECT value FROM json_each({1}))"
_OPERATORS = {
    "=": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})"),
    "!=": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})", negated=True),
    "<": _Operator(lt, "{0} < {1} AND {0} >= ''", "{0} < {1}"),
    "<=": _Operator(le, "{0} <= {1} AND {0} >= ''", "{0} <= {1}"),
    ">": _Operator(gt, "{0} > {1}", "{0} > {1} AND {0} < ''"),
    ">=": _Operator(ge, "{0} >= {1}", "{0} >= {1} AND {0} < ''"),
    "in": _Operator(eq, "{0} IN ({1})", "{0} IN ({1})"),
    "like": _Operator(_like, "{0} LIKE {1} AND {0} >= ''", ""),
    # The values are the texts that the expression matches.
    "~": _Operator(eq, _AMONG, _AMONG),
}
_GROUPS = ("and", "or", "not")


class Condition(NamedTuple):
    """A filter that was checked: `field` is compared with one of `values`, which may hold None.

    Of a regular expression (``~``), `values` holds the expression alone until `resolved` puts the
    texts there that it matches.
    """

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
        given = self._parameters()
        parameters: list[Comparable | None] = [*given]
        if self.field in FIELDS:
            column = f"s.{self.field}"
            condition, absent = self._comparison(column), f"{column} IS NULL"
            more: list[Comparable | None] = []
        else:
            owner = self.owner
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
        if self.field in FIELDS or self.owner == "s.config":
            return None
        if self.negated or None in self.values:
            return None
        named = "k = (SELECT k FROM names WHERE name = ?)"
        query = f"SELECT 1 FROM facts WHERE {named} AND {self._comparison('value')}"
        return query, [comparable(self.field), *self._parameters()]

    def texts(self) -> tuple[str, list[Comparable | None]]:
        """Return a query for the texts that are values of its field in ended sessions."""
        if self.field in ("status", "script", "script_path", "host"):
            # They have an index and few values: go from each to the next, not through all rows.
            following = f"SELECT min({self.field}) FROM sessions WHERE {self.field}"
            step = f"SELECT ({following} > text) FROM texts WHERE text IS NOT NULL"
            texts = f"WITH RECURSIVE texts(text) AS ({following} >= '' UNION ALL {step})"
            return f"{texts} SELECT text FROM texts WHERE text IS NOT NULL", []
        if self.field in FIELDS:
            return f"SELECT DISTINCT {self.field} FROM sessions WHERE {self.field} >= ''", []
        named = "k = (SELECT k FROM names WHERE name = ?)"
        query = f"SELECT DISTINCT value FROM facts WHERE {named} AND value >= ''"
        return query, [comparable(self.field)]

    @property
    def owner(self) -> str:
        """The column with the owner of its facts."""
        return "s.config" if self.field.startswith("config.") else "s.n"

    @property
    def negated(self) -> bool:
        """Whether it is met by the sessions that have no such value."""
        return _OPERATORS[self.operator].negated

    def _given(self) -> list[Comparable]:
        return [value for value in self.values if value is not None]

    def _parameters(self) -> list[Comparable]:
        # A list of texts may be longer than what SQLite takes as parameters.
        given = self._given()
        return [json.dumps(given)] if self.operator == "~" else given

    def _comparison(self, column: str) -> str:
        given, operator = self._parameters(), _OPERATORS[self.operator]
        text = bool(given) and isinstance(given[0], str)
        return (operator.text if text else operator.number).format(
            column, ", ".join("?" * len(given))
        )


class Group(NamedTuple):
    """Conditions of which all (``and``), one (``or``) or none (``not``) must be met."""

    kind: str
    parts: tuple[Tree, ...]

    @property
    def live(self) -> bool:
        """Whether its answer may change while a session runs."""
        return any(part.live for part in self.parts)

    def matches(self, session: dict[str, Any]) -> bool:
        """Tell whether a session meets it."""
        met = (part.matches(session) for part in self.parts)
        if self.kind == "and":
            return all(met)
        return any(met) is (self.kind == "or")

    def sql(self) -> tuple[str, list[Comparable | None]]:
        """Return it as SQL on the row ``s`` of a session, with the parameters."""
        texts, parameters = [], []
        for part in self.parts:
            text, given = part.sql()
            # AND binds more tightly than the OR in a condition.
            texts.append(text if isinstance(part, Group) else f"({text})")
            parameters += given
        if self.kind == "not":
            # With a NULL, a comparison is neither true nor false.
            return f"({texts[0]} IS NOT TRUE)", parameters
        if not texts:
            return ("TRUE" if self.kind == "and" else "FALSE"), []
        return f"({(' AND ' if self.kind == 'and' else ' OR ').join(texts)})", parameters


def leaves_of(tree: Tree) -> Iterator[Condition]:
    """Yield the conditions in a tree."""
    if isinstance(tree, Condition):
        yield tree
    else:
        for part in tree.parts:
            yield from leaves_of(part)


def resolved(tree: Tree, texts: Callable[[Condition], list[str]]) -> Tree:
    """Return a tree whose regular expressions are the texts that they match.

    Parameters
    ----------
    tree : Tree
        Conditions.
    texts : callable
        Returns the texts that the field of a condition has anywhere.

    Raises
    ------
    InvalidValueError
        An expression takes too long.
    """
    if isinstance(tree, Group):
        return Group(tree.kind, tuple(resolved(part, texts) for part in tree.parts))
    if tree.operator != "~":
        return tree
    from .expression import matching

    found = matching(f"the filter on {tree.field}", str(tree.values[0]), texts(tree))
    return tree._replace(values=tuple(found))


def checked(filters: object) -> Group:
    """Return the conditions of `filters`, all of which must be met.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        There is no such field or operator, or the field can't be compared with the value.
    """
    tree = Group("and", ()) if filters is None else _checked(filters, 0)
    if (number := sum(1 for _ in leaves_of(tree))) > _MOST_FILTERS:
        allowed = f"at most {_MOST_FILTERS} of them"
        raise InvalidValueError("filters", f"{number} filters", allowed)
    if isinstance(tree, Group) and tree.kind == "and":
        return tree
    return Group("and", (tree,))


def _checked(filters: object, depth: int) -> Tree:
    if depth > _DEEPEST:
        raise InvalidValueError("filters", "deeper ones", f"at most {_DEEPEST} deep")
    if isinstance(filters, Mapping):
        found = tuple(_condition(check_field(name), asked) for name, asked in filters.items())
        return found[0] if len(found) == 1 else Group("and", found)
    allowed = (
        "a mapping from a field to what it must be, "
        "or a tuple of 'and', 'or' or 'not' and of such filters"
    )
    if not isinstance(filters, tuple):
        raise InvalidTypeError("filters", filters, allowed)
    if not filters or filters[0] not in _GROUPS:
        raise InvalidValueError("filters", filters, allowed)
    kind, *parts = filters
    if kind == "not" and len(parts) != 1:
        raise InvalidValueError("filters", filters, "one filter after 'not'")
    return Group(kind, tuple(_checked(part, depth + 1) for part in parts))


def _condition(name: str, asked: object) -> Condition:
    operator, value = "=", asked
    if isinstance(asked, tuple):
        allowed = f"a value, or an operator ({', '.join(_OPERATORS)}) and a value"
        if len(asked) != 2 or asked[0] not in _OPERATORS:
            raise InvalidValueError(f"the filter on {name}", asked, allowed)
        operator, value = asked
    kind, is_status = FIELDS.get(name, ""), name == "status"
    if operator == "in":
        allowed = f"a list of at most {_MOST_ALTERNATIVES} values"
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise InvalidTypeError(f"the filter on {name}", value, allowed)
        if len(value) > _MOST_ALTERNATIVES:
            raise InvalidValueError(f"the filter on {name}", f"{len(value)} values", allowed)
        values = tuple(_value(name, kind, item) for item in value)
        return Condition(name, operator, tuple(map(_status, values)) if is_status else values)
    checked = _value(name, kind, value)
    if is_status and operator in ("=", "!="):
        checked = _status(checked)
    if checked is None and operator not in ("=", "!="):
        raise InvalidTypeError(f"the filter on {name}", asked, f"a value to be {operator} of")
    if operator == "~":
        return Condition(name, operator, (_expression(name, checked),))
    if operator == "like":
        allowed = f"a text of at most {_LONGEST_PATTERN} characters, % for any, _ for one"
        if not isinstance(checked, str) or kind not in ("text", ""):
            raise InvalidTypeError(f"the filter on {name}", asked, allowed)
        if len(checked) > _LONGEST_PATTERN:
            raise InvalidValueError(f"the filter on {name}", asked, allowed)
    return Condition(name, operator, (checked,))


def _expression(name: str, pattern: object) -> str:
    allowed = f"a regular expression of at most {_LONGEST_PATTERN} characters"
    if not isinstance(pattern, str) or FIELDS.get(name, "text") != "text":
        raise InvalidTypeError(f"the filter on {name}", pattern, allowed)
    if len(pattern) > _LONGEST_PATTERN:
        raise InvalidValueError(f"the filter on {name}", pattern, allowed)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        why = f"a regular expression that Python understands ({error})"
        raise InvalidValueError(f"the filter on {name}", pattern, why) from error
    return pattern


def _value(name: str, kind: str, value: Any) -> Comparable | None:
    if value is None:
        return None
    if hasattr(type(value), "dtype") and getattr(value, "ndim", 1) == 0:
        value = value.item()  # numpy's scalars are numbers
    if kind == "time" and isinstance(value, str):
        value = _time(name, value)
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
    return found


def _time(name: str, text: str) -> datetime:
    """Return a time in ISO 8601; without a zone it is local."""
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError):
        raise InvalidValueError(f"the filter on {name}", text, _ALLOWED["time"]) from None


def _status(status: Comparable | None) -> Comparable | None:
    """Return a status as the index has it.

    Raises
    ------
    InvalidValueError
        No session ever has it.
    """
    if status is None or status in STATUSES:
        return "failed" if status == "error" else status
    allowed = f"one of {', '.join(STATUSES)}"
    raise InvalidValueError("the filter on status", status, allowed, near(status, STATUSES))
