"""Matplotlib style in millimetres, colours for everybody, and a plt that loads when it is used."""

from __future__ import annotations

from ._color import Color
from ._colors import COLORS, CustomColors
from ._errors import (
    PlotError,
    StyleTypeError,
    StyleValueError,
    UnknownColorError,
    UnknownPresetError,
)
from ._lazy_pyplot import plt
from ._rc import rc_params
from ._style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._millimetres import figsize_mm, subplots_mm

__all__ = [
    "COLORS",
    "Color",
    "CustomColors",
    "PlotError",
    "Style",
    "StyleTypeError",
    "StyleValueError",
    "UnknownColorError",
    "UnknownPresetError",
    "figsize_mm",
    "plt",
    "rc_params",
    "subplots_mm",
]


def __getattr__(name: str) -> object:
    """Look up what most runs do without; importlib.metadata alone costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-plot")
    if name in {"figsize_mm", "subplots_mm"}:
        from . import _millimetres

        return getattr(_millimetres, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
