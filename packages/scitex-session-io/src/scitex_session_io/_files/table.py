"""What is a table: lists, dicts, arrays and frames as a header and rows."""

from __future__ import annotations

import sys
import warnings

from scitex_session_io._errors import MalformedError, UnsavableError

from .scalars import LONG_DOUBLES, listed, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Table = tuple[list[Any], Iterator[Sequence[Any]]]

TABLES = (
    "a list of dicts, a dict of equally long columns, a list of rows, numpy arrays of one or two "
    "dimensions or with fields, pandas and polars frames and series"
)


def header_and_rows(table: Any, *, index: bool | None = None) -> Table:
    """Return the names of the columns of a table, and its rows.

    Parameters
    ----------
    table : object
        The table. The header of a list of rows is its first row.
    index : bool, optional
        Whether the index of a pandas frame becomes columns; by default if it has a name.

    Raises
    ------
    UnsavableError
        The object is not a table.
    MalformedError
        Columns or rows differ in length, or two columns have the same name.
    """
    frame = frame_and_rows(table, index=index)
    if frame is not None:
        return frame
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(table, numpy.ndarray):
        return _from_numpy(table)
    if isinstance(table, dict):
        return _from_columns(table)
    if isinstance(table, list | tuple):
        if not table or all(isinstance(row, list | tuple) for row in table):
            return _from_rows(table)
        if all(isinstance(row, dict) for row in table):
            keys = list(dict.fromkeys(key for row in table for key in row))
            return _names(keys), ([row.get(key) for key in keys] for row in table)
    raise UnsavableError("CSV", "obj", type(table).__qualname__, TABLES)


def frame_and_rows(table: Any, *, index: bool | None = None) -> Table | None:
    """Return the same for a frame or series of pandas or polars, and None for what is neither."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(table, pandas.DataFrame | pandas.Series):
        return _from_pandas(table, pandas, index=index)
    if polars is not None and isinstance(table, polars.DataFrame | polars.Series):
        frame = table if isinstance(table, polars.DataFrame) else table.to_frame()
        return list(frame.columns), zip(*map(_polars_cells, frame), strict=True)
    return None


def cells_of(series: Any) -> list[Any]:
    """Return the cells of a pandas series; None where one is missing.

    NaN is a value in a column of floats, and a missing cell in any other.
    """
    gone = series.isna()
    floats = series.dtype.kind == "f"
    return [
        None if missing and not (floats and isinstance(cell, float)) else cell
        for cell, missing in zip(series.tolist(), gone, strict=True)
    ]


def index_is_data(index: Any) -> bool:
    """Tell whether a pandas index holds more than the numbers of rows."""
    named = any(name is not None for name in index.names)
    return named or (len(index) > 0 and index.dtype.kind not in "iu")


def _from_rows(rows: Sequence[Sequence[Any]]) -> Table:
    if not rows:
        return [], iter(())
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            why = f"{len(row)} cells, where the first has {len(rows[0])}"
            raise MalformedError(f"obj[{number}]", why)
    return list(rows[0]), iter(rows[1:])


def _from_columns(columns: Mapping[Any, Any]) -> Table:
    values = {}
    for name, raw in columns.items():
        if hasattr(raw, "isna") and hasattr(raw, "tolist"):
            column: Any = cells_of(raw)
        else:
            column = listed(raw) if hasattr(raw, "tolist") else raw
        if not isinstance(column, list | tuple | range):
            raise UnsavableError("CSV", f"obj[{name!r}]", type(column).__qualname__, TABLES)
        values[name] = column
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise MalformedError("obj", f"columns of different lengths: {lengths}")
    return _names(list(values)), zip(*values.values(), strict=True)


def _from_numpy(array: Any) -> Table:
    if array.ndim == 1 and array.dtype.names:
        return _from_columns({name: array[name] for name in array.dtype.names})
    if array.ndim not in (1, 2) or array.dtype.name in LONG_DOUBLES:
        shape = f"a numpy array of {array.ndim} dimensions and type {array.dtype}"
        raise UnsavableError("CSV", "obj", shape, TABLES)
    table = array.reshape(len(array), -1) if array.ndim == 1 else array
    return list(range(table.shape[1])), iter(listed(table))


def _from_pandas(table: Any, pandas: Any, *, index: bool | None) -> Table:
    frame = table.to_frame() if isinstance(table, pandas.Series) else table
    named = any(name is not None for name in frame.index.names)
    names, columns = list(frame.columns), [frame.iloc[:, i] for i in range(frame.shape[1])]
    if named if index is None else index:
        many = frame.index.nlevels > 1
        default = [f"level_{i}" if many else "index" for i in range(frame.index.nlevels)]
        given = frame.index.names
        names[:0] = [d if name is None else name for name, d in zip(given, default, strict=True)]
        columns[:0] = [
            pandas.Series(frame.index.get_level_values(i)) for i in range(frame.index.nlevels)
        ]
    elif index is None and index_is_data(frame.index):
        # Whether there is a column "index" must not depend on the data; that it is gone is said.
        warnings.warn(
            "the index of the frame has no name, and is not saved: index=True saves it",
            stacklevel=2,
        )
    return _names(names), zip(*map(cells_of, columns), strict=True)


def _polars_cells(series: Any) -> list[Any]:
    # Python's datetime and timedelta end at microseconds.
    if getattr(series.dtype, "time_unit", None) != "ns":
        return list(series.to_list())
    return [text and text.replace(" ", "T") for text in series.dt.to_string("iso")]


def _names(keys: list[Any]) -> list[str | int]:
    """Return the names of columns, of which no two have the same text."""
    names: dict[str, str | int] = {}
    for key in map(plain, keys):
        if str(key) in names:
            raise MalformedError("obj", f"two columns are named {str(key)!r}")
        names[str(key)] = key if isinstance(key, str | int) else str(key)
    return list(names.values())
