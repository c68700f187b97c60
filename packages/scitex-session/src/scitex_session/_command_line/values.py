"""Turn typed words into values of an annotation."""

from __future__ import annotations

import collections.abc as abc
import contextlib
import datetime
import enum
import json
import os
import pathlib
import re
import types
import typing
from typing import Any

import cyclopts
from cyclopts import UNSET, CoercionError, Token
from cyclopts.annotations import is_pydantic_leaf

from .hints import ANY, is_free, kebab, members

TYPED = "cli"  # the source of tokens that were typed
LONE_DASH = "\0-"  # stands for ``-``, which cyclopts takes for an option; no argv can hold it
_NONE = ("none", "null")
_BOOLS = dict.fromkeys(("yes", "y", "true", "t", "on", "1"), True)
_BOOLS |= dict.fromkeys(("no", "n", "false", "f", "off", "0"), False)
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_CYCLOPTS_BOUNDS = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte", "multiple_of": "modulo"}


class YesNo:
    """A bool in a container, which has no ``--flag``: it is written ``yes`` or ``no``."""


YesNo.__name__ = "yes|no"  # in messages and in the help


class Converter:  # noqa: PLW1641  # cyclopts compares options and never hashes them
    """Convert the tokens of an option. `hint` is its annotation, `usable` one for cyclopts.

    If only some keys of a dict are given, the rest keep their value in `default`, which may come
    from the file `source`. `why_not` says why a command line can't give the value; a file may.
    """

    def __init__(self, hint: Any, usable: Any, default: Any, why_not: str = "") -> None:
        self.hint, self.usable, self.default, self.why_not = hint, usable, default, why_not
        self.source: str | None = None

    def __eq__(self, other: object) -> bool:  # two classes of a union may share a field
        return isinstance(other, Converter) and self.hint == other.hint

    def __call__(self, _kind: Any, tokens: Any) -> Any:
        """Return the value from a file, or the value of the typed words."""
        if isinstance(tokens, dict):
            try:
                return _merged(self.default, converted(self.usable, tokens))
            except ValueError:  # keys within keys, for which the annotation has no type
                why = "give dicts within it by --config FILE, or it as JSON."
                why = why if is_free(self.hint) else "it has one level of keys."
                raise CoercionError(msg=why) from None
        tokens = [t.evolve(value=t.value.replace(LONE_DASH, "-")) for t in tokens]
        if len(tokens) == 1 and tokens[0].implicit_value is not UNSET:
            return tokens[0].implicit_value
        text = tokens[0].value
        choices = [arg for part in members(self.hint) for arg in typing.get_args(part)]
        if len(tokens) == 1 and types.NoneType in members(self.hint):
            if text.casefold() in _NONE and text not in choices:
                return None  # even if str is allowed: the text none is then written '"none"'
            if text.strip('"').casefold() in _NONE:
                tokens = [tokens[0].evolve(value=text.strip('"'))]
        if self.why_not:
            raise CoercionError(msg=self.why_not, token=tokens[0])
        if is_free(self.hint) and text[:1] in ("[", "{"):
            with contextlib.suppress(ValueError):  # not JSON: keep it as text
                return collected(members(self.usable)[0], json.loads(text))
        return converted(self.usable, tokens)


def converted(usable: Any, tokens: Any) -> Any:
    """Convert tokens with cyclopts, but strictly: cyclopts alone reads ``2.5`` as the integer 2."""
    return cyclopts.convert(usable, tokens, converter=_word, name_transform=kebab)


def _merged(default: Any, new: Any) -> Any:
    if isinstance(default, dict) and isinstance(new, dict):
        return {**default, **{key: _merged(default.get(key), item) for key, item in new.items()}}
    return new


def collected(kind: Any, items: Any) -> Any:
    kind = typing.get_origin(kind) or kind
    kind = set if kind in (abc.Set, abc.MutableSet) else kind
    return kind(items) if kind in (tuple, set, frozenset) else items


def _word(kind: Any, text: str) -> Any:
    kind = typing.get_origin(kind) or kind
    try:
        if kind in _READERS:
            return _READERS[kind](text)
        if issubclass(kind, enum.Enum):  # by name, in any case if only one fits, or by its text
            names, wanted = kind.__members__, kebab(text).casefold()
            folded = [member for name, member in names.items() if kebab(name).casefold() == wanted]
            by_text = [member for member in kind if member.value == text]
            matches = [names[text]] if text in names else folded or by_text
            if len(matches) == 1:
                return matches[0]
            raise CoercionError(token=Token(value=text), target_type=kind)
        if issubclass(kind, pathlib.PurePath) and not text:
            raise ValueError(text)  # Path("") would be the working directory
        by_cyclopts = kind in _LEFT_TO_CYCLOPTS or is_pydantic_leaf(kind)
        return cyclopts.convert(kind, [text]) if by_cyclopts else kind(text)
    except (ArithmeticError, TypeError, LookupError, re.error):
        raise ValueError(text) from None


_READERS: dict[Any, typing.Callable[[str], Any]] = {
    **dict.fromkeys((bool, YesNo), lambda text: _BOOLS[text.casefold()]),
    **dict.fromkeys((*ANY, str), str),
    types.NoneType: lambda text: {"none": None, "null": None}[text.casefold()],
    int: lambda text: int(text, _BASES.get(text.strip().lstrip("+-")[:2].casefold(), 10)),
    float: lambda text: float(text.casefold().replace(".inf", "inf").replace(".nan", "nan")),
    datetime.time: datetime.time.fromisoformat,
    re.Pattern: re.compile,
    os.PathLike: pathlib.Path,
}
# cyclopts reads these as strictly as we do.
_LEFT_TO_CYCLOPTS = (bytes, bytearray, slice, datetime.date, datetime.datetime, datetime.timedelta)


def check(extra: Any, _kind: Any, value: Any) -> None:
    """Raise ValueError if a value breaks a constraint of annotated_types, or one like them."""
    for each in (extra, *(getattr(extra, "metadata", None) or ())) if value is not None else ():
        bounds = {keyword: getattr(each, name, None) for name, keyword in _CYCLOPTS_BOUNDS.items()}
        if any(bound is not None for bound in bounds.values()):  # it refuses every str
            cyclopts.validators.Number(**bounds)(None, value)
        least, most = getattr(each, "min_length", None), getattr(each, "max_length", None)
        unit = "characters" if isinstance(value, str) else "items"
        if least and len(value) < least:
            raise ValueError(f"Must have at least {least} {unit}.")
        if most is not None and len(value) > most:
            raise ValueError(f"Must have at most {most} {unit}.")
        if callable(func := getattr(each, "func", None)) and not func(value):
            raise ValueError(f"The check {getattr(func, '__name__', func)} refuses it.")
