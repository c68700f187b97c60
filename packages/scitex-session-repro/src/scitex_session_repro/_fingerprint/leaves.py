"""How plain values become bytes, and how a value without a fingerprint is refused.

The tables list types of rarely imported modules by name, so that we need not import them. A value
of such a type exists only if its module has been imported.
"""

from __future__ import annotations

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Leaf = tuple[bytes, Callable[[Any], bytes | bytearray]]

# The quiet NaN with no payload, as IEEE 754 recommends it.
_NAN = b"\x00\x00\x00\x00\x00\x00\xf8\x7f"


def integer_bytes(value: int) -> bytes:
    """Return an integer of any size in little-endian two's complement, in as few bytes as fit."""
    return value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)


def float_bytes(value: float) -> bytes:
    """Return a float as little-endian IEEE 754 binary64, with every NaN alike."""
    return pack("<d", value) if value == value else _NAN


def _numbers(*numbers: int) -> bytes:
    return ",".join(map(str, numbers)).encode()


def _decimal(value: Any) -> bytes:
    # The exponent counts: 1.0 and 1.00 differ in precision. Not str(), which depends on the context
    # of the thread.
    sign, digits, exponent = value.as_tuple()
    return f"{sign},{''.join(map(str, digits))},{exponent}".encode()


def _fraction(value: Any) -> bytes:
    numerator = integer_bytes(value.numerator)
    return b"%d:%b%b" % (len(numerator), numerator, integer_bytes(value.denominator))


def _path(value: Any) -> bytes:
    text: str = value.as_posix()
    return text.encode("utf-8", "surrogatepass")


def _offset(value: Any) -> str:
    offset = value.utcoffset()
    if offset is None:
        return "naive"
    return f"{offset.days},{offset.seconds},{offset.microseconds}"


def _date(value: Any) -> bytes:
    return _numbers(value.year, value.month, value.day)


def _time(value: Any) -> bytes:
    clock = _numbers(value.hour, value.minute, value.second, value.microsecond)
    return b"%b %b" % (clock, _offset(value).encode())


def _datetime(value: Any) -> bytes:
    return b"%b %b" % (_date(value), _time(value))


def _timedelta(value: Any) -> bytes:
    return _numbers(value.days, value.seconds, value.microseconds)


def _timezone(value: Any) -> bytes:
    return _timedelta(value.utcoffset(None))


def _range(value: range) -> bytes:
    # As for ==, ranges with the same numbers are alike. Not by len(), which ends at 2**63.
    if not value:
        return b""
    first, last = value.start, value[-1]
    return _numbers(first) if first == last else _numbers(first, value.step, last)


LEAVES: dict[type, Leaf] = {
    type(None): (b"None", lambda _: b""),
    type(...): (b"Ellipsis", lambda _: b""),
    bool: (b"bool", lambda value: b"1" if value else b"0"),
    int: (b"int", integer_bytes),
    float: (b"float", float_bytes),
    complex: (b"complex", lambda value: float_bytes(value.real) + float_bytes(value.imag)),
    str: (b"str", lambda value: str.encode(value, "utf-8", "surrogatepass")),
    bytes: (b"bytes", lambda value: value),
    bytearray: (b"bytearray", lambda value: value),
    range: (b"range", _range),
}

STANDARD: dict[str, Leaf] = {
    "datetime.date": (b"date", _date),
    "datetime.datetime": (b"datetime", _datetime),
    "datetime.time": (b"time", _time),
    "datetime.timedelta": (b"timedelta", _timedelta),
    "datetime.timezone": (b"timezone", _timezone),
    "decimal.Decimal": (b"Decimal", _decimal),
    "fractions.Fraction": (b"Fraction", _fraction),
    "uuid.UUID": (b"UUID", lambda value: value.bytes),
}

# The class of a path does not count, since a relative path is the same on another system. The
# second name is that of Python 3.13.
PATHS: dict[str, Leaf] = {
    "pathlib.PurePath": (b"path", _path),
    "pathlib._local.PurePath": (b"path", _path),
}


class Refused(Exception):  # noqa: N818 - it never leaves the package
    """A part can't be encoded. Each container around it adds a step to its place.

    Parameters
    ----------
    what : str
        What is wrong with it. The message has it after the place.
    advice : str
        What to pass instead.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice
        self.steps: list[str] = []

    def where(self, root: str) -> str:
        """Return the place as an expression, from the outermost value inwards."""
        return root + "".join(reversed(self.steps))


# The advice for an object that has an attribute; the first that fits counts.
_ADVICE = (
    ("state_dict", "pass its state_dict()"),
    ("bit_generator", "pass its bit_generator.state"),
    ("get_state", "pass its get_state()"),
    ("collect", "pass its collect()"),
    ("model_dump", "pass its model_dump()"),
    ("to_dense", "pass its to_dense()"),
    ("tocoo", "pass its shape and scipy.sparse.find() of it"),  # toarray() may not fit into memory
    ("__array__", "pass numpy.asarray of it"),
    ("readline", "pass what it contains"),
    ("__next__", "pass the list of what it gives"),
)
_GENERIC_ADVICE = "pass its values as plain types, arrays, tensors or frames"


def described(value: Any) -> tuple[str, str]:
    """Return what a value without a fingerprint is, and what to pass instead."""
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _full_name(kind)
    if isinstance(value, type):
        return f"is the class {_full_name(value)}", "pass its name"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"is the function {value.__qualname__}", "pass what it computes, or its name"
    for attribute, advice in _ADVICE:
        if hasattr(kind, attribute):
            return f"is of type {name}", advice
    return f"is of type {name}", _GENERIC_ADVICE


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
