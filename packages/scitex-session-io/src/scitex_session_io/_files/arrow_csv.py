"""Read CSV by the parser of Arrow, on all processors: the cells as texts, and numbers from these.

A cell keeps its quotes, so that what was text comes back as text; `csv_proof` proves the numbers.
"""

from __future__ import annotations

from .csv_proof import Cells
from .numerals import BOOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_QUOTE = '"'


def read_columns(
    content: bytes,
    sep: str,
    values_of_cells: Callable[[list[str]], list[Any]],
    *,
    as_series: bool,
) -> tuple[list[str], list[Any]] | None:
    """Return header and columns as `pandas_csv.read_columns` does, or None.

    Raises
    ------
    ImportError
        Arrow or pandas is not installed.
    """
    from concurrent.futures import ThreadPoolExecutor

    import pandas  # noqa: F401, ICN001  # Arrow makes its series
    import pyarrow as pa

    table = _table(content, sep)
    if table is None:
        return None
    header, columns = table
    has_quotes = b'"' in content

    def values(column: Any) -> list[Any]:
        cells = _cells(column)
        series = _series(column, cells, has_quotes=has_quotes)
        if series is None:
            return values_of_cells(cells.texts())
        return series if as_series else cells.listed(series)

    try:
        # Arrow and numpy let other threads run meanwhile.
        with ThreadPoolExecutor(pa.cpu_count()) as pool:
            return header, list(pool.map(values, columns))
    except _IrregularQuotesError:
        return None


class _IrregularQuotesError(Exception):
    """A quote stands within a cell: it is for a reader that knows what that means."""


def _table(content: bytes, sep: str) -> tuple[list[str], list[Any]] | None:
    """Return the cells of the header, and each column as an array of texts in their quotes.

    None if the file is not made of lines of equally many cells.
    """
    import pyarrow as pa
    import pyarrow.csv as csv  # `from pyarrow` may find it where it is missing

    end = content.find(b"\n")
    if end < 0 or b"\r" in content or b"\0" in content or not sep.isascii():
        return None
    header = content[:end].decode().split(sep)
    width = len(header)
    # In a single column, empty lines and `""` have a sense of their own.
    if width == 1 or any(not _is_whole(cell) for cell in header):
        return None
    names = [str(number) for number in range(width)]
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(column_names=names, skip_rows=1),
            csv.ParseOptions(delimiter=sep, quote_char=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # lines of different length, which others read, or name
        return None
    if len(table) + 1 < max(2, width):  # of very many columns, each costs more than Python
        return None
    return header, [column.combine_chunks() for column in table.columns]


def _is_whole(cell: str) -> bool:
    """Tell whether a cell is in quotes as a whole, or has none."""
    return _QUOTE not in (cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == _QUOTE else cell)


def _cells(column: Any) -> Cells:
    import numpy as np

    _, offsets, texts = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    content = memoryview(texts if texts is not None else b"")
    return Cells(content, np.frombuffer(content, np.uint8), ends[:-1], ends[1:], 0, ".")


def _series(column: Any, cells: Cells, *, has_quotes: bool) -> Any:
    """Return a column as our rule has it, as a series; None if that is not proved.

    Raises
    ------
    _IrregularQuotesError
        A cell has quotes that are not around it, or more than two.
    """
    import pyarrow as pa
    from pyarrow import compute

    if has_quotes and (quotes := int((cells.raw == ord(_QUOTE)).sum())):
        is_quoted = compute.starts_with(column, _QUOTE)
        ends_so = compute.ends_with(column, _QUOTE)
        is_long = compute.greater(compute.binary_length(column), 1)
        # Then each of these has two at least, and exactly two if there are no more in all.
        is_whole = compute.and_(
            compute.equal(is_quoted, ends_so), compute.or_(is_long, compute.invert(is_quoted))
        )
        if not compute.all(is_whole).as_py() or quotes != 2 * compute.sum(is_quoted).as_py():
            raise _IrregularQuotesError
        inner = compute.binary_slice(column.view(pa.large_binary()), 1, -1).view(column.type)
        return _texts(compute.if_else(is_quoted, inner, column), cells)
    if cells.missing.all():
        return None
    sample = [cell for cell in cells.sample() if cell]
    values = [cells.value(cell) for cell in sample]
    if any(isinstance(value, str) for value in values):
        return _texts(column, cells)
    if BOOLS.keys() >= {*sample}:
        is_true, is_false = (compute.equal(column, text) for text in BOOLS)
        is_either = compute.all(compute.or_(is_true, is_false)).as_py()
        return is_true.to_pandas() if is_either else None
    column = _with_nulls(column, cells)
    whole = not cells.missing.any() and all(isinstance(value, int) for value in values)
    for kind in (*((pa.int64(),) if whole else ()), pa.float64()):
        try:
            numbers = compute.cast(column, kind)
        except pa.ArrowInvalid:
            continue
        if (proved := cells.proved(numbers.to_pandas())) is not None:
            return proved
    return None


def _texts(column: Any, cells: Cells) -> Any:
    return _with_nulls(column, cells).to_pandas()


def _with_nulls(column: Any, cells: Cells) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    if not cells.missing.any():
        return column
    return compute.if_else(pa.array(cells.missing), None, column)
