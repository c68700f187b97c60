"""Writing YAML without importing PyYAML (12 ms): the subset that a configuration needs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*\Z")
# YAML 1.1 reads these as booleans or null.
_NOT_PLAIN = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def to_yaml(value: Mapping[str, Any], comments: Mapping[tuple[str, ...], str] | None = None) -> str:
    """Write a mapping as block-style YAML that readers of YAML 1.1 and 1.2 read back equal.

    Parameters
    ----------
    value : mapping
        Of what YAML has: mappings, lists, sets, str, int, float, bool, None, date and datetime.
    comments : mapping, optional
        Texts to stand behind values, by the path of their keys.

    Returns
    -------
    str
    """
    return "".join(f"{line}\n" for line in _mapping(value, (), comments or {}))


def _mapping(
    value: Mapping[str, Any], path: tuple[str, ...], comments: Mapping[tuple[str, ...], str]
) -> Iterator[str]:
    indent = "  " * len(path)
    for key, item in value.items():
        here = (*path, str(key))
        comment = f"  # {' '.join(comments[here].split())}" if here in comments else ""
        if isinstance(item, Mapping) and item:
            yield f"{indent}{_key(key)}:{comment}"
            yield from _mapping(item, here, comments)
        else:
            yield f"{indent}{_key(key)}: {_flow(item)}{comment}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, set):
        return (
            "!!set {" + ", ".join(f"{_key(item)}: null" for item in sorted(value, key=repr)) + "}"
        )
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, date):
        return _date(value)
    # JSON's strings are YAML's double-quoted ones but for surrogate pairs, which ensure_ascii
    # would write; and for a few characters that YAML calls not printable.
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    # YAML 1.1 takes 1e-05 for a string: a float must have a point and a signed exponent.
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"


def _date(value: date) -> str:
    # Tagged, since YAML 1.2 takes the bare digits for a text.
    offset = value.utcoffset() if isinstance(value, datetime) else None
    exact = offset is None or not offset.total_seconds() % 60
    return f'{"!!timestamp " if exact else ""}"{value.isoformat()}"'


def _key(key: Any) -> str:
    if isinstance(key, str) and _PLAIN_KEY.match(key) and key.lower() not in _NOT_PLAIN:
        return key
    return _flow(key)
