"""Read and write JSON, also with paths, dates and dataclasses, and with other libraries' values."""

from __future__ import annotations

import enum
import json
import math
import sys
from decimal import Decimal

from scitex_session_io._errors import MalformedError, UnsavableError

from .scalars import LONG_DOUBLES, listed, plain
from .table import cells_of, frame_and_rows, index_is_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

_ALLOWED = (
    "None, bool, int, float, str, Decimal, dict, list, tuple, set, numpy scalars and arrays of "
    "numbers, text or times, torch tensors of real numbers, pandas and polars frames and series, "
    "Path, date, time, datetime, timedelta, Enum and dataclass instances"
)
_KEYS = "keys that are str, int, float, bool or None, each with a text of its own"


def encode(value: object, *, indent: int | None = 2, allow_nan: bool = True) -> Iterator[bytes]:
    """Encode a value as JSON text in UTF-8, ended by a newline.

    Parameters
    ----------
    value : object
        The value.
    indent : int or None
        Spaces per level; None for a single line.
    allow_nan : bool
        Whether NaN and infinities are written, as the words ``NaN``, ``Infinity`` and
        ``-Infinity`` that Python reads back (and strict readers refuse).

    Yields
    ------
    bytes
        The text.

    Raises
    ------
    UnsavableError
        JSON can't hold a part of it; the message names the part.
    """
    try:
        content = _Plain(allow_nan=allow_nan).value(value, "obj", ())
        text = _dumps(content, indent)
    except RecursionError:
        allowed = "what is nested at most some hundred times"
        raise UnsavableError("JSON", "obj", "nested too deeply", allowed) from None
    # UTF-8 can't hold a lone surrogate, as in a file name that is not UTF-8. JSON can: write it as
    # an escape.
    yield (text + "\n").encode("utf-8", "backslashreplace")


def _dumps(content: Any, indent: int | None) -> str:
    try:
        return json.dumps(content, indent=indent, ensure_ascii=False)
    except ValueError as error:
        what = f"or holds an int of more than {sys.get_int_max_str_digits()} digits"
        raise UnsavableError("JSON", "obj", what, "integers that Python reads back") from error


def decode(file: BinaryIO, name: str) -> Any:
    """Decode a JSON file; `name` is its name, for messages.

    Raises
    ------
    MalformedError
        The file is not JSON, not UTF-8, nested too deeply, or has an integer of more digits than
        Python reads.
    """
    try:
        return json.loads(file.read().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        where = f"{name}, line {error.lineno}, column {error.colno}"
        raise MalformedError(where, f"not JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise MalformedError(f"{name}, byte {error.start}", "not UTF-8") from error
    except RecursionError:  # its traceback would be a thousand lines
        raise MalformedError(name, "nested too deeply") from None
    except ValueError as error:
        most = sys.get_int_max_str_digits()
        why = f"an integer of more than {most} digits, which Python does not read"
        raise MalformedError(name, why) from error


class _Plain:
    """Convert values to those that `json` takes.

    `where` is the place of a value, for messages; `above` are the ids of its containers.
    """

    def __init__(self, *, allow_nan: bool) -> None:
        self._allow_nan = allow_nan

    def value(self, value: Any, where: str, above: tuple[int, ...]) -> Any:
        value = plain(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return self._float(float(value), where)
        if isinstance(value, Decimal):
            return str(value)
        if id(value) in above:
            raise UnsavableError("JSON", where, "an object that contains it", "no such circle")
        above = (*above, id(value))
        if isinstance(value, dict):
            return self._dict(value, where, above)
        if isinstance(value, list | tuple):
            return [self.value(each, f"{where}[{i}]", above) for i, each in enumerate(value)]
        if isinstance(value, set | frozenset):
            return [self.value(v, f"an element of {where}", above) for v in _in_order(value)]
        fields = getattr(type(value), "__dataclass_fields__", None)
        if fields is not None:
            return {n: self.value(getattr(value, n), f"{where}.{n}", above) for n in fields}
        return self._foreign(value, where, above)

    def _float(self, value: float, where: str) -> float:
        if not self._allow_nan and not math.isfinite(value):
            raise UnsavableError("JSON", where, str(value), "finite numbers with allow_nan=False")
        return value

    def _dict(self, value: dict[Any, Any], where: str, above: tuple[int, ...]) -> dict[str, Any]:
        texts: dict[str, Any] = {}
        for key, each in value.items():
            text = _key(key)
            if text is None or text in texts:
                problem = type(key).__qualname__ if text is None else "the same key again"
                raise UnsavableError("JSON", f"the key {key!r} of {where}", problem, _KEYS)
            texts[text] = self.value(each, f"{where}[{key!r}]", above)
        return texts

    def _foreign(self, value: Any, where: str, above: tuple[int, ...]) -> Any:
        """Convert what holds many values and is of another library."""
        numpy, pandas, torch = map(sys.modules.get, ("numpy", "pandas", "torch"))
        if pandas is not None and isinstance(value, pandas.Series):
            cells = cells_of(value)
            if not index_is_data(value.index):
                return self.value(cells, where, above)
            if not value.index.is_unique:
                raise UnsavableError("JSON", where, "a series with the same label twice", _KEYS)
            keys = map(plain, value.index.tolist())
            return self.value(dict(zip(keys, cells, strict=True)), where, above)
        is_pandas = pandas is not None and isinstance(value, pandas.DataFrame)
        frame = frame_and_rows(value, index=is_pandas and index_is_data(value.index))
        if frame is not None:
            names, rows = frame
            is_frame = hasattr(value, "columns")
            cells = [dict(zip(names, row, strict=True)) if is_frame else row[0] for row in rows]
            return self.value(cells, where, above)
        what = type(value).__qualname__
        lists = None
        if torch is not None and isinstance(value, torch.Tensor):
            what = f"a tensor of {value.dtype} on {value.device}"
            if not (value.is_complex() or value.is_meta):
                dense = value if value.layout is torch.strided else value.to_dense()
                lists = dense.tolist()
        elif numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
            what = f"numpy {value.dtype}"
            of_plain = value.dtype.kind in "biufUOMm" and value.dtype.name not in LONG_DOUBLES
            if of_plain and isinstance(value, numpy.ndarray):
                lists = listed(value)
                if self._allow_nan and value.dtype.kind in "biuf":  # all is said of its elements
                    return lists
        if lists is None:
            raise UnsavableError("JSON", where, what, _ALLOWED)
        return self.value(lists, where, above)


def _key(key: Any) -> str | None:
    """Return the text of a key, as `json` writes it; None if it has none."""
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(key, numpy.integer | numpy.bool_):
        return json.dumps(key.item())
    return None


def _in_order(values: Iterable[Any]) -> list[Any]:
    """Sort a set, so that the same set gives the same bytes."""
    try:
        return sorted(values)
    except TypeError:  # of different types
        return sorted(values, key=lambda each: (type(each).__qualname__, repr(each)))
