"""Lengths that figures are asked for in: millimetres, journals' columns, points and pixels.

The widths of columns are from the guidelines for authors, as they stood in 2026. Those of Nature
(89 and 183) and IEEE were read on the publishers' own pages; the others stand here as the pages
named are cited elsewhere. Guidelines change: look before you submit.

Nature
    89 and 183 mm; 120 to 136 mm for one and a half columns, of which the table has the least.
    https://research-figure-guide.nature.com/figures/building-and-exporting-figure-panels
    https://www.nature.com/nature/for-authors/final-submission
Science
    Three columns to a page: 5.7, 12.1 and 18.4 cm.
    https://www.science.org/content/page/instructions-preparing-initial-manuscript
PNAS
    8.7, 11.4 and 17.8 cm. https://www.pnas.org/author-center/submitting-your-manuscript
IEEE
    3.5 and 7.16 inches. https://journals.ieeeauthorcenter.ieee.org (size requirements for graphics)
APS
    8.6, 14.0 and 17.8 cm. https://journals.aps.org/authors/style-basics
Elsevier
    90, 140 and 190 mm. https://www.elsevier.com/about/policies-and-standards/author
    (artwork and media instructions: artwork sizing)
"""

from __future__ import annotations

from scitex_session_plot._errors import (
    StyleTypeError,
    StyleValueError,
    UnknownPresetError,
    positive,
    shorten,
    similar,
)

# Names of matplotlib's sizes, as factors of its default size.
FONT_SIZES = {
    "xx-small": 0.579,
    "x-small": 0.694,
    "small": 0.833,
    "smaller": 0.833,
    "medium": 1.0,
    "large": 1.2,
    "larger": 1.2,
    "x-large": 1.44,
    "xx-large": 1.728,
}
DEFAULT_POINTS = 10.0
MM_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
MAX_PIXELS = 2**16  # matplotlib refuses to draw more in one direction

WIDTHS_MM = {
    "nature single": 89.0,
    "nature one-and-a-half": 120.0,
    "nature double": 183.0,
    "science single": 57.0,
    "science double": 121.0,
    "science triple": 184.0,
    "pnas single": 87.0,
    "pnas one-and-a-half": 114.0,
    "pnas double": 178.0,
    "ieee single": 88.9,
    "ieee double": 182.0,
    "aps single": 86.0,
    "aps one-and-a-half": 140.0,
    "aps double": 178.0,
    "elsevier single": 90.0,
    "elsevier one-and-a-half": 140.0,
    "elsevier double": 190.0,
}
HEIGHT_PER_WIDTH = 100 / 160  # of the default figure, where only the width is given


def size_mm(argument: str, value: object) -> tuple[float, float]:
    """Return (width, height) in millimetres.

    `value` is a pair of positive numbers, of which the first may be the name of a journal's
    column; or that name alone, for a figure of the default's proportions.

    Raises
    ------
    StyleTypeError, StyleValueError, UnknownPresetError
    """
    allowed = (
        "a pair (width, height) of positive numbers in millimetres, "
        "or a journal's column such as 'nature single'"
    )
    if isinstance(value, str):
        column = column_width(value)
        return column, column * HEIGHT_PER_WIDTH
    if isinstance(value, (bytes, dict, set, frozenset)):
        raise StyleTypeError(argument, shorten(value), allowed)
    try:
        items: tuple[object, ...] = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        raise StyleTypeError(argument, shorten(value), allowed) from None
    if len(items) != 2:
        raise StyleValueError(argument, shorten(value), allowed)
    width, height = items
    return column_or_mm(f"{argument}[0]", width), millimetres(f"{argument}[1]", height)


def column_or_mm(argument: str, value: object) -> float:
    """Return a width in millimetres, from a positive number or the name of a journal's column."""
    if isinstance(value, str):
        return column_width(value)
    return millimetres(argument, value)


def millimetres(argument: str, value: object) -> float:
    """Return `value` as a float, if it is a positive number, of millimetres."""
    return positive(argument, value, " of millimetres")


def pixels(argument: str, dpi: float, inches: float) -> None:
    """Refuse a resolution at which a side of `inches` has more pixels than matplotlib draws.

    A side that is too long at any resolution is refused as such.
    """
    if inches >= MAX_PIXELS:
        allowed = (
            f"less than {MAX_PIXELS * MM_PER_INCH:.0f} mm long, times fig_scale "
            f"(matplotlib draws less than {MAX_PIXELS} pixels, at 1 dpi or more)"
        )
        raise StyleValueError("a side of fig_size_mm", f"{inches * MM_PER_INCH:g}", allowed)
    if dpi * inches >= MAX_PIXELS:
        most = int(MAX_PIXELS / inches)
        allowed = (
            f"less than {most} for a figure {inches * MM_PER_INCH:g} mm long "
            f"(matplotlib draws less than {MAX_PIXELS} pixels)"
        )
        raise StyleValueError(argument, f"{dpi:g}", allowed)


def points(argument: str, value: object) -> float:
    """Return a font size in points, from a number or from one of matplotlib's names of sizes."""
    if not isinstance(value, str):
        return positive(argument, value, f" of points or one of {', '.join(FONT_SIZES)}")
    if value not in FONT_SIZES:
        allowed = f"a positive number of points or one of {', '.join(FONT_SIZES)}"
        raise StyleValueError(argument, shorten(value), allowed)
    return DEFAULT_POINTS * FONT_SIZES[value]


def column_width(preset: str) -> float:
    """Return the width in millimetres of a journal's column, such as ``"nature single"``.

    Capitals do not matter, nor do hyphens or underscores for spaces; ``1.5`` is
    ``one-and-a-half``.

    Raises
    ------
    UnknownPresetError
        There is no such journal, or it has no such column.
    """
    key = _key(preset)
    for name, width in WIDTHS_MM.items():
        if _key(name) == key:
            return width
    raise UnknownPresetError(preset, _near(key), tuple(WIDTHS_MM))


def _near(key: str) -> tuple[str, ...]:
    """Return the other columns of the journal, if there is one; else the names that look alike."""
    journal = key.partition(" ")[0]
    if columns := tuple(name for name in WIDTHS_MM if name.partition(" ")[0] == journal):
        return columns
    names = {_key(name): name for name in WIDTHS_MM}
    return tuple(names[found] for found in similar(key, names))


def _key(preset: str) -> str:
    text = preset.lower().replace("1.5", "one and a half").replace("-", " ").replace("_", " ")
    return " ".join(text.split())
