"""The forms in which a table is returned."""

from __future__ import annotations

import itertools

from scitex_session_io._errors import InvalidValueError, MalformedError, MissingLibraryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    Column = list[Any]
    Into = Literal["dicts", "columns", "rows", "numpy", "pandas"]

# So many names stand in a message.
_MOST_NAMED = 5


def check_into(into: str | None) -> None:
    choices = ", ".join(map(repr, _INTO))
    if into is not None and into not in _INTO:
        raise InvalidValueError("into", into, f"one of {choices}")


def table_of(file: str, header: list[str], columns: list[Column], into: Into | None) -> Any:
    if into != "rows" and len(set(header)) < len(header):
        twice = sorted(
            {name for name, next_ in itertools.pairwise(sorted(header)) if name == next_}
        )
        named = ", ".join(map(repr, twice[:_MOST_NAMED]))
        more = f" and {len(twice) - _MOST_NAMED} more" if len(twice) > _MOST_NAMED else ""
        why = f"more than one column is named {named}{more}"
        raise MalformedError(file, f"{why}; into='rows' reads it")
    return _INTO[into or "dicts"](header, columns)


def _dicts(header: list[str], columns: list[Column]) -> list[dict[str, Any]]:
    return [dict(zip(header, row, strict=True)) for row in zip(*columns, strict=True)]


def _columns(header: list[str], columns: list[Column]) -> dict[str, Column]:
    return dict(zip(header, columns, strict=True))


def _rows(header: list[str], columns: list[Column]) -> list[list[Any]]:
    from .csv import values_of

    first = [values_of([cell])[0] for cell in header]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return [first, *rows] if header else rows


def _numpy(header: list[str], columns: list[Column]) -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise MissingLibraryError("numpy", "into='numpy'") from error
    arrays = [np.array(_without_none(column)) for column in columns]
    dtype = [(name, array.dtype) for name, array in zip(header, arrays, strict=True)]
    table = np.empty(len(columns[0]) if columns else 0, dtype=dtype)
    for name, array in zip(header, arrays, strict=True):
        table[name] = array
    return table


def _without_none(column: Column) -> Column:
    """Replace None by a value that a numpy array of the column's type can hold."""
    text = any(isinstance(cell, str) for cell in column)
    return [("" if text else float("nan")) if cell is None else cell for cell in column]


def _pandas(header: list[str], columns: list[Column]) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibraryError("pandas", "into='pandas'") from error
    series = {}
    for name, column in zip(header, columns, strict=True):
        types = {type(cell) for cell in column}
        exact = {int: "Int64", bool: "boolean"}
        dtype = next((exact[t] for t in types if t in exact and type(None) in types), None)
        series[name] = pd.Series(column, dtype=dtype)
    return pd.DataFrame(series)


_INTO: dict[str, Callable[[list[str], list[Column]], Any]] = {
    "dicts": _dicts,
    "columns": _columns,
    "rows": _rows,
    "numpy": _numpy,
    "pandas": _pandas,
}
