"""Read and write CSV: RFC 4180, with lines that end in a line feed.

Quotes carry a type. What was text and could be read as a number, a bool or as nothing is written
in quotes, and what stands in quotes is read as text. Other programs make nothing of them.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import sys
from decimal import Decimal

from scitex_session_io._errors import InvalidValueError, MalformedError, UnsavableError

from . import arrow_csv, pandas_csv
from .forms import check_names, checked_into, table_in_form
from .numerals import BOOLS, looks_like_a_value, values_of
from .scalars import plain
from .table import header_and_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, BinaryIO, Literal

    from .forms import Column, Into

    Types = Mapping[str, type] | Literal["text"]

_CELLS = (
    "None, bool, int, float, str, Decimal, Path, date, time, datetime, timedelta and Enum in a cell"
)
_TYPES = (str, int, float, bool)
# Stands before the text of a cell that was in quotes. No decoded file has a lone surrogate.
_MARK = "\ud800"
_MOST_NAMED = 5


def encode(
    table: object,
    *,
    sep: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    index: bool | None = None,
) -> Iterator[bytes]:
    """Encode a table.

    Parameters
    ----------
    table : object
        One of the tables that `save` documents.
    sep : str, optional
        Stands between the cells of a line: by default a comma, or a semicolon if the comma is the
        decimal sign.
    decimal : {".", ","}
        The decimal sign.
    encoding : str
        "utf-8-sig" begins with the mark by which Excel knows UTF-8.
    index : bool, optional
        Whether the index of a pandas frame becomes columns; by default if it has a name.

    Yields
    ------
    bytes
        One line at a time.

    Raises
    ------
    UnsavableError
        The object is not a table, or a cell has no text, or none in this encoding.
    MalformedError
        Columns or rows differ in length, or two columns have the same name.
    InvalidValueError
        An option has no such value.
    """
    sep = _separator(sep, decimal)
    _check_encoding(encoding)
    if index not in (None, True, False):
        raise InvalidValueError("index", index, "True, False or None")
    header, rows = header_and_rows(table, index=index)
    if not header:
        return
    # Not one `str.encode` a line: UTF-16 has its mark once.
    encoder = codecs.getincrementalencoder(encoding)()
    for line in _Writer(sep, decimal, header).lines(rows):
        try:
            # Not by csv.writer: up to Python 3.12 it leaves a lone "\r" unquoted when lines end in
            # "\n", and every reader then sees one more row.
            yield encoder.encode(line + "\n")
        except UnicodeEncodeError as error:
            bad = error.object[error.start : error.end]
            what = "text with a lone surrogate" if "\ud800" <= bad[0] <= "\udfff" else repr(bad)
            raise UnsavableError("CSV", f"the row {line!r}", what, encoding.upper()) from error


class _Writer:
    """Write rows as lines of text."""

    def __init__(self, sep: str, decimal: str, header: Sequence[Any]) -> None:
        self._sep = sep
        self._decimal = decimal
        self._header = header
        # A mark of the byte order at the beginning would be taken for the file's own.
        self._needs_quotes = re.compile(rf'[{re.escape(sep)}"\r\n]|^\ufeff').search

    def lines(self, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
        first = self._line(self._header, "header")
        if len(self._header) > 1:
            yield first
            for number, row in enumerate(rows):
                yield self._line(row, f"row {number}")
            return
        # Most readers skip an empty line, and take `""` for an empty cell. So in a single column,
        # and only there, `""` is None. Where this has to mean the empty text, the name of the
        # column is in quotes, and None is an empty line.
        cells = [self._line(row, f"row {number}") for number, row in enumerate(rows)]
        if not first or ('""' in cells and first[0] != '"'):
            first = _quoted(first)
        empty = "" if first[0] == '"' else '""'
        yield first
        yield from (cell or empty for cell in cells)

    def _line(self, row: Sequence[Any], where: str) -> str:
        return self._sep.join([self._text(cell, where, i) for i, cell in enumerate(row)])

    def _text(self, cell: Any, row: str, column: int) -> str:
        value = plain(cell)
        if value is None:
            return ""
        if isinstance(value, str):
            text = str.__str__(value)
            if self._needs_quotes(text) or looks_like_a_value(text, self._decimal):
                return _quoted(text)
            return text
        if isinstance(value, Decimal) and not value.is_finite():
            value = float("nan" if value.is_nan() else value)
        try:
            if isinstance(value, float):
                return float.__repr__(value).replace(".", self._decimal)
            if isinstance(value, bool | int | Decimal):
                return str(value).replace(".", self._decimal)
            what = type(cell).__qualname__
        except ValueError:
            what = f"an int of more than {sys.get_int_max_str_digits()} digits"
        where = f"{row}, column {self._header[column]!r}"
        raise UnsavableError("CSV", where, what, _CELLS)


def decode(
    file: BinaryIO,
    name: str,
    *,
    into: Into | None = None,
    sep: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    types: Types | None = None,
) -> Any:
    """Decode a table.

    Parameters
    ----------
    file : binary file
        The file.
    name : str
        Its name, for messages.
    into : {"dicts", "columns", "rows", "numpy", "pandas"}, optional
        The form of the table, as `load` documents it.
    sep, decimal
        As in `encode`.
    encoding : str, optional
        By default UTF-8, or UTF-16 if the file begins with its mark.
    types : mapping or "text", optional
        The types of columns by their names: str, int, float or bool. "text" leaves all of them
        texts. The types of the others are chosen by `numerals.values_of`.

    Raises
    ------
    MalformedError
        The file is not CSV or not in this encoding, its lines differ in their number of cells, two
        columns have the same name, or a cell is not of the type asked for.
    InvalidValueError
        An option has no such value.
    MissingLibraryError
        The library of the form is not installed.
    """
    form = checked_into(into)
    sep = _separator(sep, decimal)
    content = file.read()
    quick = None
    # Not imported for a table that is not to be a frame: that takes longer than Python's own way.
    if types is None and (form == "pandas" or sys.modules.get("pandas") is not None):
        quick = _read_quickly(content, name, sep, decimal, encoding, as_series=form == "pandas")
    if quick:
        header, columns = quick
    else:
        header, columns = _cells(_decoded(content, name, encoding), sep, name)
    names = [cell.removeprefix(_MARK) for cell in header]
    if form != "rows":
        check_names(names, name)
    if not quick:
        convert = _Converter(names, decimal, types, name)
        columns = [convert.column(i, cells) for i, cells in enumerate(columns)]
    first = [_values([cell], decimal)[0] for cell in header] if form == "rows" else names
    return table_in_form(first, columns, form)


def _read_quickly(
    content: bytes, name: str, sep: str, decimal: str, encoding: str | None, *, as_series: bool
) -> tuple[list[str], list[Any]] | None:
    if encoding is not None or not content.isascii():
        content = _decoded(content, name, encoding).encode()
    if b"\r" in content and b'"' not in content:
        content = content.replace(b"\r\n", b"\n")

    def values(cells: list[str]) -> Column:
        return _values([_marked(cell) for cell in cells], decimal)

    try:
        columns = None
        if decimal == ".":
            with contextlib.suppress(ImportError):
                columns = arrow_csv.read_columns(content, sep, values, as_series=as_series)
        if columns is None:
            columns = pandas_csv.read_columns(content, sep, decimal, values, as_series=as_series)
    except ImportError:  # is said by the form that needs pandas
        return None
    return columns and ([_marked(cell) for cell in columns[0]], columns[1])


def _decoded(content: bytes, name: str, encoding: str | None) -> str:
    if encoding is None:
        utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if utf_16 else "utf-8"
    _check_encoding(encoding)
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        why = f"not {encoding.upper()}; encoding= says what else it is"
        raise MalformedError(f"{name}, byte {error.start}", why) from error


def _cells(text: str, sep: str, name: str) -> tuple[list[str], list[list[str]]]:
    """Return the cells of the header and of each column, with a mark before those in quotes."""
    if '"' in text:
        # csv.reader does not tell which cells were in quotes: mark them within their quotes.
        cell = rf'(?<![^{re.escape(sep)}\r\n])"[^"]*+(?:""[^"]*+)*+"'
        text = re.sub(cell, lambda found: f'"{_MARK}{found[0][1:]}', text)
    header: list[str] = []
    cells: list[str] = []
    limit = csv.field_size_limit((1 << 31) - 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True)
        for row in reader:
            if not header:
                header = row
                keeps_empty_lines = len(row) == 1 and row[0].startswith(_MARK)
            elif len(row) == len(header):
                cells += row
            elif not row:
                cells += [""] if keeps_empty_lines else []
            else:
                where = f"{name}, line {reader.line_num}"
                why = f"{len(row)} cells, where the first line has {len(header)}"
                raise MalformedError(where, why)
    except csv.Error as error:
        raise MalformedError(f"{name}, line {reader.line_num}", f"not CSV: {error}") from error
    finally:
        csv.field_size_limit(limit)
    if len(header) == 1 and not keeps_empty_lines:
        cells = ["" if cell == _MARK else cell for cell in cells]
    return header, [cells[i :: len(header)] for i in range(len(header))]


class _Converter:
    """Convert the cells of columns to values, of the types asked for where there are any."""

    def __init__(self, names: list[str], decimal: str, types: Types | None, name: str) -> None:
        self._names = names
        self._decimal = decimal
        self._name = name
        self._types = dict.fromkeys(names, str) if types == "text" else _checked_types(types)
        for column in self._types:
            if column not in names:
                some = ", ".join(map(repr, names[:_MOST_NAMED]))
                more = ", ..." if len(names) > _MOST_NAMED else ""
                allowed = f"a column of {name}: {some}{more}"
                raise InvalidValueError("a name in types", column, allowed)

    def column(self, number: int, cells: list[str]) -> Column:
        asked = self._types.get(self._names[number])
        if asked is None:
            return _values(cells, self._decimal)
        texts = _texts(cells)
        if asked is str:
            return texts
        values: Column = []
        for row, text in enumerate(texts):
            try:
                values.append(self._value(text, asked) if text else None)
            except (KeyError, ValueError) as error:
                where = f"{self._name}, column {self._names[number]!r}, row {row}"
                raise MalformedError(where, f"{text!r} is not {asked.__name__}") from error
        return values

    def _value(self, text: str, asked: type) -> Any:
        return BOOLS[text] if asked is bool else asked(text.replace(self._decimal, "."))


def _values(cells: list[str], decimal: str) -> Column:
    # What was in quotes is text, and so is the rest of its column.
    return _texts(cells) if _MARK in "".join(cells) else values_of(cells, decimal)


def _texts(cells: list[str]) -> Column:
    return [cell.removeprefix(_MARK) if cell else None for cell in cells]


def _marked(cell: str) -> str:
    quoted = cell.startswith('"')
    return _MARK + cell[1:-1].replace('""', '"') if quoted else cell


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _separator(sep: Any, decimal: Any) -> str:
    if decimal not in (".", ","):
        raise InvalidValueError("decimal", decimal, "'.' or ','")
    if sep is None:
        return ";" if decimal == "," else ","
    if not isinstance(sep, str) or len(sep) != 1 or sep.isalnum() or sep in f'{decimal}"\r\n+-_':
        allowed = f"a single character that no number has: not a letter, a digit or {decimal!r}"
        raise InvalidValueError("sep", sep, allowed)
    return str(sep)


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, TypeError) as error:
        allowed = "an encoding of text that Python knows, such as 'utf-8' or 'cp1252'"
        raise InvalidValueError("encoding", encoding, allowed) from error


def _checked_types(types: Types | None) -> dict[str, type]:
    if types is None:
        return {}
    if isinstance(types, str) or not hasattr(types, "items"):
        raise InvalidValueError("types", types, "'text' or a dict such as {'plate': str}")
    checked = dict(types)
    for column, asked in checked.items():
        if asked not in _TYPES:
            raise InvalidValueError(f"types[{column!r}]", asked, "str, int, float or bool")
    return checked
