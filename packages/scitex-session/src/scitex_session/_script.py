"""Which script a session belongs to."""

from __future__ import annotations

import os
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any


def script_of_caller(frame: FrameType) -> Path | None:
    """Return the file whose code calls, None in a REPL, with ``-c`` and from standard input."""
    return script_of(frame.f_globals)


def script_of(namespace: Mapping[str, Any]) -> Path | None:
    """Return the file that globals belong to, None where they come from no file."""
    file = namespace.get("__file__")
    if not isinstance(file, str):
        return None
    path = os.path.abspath(file)
    return Path(path) if os.path.isfile(path) else None
