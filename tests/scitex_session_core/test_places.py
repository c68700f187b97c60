"""Where things live when nobody says where."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from scitex_session_core import registry_dir
from scitex_session_core._paths import absolute, out_dir_for, state_dir
from support import run_script


def test_the_state_directory_is_the_users() -> None:
    assert state_dir() == Path(platformdirs.user_state_dir("scitex-session", appauthor=False))


def test_the_registry_lies_in_the_state_directory() -> None:
    assert registry_dir() == state_dir() / "registry"


def test_a_variable_moves_the_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", "lab/registry")
    assert registry_dir() == tmp_path / "lab" / "registry"


def test_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", "~/registry")
    assert registry_dir() == Path.home() / "registry"


def test_a_tilde_of_nobody_is_a_name_like_any_other(tmp_path: Path) -> None:
    assert absolute("~nobody-of-that-name/x") == tmp_path / "~nobody-of-that-name" / "x"


def test_runs_lie_beside_the_script() -> None:
    assert out_dir_for(Path("/home/me/fit.v2.py")) == Path("/home/me/fit.v2_out")


def test_a_relative_script_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    assert out_dir_for(Path("fit.py")) == tmp_path / "fit_out"


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_a_package_that_is_run_counts_as_the_script(name: str) -> None:
    assert out_dir_for(Path("/home/me/lab") / name) == Path("/home/me/lab_out")


@pytest.mark.parametrize("site", ["lib/python3.11/site-packages", "lib/python3/dist-packages"])
def test_runs_of_an_installed_package_lie_in_the_working_directory(
    site: str, tmp_path: Path
) -> None:
    assert out_dir_for(Path("/usr") / site / "lab" / "fit.py") == tmp_path / "fit_out"
    assert out_dir_for(Path("/usr") / site / "lab" / "__main__.py") == tmp_path / "lab_out"


def test_without_a_script_runs_lie_in_the_state_directory() -> None:
    assert out_dir_for(None) == state_dir() / "runs" / "interactive_out"


@pytest.mark.parametrize(
    ("script", "name"), [(Path("/home/me/fit.py"), "fit_out"), (None, "interactive_out")]
)
def test_a_variable_moves_all_runs(
    script: Path | None, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCITEX_SESSION_OUT_DIR", str(tmp_path / "elsewhere"))
    assert out_dir_for(script) == tmp_path / "elsewhere" / name


def test_platformdirs_is_not_imported_where_variables_say_it_all(tmp_path: Path) -> None:
    done = run_script(
        """
        import sys
        from pathlib import Path
        from scitex_session_core import make_run_dir, registry_dir
        make_run_dir(Path("x.py"))
        registry_dir()
        print("platformdirs" in sys.modules)
        """,
        env={"SCITEX_SESSION_REGISTRY": str(tmp_path / "registry")},
    )
    assert done.stdout == "False\n"
