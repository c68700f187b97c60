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
from ._saving import watch_savefig
from ._style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._millimetres import figsize_mm, subplots_mm
    from ._read_stamp import Stamp, read_stamp, read_stamps

# What no run needs is imported at its first use.
_LATE = dict.fromkeys(("Stamp", "read_stamp", "read_stamps"), "_read_stamp")
_LATE |= dict.fromkeys(("figsize_mm", "subplots_mm"), "_millimetres")

__all__ = [
    "COLORS",
    "Color",
    "CustomColors",
    "PlotError",
    "Stamp",
    "Style",
    "StyleTypeError",
    "StyleValueError",
    "UnknownColorError",
    "UnknownPresetError",
    "figsize_mm",
    "plt",
    "rc_params",
    "read_stamp",
    "read_stamps",
    "subplots_mm",
    "watch_savefig",
]


def __getattr__(name: str) -> object:
    """Look up what most runs do without; importlib.metadata alone costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-plot")
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
