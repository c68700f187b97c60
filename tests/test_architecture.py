"""What a package may know, what it may import, and what stands at its door.

``docs/architecture.md`` says why.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

from support._imports import (
    by_subject,
    import_graph,
    imported_names,
    layers,
    private_names,
    public_names,
)

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
MOST_LAYERS = 10
DOWNWARDS = (
    *("_decorator", "_by_hand", "_sweep", "_command", "_lifecycle", "_cluster"),
    *("_command_line", "_names", "_config", "_ending", "_suggest", "_errors"),
    "_uncollected",
)


def source_of(module: str) -> Path:
    return PACKAGES / module.replace("_", "-") / "src" / module


@pytest.mark.parametrize("part", PARTS)
def test_a_part_knows_neither_the_others_nor_the_facade(part: str) -> None:
    own = f"scitex_session_{part}"
    sources = sorted(source_of(own).rglob("*.py*"))
    assert sources
    foreign = {
        f"{source.name}: {name}"
        for source in sources
        if source.suffix in (".py", ".pyi")
        for name in imported_names(source)
        if name.startswith("scitex_session") and name.partition(".")[0] != own
    }
    assert not foreign


@pytest.mark.parametrize("module", MODULES)
def test_subjects_do_not_import_each_other_in_circles(module: str) -> None:
    # Raises CycleError, which names the circle.
    assert [*TopologicalSorter(by_subject(import_graph(source_of(module)))).static_order()]


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_what_another_keeps_to_itself(module: str) -> None:
    taken = {
        f"{source.name}: {name}"
        for source in source_of(module).rglob("*.py")
        for name in private_names(source)
    }
    assert not taken


def test_the_facade_stands_on_few_layers_and_imports_downwards() -> None:
    graph = import_graph(source_of("scitex_session"))
    assert layers(graph) <= MOST_LAYERS
    upwards = {
        f"{subject} imports {needed}"
        for subject, all_needed in by_subject(graph).items()
        for needed in all_needed
        if subject in DOWNWARDS and DOWNWARDS.index(needed) < DOWNWARDS.index(subject)
    }
    assert not upwards


@pytest.mark.parametrize("module", MODULES)
def test_an_import_brings_nothing_that_comes_at_first_use(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module in loaded
    assert not set(NOT_AT_IMPORT[module]) & set(loaded)


@pytest.mark.parametrize("name", MODULES)
def test_the_door_gives_the_names_that_type_checkers_see_and_no_others(name: str) -> None:
    module = importlib.import_module(name)
    stated = public_names(source_of(name) / "__init__.pyi")
    assert [*module.__all__] == sorted(module.__all__)
    assert {*module.__all__, "__version__"} == stated | {"__version__"}
    for public in module.__all__:
        getattr(module, public)
    public = {
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public <= {*module.__all__, "annotations", "TYPE_CHECKING"}
    assert {*module.__all__} <= {*dir(module)}
