"""Modules that stand nowhere but in the test's own folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

_numbers = count()


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Write an importable module of a new name with the given source, and give the name."""
    monkeypatch.syspath_prepend(tmp_path)
    names = []

    def write(source: str = "value = 1\n") -> str:
        names.append(f"written_{next(_numbers)}")
        (tmp_path / f"{names[-1]}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return names[-1]

    yield write
    for name in names:
        sys.modules.pop(name, None)
