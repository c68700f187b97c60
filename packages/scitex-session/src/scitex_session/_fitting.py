"""Annotations as the parser can take them: what no command line can give is left out."""

from __future__ import annotations

import collections.abc
import datetime
import enum
import numbers
import os
import pathlib
import types
import typing
from typing import Annotated, Any

import cyclopts

from ._hints import Unknown, hints_within, shown_hint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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
_MANY: tuple[Any, ...] = (
    list,
    set,
    frozenset,
    tuple,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Set,
    collections.abc.MutableSet,
)
_MAPPINGS: tuple[Any, ...] = (dict, collections.abc.Mapping, collections.abc.MutableMapping)

_LOOKED_AT: list[type] = []  # classes whose constructors are being read: one may ask for itself
_MARKS = ("__dataclass_fields__", "__attrs_attrs__", "model_fields")


class YesNo:
    """A bool inside a container, where there is no switch: it takes ``yes`` or ``no``."""


class Free:
    """A value of any kind: as a file or JSON has it; a word that is typed is a text."""


class Nested:
    """Base of markers for a list, dict or structure inside a container: one value of JSON."""

    hint: Any


class Structure:
    """Base of stand-ins for classes whose fields become options of their own.

    Attributes
    ----------
    kind : type
        The class.
    keys : tuple of str
        The parameter, and the fields below it.
    above : tuple of type
        The classes around it.
    """

    kind: type
    keys: tuple[str, ...]
    above: tuple[type, ...]


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
    hint = _named(hint)
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
    if (origin or hint) in _MANY:
        return _fitted_container(hint, origin, args, inside=inside)
    if (origin or hint) in _MAPPINGS:
        value = fitted(args[1], inside=not _has_parts(args[1])) if args else Free
        texts = not args or args[0] in (str, Any)
        if not (value and texts) or not _is_open_to_cyclopts(without_none(value)):
            return None
        return _nested(hint) if inside else dict[str, value]  # type: ignore[valid-type]
    return _fitted_class(origin or hint, hint, inside=inside)


def is_structure(hint: Any) -> bool:
    """Tell whether a class has fields that become options of their own."""
    return isinstance(hint, type) and (
        issubclass(hint, Structure)
        or any(
            hasattr(hint, n) for n in ("__dataclass_fields__", "__attrs_attrs__", "model_fields")
        )
        or typing.is_typeddict(hint)
        or (issubclass(hint, tuple) and hasattr(hint, "_fields") and bool(hint.__annotations__))
    )


def made_of_fields(hint: Any) -> bool:
    """Tell whether a class is a structure, or of the user's own with an annotated constructor."""
    if not isinstance(hint, type) or hint is types.NoneType or hint.__module__ == "builtins":
        return False
    if (hint.__module__, hint.__name__) in _SCALAR_NAMES or issubclass(hint, _SCALARS):
        return False
    return not issubclass(hint, Structure) and (is_structure(hint) or _takes_plain_values(hint))


def without_none(hint: Any) -> Any:
    """Return an annotation without ``| None`` and without `Annotated`."""
    hint = _named(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return without_none(args[0])
    if is_union(hint):
        rest = [arg for arg in args if arg is not types.NoneType]
        return without_none(rest[0]) if len(rest) == 1 else union_of(rest)
    return hint


def takes_many(hint: Any) -> bool:
    """Tell whether an annotation takes any number of values after one name."""
    hint = without_none(hint)
    if is_union(hint):
        return any(takes_many(part) for part in typing.get_args(hint))
    return (typing.get_origin(hint) or hint) in _MANY


def takes_none(hint: Any) -> bool:
    """Tell whether None is among what an annotation allows."""
    hint = _named(hint)
    if typing.get_origin(hint) is Annotated:
        return takes_none(typing.get_args(hint)[0])
    return hint is types.NoneType or (
        is_union(hint) and any(map(takes_none, typing.get_args(hint)))
    )


def takes_keys(hint: Any) -> bool:
    """Tell whether an annotation is that of a dict, given by its keys."""
    hint = without_none(hint)
    return (typing.get_origin(hint) or hint) in _MAPPINGS


def takes_nested(hint: Any) -> bool:
    """Tell whether an annotation takes values each of which is a list or an object of JSON."""
    inner = map(without_none, typing.get_args(without_none(hint)))
    return any(map(is_nested, inner))


def is_nested(hint: Any) -> bool:
    """Tell whether an annotation is the marker of a value of JSON."""
    return isinstance(hint, type) and issubclass(hint, Nested)


def takes_anything(hint: Any) -> bool:
    """Tell whether an annotation is that of a list or dict of anything, or of anything at all."""
    hint = without_none(hint)
    args = [arg for arg in typing.get_args(hint) if arg is not ...]
    return hint is Free or (
        (takes_many(hint) or takes_keys(hint)) and not is_union(hint) and args[-1:] == [Free]
    )


def takes_one_or_many(hint: Any) -> bool:
    """Tell whether an annotation is a union such as ``str | list[str]``."""
    hint = without_none(hint)
    parts = [takes_many(p) for p in typing.get_args(hint)] if is_union(hint) else []
    return any(parts) and not all(parts)


def union_of(members: Iterable[Any]) -> Any:
    """Return the union of annotations, or the only one."""
    return typing.Union[tuple(members)]  # noqa: UP007  # the members are not known before


def is_union(hint: Any) -> bool:
    """Tell whether an annotation is a union, as either syntax writes it."""
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _named(hint: Any) -> Any:
    while hasattr(hint, "__supertype__") or type(hint).__name__ == "TypeAliasType":
        hint = getattr(hint, "__supertype__", None) or hint.__value__
    return hint


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
    if hasattr(kind, "model_fields"):  # pydantic has found them
        return True
    try:
        hints_within(kind)
    except NameError:
        return False
    return True


def _is_open_to_cyclopts(kind: Any) -> bool:
    """Tell whether cyclopts, too, finds the names in the annotations of a class.

    It looks at those of a dict's values by itself, and not among the imports for type checkers.
    """
    if not made_of_fields(kind) or hasattr(kind, "model_fields"):
        return True
    try:
        for annotated in (kind, kind.__init__):
            typing.get_type_hints(annotated)
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
