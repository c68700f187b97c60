"""Texts of a command line or a file as the values that annotations ask for."""

from __future__ import annotations

import datetime
import enum
import json
import pathlib
import re
import types
import typing
from typing import Any

import cyclopts

from .fields import EMPTY, KeyedError, fields_of
from .fitting import fitted, made_of_fields
from .free import free_json, free_value
from .kinds import (
    Free,
    Nested,
    YesNo,
    is_structure,
    takes_anything,
    takes_keys,
    takes_many,
    takes_nested,
    takes_none,
    takes_one_or_many,
    union_of,
    without_none,
)
from .names import kebab
from .parts import is_plain, many_of, split
from .trees import from_json, from_keys, from_text
from .wording import choices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRUE, FALSE = ("yes", "y", "true", "t", "on", "1"), ("no", "n", "false", "f", "off", "0")
NONE = ("none", "null")
_TYPED = ("", "cli")  # sources of tokens that were typed; a file says None by its own null
_YAML_FLOATS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}


def converter_for(hint: Any, default: Any = None) -> Callable[[Any, Sequence[cyclopts.Token]], Any]:
    """Return what converts the tokens of a parameter, and of the fields below it.

    Parameters
    ----------
    hint : annotation
        The parameter's, as `fitted` returns it.
    default : object
        The parameter's: of a dict that is given by single keys, the others stay.

    Returns
    -------
    callable
        For `cyclopts.Parameter`.

    Notes
    -----
    cyclopts by itself reads ``2.5`` as the integer 2, in a field or a list as well: a run with
    other arguments than its command line says would be the worst kind of wrong.
    """
    bare = without_none(hint)
    hidden = list[str] if takes_one_or_many(hint) else bare

    def convert(asked: Any, tokens: Any) -> Any:
        # cyclopts hides `| None` from converters, but ``--seed none`` is how None is given.
        asked = hint if asked == hidden else asked
        if isinstance(tokens, dict):
            return from_keys(asked, default, tokens, _convert)
        (first, *rest) = tokens
        if not rest and asked is Free:
            return value_of(Free, first.value)
        if not rest and first.implicit_value is None:  # a null of a file
            if not takes_none(asked):
                raise ValueError
            return None
        if not rest and first.implicit_value == []:
            return many_of(hint, [])
        if not rest and takes_none(hint) and first.source in _TYPED:
            if first.value.casefold() in NONE and first.value not in choices_of(hint):
                return None
            if first.value.strip('"').casefold() in NONE:
                tokens = (first := first.evolve(value=first.value.strip('"')),)
        if not rest and takes_anything(asked) and without_none(asked) is not Free:
            found = free_json(without_none(asked), first.value)
            if found is not None:
                return found
        opened = first.value.lstrip().startswith("{")
        if takes_keys(asked) or (opened and made_of_fields(without_none(asked))):
            return from_text(asked, tokens, _convert)
        if is_structure(without_none(asked)) and not opened:
            raise cyclopts.CoercionError(token=first, target_type=without_none(asked))
        if takes_nested(asked) and not rest and first.value.replace(" ", "") == "[]":
            return many_of(hint, [])
        fit = fitted(asked) or asked
        if takes_nested(fit) and not rest:
            tokens = [first.evolve(value=text) for text in split(fit, first.value)]
        return _converted(fit, tokens)

    return convert


def _convert(hint: Any, default: Any, tokens: Any) -> Any:
    return converter_for(hint, default)(hint, tokens)


def _converted(hint: Any, tokens: Sequence[Any]) -> Any:
    if takes_one_or_many(hint):  # ``str | list[str]``: one value is one, more are a list
        parts = typing.get_args(without_none(hint))
        one = union_of(part for part in parts if not takes_many(part))
        if len(tokens) == 1 and not isinstance(getattr(tokens[0].value, "data", None), list):
            try:
                return _converted(one, tokens)
            except (ValueError, cyclopts.CoercionError):
                pass  # perhaps a list of one
        hint = next(part for part in parts if takes_many(part))
    return cyclopts.convert(hint, tokens, converter=value_of, name_transform=kebab)


def value_of(kind: Any, text: str) -> Any:
    """Return one text as a value of one type.

    Parameters
    ----------
    kind : type
        What is wanted.
    text : str
        What was given.

    Raises
    ------
    ValueError
        It is none. Nothing is rounded or cut in order to make it one.
    """
    if kind is Free:
        return free_value(text)
    kind = typing.get_origin(kind) or kind
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return member_of(kind, text)
        if issubclass(kind, Nested):
            return _nested(kind.hint, text)
        if issubclass(kind, pathlib.PurePath) and not text:
            raise ValueError(text)  # Path("") is the working directory, which nobody typed
    if kind in _READERS:
        return _READERS[kind](text)
    if not isinstance(kind, type) or kind in _LEFT_TO_CYCLOPTS:
        try:
            return cyclopts.convert(kind, [text])
        except cyclopts.CoercionError:  # its token is a new one, without option, file and line
            raise ValueError(text) from None
    try:
        return kind(text)
    except (ArithmeticError, TypeError):  # such as decimal's InvalidOperation
        raise ValueError(text) from None


def member_of(kind: type[enum.Enum], text: str) -> Any:
    """Return a member of an enumeration by its name, in any case where only one fits, or its value.

    Raises
    ------
    CoercionError
        There is none, or more than one.
    """
    members = kind.__members__
    if text in members:
        return members[text]
    folded = {name: member for name, member in members.items() if _fold(name) == _fold(text)}
    by_value = {m.name: m for m in members.values() if isinstance(m.value, str) and m.value == text}
    for found in (folded, by_value):
        if len(found) == 1:
            return next(iter(found.values()))
    raise cyclopts.CoercionError(token=cyclopts.Token(value=text), target_type=kind)


def _fold(name: str) -> str:
    return kebab(name).casefold()


def _bool(text: str) -> bool:
    if text.casefold() in TRUE:
        return True
    if text.casefold() in FALSE:
        return False
    raise ValueError(text)


def _int(text: str) -> int:
    bare = text.strip().lstrip("+-").casefold()
    return int(text, _PREFIXES.get(bare[:2], 10))


def _float(text: str) -> float:
    return float(_YAML_FLOATS.get(text.casefold(), text))


def _none(text: str) -> None:
    if text.casefold() not in NONE:
        raise ValueError(text)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:
        raise ValueError(text) from None


def _nested(hint: Any, text: str) -> Any:
    if is_plain(hint) and not text.lstrip().startswith("{"):
        data: Any = {fields_of(hint, EMPTY)[0].name: text}  # ``Celsius(21)``, of its one value
    else:
        data = json.loads(text)
    if not isinstance(data, list | dict):
        raise ValueError(text)  # noqa: TRY004  # what was given is a text of the wrong form
    try:
        return from_json(hint, data, _convert)
    except KeyedError as error:  # of a mere ValueError cyclopts would keep no word
        raise cyclopts.CoercionError(target_type=hint) from error


_READERS: dict[Any, Callable[[str], Any]] = {
    bool: _bool,
    YesNo: _bool,
    int: _int,
    float: _float,
    types.NoneType: _none,
    datetime.time: datetime.time.fromisoformat,
    re.Pattern: _pattern,
}
# What cyclopts reads as it should be, and better than the type's own constructor.
_LEFT_TO_CYCLOPTS = {
    bytes,
    bytearray,
    slice,
    datetime.date,
    datetime.datetime,
    datetime.timedelta,
}
