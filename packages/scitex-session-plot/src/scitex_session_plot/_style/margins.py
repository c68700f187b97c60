"""The room that labels need around axes, in points.

matplotlib's own margins are fractions of any figure: in one of 80 x 50 mm they cut labels off.
"""

from __future__ import annotations

LINE_HEIGHT = 1.15  # of a line of text, in its size
DIGITS = 4.0  # the width of a minus sign and five digits, in their size
HALF = 1.6  # half the width of five digits
POWER = 0.3  # how much a power of ten at the end of the axis lifts the title, in its size
EDGE = 0.5  # what stays free at the edge of a figure, in the size of text


class Room:
    """How much room the labels on each side of axes take.

    Parameters
    ----------
    text, title, label, tick : float
        Sizes of fonts in points.
    ticks : float
        Length of a tick, and from there to its label.
    label_pad, title_pad : float
        From the tick labels to the label of the axis, and from the axes to their title.

    Attributes
    ----------
    left, right, bottom, top : float
        From the axes to the end of their labels: tick labels and a line of label on the left and
        below, a title above, half a tick label on the right.
    edge : float
        What stays free beyond.
    """

    __slots__ = ("bottom", "edge", "left", "right", "top")

    def __init__(
        self,
        *,
        text: float,
        title: float,
        label: float,
        tick: float,
        ticks: float,
        label_pad: float,
        title_pad: float,
    ) -> None:
        label_room = label_pad + LINE_HEIGHT * label
        self.edge = EDGE * text
        self.left = ticks + DIGITS * tick + label_room
        self.right = HALF * tick
        self.bottom = ticks + LINE_HEIGHT * tick + label_room
        self.top = title_pad + LINE_HEIGHT * title + POWER * tick


def fractions(room: Room, width: float, height: float) -> dict[str, float]:
    """Return the margins of a figure of that size in points as matplotlib's fractions.

    Between the panels there is room for two in a row or a column. In a small figure, the axes
    keep at least two fifths of it, and the panels half of that.
    """
    left, right = _fit(room.edge + room.left, room.edge + room.right, width)
    bottom, top = _fit(room.edge + room.bottom, room.edge + room.top, height)
    return {
        "left": left,
        "right": 1 - right,
        "bottom": bottom,
        "top": 1 - top,
        "wspace": _between(room.edge + room.left, width * (1 - left - right)),
        "hspace": _between(room.edge + room.bottom + room.top, height * (1 - bottom - top)),
    }


def _fit(before: float, after: float, length: float) -> tuple[float, float]:
    """Return both margins as fractions of `length`, of which they leave at least two fifths."""
    length = max(length, (before + after) / 0.6)
    return before / length, after / length


def _between(gap: float, length: float) -> float:
    """Return a gap between two panels in `length`, of which it takes at most half, per panel."""
    gap = min(gap, length / 2)
    return 2 * gap / (length - gap)
