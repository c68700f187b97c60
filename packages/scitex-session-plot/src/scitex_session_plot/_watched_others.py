"""What is saved and is no figure to matplotlib: arrays as images, and animations."""

from __future__ import annotations

import os
import sys

from ._watched_save import WatchedSave, absolute, saving_figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._saving import _Watch

# `imsave` makes a figure of the array for these, and saves that.
_AS_FIGURE = ("pdf", "ps", "eps", "svg")
_FORMAT_ARGUMENT = 4  # of imsave, after the file name


def watched_image(
    watch: _Watch, fname: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> WatchedImage | None:
    """Watch `imsave`, unless it is a figure that is being saved so.

    The canvas of Agg does: a direct call of its `print_png` is watched here.
    """
    fmt = args[_FORMAT_ARGUMENT] if len(args) > _FORMAT_ARGUMENT else kwargs.get("format")
    if fmt is None and isinstance(fname, (str, os.PathLike)):
        fmt = os.path.splitext(os.fsdecode(fname))[1][1:]
    elif fmt is None:
        fmt = sys.modules["matplotlib"].rcParams["savefig.format"]
    fmt = str(fmt).lower()
    if fmt in _AS_FIGURE or saving_figure():
        return None
    return WatchedImage(watch, fmt, fname, args, kwargs)


class WatchedImage(WatchedSave):
    """Saves an array as an image, as its user asked for, stamped where that can be."""

    def __init__(
        self, watch: _Watch, fmt: str, fname: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        super().__init__(watch, fname, (fname, *args), kwargs)
        self.path = absolute(fname)
        self.stamp_keywords(fmt, None)


class WatchedAnimation(WatchedSave):
    """Saves an animation; no writer has a place for a stamp in all of its formats."""

    def __init__(
        self,
        watch: _Watch,
        animation: Any,
        filename: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(watch, filename, (animation, filename, *args), kwargs)
        self.path = absolute(filename)
