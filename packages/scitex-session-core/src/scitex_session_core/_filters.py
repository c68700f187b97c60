"""Filters on sessions: checked once, then said in SQL or asked of a session in Python."""

# ruff: noqa: S608  # every name in a query is ours; values are parameters

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ._errors import InvalidTypeError, InvalidValueError
from ._fields import FIELDS, check_field, comparable, is_live, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._fields import Comparable

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
