"""What can be a session, what can't, and what is called in the end."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from support import given

if TYPE_CHECKING:
    from collections.abc import Callable


def mixed(a: int, b: int = 2, *, c: int = 3, d: int) -> tuple[int, ...]:
    return a, b, c, d


@functools.wraps(mixed)
def wrapping(*args: Any, **kwargs: Any) -> Any:
    return mixed(*args, **kwargs)


class WithMethods:
    def __call__(self, a: int, b: int = 2, *, c: int = 3, d: int) -> tuple[int, ...]:
        return a, b, c, d

    def method(self, a: int, b: int = 2, *, c: int = 3, d: int) -> tuple[int, ...]:
        return a, b, c, d


def generator() -> Any:
    yield


async def async_generator() -> Any:
    yield


@pytest.mark.parametrize(
    ("func", "said"),
    [
        (generator, "a generator function does nothing"),
        (async_generator, "a generator function does nothing"),
        (functools.partial(generator), "generator: a generator function"),
        ("text", "'text': a session wraps a function"),
        (WithMethods, "WithMethods: a class can't be a session"),
        (WithMethods.method, "method: a method can't be a script"),
        (classmethod(generator), "a classmethod can't be decorated"),  # type: ignore[arg-type]
        (lambda CONFIG=stx.INJECTED, other=stx.INJECTED: None, "'other'"),
    ],
)
def test_what_cant_be_a_session_is_refused_with_what_to_do(func: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        stx.session(func)


@pytest.mark.parametrize(
    "func",
    [
        mixed,
        wrapping,
        functools.partial(mixed),
        functools.partial(wrapping, c=3),
        WithMethods(),
        WithMethods().method,
        WithMethods().__call__,
    ],
)
def test_each_gets_its_arguments_by_its_own_signature(func: Callable[..., Any]) -> None:
    found = given(func, *["-a", "1", "-b", "5", "-d", "4"])
    assert {name: found[name] for name in "abcd"} == {"a": 1, "b": 5, "c": 3, "d": 4}


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (mixed, "mixed"),
        (functools.partial(functools.partial(mixed, 1), 2), "mixed"),
        (WithMethods(), "WithMethods"),
        (WithMethods().method, "method"),
        (print, "print"),
    ],
)
def test_each_has_a_name(func: Callable[..., Any], name: str) -> None:
    assert stx.session(func).__name__ == name  # type: ignore[attr-defined]


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
    wrapper = careless(mixed)
    assert stx.session(wrapper).__name__ == "mixed"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "func", [changing(mixed), around(mixed, mixed), with_a_helper(), mixed, print]
)
def test_what_is_no_plain_wrapper_stays_as_it_is(func: Callable[..., Any]) -> None:
    name = func.__name__
    assert stx.session(func).__name__ == name  # type: ignore[attr-defined]
    assert not hasattr(func, "__wrapped__")
