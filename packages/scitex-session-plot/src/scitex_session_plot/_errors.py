"""The errors of scitex-session-plot, the checks of arguments that raise them, and its warnings.

Each error is a `PlotError`, and also the builtin error that a caller expects. What it is made of
are its attributes, and it can be pickled, as a worker process must to report it.
"""

from __future__ import annotations

import sys
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# A warning is located at the first caller that is none of these: the line in the user's code.
_NOT_THEIRS = ("scitex_session", "matplotlib", "importlib")


class PlotError(Exception):
    """The base of all errors of scitex-session-plot."""


class _NotAllowedError(PlotError):
    """An argument that is not allowed."""

    def __init__(self, argument: str, shown: str, allowed: str) -> None:
        super().__init__(argument, shown, allowed)
        self.argument = argument
        self.shown = shown
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.argument} must be {self.allowed}, not {self.shown}"


class StyleTypeError(_NotAllowedError, TypeError):
    """An argument has a type that is not allowed.

    Attributes
    ----------
    argument : str
        The argument, or the part of it, that is refused.
    shown : str
        The value as it prints, shortened.
    allowed : str
        What is allowed.
    """


class StyleValueError(_NotAllowedError, ValueError):
    """An argument has a value that is not allowed. Its attributes are those of `StyleTypeError`."""


class _UnknownNameError(PlotError):
    """A name that nothing has."""

    def __init__(self, asked: str, near: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(asked, near, known)
        self.asked = asked
        self.near = near
        self.known = known


class UnknownPresetError(_UnknownNameError, ValueError):
    """No column of a journal has the name that was asked for.

    Attributes
    ----------
    asked : str
        The name asked for.
    near : tuple of str
        Similar names, the nearest first; may be empty.
    known : tuple of str
        All names that exist.
    """

    def __str__(self) -> str:
        guess = f" (did you mean {' or '.join(map(repr, self.near))}?)" if self.near else ""
        known = ", ".join(map(repr, self.known))
        return (
            f"no journal's column is named {self.asked!r}{guess}: the names are {known}; "
            "any other size is a pair (width, height) in millimetres"
        )


class UnknownColorError(_UnknownNameError, AttributeError, KeyError):
    """No colour has the name that was asked for. Its attributes are those of `UnknownPresetError`.

    It is both an AttributeError and a KeyError, since a colour is an attribute and an item.
    """

    def __str__(self) -> str:
        guess = f" (did you mean {' or '.join(self.near)}?)" if self.near else ""
        return f"no colour is named {self.asked!r}{guess}: the names are {', '.join(self.known)}"


def similar(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three of the known names that look like the one asked for, the nearest first."""
    from difflib import get_close_matches  # only a mistake pays for its import

    return tuple(get_close_matches(asked, [*known]))


def positive(argument: str, value: object, unit: str = "") -> float:
    """Return `value` as a float, if it is a finite number above zero.

    Raises
    ------
    StyleTypeError
        It is not a number. A string and a bool are not.
    StyleValueError
        It is NaN, infinite, zero or negative.
    """
    allowed = f"a positive number{unit}"
    result = _finite(argument, value, allowed)
    if result <= 0:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def not_negative(argument: str, value: object, unit: str = "") -> float:
    """Return `value` as a float, if it is a finite number of at least zero."""
    allowed = f"zero or a positive number{unit}"
    result = _finite(argument, value, allowed)
    if result < 0:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def opacity(argument: str, value: object) -> float:
    """Return `value` as a float, if it is a number from 0 (invisible) to 1 (opaque)."""
    allowed = "a number from 0 to 1"
    result = _finite(argument, value, allowed)
    if not 0 <= result <= 1:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def flag(argument: str, value: object) -> bool:
    """Return `value` if it is a bool. In an `if`, the text "false" would be true."""
    if not isinstance(value, bool):
        raise StyleTypeError(argument, shorten(value), "True or False")
    return value


def shorten(value: object) -> str:
    """Return a value as it prints, cut to 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _finite(argument: str, value: object, allowed: str) -> float:
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__"):
        raise StyleTypeError(argument, shorten(value), allowed)
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):  # an array, an integer beyond every float
        raise StyleTypeError(argument, shorten(value), allowed) from None
    if not isfinite(result):
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def warn(message: str) -> None:
    """Warn of trouble of our own, or print it where warnings are errors: the user goes on."""
    import warnings

    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_NOT_THEIRS):
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(message, stacklevel=level)
    except Warning:
        if sys.stderr is not None:
            print(f"UserWarning: {message}", file=sys.stderr)
