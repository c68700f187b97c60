"""The package's door."""

from __future__ import annotations

import subprocess
import sys

import pytest

import scitex_session_io


def test_every_public_name_is_there_at_its_first_use() -> None:
    names = dict.fromkeys(dir(scitex_session_io))
    public = [name for name in names if not name.startswith("_") and name != "TYPE_CHECKING"]
    assert {"Capture", "capture", "load", "render", "save", "save_into"} <= set(public)
    assert public == sorted(public)
    assert all(hasattr(scitex_session_io, name) for name in public)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        scitex_session_io.nothing  # type: ignore[attr-defined]  # noqa: B018


START = """
import sys; sys.path.append({path!r})
from scitex_session_io import capture, start_companion
companion = start_companion()
with capture('o.log', 'e.log', heartbeat='beat', companion=companion): {body}
"""


def imported_by_a_run(body: str) -> set[str]:
    """Return the modules that a captured run imports."""
    # Without site: what a machine's .pth files import is not ours.
    path = next(iter(scitex_session_io.__path__)).removesuffix("scitex_session_io")
    code = START.format(path=path, body=body) + "print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert not shown.stderr
    return set(shown.stdout.split())


def test_a_captured_run_imports_nothing_that_costs() -> None:
    heavy = {"asyncio", "csv", "dataclasses", "inspect", "json", "logging", "numpy", "pandas"}
    heavy |= {"pathlib", "re", "signal", "socket", "subprocess", "tempfile", "typing"}
    assert not heavy & imported_by_a_run("pass")


def test_a_captured_run_that_saves_nothing_imports_few_modules_of_ours() -> None:
    modules = imported_by_a_run("from scitex_session_io import save_into")
    assert len([name for name in modules if name.startswith("scitex_session_io")]) <= 9
