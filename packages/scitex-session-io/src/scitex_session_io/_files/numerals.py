"""The rule of CSV for what is a number: one predicate for the writer and one for the reader."""

from __future__ import annotations

import math
import re
import sys
from decimal import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

BOOLS = {"True": True, "False": False}
# Runs of a column joined by line feeds. Possessive: no state is kept for each of 300,000 cells.
_INTS = re.compile(r"(?:(?:0|-?[1-9][0-9]*)\n)*+")
_DECIMALS = re.compile(
    r"""(?:
        (?: [+-]? (?: (?:0|[1-9][0-9]*)\.[0-9]* | \.[0-9]+ ) (?:[eE][+-]?[0-9]+)?
          | [+-]? (?:0|[1-9][0-9]*) [eE][+-][0-9]+
          | -? (?:0|[1-9][0-9]*)
          | nan | NaN | -?inf
        )\n
    )*+""",
    re.VERBOSE,
)
# A float holds any decimal of so many digits, as long as it is neither huge nor tiny.
_SURE_DIGITS = sys.float_info.dig
_SURE_RANGE = (1e-290, 1e290)
_NOT_FINITE = {"nan", "NaN", "inf", "-inf"}


def looks_like_a_value(text: str, decimal: str = ".") -> bool:
    """Tell whether a reader could take an unquoted text for a number, a bool or nothing."""
    if not text or text in BOOLS:
        return True
    try:
        float(text.replace(decimal, "."))
    except ValueError:
        return False
    return True


def values_of(texts: Sequence[str], decimal: str = ".") -> list[Any]:
    """Convert the unquoted cells of a column to values of one type, without loss.

    The type is int if every text is an int in its plain form (``007`` and ``+7`` are not), float if
    every text is a plain decimal that a float holds without loss, bool if every text is ``True`` or
    ``False``, otherwise str. Empty cells are None.

    Notes
    -----
    A plain decimal has no leading zeros, no spaces and no underscores. It has a ``+`` only with a
    point or an exponent, and an exponent only with a point or a sign of its own: phone numbers
    (``+4930901820``) and wells of a plate (``1E5``) are texts, ``+1.20E+03`` and ``1e+05`` numbers.
    It is held without loss if the float, printed with as many significant digits, gives the same
    number. So what a float was printed to comes back, with however many digits it was printed, and
    an identifier of 19 digits stays as it is.
    """
    filled = [text for text in texts if text] if "" in texts else texts
    is_bool = not filled or filled[0] in BOOLS
    values = _bools(filled) if is_bool else _numbers(filled, decimal)
    if values is None:
        return [text or None for text in texts]
    if filled is texts:
        return values
    rest = iter(values)
    return [next(rest) if text else None for text in texts]


def _bools(texts: Sequence[str]) -> list[Any] | None:
    return [BOOLS[text] for text in texts] if BOOLS.keys() >= set(texts) else None


def _numbers(texts: Sequence[str], decimal: str) -> list[Any] | None:
    # The joined column is matched in one call: one call for each cell takes ten times as long.
    joined = "\n".join([*texts, ""])
    if decimal != ".":
        joined = joined.replace(".", " ").replace(decimal, ".")
        texts = joined.split("\n")[:-1]
    if _INTS.fullmatch(joined):
        # Python makes no number of more digits.
        most = sys.get_int_max_str_digits() or sys.maxsize
        return list(map(int, texts)) if max(map(len, texts)) <= most else None
    if not _DECIMALS.fullmatch(joined):
        return None
    values = list(map(float, texts))
    return values if all(map(_is_exact, texts, values)) else None


def _is_exact(text: str, value: float) -> bool:
    """Tell whether `value`, the float nearest to a plain decimal, is the same number."""
    least, most = _SURE_RANGE
    if len(text) <= _SURE_DIGITS and least < abs(value) < most:
        return True
    return repr(value) == text or text in _NOT_FINITE or _prints_as(text, value)


def _prints_as(text: str, value: float) -> bool:
    digits = re.sub(r"[eE].*|[^0-9]", "", text).lstrip("0")
    if not digits or not math.isfinite(value):
        return not digits
    # The shortest text that gives a float (`repr`) is not always the nearest one of its length:
    # 2**-44 is 5.684341886080802e-14, and ends in 1 when printed with as many digits.
    printed = (f"{value:.{len(digits) - 1}e}", repr(value))
    return Decimal(text) in map(Decimal, printed)
