"""Refusing what no style can be made of, in one sentence, before a run starts."""

from __future__ import annotations

from math import isfinite

from ._errors import StyleTypeError, StyleValueError

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
MAX_PIXELS = 2**16  # matplotlib refuses to draw more in one direction


def positive(argument: str, value: object, unit: str = "") -> float:
    """Give `value` as a float, if it is a finite number above zero.

    Raises
    ------
    StyleTypeError
        It is no number; a string and a bool are none.
    StyleValueError
        It is NaN, infinite, zero or negative.
    """
    allowed = f"a positive number{unit}"
    result = _finite(argument, value, allowed)
    if result <= 0:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def not_negative(argument: str, value: object, unit: str = "") -> float:
    """Give `value` as a float, if it is a finite number of at least zero."""
    allowed = f"zero or a positive number{unit}"
    result = _finite(argument, value, allowed)
    if result < 0:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def opacity(argument: str, value: object) -> float:
    """Give `value` as a float, if it is a number from 0 (invisible) to 1 (opaque)."""
    allowed = "a number from 0 to 1"
    result = _finite(argument, value, allowed)
    if not 0 <= result <= 1:
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def flag(argument: str, value: object) -> bool:
    """Give `value` if it is a bool: the text "false" would count as true."""
    if not isinstance(value, bool):
        raise StyleTypeError(argument, shorten(value), "True or False")
    return value


def size_mm(argument: str, value: object) -> tuple[float, float]:
    """Give (width, height) in millimetres.

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
        from ._journals import HEIGHT_PER_WIDTH, width_mm

        column = width_mm(value)
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
    """Give a width in millimetres, from a positive number or the name of a journal's column."""
    if isinstance(value, str):
        from ._journals import width_mm

        return width_mm(value)
    return millimetres(argument, value)


def millimetres(argument: str, value: object) -> float:
    """Give `value` as a float, if it is a positive number, of millimetres."""
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
    """Give a font size in points, from a number or from one of matplotlib's names of sizes."""
    if not isinstance(value, str):
        return positive(argument, value, f" of points or one of {', '.join(FONT_SIZES)}")
    if value not in FONT_SIZES:
        allowed = f"a positive number of points or one of {', '.join(FONT_SIZES)}"
        raise StyleValueError(argument, shorten(value), allowed)
    return DEFAULT_POINTS * FONT_SIZES[value]


def _finite(argument: str, value: object, allowed: str) -> float:
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__"):
        raise StyleTypeError(argument, shorten(value), allowed)
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):  # an array, an integer beyond every float
        raise StyleTypeError(argument, shorten(value), allowed) from None
    if not isfinite(result):
        raise StyleValueError(argument, shorten(value), allowed)
    return result


def shorten(value: object) -> str:
    """Give a value as it prints, cut to what fits into a sentence."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
