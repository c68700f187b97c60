"""The room around axes: the margins that nobody has chosen, and what labels need, in points."""

from __future__ import annotations

# matplotlib's own, but for a hair's breadth: by it, a user's `subplots_adjust(left=0.125)` is told
# from no choice. They hold until a figure is laid out, and where axes are placed by hand.
UNTOUCHED = {
    "left": 0.125 + 1e-12,
    "right": 0.9 - 1e-12,
    "bottom": 0.11 + 1e-12,
    "top": 0.88 - 1e-12,
    "wspace": 0.2 + 1e-12,
    "hspace": 0.2 + 1e-12,
}

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
