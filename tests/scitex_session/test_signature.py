"""The parameters of a function are found without `inspect`, and as `inspect` finds them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import INJECTED
from scitex_session._command_line.signature import (
    EITHER,
    KEYWORD_ONLY,
    OPTIONS,
    POSITIONAL_ONLY,
    REQUIRED,
    VALUES,
    parameters_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def plain() -> None: ...
def mixed(a, b, c=3, *, d, e=5): ...  # type: ignore[no-untyped-def]
def positional_only(a, b=2, /, c=3): ...  # type: ignore[no-untyped-def]
def variadic(a, *args, b=1, **kwargs): ...  # type: ignore[no-untyped-def]
@functools.wraps(mixed)
def wrapping(*args, **kwargs): ...  # type: ignore[no-untyped-def]


KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: EITHER,
    inspect.Parameter.VAR_POSITIONAL: VALUES,
    inspect.Parameter.KEYWORD_ONLY: KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD: OPTIONS,
}


class Instance:
    def __call__(self, a: int, b: int = 2) -> None: ...


@pytest.mark.parametrize(
    "func", [plain, mixed, positional_only, variadic, wrapping, Instance(), Instance().__call__]
)
def test_parameters_are_those_that_inspect_finds(func: Callable[..., Any]) -> None:
    empty: dict[Any, Any] = {
        inspect.Parameter.VAR_POSITIONAL: (),
        inspect.Parameter.VAR_KEYWORD: {},
    }
    wanted = [
        (p.name, empty.get(p.kind, REQUIRED if p.default is p.empty else p.default), KINDS[p.kind])
        for p in inspect.signature(func).parameters.values()
    ]
    assert [(p.name, p.default, p.kind) for p in parameters_of(func)] == wanted


def test_required_and_injected_parameters_are_told() -> None:
    def main(a, b=1, CONFIG=INJECTED): ...  # type: ignore[no-untyped-def]

    assert [(p.required, p.injected) for p in parameters_of(main)] == [
        (True, False),
        (False, False),
        (False, True),
    ]
