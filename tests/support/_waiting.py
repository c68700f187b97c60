"""Waiting for what another process does, and reading what it left."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


def wait_until(predicate: Callable[[], T | None], timeout: float = 20, *, what: str = "") -> T:
    """Give the first true value of `predicate`; an error names what never became true."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            name = what or getattr(predicate, "__name__", repr(predicate))
            raise AssertionError(f"not true within {timeout} s: {name}")
        time.sleep(0.01)
    return value


def read_json(path: Path) -> Any:
    """Read one JSON document."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_json_lines(path: Path) -> list[Any]:
    """Read one JSON document per line; empty lines, which begin a journal's records, are none."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
