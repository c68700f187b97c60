"""`load`, and what it makes of a table."""

from __future__ import annotations

import itertools
import os

from scitex_session_io._errors import (
    InvalidValueError,
    MalformedError,
    MissingLibraryError,
    TooLargeError,
)

from .places import loading_path
from .save import format_of

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
    """Load a file, by its suffix.

    Parameters
    ----------
    path : path
        A ``.csv`` or ``.json`` file; the case of the suffix does not matter. A relative path is
        looked for in the working directory, then in the directory that `save_into` sets.
    into : {"dicts", "columns", "rows", "numpy", "pandas"}, optional
        The form of a CSV file's table; JSON has no such choice.

        - "dicts", the default: a list of dicts, one for each line, by the names in the first line;
        - "columns": a dict of lists;
        - "rows": a list of lists, the first line included, each of its cells a value of its own;
        - "numpy": an array with one field for each column; a missing cell is NaN among numbers and
          the empty text among texts;
        - "pandas": a DataFrame; columns of int or bool with missing cells have the types Int64 and
          boolean, which keep them exact.

    Returns
    -------
    object
        The table in that form, whatever is installed; or the value in a JSON file.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message says where it was looked for.
    ValueError
        The suffix names no format, `into` is unknown or given for JSON, or the content is
        malformed; the message names the line.
    MemoryError
        The file does not fit into memory.
    ImportError
        numpy or pandas is asked for and not installed.

    Notes
    -----
    CSV holds only texts. So each column gets a type, and only if nothing is lost: "007" makes a
    column of texts, as does an integer too long for a float among floats. Empty cells are None.
    """
    choices = ", ".join(map(repr, _INTO))
    if into is not None and into not in _INTO:
        raise InvalidValueError("into", into, f"one of {choices}")
    file = loading_path(path)
    suffix = format_of(file)
    if suffix == ".json" and into is not None:
        raise InvalidValueError("into", into, "left out for a .json file")
    size = file.stat().st_size
    if size > _memory():
        raise TooLargeError(str(file), size)
    try:
        return _load_json(file) if suffix == ".json" else _load_csv(file, into)
    except MemoryError:
        raise TooLargeError(str(file), size) from None


def _memory() -> float:
    """Return how many bytes of memory this machine has, as far as it tells."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return float("inf")


def _load_json(file: pathlib.Path) -> Any:
    from .json import decode

    return decode(file)


def _load_csv(file: pathlib.Path, into: Into | None) -> Any:
    from .csv import read

    header, columns = read(file)
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
