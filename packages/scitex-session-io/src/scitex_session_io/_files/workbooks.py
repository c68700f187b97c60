"""Save and load Excel's workbooks, ``.xlsx``.

By openpyxl itself rather than by pandas, which reads the texts "NA" and "NULL" as missing, writes
the text "=1+1" as a formula and cuts long texts without a word.
"""

from __future__ import annotations

import datetime
import io
import math
import re
import sys
import zipfile

from scitex_session_io._errors import InvalidValueError, UnsavableError

from .forms import check_names, checked_into, table_in_form
from .library import need
from .sizes import check_members, check_size
from .table import TABLES, header_and_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    from .forms import Into

_TABLES = f"{TABLES}, and a dict of frames or lists of dicts, one for each sheet"
_CELLS = (
    "None, bool, int up to 2**53, finite float, str of at most 32767 characters, date, time, "
    "datetime without a time zone and timedelta in a cell"
)
_LONGEST_TEXT = 32767
_LARGEST_INT = 2**53  # every number is a float there
# What XML can't hold, or changes, is written as _x000D_ (ECMA-376, ST_Xstring).
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# openpyxl would write the time. The same content is to give the same bytes.
_DATE = datetime.datetime(1980, 1, 1)  # noqa: DTZ001  # it takes none with a time zone
_POINTER = 8


def write_xlsx(
    obj: Any, file: BinaryIO, *, sheet: str = "Sheet1", index: bool | None = None
) -> None:
    """Write a table into a sheet, or several tables, each into a sheet of its own.

    `index` is pandas': by default it is written if it has a name.
    """
    book = need("openpyxl", "openpyxl", "XLSX").Workbook(write_only=True)
    book.properties.created = book.properties.modified = _DATE
    tables = obj if _is_sheets(obj) else {sheet: obj}
    # First all is checked: a page that is begun has a temporary file.
    pages = []
    for name, table in tables.items():
        where = "obj" if table is obj else f"obj[{name!r}]"
        page = book.create_sheet(name)
        if page.title != name:  # it took the next free name
            raise UnsavableError("XLSX", where, f"another sheet {name!r}", "each name once")
        rows = [
            [_checked(value, f"row {number} of {where}") for value in row]
            for number, row in enumerate(_rows_of(table, where, index))
        ]
        pages.append((page, rows))
    for page, rows in pages:
        for row in rows:
            page.append([_cell(page, value) for value in row])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        need("openpyxl.writer.excel", "openpyxl", "XLSX").ExcelWriter(book, archive).save()
    _copy_undated(content, file)


def _copy_undated(content: BinaryIO, file: BinaryIO) -> None:
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _DATE.timetuple()[:6])
            target.writestr(member, source.read(name), zipfile.ZIP_DEFLATED)


def _is_sheets(obj: Any) -> bool:
    """Whether an object is a dict of tables, rather than a table as a dict of columns."""
    return isinstance(obj, dict) and bool(obj) and all(map(_is_table, obj.values()))


def _is_table(obj: Any) -> bool:
    if isinstance(obj, list | tuple):
        return bool(obj) and all(isinstance(row, dict) for row in obj)
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    return (pandas is not None and isinstance(obj, pandas.DataFrame)) or (
        polars is not None and isinstance(obj, polars.DataFrame)
    )


def _rows_of(table: Any, where: str, index: bool | None) -> Iterator[Sequence[Any]]:
    """Yield the names of a table's columns, then its rows."""
    try:
        names, rows = header_and_rows(table, index=index)
    except UnsavableError as error:
        place = error.where.replace("obj", where, 1)
        raise UnsavableError("XLSX", place, error.type_name, _TABLES) from error
    yield list(map(str, names))
    yield from rows


def _checked(value: Any, where: str) -> Any:
    """Return a value that a cell can hold.

    Raises
    ------
    UnsavableError
        It would not come back as it is.
    """
    plain = _plain(value)
    found = type(value).__qualname__
    if isinstance(plain, str):
        text = _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", plain)
        if len(text) <= _LONGEST_TEXT:
            return text
        found = f"a text of {len(text)} characters"
    elif isinstance(plain, float):
        if math.isfinite(plain):
            return plain
        if math.isnan(plain):
            return None
        found = str(plain)
    elif isinstance(plain, datetime.date | datetime.time | datetime.timedelta):
        if getattr(plain, "tzinfo", None) is None:
            return plain
        found = "a time with a time zone"
    elif isinstance(plain, int):
        if abs(plain) <= _LARGEST_INT:
            return plain
        found = f"{plain:.6g}"
    elif plain is None:
        return None
    raise UnsavableError("XLSX", f"a cell in {where}", found, _CELLS)


def _cell(page: Any, value: Any) -> Any:
    """Return a cell with this value, where openpyxl would make another one of it."""
    if not isinstance(value, str | float):
        return value
    cell = need("openpyxl.cell", "openpyxl", "XLSX").WriteOnlyCell(page, str(value))
    # Not a formula or an error, though the text is "=1+1" or "#N/A"; not cut to 16 digits.
    cell.data_type = "s" if isinstance(value, str) else "n"
    return cell


def _plain(value: Any) -> Any:
    """Return the Python value of a scalar of numpy's or pandas'."""
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    if pandas is not None:
        if value is pandas.NA or value is pandas.NaT:
            return None
        if isinstance(value, pandas.Timestamp):
            return value.to_pydatetime(warn=False)
        if isinstance(value, pandas.Timedelta):
            return value.to_pytimedelta()
    if numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in "biufU":
        return value.item()
    return value


def read_xlsx(
    file: BinaryIO, path: str, *, into: Into = "pandas", sheet: str | int | None = 0
) -> Any:
    """Read a sheet by its name or number (0 is the first), or with None all, in a dict."""
    form = checked_into(into)
    with zipfile.ZipFile(file) as archive:
        check_members(path, archive.infolist())
    load_workbook = need("openpyxl", "openpyxl", path).load_workbook
    # Formulas give the values that Excel computed.
    book = load_workbook(file, read_only=True, data_only=True)
    names = book.sheetnames
    if sheet is None:
        return {name: _in_form(_read(book[name], path), form, path) for name in names}
    if isinstance(sheet, int) and 0 <= sheet < len(names):
        sheet = names[sheet]
    if sheet not in names:
        allowed = f"one of {', '.join(map(repr, names))}, or a number below {len(names)}"
        raise InvalidValueError("sheet", sheet, allowed)
    return _in_form(_read(book[sheet], path), form, path)


def _read(page: Any, path: str) -> list[list[Any]]:
    """Return the rows of a sheet, all of the same length, without empty ones at its end."""
    page.reset_dimensions()  # many programs write wrong ones
    rows = [[*map(_unescaped, row)] for row in page.iter_rows(values_only=True)]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    check_size(path, len(rows) * width * _POINTER)
    return [row + [None] * (width - len(row)) for row in rows]


def _unescaped(value: Any) -> Any:
    if isinstance(value, str) and "_x" in value:
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    return value


def _in_form(rows: list[list[Any]], into: Into, path: str) -> Any:
    header, *body = rows or [[]]
    columns = [[row[i] for row in body] for i in range(len(header))]
    if into != "rows":
        # As pandas names them.
        header = [f"Unnamed: {i}" if name is None else str(name) for i, name in enumerate(header)]
        check_names(header, path)
    return table_in_form(header, columns, into)
