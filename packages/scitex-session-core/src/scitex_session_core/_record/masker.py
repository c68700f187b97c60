"""Makes any value fit to be written: plain JSON, with passwords, tokens and keys masked.

Everything that this package writes goes through `dumps`, `jsonable` or `without_secrets`.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    Container = Mapping[Any, Any] | list[Any] | tuple[Any, ...] | AbstractSet[Any]

MASK = "***"

# A pattern is compiled only after one of its words was found: compiling costs a run more than all
# else here, and nearly no run has a secret.
_NAME_WORDS = ("pass", "secret", "token", "key", "credential", "bearer")
# Only the last words of a name count, so that `tokenizer`, `max_tokens`, `pad_token` stay readable.
_NAME_PATTERN = (
    r"(?:^|[_\-. ])(?:passwords?|passwd|passphrase|secrets?|credentials?|bearer|api_?keys?"
    r"|(?:api|access|private|secret|ssh|encryption)[_\-. ]?keys?"
    r"|(?:api|access|auth|bearer|refresh|session|hf|gh|github|gitlab|wandb|slack|bot)[_\-. ]?token"
    r")$|^token$"
)
# Tokens with a prefix of their own, and private keys.
_VALUE_WORDS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_"),
    *("sk-", "xox", "AKIA", "pypi-", "Bearer ", "PRIVATE KEY-----"),
)
_VALUE_PATTERN = (
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-(?:\w+-)*\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|pypi-[\w-]{40,})"
    r"|(?<=Bearer )[\w.~+/=-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
)
# A password in a URL, up to its last "@"; and a secret in its query.
_ADDRESS = r"(?<=://)([^/\s:@]*):[^/\s]+(?=@)"
_QUERY = (
    r"(?i)(?<=[?&])((?:[\w.-]*[_.-])?(?:token|key|secret|password|signature|sig|apikey)=)[^&\s#]+"
)


_DEEPEST = 32
_LONGEST_REPR = 1000
_MOST_ITEMS = 100_000
# Python refuses to convert longer integers to or from decimal (4300 digits by default, or fewer).
_MOST_BITS = 2000


def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name is a password, a token or a key."""
    lower = name.lower()
    if not any(word in lower for word in _NAME_WORDS):
        return False
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.search(_NAME_PATTERN, words, re.IGNORECASE) is not None


def without_secrets(text: str) -> str:
    """Return `text` with everything masked that looks like a secret."""
    if "://" in text:
        text = re.sub(_ADDRESS, rf"\1:{MASK}", text)
        text = re.sub(_QUERY, rf"\1{MASK}", text)
    if any(word in text for word in _VALUE_WORDS):
        text = re.sub(_VALUE_PATTERN, MASK, text)
    return text


def argv_without_secrets(argv: Iterable[str]) -> list[str]:
    """Mask the value of ``--api-key VALUE``, ``--api-key=VALUE`` and ``api_key=VALUE``."""
    masked = []
    hide_next = False
    for token in argv:
        name, equals, _ = token.partition("=")
        if hide_next and not token.startswith("--"):  # a password may begin with one dash
            masked.append(MASK)
        elif equals and is_secret_name(name.lstrip("-")):
            masked.append(f"{name}={MASK}")
        else:
            masked.append(without_secrets(token))
        hide_next = token.startswith("-") and not equals and is_secret_name(token.lstrip("-"))
    return masked


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
    Paths, enumerations, dates, sets, dataclasses and numpy scalars become what a reader would write
    for them. Floats that are not finite become ``"nan"``, ``"inf"``, ``"-inf"``, which strict JSON
    lacks. Integers of more than 2000 bits become hexadecimal text, and all else its `repr`,
    shortened. No value is refused: a record that is missing because of an odd argument would be
    worse than one that only describes it. Containers that hold themselves, lie deeper than 32
    levels, or bring the total to more than 100,000 items are described.
    """
    return _Converter(also).convert(value)


class _Converter:
    """One conversion, with the containers it is inside of and the number of items so far."""

    __slots__ = ("_also", "_inside", "_taken")

    def __init__(self, also: Collection[type] = ()) -> None:
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
        fields = getattr(type(value), "__dataclass_fields__", None)
        if fields is not None:
            return self._container({name: getattr(value, name) for name in fields})
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
            harmless = item is None or isinstance(item, bool)
            shown = MASK if not harmless and is_secret_name(name) else self.convert(item)
            while name in plain:  # 1 and "1": neither may hide the other
                name += "'"
            plain[key if type(key) in self._also else name] = shown
        return plain

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


def _described(value: object) -> str:
    try:
        if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST_REPR:
            return f"<{type(value).__name__} of {len(value)} bytes>"
        text = repr(value)
    except Exception as broken:  # noqa: BLE001  # a user's __repr__ may do anything
        text = f"<{type(value).__name__}: its repr raised {type(broken).__name__}>"
    text = without_secrets(text)
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}…"
