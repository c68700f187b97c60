"""The rcParams of a style, from its few arguments: pure data, without matplotlib."""

from __future__ import annotations

from scitex_session_plot._colors.colors import CustomColors
from scitex_session_plot._errors import StyleValueError, flag, positive, shorten

from .lengths import MM_PER_INCH, POINTS_PER_INCH, pixels, points, size_mm
from .margins import UNTOUCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Sizes of the elements, as factors of the size of text.
ELEMENTS = {
    "text": 1.0,
    "title": 1.1,
    "label": 1.0,
    "tick": 0.9,
    "legend": 0.9,
    "suptitle": 1.2,
}
# Arial if it is installed; free fonts of the same widths; the font of matplotlib.
FONTS = ["Arial", "Helvetica", "Liberation Sans", "Arimo", "Nimbus Sans", "DejaVu Sans"]

# Lengths and widths in points at fig_scale=1.
FRAME = 0.6
MARKER = 4.0
TICK, MINOR_TICK = 3.0, 1.8
TICK_PAD = 2.5
LABEL_PAD = 3.0
TITLE_PAD = 5.0
CAP = 2.0
EDGE = 3.0
MEDIAN = 2.0  # times the lines of its box


def rc_params(
    fig_size_mm: Sequence[float | str] | str = (160, 100),
    fig_scale: float = 1.0,
    dpi_display: float = 100,
    dpi_save: float = 300,
    fontsize: str | float | Mapping[str, str | float] = "small",
    autolayout: bool = False,
    hide_top_right_spines: bool = True,
    alpha: float = 0.9,
    line_width: float = 1.0,
) -> dict[str, object]:
    """Return the rcParams of a style. Pure: matplotlib is neither imported nor changed.

    Parameters
    ----------
    fig_size_mm : pair of float, or str
        Width and height of a figure in millimetres. A saved figure measures exactly that
        (times `fig_scale`), a PNG to within one pixel. The width may be a journal's column, as in
        ``("nature single", 60)``, and ``"nature single"`` alone has a height of 10/16 of its width.
        The columns are ``single``, ``one-and-a-half`` (or ``1.5``) and ``double`` of ``nature``,
        ``pnas``, ``aps`` and ``elsevier``; ``single`` and ``double`` of ``ieee``; ``single``,
        ``double`` and ``triple`` of ``science``, whose pages have three columns.
    fig_scale : float
        Enlarges the whole drawing: figure, fonts, lines, ticks and markers.
    dpi_display, dpi_save : float
        Pixels per inch on the screen and in saved PNGs.
    fontsize : str, float or mapping
        Size of text: a name of matplotlib's (``"small"`` is 8.33 points), a number of points, or
        a mapping with such a value for some of ``text``, ``title``, ``label``, ``tick``,
        ``legend`` and ``suptitle``. Elements that are not given keep their proportion to
        ``text``, which is ``"small"`` unless given.
    autolayout : bool
        Use matplotlib's `tight_layout` at each drawing. Without it, a `Style` lays figures out
        by itself, so that nothing is cut off.
    hide_top_right_spines : bool
        Leave out the upper and the right line of the frame.
    alpha : float
        Opacity of the colours of the cycle, from 0 to 1. It is part of the colours, since no
        rcParam makes lines transparent.
    line_width : float
        Width of lines of data in points. Frame and ticks do not depend on it.

    Returns
    -------
    dict
        For ``matplotlib.rcParams.update``. Every value is plain Python data, or has the form in
        which a matplotlibrc file states it; the backend is not among them.

    Raises
    ------
    StyleTypeError, StyleValueError, UnknownPresetError
        An argument is not what is described above.
    """
    width_mm, height_mm = size_mm("fig_size_mm", fig_size_mm)
    scale = positive("fig_scale", fig_scale)
    width, height = width_mm * scale / MM_PER_INCH, height_mm * scale / MM_PER_INCH
    display, save = positive("dpi_display", dpi_display), positive("dpi_save", dpi_save)
    pixels("dpi_display", display, max(width, height))
    pixels("dpi_save", save, max(width, height))
    sizes = {element: size * scale for element, size in _font_sizes(fontsize).items()}
    spines = not flag("hide_top_right_spines", hide_top_right_spines)
    line = positive("line_width", line_width, " of points") * scale
    cycle = [str(color) for color in CustomColors(alpha=alpha).cycle]
    return {
        "figure.figsize": [width, height],
        "figure.dpi": display,
        "figure.autolayout": flag("autolayout", autolayout),
        "savefig.dpi": save,
        "savefig.bbox": None,  # "tight" in a user's matplotlibrc would make every size untrue
        **_fonts(sizes),
        **_lines(line, scale),
        **_axes(scale, spines=spines),
        **_layout(scale),
        "axes.prop_cycle": f"cycler('color', {cycle})",
    }


def _font_sizes(fontsize: object) -> dict[str, float]:
    """Return the size of every element in points."""
    if not hasattr(fontsize, "keys"):
        text = points("fontsize", fontsize)
        return {element: text * factor for element, factor in ELEMENTS.items()}
    by_element = dict(fontsize)  # type: ignore[call-overload]
    for element in by_element:
        if element not in ELEMENTS:
            raise StyleValueError(
                "a key of fontsize", shorten(element), f"one of {', '.join(ELEMENTS)}"
            )
    text = points("fontsize['text']", by_element.get("text", "small"))
    return {
        element: points(f"fontsize[{element!r}]", by_element[element])
        if element in by_element
        else text * factor
        for element, factor in ELEMENTS.items()
    }


def _fonts(sizes: dict[str, float]) -> dict[str, object]:
    return {
        # DejaVu once more, as a family: a sign that the first font lacks is taken from it.
        "font.family": ["sans-serif", "DejaVu Sans"],
        "font.sans-serif": list(FONTS),
        "font.size": sizes["text"],
        "axes.titlesize": sizes["title"],
        "axes.labelsize": sizes["label"],
        "xtick.labelsize": sizes["tick"],
        "ytick.labelsize": sizes["tick"],
        "legend.fontsize": sizes["legend"],
        "legend.title_fontsize": sizes["legend"],
        "figure.titlesize": sizes["suptitle"],
        "figure.labelsize": sizes["suptitle"],
        "text.usetex": False,
        # Formulas in the font of the text; the signs that it lacks from one without serifs, too.
        # matplotlib's own choice for them, Computer Modern, complains of brackets.
        "mathtext.fontset": "custom",
        "mathtext.rm": "sans",
        "mathtext.sf": "sans",
        "mathtext.it": "sans:italic",
        "mathtext.cal": "sans:italic",
        "mathtext.bf": "sans:bold",
        "mathtext.bfit": "sans:italic:bold",
        "mathtext.fallback": "stixsans",
        "date.converter": "concise",  # the year once, and not at every tick
        # Text that stays text can be searched, and edited for the journal.
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "scitex-session",  # else the ids in equal SVGs differ at every saving
    }


def _lines(line: float, scale: float) -> dict[str, object]:
    boxes = ("boxprops", "capprops", "flierprops", "meanprops", "whiskerprops")
    return {
        "lines.linewidth": line,
        "lines.markersize": MARKER * scale,
        "lines.markeredgewidth": FRAME * scale,
        "patch.linewidth": FRAME * scale,
        "hatch.linewidth": FRAME * scale,
        "errorbar.capsize": CAP * scale,
        "boxplot.flierprops.markersize": MARKER * scale,
        "boxplot.medianprops.color": "black",  # C1 is the colour of a group's data
        **{f"boxplot.{part}.linewidth": line for part in boxes},
        "boxplot.medianprops.linewidth": MEDIAN * line,
    }


def _axes(scale: float, *, spines: bool) -> dict[str, object]:
    params: dict[str, object] = {
        "axes.spines.top": spines,
        "axes.spines.right": spines,
        "axes.linewidth": FRAME * scale,
        "axes.labelpad": LABEL_PAD * scale,
        "axes.titlepad": TITLE_PAD * scale,
        "grid.linewidth": FRAME * scale,
        # Beyond, with an exponent: the margins have room for a sign and five digits. As 1e6, not
        # 10^6: that sets every label as mathematics, 50 ms in all, and no longer as plain text.
        "axes.formatter.limits": [-3, 5],
        # A frame around the legend is one more box; its white ground keeps it readable over data.
        "legend.edgecolor": "none",
        "legend.fancybox": False,
        # Closer than matplotlib's, in font sizes, so that it hides less.
        "legend.borderpad": 0.2,
        "legend.columnspacing": 1.2,
        "legend.handlelength": 1.5,
        "legend.handletextpad": 0.5,
        "legend.labelspacing": 0.3,
    }
    for axis in ("xtick", "ytick"):
        for rank, length in (("major", TICK), ("minor", MINOR_TICK)):
            params[f"{axis}.{rank}.size"] = length * scale
            params[f"{axis}.{rank}.width"] = FRAME * scale
            params[f"{axis}.{rank}.pad"] = TICK_PAD * scale
    return params


def _layout(scale: float) -> dict[str, object]:
    pad = EDGE * scale / POINTS_PER_INCH
    return {
        **{f"figure.subplot.{name}": value for name, value in UNTOUCHED.items()},
        # Around each panel and its labels, in inches.
        "figure.constrained_layout.w_pad": pad,
        "figure.constrained_layout.h_pad": pad,
    }
