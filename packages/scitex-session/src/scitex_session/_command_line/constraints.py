"""Constraints on values, as `annotated_types` writes them into annotations."""

from __future__ import annotations

import typing
from typing import Any

from cyclopts import UNSET

from scitex_session._errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cyclopts import ArgumentCollection

# Told apart by their attributes, as that package recommends: nothing need be installed.
_CHECKS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "gt": ("greater than", lambda value, bound: value > bound),
    "ge": ("at least", lambda value, bound: value >= bound),
    "lt": ("less than", lambda value, bound: value < bound),
    "le": ("at most", lambda value, bound: value <= bound),
    "multiple_of": ("a multiple of", lambda value, bound: value % bound == 0),
    "min_length": ("of length at least", lambda value, bound: len(value) >= bound),
    "max_length": ("of length at most", lambda value, bound: len(value) <= bound),
}


def check_constraints(arguments: ArgumentCollection) -> None:
    """Refuse values that break a constraint of their annotation.

    Raises
    ------
    UsageError
    """
    for argument in arguments:
        if not argument.tokens:
            continue
        if argument.value is UNSET:  # of a pydantic model, which checks its own
            continue
        broken = violation(argument.field_info.annotation, argument.value)
        if broken is not None:
            from .mistakes import where

            value, allowed = broken
            place = where(argument.tokens[0], argument)
            raise UsageError(f"{place} must be {allowed}, not {value!r}")


def violation(hint: Any, value: Any) -> tuple[Any, str] | None:
    """Return the first value that breaks a constraint of its annotation, and what it must be.

    Parameters
    ----------
    hint : annotation
        With constraints at any depth of lists, tuples, sets and dicts.
    value : object
        The value, converted.

    Returns
    -------
    tuple or None
        None where all is well.
    """
    if value is None:  # where that is allowed, there is nothing to compare
        return None
    args = typing.get_args(hint)
    for extra in getattr(hint, "__metadata__", ()):
        for name, (words, holds) in _CHECKS.items():
            bound = getattr(extra, name, None)
            if bound is not None and not holds(value, bound):
                return value, f"{words} {bound}"
        func = getattr(extra, "func", None)
        if callable(func) and not func(value):
            return value, f"such that {getattr(func, '__name__', func)} holds"
    if hasattr(hint, "__metadata__"):
        return violation(args[0], value)
    found = (violation(part, item) for part, item in _parts(args, value))
    return next((each for each in found if each is not None), None)


def _parts(args: tuple[Any, ...], value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict) and len(args) == 2:
        yield from ((args[1], item) for item in value.values())
    elif isinstance(value, tuple) and args and args[-1] is not ...:
        yield from zip(args, value, strict=False)
    elif isinstance(value, list | tuple | set | frozenset) and args:
        yield from ((args[0], item) for item in value)
    elif args:  # of a union, those members alone that can be compared
        yield from ((part, value) for part in args if _could_be(part, value))


def _could_be(part: Any, value: Any) -> bool:
    kind = typing.get_args(part)[0] if hasattr(part, "__metadata__") else part
    kind = typing.get_origin(kind) or kind
    return isinstance(kind, type) and isinstance(value, kind)
