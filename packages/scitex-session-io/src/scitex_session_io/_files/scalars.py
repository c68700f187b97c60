"""Make plain Python values of the scalars of other libraries, for the formats that are text.

No library is imported: a value can only be one of its types if it has been imported already.
"""

from __future__ import annotations

import enum
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

LONG_DOUBLES = ("float96", "float128")  # no Python number is as exact
_PLAIN = {bool, int, float, str}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
_DECIMALS = {"ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}


def plain(value: Any) -> Any:
    """Return None, a bool, an int, a float, a str or a Decimal for what stands for one.

    Dates, times and durations become texts in ISO 8601, paths texts, what is missing (``NaT``,
    ``pandas.NA``) None. Any other value is returned as it is.
    """
    if value is None or type(value) in _PLAIN:  # in haste, for tables of a million cells
        return value
    while isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        name = os.fspath(value)
        return name if isinstance(name, str) else value
    numpy, pandas, torch, datetime = map(sys.modules.get, ("numpy", "pandas", "torch", "datetime"))
    if numpy is not None and isinstance(value, numpy.generic):
        return _numpy_scalar(value, numpy)
    if pandas is not None and (value is pandas.NaT or value is pandas.NA):
        return None
    if torch is not None and isinstance(value, torch.Tensor) and value.ndim == 0:
        return value.item()
    if datetime is not None:
        if isinstance(value, datetime.date | datetime.time):
            return str(value.isoformat())
        if isinstance(value, datetime.timedelta):
            micro = (value.days * 86_400 + value.seconds) * 10**6 + value.microseconds
            # pandas counts nanoseconds.
            return _iso_duration(micro * 1000 + getattr(value, "nanoseconds", 0), 9)
    return value


def listed(array: Any) -> Any:
    """Return the list of an array, a tensor or a series, with all that `plain` can make of it.

    ``tolist`` alone makes numbers of nanoseconds of ``datetime64[ns]``.
    """
    if getattr(getattr(array, "dtype", None), "kind", "") not in ("M", "m"):
        return array.tolist()
    return [listed(each) for each in array] if array.ndim else plain(array[()])


def _numpy_scalar(value: Any, numpy: ModuleType) -> Any:
    if value.dtype.name in LONG_DOUBLES:
        return value
    if value.dtype.kind not in ("M", "m"):
        return value.item()
    if numpy.isnat(value):
        return None
    if value.dtype.kind == "M":
        whole, _, fraction = str(numpy.datetime_as_string(value)).partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole
    unit, _ = numpy.datetime_data(value.dtype)
    ticks = int(value.astype(f"m8[{unit}]").astype(int))
    if unit in ("Y", "M"):  # of no fixed length
        return f"{'-' if ticks < 0 else ''}P{abs(ticks)}{unit}"
    if unit in _SECONDS:
        return _iso_duration(ticks * _SECONDS[unit], 0)
    return _iso_duration(ticks, _DECIMALS[unit]) if unit in _DECIMALS else value


def _iso_duration(ticks: int, decimals: int) -> str:
    """Return the text in ISO 8601, as pandas and polars read it; a tick is ``10**-decimals`` s.

    Examples
    --------
    >>> _iso_duration(-90_500, 3)
    '-P0DT0H1M30.5S'
    """
    sign = "-" if ticks < 0 else ""
    seconds, part = divmod(abs(ticks), 10**decimals)
    days, seconds = divmod(seconds, 86_400)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{part:0{decimals}}".rstrip("0") if part else ""
    return f"{sign}P{days}DT{hours}H{minutes}M{seconds}{fraction}S"
