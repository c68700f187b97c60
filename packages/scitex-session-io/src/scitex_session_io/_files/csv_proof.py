"""Prove of a column of CSV that the numbers a quick parser made of it are those of our own rule.

The parsers of pandas and Arrow are ten times as quick as Python can be, but they take ``007`` for a
number, and round. The length of a cell and a few of its bytes tell, for all cells of a column at
once, whether its text is a plain decimal that the value holds without loss. What they do not tell
is asked of `numerals`.
"""

from __future__ import annotations

import math

from .numerals import values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_MINUS, _ZERO = b"-0"
# Whole numbers below this that are nearest to the same float differ in their last two digits alone.
_MOST_DIGITS = 10.0**17
_SURELY_NEAREST = 10.0**15  # so many digits fit into any float
_POWERS = [float(f"1e{exponent}") for exponent in range(23)]  # higher ones are no floats
_FEW = 4  # of so many cells, one may be looked at by itself
# What is computed in pieces of this size stays in the cache of the processor.
_PIECE_OF_CELLS = 1 << 14
# The byte after the last cell, and before the first one, is looked at, but does not count.
_CLIP: Literal["clip"] = "clip"
# One text makes a column text, and where there is one, some of so many cells are.
_SAMPLE = 32


class Cells:
    """The cells of a column, as they stand one after another.

    Parameters
    ----------
    content : bytes or memoryview
        What they stand in, in UTF-8.
    raw : array of bytes
        The same.
    ends_before, ends : array of int
        Where each cell ends, and the one before it.
    gap : int
        The number of bytes between two cells.
    decimal : str
        What stands for the decimal point.
    """

    def __init__(
        self,
        content: bytes | memoryview,
        raw: Bytes,
        ends_before: Ints,
        ends: Ints,
        gap: int,
        decimal: str,
    ) -> None:
        self.raw = raw
        self.missing = ends - ends_before == gap
        self._content = content
        self._ends_before, self._ends = ends_before, ends
        self._gap = gap
        self._decimal = decimal

    def places(self, rows: Any = slice(None)) -> tuple[Ints, Ints]:
        """Return where cells begin and end, next to each other in memory."""
        return self._ends_before[rows] + self._gap, self._ends[rows] + 0

    def texts(self, rows: Any = slice(None)) -> list[str]:
        """Return cells as they stand in the file, in their quotes."""
        begins, ends = (places.tolist() for places in self.places(rows))
        spans = zip(begins, ends, strict=True)
        return [str(self._content[begin:end], "utf-8") for begin, end in spans]

    def sample(self) -> list[str]:
        """Return a few cells, as they stand in the file."""
        return self.texts(slice(None, None, max(1, len(self._ends) // _SAMPLE)))

    def value(self, text: str) -> Any:
        """Return the value of an unquoted cell."""
        return values_of([text], self._decimal)[0]

    def listed(self, series: Any) -> list[Any]:
        """Return the list of a proved series, with None for each empty cell."""
        values: list[Any] = series.tolist()
        for row in self.missing.nonzero()[0]:
            values[row] = None
        return values

    def proved(self, series: Any) -> Any:
        """Return a series of numbers as our rule has it; None if that is not proved."""
        kind = series.dtype.kind
        if kind == "i":
            return series if self._are_plain_ints(series.to_numpy()) else None
        return self._proved_floats(series) if kind == "f" else None

    def _are_plain_ints(self, values: Ints) -> bool:
        """Tell whether no text has more characters than its number needs."""
        import numpy as np

        absolute = np.abs(values).view(np.uint64)  # of the least integer, too
        needed = 1 + (values < 0)
        for exponent in range(1, 20):
            has_more = absolute >= np.uint64(10**exponent)
            if not has_more.any():
                break
            needed += has_more
        return bool((self._ends - self._ends_before - self._gap == needed).all())

    def _proved_floats(self, series: Any) -> Any:
        import numpy as np
        import pandas as pd

        values = series.to_numpy()
        plain, whole = np.empty((2, len(values)), dtype=bool)
        for begin in range(0, len(values), _PIECE_OF_CELLS):
            piece = slice(begin, begin + _PIECE_OF_CELLS)
            plain[piece], whole[piece] = _plain_floats(
                self.raw,
                *self.places(piece),
                values[piece],
                ord(self._decimal),
            )
        unsure = np.flatnonzero(~(plain | self.missing))
        texts = self.texts(unsure)
        distinct = set(texts)
        if len(distinct) * _FEW > len(values):
            return None
        numbers = {text: self.value(text) for text in distinct}
        if {str, bool} & set(map(type, numbers.values())):
            return None
        for text, value in zip(texts, values[unsure].tolist(), strict=True):
            if not _are_same(numbers[text], value):
                return None
        whole[unsure] = [isinstance(numbers[text], int) for text in texts]
        if not (whole | self.missing).all():
            return series
        # Integers, of which some are missing: exact up to here as floats.
        integers = np.where(self.missing, 0, values)
        if (np.abs(integers) >= 2.0**53).any():
            return None
        return pd.Series(pd.arrays.IntegerArray(integers.astype(np.int64), self.missing))


def _are_same(a: float, b: float) -> bool:
    if a != a or b != b:  # NaN is not itself
        return a != a and b != b
    return a == b and math.copysign(1, a) == math.copysign(1, b)


def _plain_floats(
    raw: Bytes, begins: Ints, ends: Ints, values: Floats, point: int
) -> tuple[Flags, Flags]:
    """Tell which cells are surely plain decimals that the values hold, and which have no point.

    A text of n digits is held without loss if the float, printed with n digits, gives it again.
    The few texts of n digits that are nearest to the same float differ in their last two digits
    alone. So it is enough to compare these with the digits that would be printed. (A text with an
    exponent never passes unless it is ``e00``, since the printed digits then end in zeros.)
    """
    import numpy as np

    absolute = np.abs(values)
    negative = raw.take(begins, mode=_CLIP) == _MINUS
    usual = absolute < _MOST_DIGITS  # neither NaN
    digits = np.ones(len(values), dtype=np.int64)  # before the point
    for power in _POWERS[1:18]:
        has_more = absolute >= power
        if not has_more.any():
            break
        digits += has_more
    begins = begins + negative
    places = ends - begins - digits - 1  # after the point
    whole = places == -1
    places += whole
    usual &= (places >= 0) & (places < len(_POWERS))
    # A long text that is zero may be a number that is too small for a float; of -0, the parser may
    # make an integer.
    usual &= (absolute > 0) | ((places < 5) & ~(whole & negative))
    if not usual.all():
        sure = np.zeros(len(values), dtype=bool)
        begins, ends, absolute = begins[usual], ends[usual], absolute[usual]
        digits, places, is_whole = digits[usual], places[usual], whole[usual]
        sure[usual] = _have_digits(raw, begins, ends, absolute, digits, places, is_whole, point)
    else:
        sure = _have_digits(raw, begins, ends, absolute, digits, places, whole, point)
    return sure, whole


def _have_digits(
    raw: Bytes,
    begins: Ints,
    ends: Ints,
    absolute: Floats,
    digits: Ints,
    places: Ints,
    whole: Flags,
    point: int,
) -> Flags:
    """Tell which texts have the point and the last two digits that their numbers would have."""
    import numpy as np

    sure: Flags = whole | (raw.take(begins + digits, mode=_CLIP) == point)
    # The number that has these digits without a point is exactly high + low.
    power = np.array(_POWERS)[places]
    high = absolute * power
    nearest = np.rint(high)
    sure &= (high < _MOST_DIGITS) & ((high >= 1) | (absolute == 0))
    if high.max(initial=0) < _SURELY_NEAREST:
        number = nearest.astype(np.int64)
    else:
        low = _rest_of_product(absolute, power, high) + (high - nearest)
        step = np.rint(low)
        sure &= np.abs(low - step) < 0.499999  # else it is in the middle of two
        with np.errstate(invalid="ignore"):  # beyond the integers: not sure
            number = nearest.astype(np.int64) + step.astype(np.int64)
    ones = raw.take(ends - 1, mode=_CLIP) - _ZERO
    tens = raw.take(ends - 2 - (places == 1), mode=_CLIP) - _ZERO
    tens[whole & (digits == 1)] = 0
    sure &= (ones < 10) & (tens < 10) & (number - number // 100 * 100 == tens * 10 + ones)
    return sure


def _rest_of_product(a: Floats, b: Floats, product: Floats) -> Floats:
    """Return by how much the product of floats was rounded, exactly (T. J. Dekker, 1971)."""
    split = 2.0**27 + 1
    a_high = a * split - (a * split - a)
    b_high = b * split - (b * split - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
