"""Convert lists, dicts, arrays and frames to a header and rows of texts."""

from __future__ import annotations

import enum
import os
import sys

from scitex_session_io._errors import MalformedError, UnsavableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

_TABLES = (
    "a list of dicts, a dict of equally long columns, a list of rows, numpy arrays of one or two "
    "dimensions or with fields, pandas and polars frames and series"
)
_CELLS = "None, bool, int, float, str, Decimal, Path, date, time, datetime and Enum in a cell"


def rows_of(table: Any) -> Iterator[list[str | None]]:
    """Yield the rows of a table, its header first; None is an empty cell.

    Raises
    ------
    UnsavableError
        The object is not a table, or a cell can't be written as a text.
    MalformedError
        Columns or rows differ in length.
    """
    header, rows = _header_and_rows(table)
    if header is not None:
        yield list(header)
    width = None if header is None else len(header)
    for number, row in enumerate(rows):
        if width is None:
            width = len(row)
        if len(row) != width:
            raise MalformedError(f"obj[{number}]", f"{len(row)} cells, where the first has {width}")
        yield [
            _text(cell, number, header[i] if header is not None else i)
            for i, cell in enumerate(row)
        ]


def _header_and_rows(table: Any) -> tuple[list[str] | None, Iterator[Sequence[Any]]]:
    pandas, polars, numpy = (sys.modules.get(name) for name in ("pandas", "polars", "numpy"))
    if pandas is not None and isinstance(table, pandas.DataFrame | pandas.Series):
        return _from_pandas(table, pandas)
    if polars is not None and isinstance(table, polars.DataFrame | polars.Series):
        frame = table if isinstance(table, polars.DataFrame) else table.to_frame()
        return list(frame.columns), iter(frame.rows())
    if numpy is not None and isinstance(table, numpy.ndarray):
        return _from_numpy(table)
    if isinstance(table, dict):
        return _from_columns(table)
    if isinstance(table, list | tuple):
        if not table or all(isinstance(row, list | tuple) for row in table):
            return None, iter(table)
        if all(isinstance(row, dict) for row in table):
            keys = list(dict.fromkeys(key for row in table for key in row))
            return _names(keys), ([row.get(key) for key in keys] for row in table)
    raise UnsavableError("CSV", "obj", type(table).__qualname__, _TABLES)


def _from_columns(
    columns: Mapping[Any, Any],
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    values = {}
    for name, raw in columns.items():
        column = raw.tolist() if hasattr(raw, "tolist") else raw
        if not isinstance(column, list | tuple | range):
            raise UnsavableError("CSV", f"obj[{name!r}]", type(column).__qualname__, _TABLES)
        values[name] = column
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise MalformedError("obj", f"columns of different lengths: {lengths}")
    return _names(list(values)), zip(*values.values(), strict=True)


def _from_numpy(array: Any) -> tuple[list[str], Iterator[Sequence[Any]]]:
    if array.ndim == 1 and array.dtype.names:
        return list(array.dtype.names), iter(array.tolist())
    if array.ndim not in (1, 2) or array.dtype.name in ("float96", "float128"):
        shape = f"a numpy array of {array.ndim} dimensions and type {array.dtype}"
        raise UnsavableError("CSV", "obj", shape, _TABLES)
    table = array.reshape(len(array), -1) if array.ndim == 1 else array
    return [str(i) for i in range(table.shape[1])], iter(table.tolist())


def _from_pandas(table: Any, pandas: Any) -> tuple[list[str], Iterator[Sequence[Any]]]:
    frame = table.to_frame() if isinstance(table, pandas.Series) else table
    # The default index 0, 1, 2 ... holds no data; any other one does.
    if not (
        isinstance(frame.index, pandas.RangeIndex)
        and frame.index.equals(pandas.RangeIndex(len(frame)))
    ):
        frame = frame.reset_index()
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    # NaN is a value in a column of floats, and a missing cell in any other.
    cells = (
        [
            None if gone and not (column.dtype.kind == "f" and isinstance(cell, float)) else cell
            for cell, gone in zip(column.tolist(), column.isna(), strict=True)
        ]
        for column in columns
    )
    return _names(list(frame.columns)), zip(*cells, strict=True)


def _names(keys: list[Any]) -> list[str]:
    """Return the names of columns as texts."""
    names: dict[str, None] = {}
    for name in map(str, keys):
        if name in names:
            raise MalformedError("obj", f"two columns are named {name!r}")
        names[name] = None
    return list(names)


def _text(cell: Any, row: int, column: str | int) -> str | None:
    """Return the text of a cell, from which `load` makes the same value."""
    if isinstance(cell, enum.Enum):
        cell = cell.value
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(cell, numpy.generic):
        cell = cell.item()
    if cell is None:
        return None
    if isinstance(cell, float):
        return float.__repr__(cell)
    if isinstance(cell, str):
        return str.__str__(cell)
    if isinstance(cell, bool | int):
        return str(cell)
    if isinstance(cell, os.PathLike) and isinstance(name := os.fspath(cell), str):
        return name
    datetime, decimal = sys.modules.get("datetime"), sys.modules.get("decimal")
    if datetime is not None and isinstance(cell, datetime.date | datetime.time):
        return str(cell.isoformat())
    if decimal is not None and isinstance(cell, decimal.Decimal):
        return str(cell)
    where = f"row {row}, column {column!r}"
    raise UnsavableError("CSV", where, type(cell).__qualname__, _CELLS)
