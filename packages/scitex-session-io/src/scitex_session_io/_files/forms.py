"""The forms in which `load` gives a table."""

from __future__ import annotations

import itertools

from scitex_session_io._errors import InvalidValueError, MalformedError

from .library import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    Column = Any  # a list of values; of "pandas", perhaps a series
    Into = Literal["dicts", "columns", "rows", "numpy", "pandas"]

# So many names stand in a message.
_MOST_NAMED = 5


def checked_into(into: Into | None) -> Into:
    """Return the name of a form, by default "dicts".

    Raises
    ------
    InvalidValueError
        There is no such form.
    """
    if into is not None and into not in _FORMS:
        raise InvalidValueError("into", into, f"one of {', '.join(map(repr, _FORMS))}")
    return into or "dicts"


def table_in_form(header: list[Any], columns: Sequence[Column], into: Into) -> Any:
    """Return a table in one of the forms that `load` documents.

    Parameters
    ----------
    header : list
        The names of the columns, as texts; of "rows", the values in the first row.
    columns : sequence of lists
        The columns.
    into : {"dicts", "columns", "rows", "numpy", "pandas"}
        The form.

    Raises
    ------
    MissingLibraryError
        The library of the form is not installed.
    """
    return _FORMS[into](header, columns)


def check_names(names: list[str], where: str) -> None:
    """Raise a MalformedError if two columns of the table at `where` have the same name."""
    if len(set(names)) == len(names):
        return
    twice = sorted({name for name, next_ in itertools.pairwise(sorted(names)) if name == next_})
    named = ", ".join(map(repr, twice[:_MOST_NAMED]))
    more = f" and {len(twice) - _MOST_NAMED} more" if len(twice) > _MOST_NAMED else ""
    raise MalformedError(
        where, f"more than one column is named {named}{more}; into='rows' reads it"
    )


def _dicts(names: list[str], columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _columns(names: list[str], columns: Sequence[Column]) -> dict[str, Column]:
    return dict(zip(names, columns, strict=True))


def _rows(first: list[Any], columns: Sequence[Column]) -> list[list[Any]]:
    rows = map(list, zip(*columns, strict=True))
    return [first, *rows] if first else []


def _numpy(names: list[str], columns: Sequence[Column]) -> Any:
    np = need("numpy", "numpy", "into='numpy'")
    arrays = [np.array(_without_none(column)) for column in columns]
    dtype = [(name, array.dtype) for name, array in zip(names, arrays, strict=True)]
    table = np.empty(len(columns[0]) if columns else 0, dtype=dtype)
    for name, array in zip(names, arrays, strict=True):
        table[name] = array
    return table


def _without_none(column: Column) -> Column:
    """Replace None by a value that a numpy array of the column's type can hold."""
    text = any(isinstance(cell, str) for cell in column)
    return [("" if text else float("nan")) if cell is None else cell for cell in column]


def _pandas(names: list[str], columns: Sequence[Column]) -> Any:
    pd = need("pandas", "pandas", "into='pandas'")
    series = {}
    for name, column in zip(names, columns, strict=True):
        dtype = _exact_dtype(column) if isinstance(column, list) and None in column else None
        series[name] = pd.Series(column, dtype=dtype)
    return pd.DataFrame(series, copy=False)


def _exact_dtype(column: Column) -> str | None:
    """Return the type in pandas that keeps ints and bools beside missing cells as they are."""
    present = [cell for cell in column if cell is not None]
    if not present or not isinstance(present[0], int):
        return None
    if isinstance(present[0], bool):
        return "boolean"
    return "Int64" if min(present) >= -(2**63) and max(present) < 2**63 else "object"


_FORMS: dict[str, Callable[[list[Any], Sequence[Column]], Any]] = {
    "dicts": _dicts,
    "columns": _columns,
    "rows": _rows,
    "numpy": _numpy,
    "pandas": _pandas,
}
