"""Read CSV by the parser of pandas, where Arrow can't: beside its values stands a grid of cells.

The grid tells where each cell begins and ends, which `csv_proof` needs to know.
"""

from __future__ import annotations

import io
import itertools
import warnings
from typing import NamedTuple

from .csv_proof import Cells
from .numerals import looks_like_a_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

_QUOTE, _LINE_FEED = b'"\n'
# What is computed in pieces of this size stays in the cache of the processor.
_PIECE = 1 << 18
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

    def column(self, number: int, decimal: str) -> Cells:
        """Return the cells of a column, below the header."""
        first = self.width + number
        before, after = self.edges[first : -1 : self.width], self.edges[first + 1 :: self.width]
        return Cells(self.content, self.raw, before, after, 1, decimal)


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
    columns = [grid.column(number, decimal) for number in range(grid.width)]
    # Columns that are surely text; and of these the ones that pandas would take for numbers or
    # bools. It need not be told of the others, and is quicker then.
    texts, mistakable = set(), set()
    for number, column in enumerate(columns):
        cells = [cell.strip('"') for cell in column.sample()]
        if number in grid.quoted or any(isinstance(column.value(cell), str) for cell in cells):
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
    values = []
    for number, column in enumerate(columns):
        proved = _proved(column, frame[number], is_text=number in texts)
        if proved is None:
            values.append(values_of_cells(column.texts()))
        else:
            values.append(proved if as_series else column.listed(proved))
    return grid.header(), values


def _proved(cells: Cells, series: Any, *, is_text: bool) -> Any:
    """Return the series with what our rule gives; None if that is not proved."""
    if cells.missing.all() and not is_text:
        return None
    kind = series.dtype.kind
    if kind == "O":
        is_text = _are_texts(cells, series, is_text=is_text)
        return _with_all_texts(cells, series) if is_text else None
    if is_text:
        return None
    if kind == "b":
        return series if _are_plain_bools(cells) else None
    return cells.proved(series)


def _are_texts(cells: Cells, series: Any, *, is_text: bool) -> bool:
    """Tell whether all are texts, and at least one of them is neither a number nor a bool."""
    import pandas as pd

    if series.dtype == object and pd.api.types.infer_dtype(series) != "string":
        return False
    return is_text or isinstance(cells.value(cells.texts([int(cells.missing.argmin())])[0]), str)


def _with_all_texts(cells: Cells, series: Any) -> Any:
    """Put back the texts that pandas takes for missing: nan, NaN, and the empty text."""
    import numpy as np

    is_na = series.isna().to_numpy()
    if (cells.missing & ~is_na).any():  # beside a number of 20 digits, pandas has an empty text
        return None
    taken = np.flatnonzero(is_na & ~cells.missing)
    if len(taken):
        series = series.copy()  # up to pandas 2, a part of a frame warns when it is set
        series.iloc[taken] = [text.strip('"') for text in cells.texts(taken)]
    if series.dtype == object and cells.missing.any():  # up to pandas 2: NaN is no text
        series = series.where(~cells.missing, None)
    return series


def _are_plain_bools(cells: Cells) -> bool:
    # pandas takes TRUE and true, too.
    begins, _ = cells.places()
    first, second = cells.raw[begins], cells.raw[begins + 1]
    true = (first == ord("T")) & (second == ord("r"))
    return bool((true | ((first == ord("F")) & (second == ord("a")))).all())


def _grid(content: bytes, sep: str) -> _Grid | None:
    """Cut a file into cells; None if it is not made of lines of equally many cells."""
    import numpy as np

    has_quotes = b'"' in content
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
