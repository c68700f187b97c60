"""The query language: its grammar, its names and values, and what they ask the registry for."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple, cast

from scitex_session._errors import QueryError, UsageError
from scitex_session._suggest import did_you_mean, suggest
from scitex_session_core import STATUSES, InvalidValueError, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeAlias

    from lark import Lark

    from scitex_session_core import SessionManager

    # A comparison, or a tuple of "and", "or" or "not" and of such trees.
    Tree: TypeAlias = "Comparison | tuple[Any, ...]"
    # Conditions in the form of `SessionManager.select`.
    Conditions: TypeAlias = dict[str, Any] | tuple[Any, ...]

_GRAMMAR = r"""
?start: either
?either: all_of (_OR all_of)*
?all_of: maybe_not (_AND? maybe_not)*
?maybe_not: _NOT maybe_not -> negation
    | "(" either ")"
    | name OPERATOR (WORD | QUOTED) -> comparison
name: (NAME | QUOTED) ("." (NAME | QUOTED))*

_AND.2: /and(?![\w.-])/i
_OR.2: /or(?![\w.-])/i
_NOT.2: /not(?![\w.-])/i
OPERATOR: /<=|>=|!=|[:=<>~]/
NAME: /[^\W\d][\w-]*(\.[\w-]+)*/
WORD: /[^\s()"'<>=!~:][^\s()"']*/
QUOTED: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
%ignore /\s+/
"""
_OPERATORS = ": = != < <= > >= ~"
_LONGEST = 10_000
_DEEPEST = 15

# The fields of a record: their names in a query, those in the registry, the kind of their values.
FIELDS = {
    "id": ("id", "text"),
    "status": ("status", "text"),
    "script": ("script", "text"),
    "function": ("function", "text"),
    "started": ("start_time", "time"),
    "ended": ("end_time", "time"),
    "duration": ("duration_s", "duration"),
    "duration_s": ("duration_s", "duration"),
    "exit_status": ("exit_code", "number"),
    "tag": ("tags", "text"),
    "tags": ("tags", "text"),
    "note": ("note", "text"),
    "directory": ("run_dir", "text"),
    "host": ("host", "text"),
    "user": ("user", "text"),
    "parent": ("parent", "text"),
    "attempt": ("attempt", "number"),
    "rank": ("rank", "number"),
    "sweep": ("sweep", "text"),
    "trial": ("trial", "number"),
    "artifacts": ("artifacts", "number"),
}
_MAPPINGS = ("arguments", "results", "config", "env")
_CONSTANTS = {"true": True, "false": False, "none": None}
# Results are numbers; those that JSON does not know are on record as these texts.
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity"}
_NO_NUMBERS |= {f"-{text}": f"-{word}" for text, word in _NO_NUMBERS.items() if text != "nan"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ](\d\d)(?::(\d\d)(?::(\d\d))?)?)?")
_SPANS_S = (86_400, 3600, 60, 1)  # of a time, by how many of hour, minute and second it has
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|min|[smhdw]))+")


class Value(NamedTuple):
    """What stands on the right of an operator, and its place in the query."""

    text: str
    quoted: bool
    place: int


class Comparison(NamedTuple):
    """A name, an operator and a value, and the place of the name in the query."""

    name: str
    operator: str
    value: Value
    place: int


def parsed(query: str) -> Tree | None:
    """Return the tree of a query; None if it is empty."""
    if not query.strip():
        return None
    if len(query) > _LONGEST:
        raise QueryError(query[:_LONGEST], _LONGEST, f"a query has at most {_LONGEST} characters")
    from lark.exceptions import UnexpectedInput

    try:
        tree: Any = _parser().parse(query)
    except UnexpectedInput as error:
        _refuse(query, error)
    return cast("Tree", tree)


@cache
def _parser() -> Lark:
    """Make the parser. It takes 14 ms, less than to import lark; nothing is kept on disk."""
    from lark import Lark, Token, Transformer, v_args

    @v_args(inline=True)
    class Builder(Transformer[Token, "Tree"]):
        # While the parser runs, so that a query a thousand `not` deep needs no deep stack.
        def either(self, *parts: Tree) -> Tree:
            return ("or", *parts)

        def all_of(self, *parts: Tree) -> Tree:
            return ("and", *parts)

        def negation(self, part: Tree) -> Tree:
            if not isinstance(part, Comparison) and part[0] == "not":
                return cast("Tree", part[1])
            return ("not", part)

        def name(self, *parts: Token) -> tuple[str, int]:
            return ".".join(_text(part) for part in parts), _place(parts[0])

        def comparison(self, name: tuple[str, int], operator: Token, value: Token) -> Tree:
            quoted = value.type == "QUOTED"
            text = _text(value, keep=operator == "~")
            return Comparison(name[0], str(operator), Value(text, quoted, _place(value)), name[1])

    return Lark(_GRAMMAR, parser="lalr", transformer=Builder())


def _place(token: Any) -> int:
    return int(token.start_pos)


def _text(token: Any, *, keep: bool = False) -> str:
    """Return a token without its quotes. The backslashes of a regular expression are kept."""
    if token.type != "QUOTED":
        return str(token)
    mark, inner = token[0], token[1:-1]
    if keep:
        return str(inner.replace(f"\\{mark}", mark))
    return re.sub(rf"\\([\\{mark}])", r"\1", inner)


def _refuse(query: str, error: Any) -> NoReturn:
    """Raise an error that names the place in the query, and what is allowed there."""
    token = getattr(error, "token", None)
    allowed = error.allowed if token is None else error.expected
    ended = token is not None and token.type == "$END"
    place = len(query.rstrip()) if ended else error.pos_in_stream
    got = "" if ended or token is None else f", not {str(token)!r}"
    before = re.findall(r"[^\s()]+", query[:place])
    last = before[-1] if before else ""
    begins = "here a condition begins, such as lr<0.1 or status:failed"
    if token is None and query[place] in ("'", '"'):
        why = "this quote is never closed"
    elif "OPERATOR" in allowed and last.lower() in ("and", "or", "not"):
        # Where no such word can be, it was read as a name.
        place, got, why = query.rindex(last, 0, place), f", not {last!r}", begins
    elif "OPERATOR" in allowed:
        why = f"after the name {last} comes an operator ({_OPERATORS})"
        if last in STATUSES:
            why += f"; did you mean status:{last}?"
    elif "WORD" in allowed:
        why = "after an operator comes a value"
    elif "NAME" not in allowed and ended:
        why = "a parenthesis is never closed"
    elif allowed == {"$END"}:
        why, got = "this parenthesis was never opened", ""
    elif "_AND" in allowed:
        why = "after a condition comes 'and', 'or' or another condition"
    else:
        why = begins
    raise QueryError(query, place + 1, f"{why}{got}") from None


class Names:
    """The names that a query can use in a registry.

    With `strict`, a name that nothing has, or that two things have, is an error; otherwise it is
    told by a warning.
    """

    def __init__(self, manager: SessionManager, *, strict: bool = False) -> None:
        self._manager = manager
        self._known: set[str] | None = None
        self._strict = strict

    def sorting(self, sort: str) -> str:
        """Return how the registry calls what is sorted by; a name of nothing: newest first."""
        direction, name = sort[: sort.startswith("-")], sort.removeprefix("-")
        # The fields of the record are known without a look into the registry.
        found = FIELDS.get(name) or self.field(name, lambda why: UsageError(f"sort: {why}"))
        return "-start_time" if found is None else direction + found[0]

    def field(self, name: str, refuse: Callable[[str], Exception]) -> tuple[str, str] | None:
        """Return a field of the registry and the kind of its values; None if nothing has it.

        `refuse` makes the error that is raised if the name can't be used.
        """
        known = self._names()
        meanings = [f"{mapping}.{name}" for mapping in ("arguments", "results")]
        meanings = [full for full in meanings if full in known]
        if name in FIELDS:
            if meanings:
                warn(f"{name} is a field of the record here; {meanings[0]} is something else")
            return FIELDS[name]
        if name.partition(".")[0] in _MAPPINGS and "." in name and name in known:
            return name, "value"
        if len(meanings) > 1:
            why = f"{name} is an argument and a result of runs: write {' or '.join(meanings)}"
            if self._strict:
                raise refuse(why)
            warn(f"{why}; it is taken for the argument")
        if meanings:
            return meanings[0], "value"
        names = [*FIELDS, *known, *(full.partition(".")[2] for full in known)]
        guess = did_you_mean(name, names)
        why = f"no run has a field, an argument or a result {name!r}{guess}"
        if self._strict:
            raise refuse(why)
        warn(why)
        return None

    def _names(self) -> set[str]:
        if self._known is None:
            self._known = set(self._manager.names())
        return self._known


class UnknownNameError(Exception):
    """A query has a name that no run has, so that no run meets it."""


def conditions(query: str, names: Names) -> Conditions | None:
    """Return what a query asks for, in the form of `SessionManager.select`.

    It is empty for an empty query, and None, with a warning, for a name that no run has.
    """
    tree = parsed(query)
    if tree is None:
        return {}
    try:
        return _conditions(query, tree, names)
    except UnknownNameError:
        return None


def _conditions(query: str, tree: Tree, names: Names, depth: int = 0) -> Conditions:
    if not isinstance(tree, Comparison):
        kind, *parts = tree
        if depth == _DEEPEST:
            while not isinstance(tree, Comparison):
                tree = tree[1]
            why = f"and, or and not are nested at most {_DEEPEST} deep"
            raise QueryError(query, tree.place + 1, why)
        return (kind, *(_conditions(query, part, names, depth + 1) for part in parts))
    found = names.field(tree.name, lambda why: QueryError(query, tree.place + 1, why))
    if found is None:
        raise UnknownNameError(tree.name)
    operator = "=" if tree.operator in (":", "!=") else tree.operator
    try:
        asked = _condition(tree.name, *found, operator, tree.value)
    except InvalidValueError as error:
        raise QueryError(query, tree.value.place + 1, str(error)) from None
    return ("not", asked) if tree.operator == "!=" else asked


def _condition(name: str, field: str, kind: str, operator: str, value: Value) -> Conditions:
    if kind == "value":
        return _of_value(name, field, operator, value)
    if operator == "=" and not value.quoted and value.text.lower() == "none":
        return {field: None}
    if kind == "text":
        return _of_text(name, field, operator, value)
    read, allowed = _QUANTITIES[kind]
    found = None if operator == "~" else read(value)
    if found is None:
        raise InvalidValueError(name, value.text, allowed)
    begin, end = found
    if operator == "=" and end != begin:  # as exact as it was said
        return ("and", {field: (">=", begin)}, {field: ("<", end)})
    # Of <, : and >, one holds for each time: a day is neither before nor after itself.
    if kind == "time" and operator in ("<=", ">"):
        return {field: ("<" if operator == "<=" else ">=", end)}
    return {field: (operator, begin)}


def _of_value(name: str, field: str, operator: str, value: Value) -> Conditions:
    """Compare an argument, a result, a value of the configuration or of the environment."""
    if operator == "~":
        return _expression(name, field, value)
    constant = not value.quoted and value.text.lower() in _CONSTANTS
    no_number = None if value.quoted else _NO_NUMBERS.get(value.text.lower().lstrip("+"))
    if operator != "=":
        # On record these are texts: `loss<inf` would be all losses but the finite ones.
        if constant or no_number:
            allowed = f"a finite number or a text, to be compared by {operator}"
            raise InvalidValueError(name, value.text, allowed)
        number = None if value.quoted else _number(value.text)
        return {field: (operator, value.text if number is None else number)}
    alternatives: list[Any] = [value.text]
    if constant:
        alternatives = [_CONSTANTS[value.text.lower()]]
    elif not value.quoted:
        if (number := _number(value.text)) is not None:
            alternatives.append(number)
        if no_number is not None:
            # A result is "NaN", an argument "nan".
            alternatives += [no_number, no_number.lower().replace("infinity", "inf")]
    return {field: ("in", alternatives)}


def _of_text(name: str, field: str, operator: str, value: Value) -> Conditions:
    if field == "script" and (os.sep in value.text or "/" in value.text):
        # A script is named without its folder, or by its path.
        field = "script_path"
        if operator == "=":
            return {field: os.path.abspath(value.text)}
    if operator == "~":
        return _expression(name, field, value)
    if field == "status" and value.text not in STATUSES:
        allowed = f"one of {', '.join(STATUSES)}"
        raise InvalidValueError(name, value.text, allowed, suggest(value.text, STATUSES))
    return {field: (operator, value.text)}


def _number(text: str) -> float | None:
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _expression(name: str, field: str, value: Value) -> Conditions:
    try:
        re.compile(value.text)
    except (re.error, RecursionError, OverflowError) as error:
        allowed = f"a regular expression ({error})"
        raise InvalidValueError(name, value.text, allowed) from None
    return {field: ("~", value.text)}


def seconds(text: str) -> tuple[float, float] | None:
    """Return the seconds of a duration such as 1h30m, and of its last unit; None if it is none."""
    if not _DURATION.fullmatch(text):
        return None
    parts = re.findall(r"([\d.]+)([a-z]+)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts), _UNITS[parts[-1][1]]


def before_now(text: str) -> datetime | None:
    """Return the time that lies so long ago, as a duration says it; None if it is none."""
    if (passed := seconds(text)) is None:
        return None
    try:
        return datetime.now(UTC) - timedelta(seconds=passed[0])
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def span(text: str) -> tuple[datetime, datetime] | None:
    """Return the beginning and the end of a day, hour, minute or second; None if it is none.

    Without a zone it is local.
    """
    today = datetime.now().date()  # noqa: DTZ005
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    text = str(named.get(text.lower(), text))
    if (match := _DATE.match(text)) is None:
        return None
    try:
        begin = datetime.fromisoformat(text)
        # A local day may have 23 or 25 hours: the step is one of the calendar.
        end = begin + timedelta(seconds=_SPANS_S[sum(map(bool, match.groups()))])
        if begin.tzinfo is None:
            begin, end = begin.astimezone(), end.astimezone()
    except (ValueError, OverflowError):
        return None
    return begin, end


def _of_duration(value: Value) -> tuple[float, float] | None:
    number = _number(value.text)
    found = seconds(value.text) if number is None else (number, 1.0)
    return found and (found[0], sum(found))


def _of_number(value: Value) -> tuple[float, float] | None:
    number = None if value.quoted else _number(value.text)
    return None if number is None else (number, number)


# How a value of each kind is read, as its least and what is just above its largest.
_QUANTITIES: dict[str, tuple[Callable[[Value], tuple[Any, Any] | None], str]] = {
    "number": (_of_number, "a number, compared by : = != < <= > or >="),
    "duration": (_of_duration, "a duration such as 90s, 10m, 1h30m or 2d"),
    "time": (
        lambda value: span(value.text),
        "a date such as 2026-11-01, a time such as 2026-11-01T10:30, today or yesterday",
    ),
}
