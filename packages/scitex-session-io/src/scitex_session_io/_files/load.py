"""`load`, and the forms in which it returns a table."""

from __future__ import annotations

import itertools
import os

from scitex_session_io._errors import (
    InvalidValueError,
    MalformedError,
    MissingLibraryError,
    TooLargeError,
)

from .formats import format_of
from .places import loading_path, report_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from typing import Any, Literal

    from .csv import Column

    Into = Literal["dicts", "columns", "rows", "numpy", "pandas"]

# So many names stand in a message.
_MOST_NAMED = 5


def load(path: str | os.PathLike[str], *, into: Into | None = None) -> Any:
    """Load a file in the format of its suffix.

    Parameters
    ----------
    path : path
        A ``.csv`` or ``.json`` file; the case of the suffix does not matter. A relative path is
        searched in the working directory, then in the directory of `save_into`, whose `find` is
        asked at last.
    into : {"dicts", "columns", "rows", "numpy", "pandas"}, optional
        The form of a CSV file's table; not for JSON.

        - "dicts", the default: a list of dicts, one for each line, with the names in the first line
          as keys;
        - "columns": a dict of lists;
        - "rows": a list of lists that begins with the first line, each cell of which has its own
          type;
        - "numpy": an array with one field for each column; a missing cell is NaN among numbers and
          the empty text among texts;
        - "pandas": a DataFrame; columns of int or bool with missing cells have the types Int64 and
          boolean, which keep them exact.

    Returns
    -------
    object
        The table in that form, or the value in a JSON file.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message lists the paths that were tried.
    ValueError
        The suffix is not that of a format, `into` is unknown or not allowed, or the content is
        malformed; the message names the line.
    MemoryError
        The file does not fit into memory.
    ImportError
        numpy or pandas is needed and not installed.

    Notes
    -----
    CSV holds only texts. So each column is converted to a type, if that loses nothing: "007" makes
    a column of texts, as does an integer too long for a float among floats. Empty cells are None.
    """
    choices = ", ".join(map(repr, _INTO))
    if into is not None and into not in _INTO:
        raise InvalidValueError("into", into, f"one of {choices}")
    file = loading_path(path)
    form = format_of(file)
    if into is not None and not form.is_table:
        raise InvalidValueError("into", into, f"left out for a {form.suffix} file")
    size = file.stat().st_size
    if size > _memory():
        raise TooLargeError(str(file), size)
    try:
        content = form.decode(file)
        if form.is_table:
            header, columns = content
            content = _table(file, header, columns, into)
    except MemoryError:
        raise TooLargeError(str(file), size) from None
    report_loaded(file)
    return content


def _memory() -> float:
    """Return how many bytes of memory this machine has, as far as it can be known."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return float("inf")


def _table(file: pathlib.Path, header: list[str], columns: list[Column], into: Into | None) -> Any:
    if into != "rows" and len(set(header)) < len(header):
        twice = sorted(
            {name for name, next_ in itertools.pairwise(sorted(header)) if name == next_}
        )
        named = ", ".join(map(repr, twice[:_MOST_NAMED]))
        more = f" and {len(twice) - _MOST_NAMED} more" if len(twice) > _MOST_NAMED else ""
        why = f"more than one column is named {named}{more}"
        raise MalformedError(str(file), f"{why}; into='rows' reads it")
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
