"""A word, once, on a tight box that makes the size of a figure untrue."""

from __future__ import annotations

import os
import sys
from weakref import WeakSet

from scitex_session_plot._errors import warn
from scitex_session_plot._import_hook import Hook
from scitex_session_plot._interception import Call, Interception

from .lengths import MM_PER_INCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from matplotlib.figure import Figure

DEFAULT_INCHES = (160 / MM_PER_INCH, 100 / MM_PER_INCH)
# A difference in inches that nobody sees.
SAME = 0.01
made_in_millimetres: WeakSet[Figure] = WeakSet()
_said = False


class TightBoxRemark:
    """Warn at the first figure whose size in millimetres is lost to ``bbox_inches="tight"``.

    Only of a file, since a notebook shows each figure in a tight box; and not of a size that nobody
    has asked for.
    """

    __slots__ = ("_hook", "_interception")

    def __init__(self) -> None:
        self._interception: Interception | None = None
        self._hook = Hook("matplotlib.backend_bases", self._intercept)

    def _intercept(self, module: ModuleType) -> None:
        self._interception = Interception(module, "FigureCanvasBase", "print_figure", _begin)

    def undo(self, newer: Any) -> None:  # noqa: ARG002  # it has an interception of its own
        """Intercept no more saves."""
        self._hook.cancel()
        if self._interception is not None:
            self._interception.cancel()


class _Save(Call):
    """The save of a figure to a file, in a tight box."""

    def done(self) -> None:
        """Compare the sizes; the box is as matplotlib has just computed it."""
        global _said
        figure = self.args[0].figure
        asked, box = figure.get_size_inches(), figure.get_tightbbox()
        pad = self.kwargs.get("pad_inches")
        if not isinstance(pad, (int, float)):
            pad = sys.modules["matplotlib"].rcParams["savefig.pad_inches"]
        saved = (box.width + 2 * pad, box.height + 2 * pad)
        if all(abs(a - b) < SAME for a, b in zip(asked, saved, strict=True)):
            return
        _said = True
        sizes = [
            " x ".join(f"{MM_PER_INCH * side:.1f}" for side in size) for size in (asked, saved)
        ]
        warn(
            f"bbox_inches='tight' saves a figure of {sizes[0]} mm as one of {sizes[1]} mm; "
            "leave it out to keep the size: nothing is cut off without it"
        )


def _begin(canvas: Any, filename: Any = None, *args: Any, **kwargs: Any) -> Call | None:
    if _said or not isinstance(filename, (str, os.PathLike)):
        return None
    params = sys.modules["matplotlib"].rcParams
    if (kwargs.get("bbox_inches") or params["savefig.bbox"]) != "tight":
        return None
    figure = canvas.figure
    size, of_style = tuple(figure.get_size_inches()), tuple(params["figure.figsize"])
    asked = size == of_style and size != DEFAULT_INCHES
    if not asked and figure not in made_in_millimetres:
        return None
    return _Save((canvas, filename, *args), kwargs)
