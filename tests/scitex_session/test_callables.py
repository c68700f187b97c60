"""What can be a session, what can't, and what runs below what wraps it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session._command_line.callables import (
    check_function,
    code_of,
    is_coroutine_function,
    name_of,
    namespace_of,
    unveil,
)
from scitex_session._errors import UnsuitableFunctionError

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert not is_coroutine_function(function)


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


def test_a_method_without_parameters_of_its_own_is_taken() -> None:
    class Static:
        @staticmethod
        def main(size: int = 1) -> None: ...

    check_function(Static.main)


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (function, "function"),
        (functools.partial(functools.partial(function, 1), 2), "function"),
        (WithMethods(), "WithMethods"),
        (WithMethods().method, "method"),
        (print, "print"),
    ],
)
def test_each_has_a_name(func: Callable[..., Any], name: str) -> None:
    assert name_of(func) == name


def test_what_is_written_in_c_has_the_globals_of_the_script() -> None:
    import __main__

    assert namespace_of(print) is vars(__main__)
    assert namespace_of(functools.partial(function, 1)) is globals()


def careless(func: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapper


def changing(func: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(first: int) -> Any:
        return func(first, 2)

    return wrapper


def around(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return first(*args), second(**kwargs)

    return wrapper


def with_a_helper() -> Callable[..., Any]:
    def helper() -> None: ...

    def main(*args: Any, **kwargs: Any) -> None:
        helper()

    return main


def test_a_wrapper_that_hides_its_function_is_unveiled() -> None:
    wrapper = careless(function)
    unveil(wrapper)
    assert code_of(wrapper) is function
    assert name_of(wrapper) == "function"


@pytest.mark.parametrize(
    "func", [changing(function), around(function, function), with_a_helper(), function, print]
)
def test_what_is_no_plain_wrapper_stays_as_it_is(func: Callable[..., Any]) -> None:
    name = func.__name__
    unveil(func)
    assert func.__name__ == name
    assert not hasattr(func, "__wrapped__")
