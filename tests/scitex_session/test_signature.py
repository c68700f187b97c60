"""The parameters of a function are found without `inspect`, and as `inspect` finds them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import INJECTED
from scitex_session._errors import UnsuitableFunctionError
from scitex_session._signature import (
    EITHER,
    KEYWORD_ONLY,
    OPTIONS,
    POSITIONAL_ONLY,
    REQUIRED,
    VALUES,
    check_function,
    code_of,
    is_coroutine_function,
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


def test_generator_functions_are_refused() -> None:
    def main():  # type: ignore[no-untyped-def]
        yield

    async def amain():  # type: ignore[no-untyped-def]
        yield

    for func in (main, amain):
        with pytest.raises(
            UnsuitableFunctionError, match="main: a generator function does nothing"
        ):
            check_function(func)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(UnsuitableFunctionError, match="'text': a session wraps a function"):
        check_function("text")


def test_coroutine_functions_are_told() -> None:
    async def main() -> None: ...

    assert is_coroutine_function(main)
    assert not is_coroutine_function(plain)


def function(a: int = 1, b: int = 2) -> None: ...


@functools.wraps(function)
def wrapping_function(*args: Any, **kwargs: Any) -> None: ...


class WithMethods:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "func",
    [
        function,
        wrapping_function,
        functools.partial(function, 1),
        functools.partial(wrapping_function, 1),
        WithMethods(),
        WithMethods().method,
        WithMethods().__call__,
    ],
)
def test_globals_are_those_of_the_code_that_runs(func: Callable[..., Any]) -> None:
    assert code_of(func).__globals__ is globals()


def test_what_is_written_in_c_is_its_own_code() -> None:
    assert code_of(print) is print


def test_methods_are_refused_with_what_to_do() -> None:
    with pytest.raises(UnsuitableFunctionError, match="method: a method can't be a script"):
        check_function(WithMethods.method)


def test_bound_methods_and_nested_functions_are_taken() -> None:
    def nested() -> None: ...

    check_function(WithMethods().method)
    check_function(nested)
