"""Encode frames, series, indexes and scalars of pandas, and frames and series of polars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .arrays import write_array
from .leaves import Refused, described

if TYPE_CHECKING:
    from typing import Any

    from .encoder import Writer


# Kinds of categories, as pandas infers them, whose < is an order of all of them.
_SORTABLE = {
    *("string", "integer", "floating", "boolean"),
    *("date", "datetime", "datetime64", "timedelta64", "period", "interval"),
}


def write_pandas(writer: Writer, value: Any) -> None:
    """Encode an object of pandas.

    It does not count how an index is stored (as a range, with a frequency), nor how strings are
    (by pyarrow or Python). Both depend on how the frame was made, and on what is installed.

    Raises
    ------
    Refused
        If it is of another class, which may carry more than its values.
    """
    pandas = sys.modules["pandas"]
    kind = type(value)
    if kind is pandas.DataFrame:
        writer.count(b"pandas.DataFrame", value.shape[1])
        writer.write_at(".columns", value.columns)
        writer.write_at(".index", value.index)
        for position in range(value.shape[1]):
            _write_values(writer, value.iloc[:, position], f"[{value.columns[position]!r:.60}]")
    elif kind is pandas.Series:
        writer.count(b"pandas.Series", 1)
        writer.write_at(".name", value.name)
        writer.write_at(".index", value.index)
        _write_values(writer, value, "")
    elif isinstance(value, pandas.MultiIndex):
        writer.count(b"pandas.MultiIndex", value.nlevels)
        for level in range(value.nlevels):
            writer.write_at(f".levels[{level}]", value.get_level_values(level))
    elif isinstance(value, pandas.Index) and kind.__module__.partition(".")[0] == "pandas":
        writer.count(b"pandas.Index", 1)
        writer.write_at(".name", value.name)
        _write_values(writer, value, "")
    elif isinstance(value, pandas.api.extensions.ExtensionArray):
        writer.count(b"pandas.array", 1)
        _write_values(writer, pandas.Series(value), "")
    elif isinstance(value, pandas.DataFrame | pandas.Series | pandas.Index):
        what = f"is of type {kind.__qualname__}, which may carry more than its values"
        raise Refused(what, "pass a plain pandas object made from it, and the rest beside it")
    else:
        _write_scalar(writer, value, pandas)


def _write_values(writer: Writer, values: Any, step: str) -> None:
    try:
        _write_column(writer, values, sys.modules["pandas"])
    except Refused as refused:
        refused.steps.append(step)
        raise


def _write_column(writer: Writer, values: Any, pandas: Any) -> None:
    dtype = values.dtype
    if not isinstance(dtype, pandas.api.extensions.ExtensionDtype):
        writer.count(b"column", 1)
        write_array(writer, values.to_numpy())
        return
    if isinstance(dtype, pandas.CategoricalDtype):
        _write_category(writer, pandas.Categorical(values), pandas)
        return
    writer.text(b"column", dtype.name)
    writer.count(b"rows", len(values))
    if isinstance(dtype, pandas.DatetimeTZDtype):
        write_array(writer, values.to_numpy(dtype=f"M8[{dtype.unit}]"))
    elif getattr(dtype, "kind", "O") in "biuf" and hasattr(dtype, "numpy_dtype"):
        missing = values.isna()
        write_array(writer, missing.to_numpy() if hasattr(missing, "to_numpy") else missing)
        write_array(writer, values.to_numpy(dtype=dtype.numpy_dtype, na_value=0))
    elif isinstance(dtype, pandas.StringDtype):
        writer.write_parts(values.to_numpy(dtype=object).tolist())
    else:
        writer.write_parts(values)


def _write_category(writer: Writer, values: Any, pandas: Any) -> None:
    if not values.ordered:
        values = values.set_categories(_in_canonical_order(writer, values.categories, pandas))
    writer.text(b"category", "ordered" if values.ordered else "unordered")
    writer.write_at(".categories", values.categories)
    write_array(writer, values.codes)


def _in_canonical_order(writer: Writer, categories: Any, pandas: Any) -> Any:
    """Return categories that have no order in one that depends on nothing but themselves.

    For pandas, two frames are equal whatever the order in which unordered categories stand.
    """
    if pandas.api.types.infer_dtype(categories) in _SORTABLE:
        return categories.sort_values()
    # Mixed types, and types such as sets, whose < is no order, are sorted by their digests.
    digests = [writer.digest_of(f".categories[{n}]", one) for n, one in enumerate(categories)]
    return categories.take(sorted(range(len(digests)), key=digests.__getitem__))


def _write_scalar(writer: Writer, value: Any, pandas: Any) -> None:
    if value is pandas.NA or value is pandas.NaT:
        writer.text(b"pandas", "NA" if value is pandas.NA else "NaT")
    elif isinstance(value, pandas.Timestamp):
        writer.text(b"pandas.Timestamp", str(value.tz))
        writer.write(value.asm8)  # in UTC
    elif isinstance(value, pandas.Timedelta):
        writer.count(b"pandas.Timedelta", 1)
        writer.write(value.asm8)
    elif isinstance(value, pandas.Period):
        writer.text(b"pandas.Period", value.freqstr)
        writer.write(value.ordinal)
    elif isinstance(value, pandas.Interval):
        writer.text(b"pandas.Interval", value.closed)
        writer.write_at(".left", value.left)
        writer.write_at(".right", value.right)
    elif isinstance(value, pandas.CategoricalDtype):
        writer.text(b"pandas.CategoricalDtype", "ordered" if value.ordered else "unordered")
        categories = value.categories
        if not value.ordered and categories is not None:
            categories = _in_canonical_order(writer, categories, pandas)
        writer.write_at(".categories", categories)
    elif isinstance(value, pandas.api.extensions.ExtensionDtype):
        writer.text(b"pandas.dtype", value.name)
    else:
        raise Refused(*described(value))


def write_polars(writer: Writer, value: Any) -> None:
    """Encode a frame, series or data type of polars.

    The number of chunks of a column does not count, nor how categories are numbered.

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
        _write_series_values(writer, series, polars)
    except Refused as refused:
        refused.steps.append(step)
        raise


def _write_series_values(writer: Writer, series: Any, polars: Any) -> None:
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
    # Types that numpy has too. It has no decimals and no integers of 128 bits.
    signed = (polars.Int8, polars.Int16, polars.Int32, polars.Int64)
    unsigned = (polars.UInt8, polars.UInt16, polars.UInt32, polars.UInt64)
    return (polars.Boolean, polars.Float32, polars.Float64, *signed, *unsigned)
