"""Read and write CSV: RFC 4180 in UTF-8, with lines that end in a line feed."""

from __future__ import annotations

import csv
import io
import re
import sys

from scitex_session_io._errors import MalformedError, UnsavableError

from .table import rows_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, BinaryIO

    from .forms import Into

_QUOTED = re.compile(r'[,"\r\n]')
_INT = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = ("nan", "NaN", "inf", "-inf")
_BOOLS = {"True": True, "False": False}

Column = list["Any"]


def encode(table: object) -> Iterator[bytes]:
    """Encode a table.

    Parameters
    ----------
    table : object
        One of the tables that `save` documents.

    Yields
    ------
    bytes
        One line at a time.

    Raises
    ------
    UnsavableError, MalformedError
        As `table.rows_of` does.
    """
    # Not by csv.writer: up to Python 3.12 it leaves a lone "\r" unquoted when lines end in "\n",
    # and every reader then sees one more row.
    for row in rows_of(table):
        cells = ["" if cell is None else _quoted(cell) for cell in row]
        # Readers skip an empty line.
        line = '""' if cells == [""] else ",".join(cells)
        try:
            yield f"{line}\n".encode()
        except UnicodeEncodeError as error:
            place = f"the row {line!r}"
            raise UnsavableError("CSV", place, "text with a lone surrogate", "UTF-8") from error


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def decode(file: BinaryIO, name: str, *, into: Into | None = None) -> Any:
    """Decode a table."""
    from .forms import check_into, table_of

    check_into(into)
    header, columns = _read(file, name)
    return table_of(name, header, columns, into)


def _read(binary: BinaryIO, path: str) -> tuple[list[str], list[Column]]:
    """Return the cells of the first line of a file, and the columns below as values.

    Raises
    ------
    MalformedError
        The file is not CSV or not UTF-8, or its lines differ in their number of cells.
    """
    rows: list[list[str]] = []
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if rows and row and len(row) != len(rows[0]):
                    raise MalformedError(
                        f"{path}, line {reader.line_num}",
                        f"{len(row)} cells, where the first line has {len(rows[0])}",
                    )
                rows += [row] if row else []
    except csv.Error as error:
        raise MalformedError(f"{path}, line {reader.line_num}", f"not CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise MalformedError(f"{path}, byte {error.start}", "not UTF-8") from error
    finally:
        csv.field_size_limit(limit)
    if not rows:
        return [], []
    header, *body = rows
    columns = zip(*body, strict=True) if body else ([] for _ in header)
    return header, [values_of(column) for column in columns]


def values_of(column: Iterable[str]) -> Column:
    """Convert the texts of a column to one type, without loss.

    The type is int if every text is an int ("007" is not), float if every text is a number
    that a float holds without loss, bool if every text is "True" or "False", otherwise str. Empty
    cells are None.
    """
    texts = list(column)
    make = _type_of([text for text in texts if text])
    return [make(text) if text else None for text in texts]


def _type_of(texts: Sequence[str]) -> Callable[[str], Any]:
    if not texts:
        return str
    if all(_INT.fullmatch(text) for text in texts):
        # Python makes no number of more digits.
        most = sys.get_int_max_str_digits() or sys.maxsize
        return int if max(map(len, texts)) <= most else str
    if all(text in _BOOLS for text in texts):
        return _BOOLS.__getitem__
    if all(_is_float(text) for text in texts):
        return float
    return str


def _is_float(text: str) -> bool:
    # As a float a long integer, such as an identifier, would lose its last digits.
    if _INT.fullmatch(text):
        return int(float(text)) == int(text) if len(text) < 300 else False
    return text in _NOT_FINITE or _FLOAT.fullmatch(text) is not None
