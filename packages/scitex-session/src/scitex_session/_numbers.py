"""Whole numbers on a command line: what is none is refused, never rounded."""

from __future__ import annotations

import types
import typing
from typing import Any

import cyclopts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CONTAINERS = (list, set, frozenset, tuple)


def converter_for(annotation: Any) -> Callable[[Any, Sequence[cyclopts.Token]], Any] | None:
    """Return what converts values for an annotation, None where cyclopts does it well.

    cyclopts reads ``2.5`` as the integer 2, also for ``int | float``: a run with other arguments
    than its command line says would be the worst kind of wrong.
    """
    kinds = _kinds(annotation)
    if kinds <= {int, type(None)} and int in kinds:
        return _whole
    if {int, float} <= kinds <= {int, float, type(None)} and _is_union(annotation):
        return _whole_or_real
    return None


def _whole(annotation: Any, tokens: Sequence[cyclopts.Token]) -> Any:
    for token in tokens:
        if "." in token.value:
            raise ValueError(f'unable to convert "{token.value}" into int')
    return cyclopts.convert(annotation, tokens)


def _whole_or_real(_annotation: Any, tokens: Sequence[cyclopts.Token]) -> Any:
    try:
        return _whole(int, tokens)
    except (ValueError, cyclopts.CoercionError):
        return cyclopts.convert(float, tokens)


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that an annotation is made of, below unions and plain containers."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _kinds(typing.get_args(annotation)[0])
    if origin in _CONTAINERS or _is_union(annotation):
        return {kind for part in typing.get_args(annotation) for kind in _kinds(part)} - {...}
    return {annotation}
