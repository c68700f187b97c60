"""Read CSV by the parser of pandas, and prove of each column that our own rule gives the same.

The parser of pandas is ten times as quick as Python can be, but it takes ``007`` and ``+49`` for
numbers, and rounds. So beside its values stands a grid: where each cell begins and ends. The
length of a cell and a few of its bytes tell, for all cells of a column at once, whether its text is
a plain decimal that the value holds without loss. What they do not tell is asked of `numerals`.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import NamedTuple

from .numerals import values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_QUOTE, _LINE_FEED, _MINUS, _ZERO = b'"\n-0'
# Whole numbers below this that are nearest to the same float differ in their last two digits alone.
_MOST_DIGITS = 10.0**17
_SURELY_NEAREST = 10.0**15  # so many digits fit into any float
_POWERS = [float(f"1e{exponent}") for exponent in range(23)]  # higher ones are no floats
_FEW = 4  # of so many cells, one may be looked at by itself
# What is computed in pieces of this size stays in the cache of the processor.
_PIECE = 1 << 18
_PIECE_OF_CELLS = 1 << 13


class Grid(NamedTuple):
    """A CSV file cut into cells.

    Attributes
    ----------
    content : bytes
        The file.
    raw : array of bytes
        The same.
    begins, ends : arrays of int
        The place of each cell, by row and column. The first row is the header.
    """

    content: bytes
    raw: Bytes
    begins: Ints
    ends: Ints

    def texts(self, column: int, rows: Any = slice(None)) -> list[str]:
        """Return the cells of a column as they stand in the file, in their quotes."""
        begins, ends = self.begins[rows, column].tolist(), self.ends[rows, column].tolist()
        return [self.content[b:e].decode() for b, e in zip(begins, ends, strict=True)]


def read_columns(
    content: bytes,
    sep: str,
    decimal: str,
    values_of_cells: Callable[[list[str]], list[Any]],
    *,
    as_series: bool,
) -> tuple[list[str], list[Any]] | None:
    """Return the cells of the header as they stand in the file, and the values of each column.

    Parameters
    ----------
    content : bytes
        The content of the file, in UTF-8.
    sep, decimal : str
        As `csv.decode` has them.
    values_of_cells : callable
        Makes the values of a column from its cells, as they stand in the file.
    as_series : bool
        Whether columns are pandas series, where that is not slower, or lists.

    Returns
    -------
    tuple or None
        None where the file is not as regular as this needs: the slow way reads it, or says what is
        wrong with it.
    """
    import pandas as pd

    grid = _grid(content, sep)
    if grid is None:
        return None
    width = grid.ends.shape[1]
    body = Grid(grid.content, grid.raw, grid.begins[1:], grid.ends[1:])
    quoted = (grid.raw[body.begins] == _QUOTE).any(axis=0) if b'"' in content else ()
    file = io.BytesIO(grid.content)
    file.seek(int(body.begins[0, 0]))
    version = tuple(map(int, pd.__version__.split(".")[:2]))
    with warnings.catch_warnings():
        # A column of several types, as it says, is not proved.
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame = pd.read_csv(
            file,
            header=None,
            names=range(width),
            index_col=False,
            sep=sep,
            decimal=decimal,
            keep_default_na=False,
            na_values=["", "nan", "NaN"],
            dtype={number: str for number, is_text in enumerate(quoted) if is_text},
            skip_blank_lines=False,
            # From 3.1 on, this is the default, and to ask for it a warning.
            **({} if version >= (3, 1) else {"float_precision": "round_trip"}),
        )
    header = [cell for number in range(width) for cell in grid.texts(number, [0])]
    columns = []
    for number in range(width):
        column = _Column(body, number, frame[number], decimal)
        proved = column.proved()
        if proved is None:
            columns.append(values_of_cells(body.texts(number)))
        else:
            columns.append(proved if as_series else column.listed(proved))
    return header, columns


def _grid(content: bytes, sep: str) -> Grid | None:
    """Cut a file into cells; None if it is not made of lines of equally many cells."""
    import numpy as np

    quoted = b'"' in content
    if b"\r" in content and not quoted:
        content = content.replace(b"\r\n", b"\n")
    if not content.endswith(b"\n"):
        content += b"\n"
    if b"\r" in content or b"\0" in content or not sep.isascii():
        return None
    raw = np.frombuffer(content, np.uint8)
    ends = _places(raw, ord(sep), _LINE_FEED)
    if quoted:
        quotes = _places(raw, _QUOTE)
        # An end after an odd number of quotes is within them.
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
        if len(quotes) % 2 or not len(ends) or not _are_whole(raw, quotes, ends):
            return None
    is_line = raw[ends] == _LINE_FEED
    width = int(is_line.argmax()) + 1
    rows, rest = divmod(len(ends), width)
    # In a single column, empty lines and `""` have a sense of their own.
    if width == 1 or rest or rows < 2 or is_line.sum() != rows:
        return None
    if not is_line[width - 1 :: width].all():
        return None
    begins = np.concatenate(([0], ends[:-1] + 1))
    # By columns, since they are read so.
    return Grid(content, raw, *(np.asfortranarray(p.reshape(rows, width)) for p in (begins, ends)))


def _places(raw: Bytes, *wanted: int) -> Ints:
    """Return where in a file one of the bytes stands."""
    import numpy as np

    found = []
    for begin in range(0, len(raw), _PIECE):
        piece = raw[begin : begin + _PIECE]
        is_wanted = piece == wanted[0]
        for other in wanted[1:]:
            is_wanted |= piece == other
        found.append(np.flatnonzero(is_wanted) + begin)
    return np.concatenate(found)


def _are_whole(raw: Bytes, quotes: Ints, ends: Ints) -> bool:
    """Tell whether each quote stands at the begin or the end of a cell, or beside its double."""
    import numpy as np

    may_be_beside = np.zeros(len(raw) + 1, dtype=bool)
    may_be_beside[ends] = True
    may_be_beside[quotes] = True
    may_be_beside[-1] = True  # before the first byte
    opens, closes = quotes[::2], quotes[1::2]
    return bool(may_be_beside[opens - 1].all() and may_be_beside[closes + 1].all())


class _Column:
    """A column with the values that pandas gives it."""

    def __init__(self, grid: Grid, number: int, series: Any, decimal: str) -> None:
        self._grid = grid
        self._number = number
        self._series = series
        self._decimal = decimal
        self._begins = grid.begins[:, number]
        self._ends = grid.ends[:, number]
        self._first = grid.raw[self._begins]
        self._missing = self._ends == self._begins

    def listed(self, series: Any) -> list[Any]:
        """Return the list of a proved series, with None for each empty cell."""
        values: list[Any] = series.tolist()
        for row in self._missing.nonzero()[0]:
            values[row] = None
        return values

    def proved(self) -> Any:
        """Return the series with what our rule gives; None if that is not proved."""
        if (self._first == _QUOTE).any():
            return self._with_all_texts()
        if self._missing.all():
            return None
        kind = self._series.dtype.kind
        if kind == "O":
            return self._with_all_texts() if self._are_texts() else None
        if kind == "b":
            return self._series if self._are_plain_bools() else None
        if kind == "i":
            return self._series if self._are_plain_ints() else None
        return self._proved_floats() if kind == "f" else None

    def _are_texts(self) -> bool:
        """Tell whether all are texts, and at least one of them is neither a number nor a bool."""
        import pandas as pd

        if self._series.dtype == object and pd.api.types.infer_dtype(self._series) != "string":
            return False
        texts = self._grid.texts(self._number, [int(self._missing.argmin())])
        return isinstance(values_of(texts, self._decimal)[0], str)

    def _with_all_texts(self) -> Any:
        """Put back the texts that pandas takes for missing: nan, NaN, and the empty text."""
        import numpy as np

        taken = np.flatnonzero(self._series.isna().to_numpy() & ~self._missing)
        if len(taken):
            texts = self._grid.texts(self._number, taken)
            self._series.iloc[taken] = [text.strip('"') for text in texts]
        return self._series

    def _are_plain_bools(self) -> bool:
        second = self._grid.raw[self._begins + 1]  # pandas takes TRUE and true, too
        true = (self._first == ord("T")) & (second == ord("r"))
        false = (self._first == ord("F")) & (second == ord("a"))
        return bool((true | false).all())

    def _are_plain_ints(self) -> bool:
        """Tell whether no text has more characters than its number needs."""
        import numpy as np

        values = self._series.to_numpy()
        absolute = np.abs(values).view(np.uint64)  # of the least integer, too
        powers = np.array([10**exponent for exponent in range(1, 20)], dtype=np.uint64)
        needed = np.searchsorted(powers, absolute, side="right") + 1 + (values < 0)
        return bool((self._ends - self._begins == needed).all())

    def _proved_floats(self) -> Any:
        import numpy as np
        import pandas as pd

        values = self._series.to_numpy()
        plain, whole = np.empty((2, len(values)), dtype=bool)
        for begin in range(0, len(values), _PIECE_OF_CELLS):
            piece = slice(begin, begin + _PIECE_OF_CELLS)
            plain[piece], whole[piece] = _plain_floats(
                self._grid.raw,
                self._begins[piece],
                self._ends[piece],
                values[piece],
                ord(self._decimal),
            )
        unsure = np.flatnonzero(~(plain | self._missing))
        texts = self._grid.texts(self._number, unsure)
        distinct = set(texts)
        if len(distinct) * _FEW > len(values):
            return None
        numbers = {text: values_of([text], self._decimal)[0] for text in distinct}
        if {str, bool} & set(map(type, numbers.values())):
            return None
        for text, value in zip(texts, values[unsure].tolist(), strict=True):
            if not _are_same(numbers[text], value):
                return None
        whole[unsure] = [isinstance(numbers[text], int) for text in texts]
        if not (whole | self._missing).all():
            return self._series
        # Integers, of which some are missing: exact up to here as floats.
        integers = np.where(self._missing, 0, values)
        if (np.abs(integers) >= 2.0**53).any():
            return None
        return pd.Series(pd.arrays.IntegerArray(integers.astype(np.int64), self._missing))


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
    negative = raw[begins] == _MINUS
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

    sure: Flags = whole | (raw[begins + digits] == point)
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
    ones = raw[ends - 1] - _ZERO
    tens = raw[ends - 2 - (places == 1)] - _ZERO
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
