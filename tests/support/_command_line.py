"""Command lines of functions, within the test's process and without a session."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx

if TYPE_CHECKING:
    from collections.abc import Callable


def given(func: Callable[..., Any], *tokens: str) -> dict[str, Any]:
    """Return what a command line gives a function: with sessions turned off, a plain call."""
    found: dict[str, Any] = {}

    @functools.wraps(func)
    def main(*args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(func).bind(*args, **kwargs)
        bound.apply_defaults()
        found.update(bound.arguments)

    os.environ["SCITEX_SESSION_DISABLE"] = "1"
    sys.argv = ["script.py", *tokens]
    stx.session(main)()
    return found


def mistake(func: Callable[..., Any], *tokens: str) -> str:
    """Return what is said of a command line that can't be taken: one line, and status 2."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
        given(func, *tokens)
    assert ended.value.code == 2
    assert said.getvalue().startswith("script.py: error: ")
    assert said.getvalue().count("\n") == 1
    return said.getvalue().removeprefix("script.py: error: ").rstrip("\n")
