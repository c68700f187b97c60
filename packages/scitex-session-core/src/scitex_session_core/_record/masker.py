"""Makes any value fit to be written: plain JSON, with passwords, tokens and keys masked.

Everything that is written of a run goes through `dumps`, `jsonable` or `without_secrets`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum

from .secret import MASK, is_secret_name, without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    Container = Mapping[Any, Any] | list[Any] | tuple[Any, ...] | AbstractSet[Any]

_DEEPEST = 32
_LONGEST_REPR = 1000
_MOST_ITEMS = 100_000
# Python refuses to convert longer integers to or from decimal (4300 digits by default, or fewer).
_MOST_BITS = 2000


def dumps(value: Any, *, indent: int | None = None, names: Collection[str] = ()) -> bytes:
    """Encode `value` as UTF-8 JSON, with secrets masked and without ``NaN`` or ``Infinity``.

    The values of the keys `names` are not masked: they name something (an ID, a path), and masked
    they would name something else.
    """
    plain = jsonable(value)
    for name in names:
        if isinstance(named := value.get(name), (str, os.PathLike)):
            plain[name] = os.fspath(named)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate (an undecodable byte of a file name in argv) has no UTF-8. Within a JSON
    # string, its Python escape is its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def jsonable(value: object, *, also: Collection[type] = ()) -> Any:
    """Convert `value` to the types of JSON, with secrets masked.

    Parameters
    ----------
    value : object
        Any value.
    also : collection of type
        Types that the format has beside those of JSON. Values and keys of exactly these types stay
        as they are. With `float`, floats that are not finite stay too; with `set`, sets of
        hashable items stay sets.

    Returns
    -------
    object

    Notes
    -----
    Paths, enumerations, dates, sets, dataclasses, classes of attrs and numpy scalars become what a
    reader would write for them. Keys and fields tell by their names what is masked, those of named
    tuples too; numbers, booleans and None never are. Floats that are not finite become ``"nan"``,
    ``"inf"``, ``"-inf"``, which strict JSON lacks. Integers of more than 2000 bits become
    hexadecimal text, and all else its `repr`, shortened. No value is refused: a record that is
    missing because of an odd argument would be worse than one that only describes it. Containers
    that hold themselves, lie deeper than 32 levels, or bring the total to more than 100,000 items
    are described.
    """
    return _Converter(also).convert(value)


def secrets_in(value: object) -> set[str]:
    """Return the texts that are masked in `value` because of their names."""
    converter = _Converter()
    converter.convert(value)
    return converter.hidden


class _Converter:
    """One conversion, with the containers it is inside of and the number of items so far.

    Attributes
    ----------
    hidden : set of str
        The texts that it masked because of their names.
    """

    __slots__ = ("_also", "_inside", "_taken", "hidden")

    def __init__(self, also: Collection[type] = ()) -> None:
        self.hidden: set[str] = set()
        self._also = also
        self._inside: list[object] = []
        self._taken = 0

    def convert(self, value: object) -> Any:
        try:
            return self._convert(value)
        except Exception:  # noqa: BLE001  # a user's property, method or container may do anything
            return _described(value)

    def _convert(self, value: object) -> Any:
        # Call the methods of the base: subclasses (numpy.float64, numpy.str_) have others.
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, str):
            return without_secrets(str.__str__(value))
        if isinstance(value, int):
            whole = int.__int__(value)
            return whole if whole.bit_length() <= _MOST_BITS else hex(whole)
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) or float in self._also else str(number)
        if isinstance(value, (Mapping, list, tuple, AbstractSet)):
            return self._container(value)
        if type(value) in self._also:
            return value
        if isinstance(value, os.PathLike):
            return without_secrets(os.fsdecode(value))
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return str(value)
        if (names := _fields(type(value))) is not None:
            return self._container({name: getattr(value, name) for name in names})
        return self._array_scalar(value)

    def _container(self, value: Container) -> Any:
        if any(value is outer for outer in self._inside):
            return f"<the {type(value).__name__} that holds this>"
        self._taken += len(value)
        if len(self._inside) >= _DEEPEST or self._taken > _MOST_ITEMS:
            return f"<{type(value).__name__} of {len(value)} items>"
        self._inside.append(value)
        try:
            if isinstance(value, Mapping):
                return self._mapping(value)
            if isinstance(value, tuple) and len(names := _names(value)) == len(value):
                return [self._named(name, v) for name, v in zip(names, value, strict=True)]
            items = [self.convert(item) for item in value]
            if not isinstance(value, AbstractSet):
                return items
            if set in self._also and all(isinstance(item, Hashable) for item in items):
                return set(items)
            return sorted(items, key=repr)
        finally:
            self._inside.pop()

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        plain: dict[Any, Any] = {}
        for key, item in value.items():
            name = without_secrets(key.name if isinstance(key, Enum) else str(key))
            shown = self._named(name, item)
            while name in plain:  # 1 and "1": neither may hide the other
                name += "'"
            plain[key if type(key) in self._also else name] = shown
        return plain

    def _named(self, name: str, value: object) -> Any:
        plain = self.convert(value)
        if not is_secret_name(name) or _is_number(value) or _only_numbers(plain):
            return plain
        self.hidden.update(_texts(value, plain))
        return MASK

    def _array_scalar(self, value: Any) -> Any:
        # Look at the type: a lazy module would load itself when asked for an attribute.
        kind = type(value)
        if hasattr(kind, "ndim") and hasattr(kind, "item") and value.ndim == 0:
            item = value.item()
            if kind.__name__ in ("datetime64", "timedelta64") and isinstance(item, int):
                return str(value)  # a number alone would not say that it counts nanoseconds
            if type(item) is not kind:  # numpy.longdouble is its own item
                return self.convert(item)
        return _described(value)


def _fields(kind: type) -> list[str] | None:
    """Return the names of the fields of a dataclass, or of a class of attrs."""
    if (fields := getattr(kind, "__dataclass_fields__", None)) is not None:
        return list(fields)
    fields = getattr(kind, "__attrs_attrs__", None)
    return None if fields is None else [field.name for field in fields]


def _names(value: object) -> tuple[str, ...]:
    """Return the names of the items of a named tuple."""
    names = getattr(type(value), "_fields", ())
    return names if isinstance(names, tuple) and all(isinstance(n, str) for n in names) else ()


def _is_number(value: object) -> bool:
    # Of a Decimal or a Fraction, and of floats that are not finite, only a text is written.
    if isinstance(value, (str, bytes, bytearray)):
        return False
    kind = type(value)
    return isinstance(value, (int, float, complex)) or (
        hasattr(kind, "__float__") and not hasattr(kind, "__array__")
    )


def _only_numbers(plain: object) -> bool:
    if isinstance(plain, dict):
        return all(map(_only_numbers, plain.values()))
    if isinstance(plain, list):
        return all(map(_only_numbers, plain))
    return plain is None or isinstance(plain, (bool, int, float))


def _texts(value: object, plain: object) -> Iterator[str]:
    """Yield the texts in a value that is masked as a whole."""
    if isinstance(plain, (list, tuple)):
        for item in plain:
            yield from _texts(item, item)
    elif isinstance(plain, dict):
        for item in plain.values():
            yield from _texts(item, item)
    elif hasattr(type(value), "get_secret_value"):  # of pydantic
        yield str(value.get_secret_value())  # type: ignore[attr-defined]
    elif isinstance(plain, str):
        yield str.__str__(value) if isinstance(value, str) else plain


def _described(value: object) -> str:
    try:
        if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST_REPR:
            return f"<{type(value).__name__} of {len(value)} bytes>"
        text = repr(value)
    except Exception as broken:  # noqa: BLE001  # a user's __repr__ may do anything
        text = f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"
    text = without_secrets(text)
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…"
