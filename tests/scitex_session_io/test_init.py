"""The package's door."""

from __future__ import annotations

import subprocess
import sys

import pytest

import scitex_session_io


def test_all_is_sorted_and_holds_every_public_name() -> None:
    names = scitex_session_io.__all__
    assert names == sorted(names)
    assert all(hasattr(scitex_session_io, name) for name in names)
    public = {name for name in dir(scitex_session_io) if not name.startswith("_")}
    assert public - {"annotations", "importlib", "TYPE_CHECKING"} == set(names)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        scitex_session_io.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_and_capturing_import_nothing_that_costs() -> None:
    code = (
        "import sys; from scitex_session_io import capture\n"
        "with capture('o.log', 'e.log'): pass\n"
        "heavy = {'pathlib', 'json', 'csv', 'typing', 'dataclasses', 'inspect', 'logging', 're',\n"
        "         'subprocess', 'socket', 'signal', 'tempfile', 'asyncio', 'numpy', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    # Without site: what a machine's .pth files import is not ours.
    path = next(iter(scitex_session_io.__path__)).removesuffix("scitex_session_io")
    start = f"import sys; sys.path.append({path!r})\n"
    shown = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + code], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"
