"""The code that a session belongs to is found below what is wrapped around it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session._execute import _globals

if TYPE_CHECKING:
    from collections.abc import Callable


def function(a: int = 1, b: int = 2) -> None: ...


@functools.wraps(function)
def wrapping(*args: Any, **kwargs: Any) -> None: ...


class Instance:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "func",
    [
        function,
        wrapping,
        functools.partial(function, 1),
        functools.partial(wrapping, 1),
        Instance(),
        Instance().method,
        Instance().__call__,
    ],
)
def test_globals_are_those_of_the_code_that_runs(func: Callable[..., Any]) -> None:
    assert _globals(func) is globals()


def test_what_is_written_in_c_has_no_globals_to_inject_into() -> None:
    assert _globals(print) == {}
