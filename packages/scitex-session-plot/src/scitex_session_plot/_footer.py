"""A word in the corner of a figure that is being saved."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SIZE = 5.0  # points
_GREY = "0.6"
_MARGIN = 2.0  # points, from the corner
_ABOVE_ALL = 1e6


def footer_on(figure: Any, text: str) -> Callable[[], None]:
    """Put `text` into the lower right corner of what is saved of `figure`.

    Returns what takes it out again. It has no part in any layout, and stands in the corner of what
    is saved, not of the figure: of that, ``bbox_inches="tight"`` cuts off a part.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import IdentityTransform

    class Footer(Text):
        def draw(self, renderer: Any) -> None:
            # The figure's box is, while it is saved, that of the part which is.
            margin = _MARGIN * self.figure.dpi / 72
            self.set_position((self.figure.bbox.x1 - margin, self.figure.bbox.y0 + margin))
            super().draw(renderer)

    was_stale = figure.stale
    footer = Footer(
        0,
        0,
        text,
        size=_SIZE,
        color=_GREY,
        ha="right",
        va="bottom",
        zorder=_ABOVE_ALL,
        parse_math=False,
        family="sans-serif",
    )
    footer.set_in_layout(False)
    footer.set_transform(IdentityTransform())
    figure.add_artist(footer)

    def remove() -> None:
        footer.remove()
        figure.stale = was_stale

    return remove
