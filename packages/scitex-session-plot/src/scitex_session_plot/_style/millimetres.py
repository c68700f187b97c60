"""Figures and axes of exact millimetres."""

from __future__ import annotations

from scitex_session_plot._errors import StyleTypeError, StyleValueError, not_negative, shorten

from .lengths import MM_PER_INCH, POINTS_PER_INCH, column_or_mm, millimetres, size_mm
from .margins import Room
from .style import plt
from .tight_box import made_in_millimetres

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    Sharing = bool | Literal["none", "all", "row", "col"]

MM_PER_POINT = MM_PER_INCH / POINTS_PER_INCH
SIDES = ("left", "right", "bottom", "top")
# What lays axes out anew at each drawing, or says the size a second time.
LAYOUTS = (
    *("figsize", "layout", "tight_layout", "constrained_layout"),
    *("gridspec_kw", "width_ratios", "height_ratios"),
)
OF_PANELS = ("polar", "projection")


def figsize_mm(width: float | str, height: float | None = None) -> tuple[float, float]:
    """Return a size in millimetres as matplotlib's ``figsize``, in inches.

    Parameters
    ----------
    width : float or str
        Millimetres, or a journal's column such as ``"nature single"`` (see `rc_params`).
    height : float, optional
        Millimetres. With the name of a column, it may be left out: the figure then has the
        proportions of the default one, 16 to 10.

    Returns
    -------
    tuple of float
        Width and height in inches.

    Raises
    ------
    StyleTypeError, StyleValueError, UnknownPresetError
        A length is no positive number, or no journal has such a column.

    Examples
    --------
    >>> figsize_mm(50.8, 25.4)
    (2.0, 1.0)
    """
    if isinstance(width, str) and height is None:
        across, down = size_mm("width", width)
    else:
        across, down = column_or_mm("width", width), millimetres("height", height)
    return across / MM_PER_INCH, down / MM_PER_INCH


def subplots_mm(
    nrows: int = 1,
    ncols: int = 1,
    *,
    axes_mm: Sequence[float] | None = None,
    fig_size_mm: Sequence[float | str] | str | None = None,
    gap_mm: float | Sequence[float] | None = None,
    margin_mm: float | Mapping[str, float] | None = None,
    sharex: Sharing = False,
    sharey: Sharing = False,
    squeeze: bool = True,
    subplot_kw: dict[str, Any] | None = None,
    **fig_kw: Any,
) -> tuple[Any, Any]:
    """Make a figure of panels of exact millimetres, as `matplotlib.pyplot.subplots` does.

    The naive way, `subplots` with ``tight_layout``, makes axes as large as their labels leave
    room for: panels of two figures of one paper then differ by a digit in a tick label.

    Parameters
    ----------
    nrows, ncols : int
        Rows and columns of panels.
    axes_mm : pair of float
        Width and height of every panel's axes in millimetres; the figure is as large as they,
        the gaps and the margins make it.
    fig_size_mm : pair of float, or str
        Width and height of the figure in millimetres, or a journal's column (see `rc_params`);
        the panels share what the gaps and margins leave. Exactly one of both is given.
    gap_mm : float or pair of float, optional
        Between columns, and between rows, in millimetres. By default what the labels need, in
        the fonts in force: less where shared axes have labels at the outside only.
    margin_mm : float or mapping, optional
        Around the panels in millimetres, or for some of ``left``, ``right``, ``bottom`` and
        ``top``. By default what tick labels of five digits, a label and a title need.
    sharex, sharey, squeeze, subplot_kw
        As for `matplotlib.pyplot.subplots`.
    **fig_kw
        For `matplotlib.pyplot.figure`, but neither a size nor a layout, which would move the axes.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : Axes or array of Axes

    Raises
    ------
    StyleTypeError, StyleValueError, UnknownPresetError
        An argument is not what is described above, or nothing is left for the panels.

    Notes
    -----
    A style's ``fig_scale`` does not enlarge these lengths. What takes room from axes still does:
    ``aspect="equal"`` shrinks them, and a colour bar takes a part of the axes that it is given as
    ``ax=``; draw it into axes of its own with ``cax=axes.inset_axes([1.05, 0, 0.05, 1])``.
    """
    rows, columns = _count("nrows", nrows), _count("ncols", ncols)
    for name in LAYOUTS:
        if name in fig_kw:
            allowed = "left out: axes_mm or fig_size_mm, gap_mm and margin_mm say it all"
            raise StyleValueError(name, shorten(fig_kw[name]), allowed)
    for name in OF_PANELS:
        if name in fig_kw:
            shown = shorten(fig_kw[name])
            allowed = f"given for the panels, as subplot_kw={{{name!r}: {shown}}}"
            raise StyleTypeError(name, "for the figure", allowed)
    room = _room()
    left, right, bottom, top = _margins(margin_mm, room)
    gaps = _gaps(gap_mm, room, sharex=sharex, sharey=sharey)
    width = left + right + gaps[0] * (columns - 1)
    height = bottom + top + gaps[1] * (rows - 1)
    if (axes_mm is None) == (fig_size_mm is None):
        arguments = "both" if axes_mm is not None else "none"
        raise StyleTypeError("the size of the panels", arguments, "either axes_mm or fig_size_mm")
    if axes_mm is not None:
        axes_width, axes_height = size_mm("axes_mm", axes_mm)
        width, height = width + columns * axes_width, height + rows * axes_height
    else:
        size = size_mm("fig_size_mm", fig_size_mm)
        for number, (whole, taken) in enumerate(zip(size, (width, height), strict=True)):
            if whole <= taken:
                allowed = f"more than the {taken:.1f} mm that margins and gaps take"
                raise StyleValueError(f"fig_size_mm[{number}]", f"{whole:g}", allowed)
        axes_width, axes_height = (size[0] - width) / columns, (size[1] - height) / rows
        width, height = size
    figure = plt.figure(figsize=figsize_mm(width, height), **fig_kw)
    made_in_millimetres.add(figure)
    figure.set_layout_engine("none")  # another would move the axes at each drawing
    axes = figure.subplots(
        rows,
        columns,
        sharex=sharex,
        sharey=sharey,
        squeeze=squeeze,
        subplot_kw=subplot_kw,
        gridspec_kw={
            "left": left / width,
            "right": 1 - right / width,
            "bottom": bottom / height,
            "top": 1 - top / height,
            "wspace": gaps[0] / axes_width,
            "hspace": gaps[1] / axes_height,
        },
    )
    return figure, axes


def _count(argument: str, value: object) -> int:
    from operator import index

    allowed = "a positive integer"
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise StyleTypeError(argument, shorten(value), allowed) from None
    if number < 1:
        raise StyleValueError(argument, shorten(value), allowed)
    return number


def _room() -> Room:
    """Return the room that labels need in the fonts that rcParams have now."""
    from matplotlib.font_manager import FontProperties

    params = plt.rcParams
    title, label, tick = (
        FontProperties(size=params[key]).get_size_in_points()
        for key in ("axes.titlesize", "axes.labelsize", "xtick.labelsize")
    )
    return Room(
        text=params["font.size"],
        title=title,
        label=label,
        tick=tick,
        ticks=params["xtick.major.size"] + params["xtick.major.pad"],
        label_pad=params["axes.labelpad"],
        title_pad=params["axes.titlepad"],
    )


def _margins(margin_mm: object, room: Room) -> list[float]:
    """Return left, right, bottom and top in millimetres."""
    if margin_mm is not None and not hasattr(margin_mm, "keys"):
        return [not_negative("margin_mm", margin_mm, " of millimetres")] * 4
    by_side = dict(margin_mm or {})  # type: ignore[call-overload]
    for side in by_side:
        if side not in SIDES:
            raise StyleValueError("a key of margin_mm", shorten(side), f"one of {', '.join(SIDES)}")
    return [
        not_negative(f"margin_mm[{side!r}]", by_side[side], " of millimetres")
        if side in by_side
        else MM_PER_POINT * (room.edge + getattr(room, side))
        for side in SIDES
    ]


def _gaps(gap_mm: object, room: Room, *, sharex: Sharing, sharey: Sharing) -> tuple[float, float]:
    """Return the gaps between columns and between rows in millimetres."""
    if gap_mm is None:
        beside = room.right if sharey in (True, "all", "row") else room.left
        below = 0.0 if sharex in (True, "all", "col") else room.bottom
        return MM_PER_POINT * (room.edge + beside), MM_PER_POINT * (room.edge + below + room.top)
    pair = gap_mm if isinstance(gap_mm, (tuple, list)) else (gap_mm, gap_mm)
    if len(pair) != 2:
        allowed = "a number of millimetres, or a pair: between columns and between rows"
        raise StyleValueError("gap_mm", shorten(gap_mm), allowed)
    across, down = (not_negative("gap_mm", gap, " of millimetres") for gap in pair)
    return across, down
