"""What annotations ask for, and the markers that stand in them for what the parser can't take."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Annotated, Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MANY: tuple[Any, ...] = (
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
MAPPINGS: tuple[Any, ...] = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
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


def is_structure(hint: Any) -> bool:
    """Tell whether a class has fields that become options of their own."""
    return isinstance(hint, type) and (
        issubclass(hint, Structure)
        or any(hasattr(hint, mark) for mark in _MARKS)
        or typing.is_typeddict(hint)
        or (issubclass(hint, tuple) and hasattr(hint, "_fields") and bool(hint.__annotations__))
    )


def is_nested(hint: Any) -> bool:
    """Tell whether an annotation is the marker of a value of JSON."""
    return isinstance(hint, type) and issubclass(hint, Nested)


def is_union(hint: Any) -> bool:
    """Tell whether an annotation is a union, as either syntax writes it."""
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def without_none(hint: Any) -> Any:
    """Return an annotation without ``| None`` and without `Annotated`."""
    hint = named(hint)
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
    return (typing.get_origin(hint) or hint) in MANY


def takes_none(hint: Any) -> bool:
    """Tell whether None is among what an annotation allows."""
    hint = named(hint)
    if typing.get_origin(hint) is Annotated:
        return takes_none(typing.get_args(hint)[0])
    return hint is types.NoneType or (
        is_union(hint) and any(map(takes_none, typing.get_args(hint)))
    )


def takes_keys(hint: Any) -> bool:
    """Tell whether an annotation is that of a dict, given by its keys."""
    hint = without_none(hint)
    return (typing.get_origin(hint) or hint) in MAPPINGS


def takes_nested(hint: Any) -> bool:
    """Tell whether an annotation takes values each of which is a list or an object of JSON."""
    inner = map(without_none, typing.get_args(without_none(hint)))
    return any(map(is_nested, inner))


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


def named(hint: Any) -> Any:
    """Return what a `NewType` or a type alias stands for."""
    while hasattr(hint, "__supertype__") or type(hint).__name__ == "TypeAliasType":
        hint = getattr(hint, "__supertype__", None) or hint.__value__
    return hint
