"""What a package may know and what it may import (DESIGN 2)."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGES = Path(__file__).parents[1] / "packages"
PARTS = ("core", "io", "plot", "repro")
MODULES = ("scitex_session", *(f"scitex_session_{part}" for part in PARTS))
COMMON = ("asyncio", "numpy", "matplotlib", "torch", "yaml", "sqlite3", "cyclopts", "rich")
NOT_AT_IMPORT = {
    "scitex_session": (*COMMON, "filelock", "psutil"),
    "scitex_session_core": (*COMMON, "filelock", "psutil"),
    "scitex_session_io": COMMON,
    "scitex_session_plot": COMMON,
    "scitex_session_repro": COMMON,
}


def imported_names(source: str) -> set[str]:
    """Every absolute module name that an import statement anywhere in the source mentions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("part", PARTS)
def test_a_part_knows_neither_the_others_nor_the_facade(part: str) -> None:
    own = f"scitex_session_{part}"
    sources = sorted((PACKAGES / f"scitex-session-{part}" / "src" / own).rglob("*.py"))
    assert sources
    foreign = {
        f"{source.name}: {name}"
        for source in sources
        for name in imported_names(source.read_text(encoding="utf-8"))
        if name.startswith("scitex_session") and name.partition(".")[0] != own
    }
    assert not foreign


@pytest.mark.parametrize("module", MODULES)
def test_an_import_brings_nothing_that_comes_at_first_use(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module in loaded
    assert not set(NOT_AT_IMPORT[module]) & set(loaded)


@pytest.mark.parametrize("name", MODULES)
def test_all_equals_the_public_names(name: str) -> None:
    module = importlib.import_module(name)
    public = {
        attribute
        for attribute in dir(module)
        if not attribute.startswith("_")
        and attribute not in {"TYPE_CHECKING", "annotations"}
        and (attribute in module.__all__ or not isinstance(getattr(module, attribute), ModuleType))
    }
    assert sorted({*module.__all__} - {"__version__"}) == sorted(public)
