"""Save and load tables with types: ``.parquet`` and ``.feather``."""

from __future__ import annotations

import sys

from scitex_session_io._errors import InvalidValueError, UnsavableError

from .library import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_TABLES = (
    "pandas and polars frames and series, Arrow tables, a list of dicts, and a dict of equally "
    "long columns"
)
_INTO = ("pandas", "polars", "arrow", "dicts", "columns")


def write_parquet(
    obj: Any, file: BinaryIO, *, compression: str = "zstd", index: bool | None = None
) -> None:
    """Write a table; `index` is pandas': by default that is kept, if it is not just 0, 1, 2 ..."""
    table = _table(obj, "PARQUET", index)
    need("pyarrow.parquet", "pyarrow", "PARQUET").write_table(table, file, compression=compression)


def read_parquet(
    file: BinaryIO, path: str, *, into: str = "pandas", columns: list[str] | None = None
) -> Any:
    """Read a table, or only some of its columns."""
    _check_into(into)
    parquet = need("pyarrow.parquet", "pyarrow", path)
    return _converted(parquet.ParquetFile(file).read(columns), into)


def write_feather(
    obj: Any, file: BinaryIO, *, compression: str = "lz4", index: bool | None = None
) -> None:
    """Write a table, as `write_parquet` does."""
    table = _table(obj, "FEATHER", index)
    need("pyarrow.feather", "pyarrow", "FEATHER").write_feather(
        table, file, compression=compression
    )


def read_feather(
    file: BinaryIO, path: str, *, into: str = "pandas", columns: list[str] | None = None
) -> Any:
    """Read a table, or only some of its columns."""
    _check_into(into)
    feather = need("pyarrow.feather", "pyarrow", path)
    return _converted(feather.read_table(file, columns), into)


def _table(obj: Any, file_format: str, index: bool | None) -> Any:
    """Return a table of Arrow's."""
    arrow = need("pyarrow", "pyarrow", file_format)
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if isinstance(obj, arrow.Table):
        return obj
    if polars is not None and isinstance(obj, polars.DataFrame | polars.Series):
        return (obj if isinstance(obj, polars.DataFrame) else obj.to_frame()).to_arrow()
    if pandas is not None and isinstance(obj, pandas.DataFrame | pandas.Series):
        frame = obj if isinstance(obj, pandas.DataFrame) else obj.to_frame()
        return arrow.Table.from_pandas(frame, preserve_index=index)
    if isinstance(obj, list | tuple) and obj and all(isinstance(row, dict) for row in obj):
        # Not `from_pylist`, which leaves out the keys that the first row does not have.
        names = dict.fromkeys(name for row in obj for name in row)
        return arrow.table({str(name): [row.get(name) for row in obj] for name in names})
    if isinstance(obj, dict):
        return arrow.table({str(name): column for name, column in obj.items()})
    raise UnsavableError(file_format, "obj", type(obj).__qualname__, _TABLES)


def _check_into(into: str) -> None:
    if into not in _INTO:
        raise InvalidValueError("into", into, f"one of {', '.join(map(repr, _INTO))}")


def _converted(table: Any, into: str) -> Any:
    if into == "pandas":
        need("pandas", "pandas", "into='pandas'")
        return table.to_pandas()
    if into == "polars":
        return need("polars", "polars", "into='polars'").from_arrow(table)
    if into == "dicts":
        return table.to_pylist()
    if into == "columns":
        return table.to_pydict()
    return table
