"""The parameters of a function are found without `inspect`, and as `inspect` finds them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import INJECTED
from scitex_session._signature import REQUIRED, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable


def plain() -> None: ...
def mixed(a, b, c=3, *, d, e=5): ...  # type: ignore[no-untyped-def]
def positional_only(a, b=2, /, c=3): ...  # type: ignore[no-untyped-def]
def variadic(a, *args, b=1, **kwargs): ...  # type: ignore[no-untyped-def]
@functools.wraps(mixed)
def wrapping(*args, **kwargs): ...  # type: ignore[no-untyped-def]


class Instance:
    def __call__(self, a: int, b: int = 2) -> None: ...


@pytest.mark.parametrize(
    "func", [plain, mixed, positional_only, variadic, wrapping, Instance(), Instance().__call__]
)
def test_parameters_are_those_that_inspect_finds(func: Callable[..., Any]) -> None:
    wanted = [
        (p.name, REQUIRED if p.default is p.empty else p.default, p.kind is p.POSITIONAL_ONLY)
        for p in inspect.signature(func).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    assert [(p.name, p.default, p.positional_only) for p in parameters_of(func)] == wanted


def test_required_and_injected_parameters_are_told() -> None:
    def main(a, b=1, CONFIG=INJECTED): ...  # type: ignore[no-untyped-def]

    assert [(p.required, p.injected) for p in parameters_of(main)] == [
        (True, False),
        (False, False),
        (False, True),
    ]
