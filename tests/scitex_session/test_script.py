"""Which script a session belongs to."""

from __future__ import annotations

from pathlib import Path

from scitex_session._config.script import script_of


def test_it_is_the_file_of_the_globals(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    assert script_of({"__file__": "a.py"}) == tmp_path / "a.py"


def test_globals_without_a_file_have_no_script() -> None:
    assert script_of({}) is None
    assert script_of({"__file__": None}) is None


def test_a_file_that_is_none_is_no_script() -> None:
    assert script_of({"__file__": "<stdin>"}) is None
