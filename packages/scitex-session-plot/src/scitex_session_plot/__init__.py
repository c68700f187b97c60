"""Matplotlib style in millimetres, colours for everybody, and a plt that loads when it is used."""

from __future__ import annotations

from ._colors import COLORS, Color, CustomColors
from ._errors import PlotError, StyleTypeError, StyleValueError, UnknownColorError
from ._lazy_pyplot import plt
from ._rc import rc_params
from ._style import Style

__all__ = [
    "COLORS",
    "Color",
    "CustomColors",
    "PlotError",
    "Style",
    "StyleTypeError",
    "StyleValueError",
    "UnknownColorError",
    "plt",
    "rc_params",
]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: importlib.metadata costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-plot")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
