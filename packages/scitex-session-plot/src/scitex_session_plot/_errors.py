"""What scitex-session-plot raises.

Every error is a `PlotError` and the builtin that a caller would expect. Its data are its
arguments and its attributes, so that it survives pickling on its way out of a worker.
"""

from __future__ import annotations


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
    """An argument of a style has a type that it cannot have.

    Attributes
    ----------
    argument : str
        The argument, or the element of it, that was refused.
    shown : str
        The value as it prints, shortened.
    allowed : str
        What is allowed in its place.
    """


class StyleValueError(_NotAllowedError, ValueError):
    """An argument of a style has a value that it cannot have; its data are `StyleTypeError`'s."""


class UnknownPresetError(PlotError, ValueError):
    """A width was asked for by the name of a journal's column that is not in the table.

    Attributes
    ----------
    asked : str
        The name asked for.
    near : tuple of str
        Known names that look like it, the nearest first; may be empty.
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
    """A colour was asked for by a name that no colour has.

    It is both an AttributeError and a KeyError, since a colour is an attribute and an item.

    Attributes
    ----------
    asked : str
        The name asked for.
    near : tuple of str
        Known names that look like it, the nearest first; may be empty.
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
