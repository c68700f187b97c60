"""The errors of scitex-session-plot, the checks of arguments that raise them, and its warnings.

Every error is a `PlotError` and the builtin that a caller expects. Its data are its arguments and
its attributes, so that it can be pickled on its way out of a worker.
"""

from __future__ import annotations

import sys
from math import isfinite

# The modules between a warning and the line of the user's that it is located at.
_NOT_THEIRS = ("scitex_session", "matplotlib", "importlib")


class PlotError(Exception):
    """The base of all errors of scitex-session-plot."""


class _NotAllowedError(PlotError):
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
        The argument, or the element of it, that was refused.
    shown : str
        The value as it prints, shortened.
    allowed : str
        What is allowed instead.
    """


class StyleValueError(_NotAllowedError, ValueError):
    """An argument has a value that is not allowed; the attributes are those of `StyleTypeError`."""


class UnknownPresetError(PlotError, ValueError):
    """No journal's column has the name that was asked for.

    Attributes
    ----------
    asked : str
        The name asked for.
    near : tuple of str
        Similar names, the nearest first; may be empty.
    known : tuple of str
        All known names.
    """

    def __init__(self, asked: str, near: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(asked, near, known)
        self.asked = asked
        self.near = near
        self.known = known

    def __str__(self) -> str:
        guess = f" (did you mean {' or '.join(map(repr, self.near))}?)" if self.near else ""
        known = ", ".join(map(repr, self.known))
        return (
            f"no journal's column is named {self.asked!r}{guess}: the names are {known}; "
            "any other size is a pair (width, height) in millimetres"
        )


class UnknownColorError(PlotError, AttributeError, KeyError):
    """No colour has the name that was asked for.

    It is both an AttributeError and a KeyError, since a colour is an attribute and an item.

    Attributes
    ----------
    asked : str
        The name asked for.
    near : tuple of str
        Similar names, the nearest first; may be empty.
    known : tuple of str
        All known names.
    """

    def __init__(self, asked: str, near: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(asked, near, known)
        self.asked = asked
        self.near = near
        self.known = known

    def __str__(self) -> str:
        guess = f" (did you mean {' or '.join(self.near)}?)" if self.near else ""
        return f"no colour is named {self.asked!r}{guess}: the names are {', '.join(self.known)}"


def positive(argument: str, value: object, unit: str = "") -> float:
    """Return `value` as a float, if it is a finite number above zero.

    Raises
    ------
    StyleTypeError
        It is no number; a string and a bool are none.
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
    """Return `value` if it is a bool: the text "false" would count as true."""
    if not isinstance(value, bool):
        raise StyleTypeError(argument, shorten(value), "True or False")
    return value


def shorten(value: object) -> str:
    """Return a value as it prints, cut to what fits into a sentence."""
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
    """Warn of trouble of our own, which must not stop the user: not where warnings are errors."""
    import warnings

    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_NOT_THEIRS):
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(message, stacklevel=level)
    except Warning:
        if sys.stderr is not None:
            print(f"UserWarning: {message}", file=sys.stderr)
