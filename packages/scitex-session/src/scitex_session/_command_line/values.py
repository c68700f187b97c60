"""Values of annotations, from words that are typed and from trees that files hold."""

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
_BOUNDS = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte", "multiple_of": "modulo"}


class YesNo:
    """A bool within a container, where there is no ``--flag``: it is written ``yes`` or ``no``."""


class Converter:  # noqa: PLW1641  # cyclopts compares options, and hashes none
    """Make the value of an option from its tokens: `hint` is its annotation, `fit` cyclopts' own.

    Of a dict whose keys are given, the others stay as `default` has them, which may come from the
    file `source`. `why_not` says why no command line can give it; a file may.
    """

    def __init__(self, hint: Any, fit: Any, default: Any, why_not: str = "") -> None:
        self.hint, self.fit, self.default, self.why_not = hint, fit, default, why_not
        self.source: str | None = None

    def __eq__(self, other: object) -> bool:  # two classes of a union may share a field
        return isinstance(other, Converter) and self.hint == other.hint

    def __call__(self, _kind: Any, tokens: Any) -> Any:
        """Return what a file gave, or the value of what was typed."""
        if isinstance(tokens, dict):
            if is_free(self.hint) and any(isinstance(each, dict) for each in tokens.values()):
                raise CoercionError(msg="give dicts within it by --config FILE, or it as JSON.")
            return _merged(self.default, converted(self.fit, tokens))
        tokens = [t.evolve(value=t.value.replace(LONE_DASH, "-")) for t in tokens]
        if len(tokens) == 1 and tokens[0].implicit_value is not UNSET:
            return tokens[0].implicit_value
        text = tokens[0].value
        choices = [arg for part in members(self.hint) for arg in typing.get_args(part)]
        if len(tokens) == 1 and types.NoneType in members(self.hint):
            if text.casefold() in _NONE and text not in choices:
                return None  # also where a text is allowed, which is '"none"' then
            if text.strip('"').casefold() in _NONE:
                tokens = [tokens[0].evolve(value=text.strip('"'))]
        if self.why_not:
            raise CoercionError(msg=self.why_not, token=tokens[0])
        if is_free(self.hint) and text[:1] in ("[", "{"):
            with contextlib.suppress(ValueError):  # it is a text
                return collected(members(self.fit)[0], json.loads(text))
        return converted(self.fit, tokens)


def converted(fit: Any, tokens: Any) -> Any:
    """Return the value of tokens as cyclopts makes it, but read single words strictly.

    cyclopts by itself takes ``2.5`` for the integer 2: the run would have other arguments than its
    command line says.
    """
    return cyclopts.convert(fit, tokens, converter=_word, name_transform=kebab)


def _merged(default: Any, given: Any) -> Any:
    if isinstance(default, dict) and isinstance(given, dict):
        return {**default, **{key: _merged(default.get(key), item) for key, item in given.items()}}
    return given


def collected(kind: Any, items: Any) -> Any:
    kind = typing.get_origin(kind) or kind
    kind = set if kind in (abc.Set, abc.MutableSet) else kind
    return kind(items) if kind in (tuple, set, frozenset) else items


def _word(kind: Any, text: str) -> Any:
    kind = typing.get_origin(kind) or kind
    try:
        if kind in _READ:
            return _READ[kind](text)
        if issubclass(kind, enum.Enum):  # by name, in any case where only one fits, or by its text
            names, wanted = kind.__members__, kebab(text).casefold()
            folded = [member for name, member in names.items() if kebab(name).casefold() == wanted]
            by_text = [member for member in kind if member.value == text]
            found = [names[text]] if text in names else folded or by_text
            if len(found) == 1:
                return found[0]
            raise CoercionError(token=Token(value=text), target_type=kind)
        if issubclass(kind, pathlib.PurePath) and not text:
            raise ValueError(text)  # Path("") is the working directory, which nobody typed
        left = kind in _LEFT or is_pydantic_leaf(kind)
        return cyclopts.convert(kind, [text]) if left else kind(text)
    except (ArithmeticError, TypeError, LookupError, re.error):
        raise ValueError(text) from None


_READ: dict[Any, typing.Callable[[str], Any]] = {
    **dict.fromkeys((bool, YesNo), lambda text: _BOOLS[text.casefold()]),
    **dict.fromkeys((*ANY, str), str),
    types.NoneType: lambda text: {"none": None, "null": None}[text.casefold()],
    int: lambda text: int(text, _BASES.get(text.strip().lstrip("+-")[:2].casefold(), 10)),
    float: lambda text: float(text.casefold().replace(".inf", "inf").replace(".nan", "nan")),
    datetime.time: datetime.time.fromisoformat,
    re.Pattern: re.compile,
    os.PathLike: pathlib.Path,
}
_LEFT = (bytes, bytearray, slice, datetime.date, datetime.datetime, datetime.timedelta)


def check(extra: Any, _kind: Any, value: Any) -> None:
    """Raise ValueError where a value breaks a constraint of annotated_types, by its attributes."""
    for each in (extra, *(getattr(extra, "metadata", None) or ())) if value is not None else ():
        bounds = {theirs: getattr(each, ours, None) for ours, theirs in _BOUNDS.items()}
        cyclopts.validators.Number(**bounds)(None, value)
        least, most = getattr(each, "min_length", None), getattr(each, "max_length", None)
        if (least and len(value) < least) or (most is not None and len(value) > most):
            raise ValueError(f"Must be of length {least or 0} to {most}.".replace("None", "any"))
        if callable(func := getattr(each, "func", None)) and not func(value):
            raise ValueError(f"{getattr(func, '__name__', func)} does not hold.")
