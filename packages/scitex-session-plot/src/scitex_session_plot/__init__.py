"""Matplotlib style in millimetres, colours for everybody, and a plt that loads when it is used."""

from __future__ import annotations

from ._colors import COLORS, Color, CustomColors
from ._errors import PlotError, StyleTypeError, StyleValueError, UnknownColorError
from ._rc import rc_params
from ._saving import watch_savefig
from ._style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._read_stamp import Stamp, read_stamp, read_stamps

# What no run needs is imported at its first use.
_LATE = {"Stamp", "read_stamp", "read_stamps"}

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
    "rc_params",
    "read_stamp",
    "read_stamps",
    "watch_savefig",
]


def __getattr__(name: str) -> object:
    """Look the version up when it is asked for: importlib.metadata costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-plot")
    if name in _LATE:
        from . import _read_stamp

        return getattr(_read_stamp, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
