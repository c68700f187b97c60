"""Annotations as the parser can take them: what no command line can give is left out."""

from __future__ import annotations

import datetime
import enum
import numbers
import os
import pathlib
import types
import typing
from typing import Annotated, Any

import cyclopts

from .hints import Unknown, hints_within, shown_hint
from .kinds import (
    MANY,
    MAPPINGS,
    Free,
    Nested,
    Structure,
    YesNo,
    is_nested,
    is_structure,
    is_union,
    named,
    takes_keys,
    takes_many,
    union_of,
    without_none,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SCALARS = (
    str,
    bytes,
    bytearray,
    numbers.Number,  # also those of decimal, fractions and numpy, which are registered there
    pathlib.PurePath,
    enum.Enum,
    datetime.date,
    datetime.time,
    datetime.timedelta,
)
_SCALAR_NAMES = {
    ("uuid", "UUID"),
    ("ipaddress", "IPv4Address"),
    ("ipaddress", "IPv6Address"),
    ("builtins", "slice"),
    ("re", "Pattern"),
}

_LOOKED_AT: list[type] = []  # classes whose constructors are being read: one may ask for itself


def fitted(hint: Any, *, inside: bool = False) -> Any:
    """Return an annotation as the parser can take it.

    Parameters
    ----------
    hint : annotation
        What a parameter is annotated with.
    inside : bool
        Whether it stands inside a container.

    Returns
    -------
    annotation or None
        None where no command line can give such a value (an array, a function). Of a union, the
        members that can be given remain: ``str | DataFrame`` takes a text.
    """
    hint = named(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, Unknown | typing.TypeVar):
        return None
    if hint in (Any, object):
        return Free
    if hint in (Free, YesNo) or is_nested(hint):
        return hint  # fitted already, as what a dict holds is
    if origin is Annotated:
        return _fitted_annotated(args[0], args[1:], inside=inside)
    if is_union(hint):
        members = [part for part in (fitted(arg, inside=inside) for arg in args) if part]
        told = any(part is not types.NoneType for part in members)
        return union_of(members) if told else None
    if origin is typing.Literal:
        return hint
    if (origin or hint) in MANY:
        return _fitted_container(hint, origin, args, inside=inside)
    if (origin or hint) in MAPPINGS:
        value = fitted(args[1], inside=not _has_parts(args[1])) if args else Free
        texts = not args or args[0] in (str, Any)
        if not (value and texts) or not _is_open_to_cyclopts(without_none(value)):
            return None
        return _nested(hint) if inside else dict[str, value]  # type: ignore[valid-type]
    return _fitted_class(origin or hint, hint, inside=inside)


def made_of_fields(hint: Any) -> bool:
    """Tell whether a class is a structure, or of the user's own with an annotated constructor."""
    if not isinstance(hint, type) or hint is types.NoneType or hint.__module__ == "builtins":
        return False
    if (hint.__module__, hint.__name__) in _SCALAR_NAMES or issubclass(hint, _SCALARS):
        return False
    return not issubclass(hint, Structure) and (is_structure(hint) or _takes_plain_values(hint))


def _fitted_annotated(base: Any, extras: tuple[Any, ...], *, inside: bool) -> Any:
    own = [extra for extra in extras if isinstance(extra, cyclopts.Parameter)]
    if any(extra.converter for extra in own):
        return Annotated[(base, *extras)]
    inner = fitted(base, inside=inside)
    return Annotated[(inner, *extras)] if inner else None


def _fitted_container(hint: Any, origin: Any, args: tuple[Any, ...], *, inside: bool) -> Any:
    fixed = origin is tuple and args and args[-1] is not ...
    if inside and not fixed:
        return _nested(hint)
    inner: list[Any] = [fitted(arg, inside=True) if arg is not ... else ... for arg in args]
    if None in inner:
        return None
    if fixed and any(is_nested(part) and not takes_many(part.hint) for part in inner):
        return _nested(hint)  # of two objects cyclopts would take the first alone
    if not inner:
        return tuple[Free, ...] if hint is tuple else hint[Free]
    return origin[tuple(inner)]


def _nested(hint: Any) -> Any:
    return type(shown_hint(hint), (Nested,), {"hint": hint, "__module__": "builtins"})


def _has_parts(hint: Any) -> bool:
    return takes_many(hint) or takes_keys(hint) or made_of_fields(without_none(hint))


def _fitted_class(kind: Any, hint: Any, *, inside: bool) -> Any:
    if not isinstance(kind, type):
        return None
    if kind is bool and inside:
        return YesNo
    own = kind.__module__.split(".")[0] == "pydantic"  # such as HttpUrl, which is made of a text
    if inside and not own and made_of_fields(kind):
        return _nested(hint) if _can_be_read(kind) else None
    if kind is os.PathLike:
        return pathlib.Path
    if (kind.__module__, kind.__name__) in _SCALAR_NAMES or kind is types.NoneType:
        return hint
    if issubclass(kind, _SCALARS) or is_structure(kind):
        return hint
    return hint if _takes_plain_values(kind) else None


def _can_be_read(kind: type) -> bool:
    """Tell whether the names in the annotations of a class are found."""
    return hasattr(kind, "model_fields") or _finds_names(hints_within, kind)


def _is_open_to_cyclopts(kind: Any) -> bool:
    """Tell whether cyclopts, too, finds the names in the annotations of a class.

    It looks at those of a dict's values by itself, and not among the imports for type checkers.
    """
    if not made_of_fields(kind) or hasattr(kind, "model_fields"):
        return True
    return _finds_names(typing.get_type_hints, kind, kind.__init__)


def _finds_names(read: Callable[[Any], Any], *annotated: Any) -> bool:
    # Those of a pydantic model are not asked for: it has found its own.
    try:
        for each in annotated:
            read(each)
    except NameError:
        return False
    return True


def _takes_plain_values(kind: type) -> bool:
    """Tell whether a class of the user's is made from nothing but what a command line can give."""
    init = kind.__init__  # type: ignore[misc]
    if not isinstance(init, types.FunctionType):
        return False  # written in C, or none at all
    try:
        hints = hints_within(init)
    except NameError:
        return False
    code = init.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    if not names or code.co_flags & 0x0C or kind in _LOOKED_AT:  # *args, **kwargs: anything at all
        return False
    _LOOKED_AT.append(kind)
    try:
        return all(name in hints and fitted(hints[name]) for name in names)
    finally:
        _LOOKED_AT.pop()
