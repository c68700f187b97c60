"""polars' frames and series."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .arrays import write_array
from .refusal import Refused, described

if TYPE_CHECKING:
    from typing import Any

    from .encoder import Writer


def write(writer: Writer, value: Any) -> None:
    """Encode what polars has made: frames, series and data types.

    Into how many chunks a column is cut does not count, nor how a category is numbered.

    Raises
    ------
    Refused
        If it is something else: a lazy frame has no values before ``collect()``.
    """
    polars = sys.modules["polars"]
    if type(value) is polars.DataFrame:
        writer.count(b"polars.DataFrame", value.width)
        writer.count(b"rows", value.height)
        for series in value.iter_columns():
            _write_series(writer, series, f"[{series.name!r:.60}]", polars)
    elif type(value) is polars.Series:
        _write_series(writer, value, "", polars)
    elif isinstance(value, polars.DataType):
        writer.text(b"polars.dtype", str(value))
    else:
        raise Refused(*described(value))


def _write_series(writer: Writer, series: Any, step: str, polars: Any) -> None:
    try:
        writer.text(b"polars.Series", series.name)
        writer.count(b"rows", len(series))
        _write_values(writer, series, polars)
    except Refused as refused:
        refused.steps.append(step)
        raise


def _write_values(writer: Writer, series: Any, polars: Any) -> None:
    dtype = series.dtype
    if dtype == polars.Categorical:
        writer.text(b"dtype", "Categorical")
        writer.write_parts(series.cast(polars.String).to_list())
        return
    writer.text(b"dtype", str(dtype))
    if dtype in _as_numbers(polars):
        numbers = series
    elif dtype.is_temporal():
        numbers = series.to_physical()
    else:
        if dtype == polars.Enum:
            writer.write(dtype.categories.to_list())
        writer.write_parts(series.to_list())
        return
    missing = numbers.is_null()
    if missing.any():
        writer.count(b"missing", 1)
        write_array(writer, missing.to_numpy())
        numbers = numbers.fill_null(False if dtype == polars.Boolean else 0)
    else:
        writer.count(b"missing", 0)
    write_array(writer, numbers.to_numpy())


def _as_numbers(polars: Any) -> tuple[Any, ...]:
    # Those that numpy has as well: not decimals, and not integers of 128 bits.
    signed = (polars.Int8, polars.Int16, polars.Int32, polars.Int64)
    unsigned = (polars.UInt8, polars.UInt16, polars.UInt32, polars.UInt64)
    return (polars.Boolean, polars.Float32, polars.Float64, *signed, *unsigned)
