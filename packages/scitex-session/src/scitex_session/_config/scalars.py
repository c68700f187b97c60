"""What scalars without quotes mean in YAML 1.2."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The core schema of YAML 1.2.2, section 10.3.2, and what announces a merge (``<<``), which is of
# 1.1 but which configurations use.
CORE: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("merge", r"<<", "<"),
)
PATTERNS = {name: re.compile(rf"(?:{pattern})\Z") for name, pattern, _ in CORE}


def read_scalar(text: str) -> Any:
    """Return what `text` means where it stands without quotes."""
    for name in ("null", "bool", "int", "float"):
        if PATTERNS[name].match(text):
            return SCALARS[name](text)
    return text


def _int(text: str) -> int:
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return int(text)


def _float(text: str) -> float:
    # ".inf" is what Python calls "inf"; a point elsewhere is a point.
    return float(text.replace(".", "", 1) if text[-1] in "fFnN" else text)


SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _int,
    "float": _float,
    "str": str,
}
