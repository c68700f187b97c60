"""Read CSV by the parser of pandas, and prove of each column that our own rule gives the same.

The parser of pandas is ten times as quick as Python can be, but it takes ``007`` and ``+49`` for
numbers, and rounds. So beside its values stands a grid: where each cell begins and ends. The
length of a cell and a few of its bytes tell, for all cells of a column at once, whether its text is
a plain decimal that the value holds without loss. What they do not tell is asked of `numerals`.
"""

from __future__ import annotations

import io
import itertools
import math
import warnings
from typing import NamedTuple

from .numerals import looks_like_a_value, values_of

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
_PIECE_OF_CELLS = 1 << 14
# One text makes a column text, and where there is one, some of so many cells are.
_SAMPLE = 32
_BOOLS = ("true", "false")  # to pandas, in several cases


class _Grid(NamedTuple):
    """A CSV file cut into cells.

    Attributes
    ----------
    content : bytes
        The file.
    raw : array of bytes
        The same.
    edges : array of int
        What stands before the first cell, and after each one: line by line, the header first.
    width : int
        The number of columns.
    quoted : set of int
        The columns in which a cell below the header is in quotes.
    """

    content: bytes
    raw: Bytes
    edges: Ints
    width: int
    quoted: set[int]

    def header(self) -> list[str]:
        edges = self.edges[: self.width + 1].tolist()
        return [self.content[a + 1 : b].decode() for a, b in itertools.pairwise(edges)]

    def column(self, number: int) -> tuple[Ints, Ints]:
        """Return the edges before and after the cells of a column, below the header."""
        first = self.width + number
        return self.edges[first : -1 : self.width], self.edges[first + 1 :: self.width]

    def sample(self, number: int) -> list[str]:
        """Return a few cells of a column, as they stand in the file."""
        before, after = self.column(number)
        step = max(1, len(before) // _SAMPLE)
        spans = zip(before[::step].tolist(), after[::step].tolist(), strict=True)
        return [self.content[begin + 1 : end].decode() for begin, end in spans]


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
    file = io.BytesIO(grid.content)
    file.seek(int(grid.edges[grid.width]) + 1)
    # Columns that are surely text; and of these the ones that pandas would take for numbers or
    # bools. It need not be told of the others, and is quicker then.
    texts, mistakable = set(), set()
    for number in range(grid.width):
        cells = [cell.strip('"') for cell in grid.sample(number)]
        if number in grid.quoted or any(isinstance(_value(c, decimal), str) for c in cells):
            texts.add(number)
            if all(looks_like_a_value(c, decimal) or c.lower() in _BOOLS for c in cells):
                mistakable.add(number)
    version = tuple(map(int, pd.__version__.split(".")[:2]))
    try:
        with warnings.catch_warnings():
            # A column of several types, as it says, is not proved.
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            frame = pd.read_csv(
                file,
                header=None,
                names=range(grid.width),
                index_col=False,
                sep=sep,
                decimal=decimal,
                keep_default_na=False,
                na_values=["", "nan", "NaN"],
                dtype=dict.fromkeys(mistakable, str),
                skip_blank_lines=False,
                # From 3.1 on, this is the default, and to ask for it a warning.
                **({} if version >= (3, 1) else {"float_precision": "round_trip"}),
            )
    except pd.errors.ParserError:  # of memory that runs out, too
        return None
    columns = []
    for number in range(grid.width):
        column = _Column(grid, number, frame[number], decimal, is_text=number in texts)
        proved = column.proved()
        if proved is None:
            columns.append(values_of_cells(column.texts()))
        else:
            columns.append(proved if as_series else column.listed(proved))
    return grid.header(), columns


def _grid(content: bytes, sep: str) -> _Grid | None:
    """Cut a file into cells; None if it is not made of lines of equally many cells."""
    import numpy as np

    has_quotes = b'"' in content
    if b"\r" in content and not has_quotes:
        content = content.replace(b"\r\n", b"\n")
    if not content.endswith(b"\n"):
        content += b"\n"
    if b"\r" in content or b"\0" in content or not sep.isascii():
        return None
    raw = np.frombuffer(content, np.uint8)
    found = _edges(raw, ord(sep), has_quotes=has_quotes)
    if found is None:
        return None
    edges, is_line, cells = found
    width = int(is_line.argmax()) + 1
    rows, rest = divmod(len(is_line), width)
    # In a single column, empty lines and `""` have a sense of their own. Very many columns cost
    # pandas more than Python.
    if width == 1 or rest or rows < max(2, width) or is_line.sum() != rows:
        return None
    if not is_line[width - 1 :: width].all():
        return None
    is_quoted = np.zeros(len(is_line), dtype=bool)
    is_quoted[cells] = True
    quoted = {n for n in range(width) if is_quoted[width + n :: width].any()}
    return _Grid(content, raw, edges, width, quoted)


def _edges(raw: Bytes, sep: int, *, has_quotes: bool) -> tuple[Ints, Flags, Ints] | None:
    """Return the edges of a file, whether a line ends at each (but the first), the cells in quotes.

    None if a quote stands elsewhere than at the begin or the end of a cell, or beside its double.
    """
    import numpy as np

    edges, lines, cells = [np.array([-1])], [np.empty(0, bool)], [np.empty(0, np.int64)]
    count = within = 0
    for begin in range(0, len(raw), _PIECE):
        piece = raw[begin : begin + _PIECE]
        is_wanted = (piece == sep) | (piece == _LINE_FEED)
        if has_quotes:
            is_wanted |= piece == _QUOTE
        places = np.flatnonzero(is_wanted)
        there = piece[places]
        places += begin
        if has_quotes:
            is_quote = there == _QUOTE
            quotes = np.flatnonzero(is_quote)
            opening, closing = quotes[within::2], quotes[1 - within :: 2]
            # Before the first byte stands, so to speak, the last one: a line feed.
            for beside in (raw[places[opening] - 1], raw[places[closing] + 1]):
                if not ((beside == sep) | (beside == _LINE_FEED) | (beside == _QUOTE)).all():
                    return None
            is_edge = ~is_quote
            is_edge &= np.bitwise_xor.accumulate(is_quote.view(np.uint8)) == within
            cells.append(is_edge.cumsum()[opening] + count)
            within ^= len(quotes) % 2
            places, there = places.compress(is_edge), there.compress(is_edge)
        edges.append(places)
        lines.append(there == _LINE_FEED)
        count += len(places)
    if within:
        return None
    return np.concatenate(edges), np.concatenate(lines), np.concatenate(cells)


class _Column:
    """A column with the values that pandas gives it."""

    def __init__(
        self, grid: _Grid, number: int, series: Any, decimal: str, *, is_text: bool
    ) -> None:
        self._content = grid.content
        self._raw = grid.raw
        self._is_text = is_text
        self._series = series
        self._decimal = decimal
        self._before, self._after = grid.column(number)
        self._missing = self._after - self._before == 1

    def _places(self, rows: Any = slice(None)) -> tuple[Ints, Ints]:
        """Return where cells begin and end, next to each other in memory."""
        return self._before[rows] + 1, self._after[rows] + 0

    def texts(self, rows: Any = slice(None)) -> list[str]:
        """Return cells as they stand in the file, in their quotes."""
        begins, ends = (places.tolist() for places in self._places(rows))
        return [self._content[b:e].decode() for b, e in zip(begins, ends, strict=True)]

    def listed(self, series: Any) -> list[Any]:
        """Return the list of a proved series, with None for each empty cell."""
        values: list[Any] = series.tolist()
        for row in self._missing.nonzero()[0]:
            values[row] = None
        return values

    def proved(self) -> Any:
        """Return the series with what our rule gives; None if that is not proved."""
        if self._missing.all() and not self._is_text:
            return None
        kind = self._series.dtype.kind
        if kind == "O":
            return self._with_all_texts() if self._are_texts() else None
        if self._is_text:
            return None
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
        if self._is_text:
            return True
        texts = self.texts([int(self._missing.argmin())])
        return isinstance(_value(texts[0], self._decimal), str)

    def _with_all_texts(self) -> Any:
        """Put back the texts that pandas takes for missing: nan, NaN, and the empty text."""
        import numpy as np

        series = self._series
        taken = np.flatnonzero(series.isna().to_numpy() & ~self._missing)
        if len(taken):
            series = series.copy()  # up to pandas 2, a part of a frame warns when it is set
            series.iloc[taken] = [text.strip('"') for text in self.texts(taken)]
        if series.dtype == object and self._missing.any():  # up to pandas 2: NaN is no text
            series = series.where(~self._missing, None)
        return series

    def _are_plain_bools(self) -> bool:
        # pandas takes TRUE and true, too.
        begins, _ = self._places()
        first, second = self._raw[begins], self._raw[begins + 1]
        true = (first == ord("T")) & (second == ord("r"))
        return bool((true | ((first == ord("F")) & (second == ord("a")))).all())

    def _are_plain_ints(self) -> bool:
        """Tell whether no text has more characters than its number needs."""
        import numpy as np

        values = self._series.to_numpy()
        absolute = np.abs(values).view(np.uint64)  # of the least integer, too
        needed = 1 + (values < 0)
        for exponent in range(1, 20):
            has_more = absolute >= np.uint64(10**exponent)
            if not has_more.any():
                break
            needed += has_more
        return bool((self._after - self._before - 1 == needed).all())

    def _proved_floats(self) -> Any:
        import numpy as np
        import pandas as pd

        values = self._series.to_numpy()
        plain, whole = np.empty((2, len(values)), dtype=bool)
        for begin in range(0, len(values), _PIECE_OF_CELLS):
            piece = slice(begin, begin + _PIECE_OF_CELLS)
            plain[piece], whole[piece] = _plain_floats(
                self._raw,
                *self._places(piece),
                values[piece],
                ord(self._decimal),
            )
        unsure = np.flatnonzero(~(plain | self._missing))
        texts = self.texts(unsure)
        distinct = set(texts)
        if len(distinct) * _FEW > len(values):
            return None
        numbers = {text: _value(text, self._decimal) for text in distinct}
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


def _value(text: str, decimal: str) -> Any:
    return values_of([text], decimal)[0]


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
