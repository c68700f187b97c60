"""Where the registry, the cache and the runs lie by default."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core import (
    InvalidValueError,
    SessionManager,
    SessionWarning,
    journal_create,
    make_run_dir,
    new_record,
    register_start,
    registry_dir,
    write_record,
)
from scitex_session_core._paths import absolute, cache_dir, out_dir_for, state_dir
from scitex_session_core._registry import index as index_module
from support import run_script

DIRECTORIES = st.none() | st.sampled_from(
    ["", " ", "/", "/x/", "//x", "/x y/z", "relative", "./x", "~", "~/x", "/home/größe"]
)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@given(home=DIRECTORIES, state=DIRECTORIES, cache=DIRECTORIES)
def test_on_linux_the_directories_are_those_of_platformdirs(
    home: str | None, state: str | None, cache: str | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOME": home, "XDG_STATE_HOME": state, "XDG_CACHE_HOME": cache}.items():
            patch.delenv(name) if value is None else patch.setenv(name, value)
        theirs = platformdirs.PlatformDirs("scitex-session", appauthor=False)
        assert state_dir() == Path(theirs.user_state_dir)
        assert cache_dir() == Path(theirs.user_cache_dir)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
def test_a_user_without_a_home_gets_no_folder_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pwd

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(FileNotFoundError, match="there is no home directory: set HOME"):
        registry_dir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    registry = tmp_path / "registry"
    journal_create(registry, "x", {}, script_path=None, process=None)
    assert list(SessionManager(registry).list_sessions()) == ["x"]
    assert sorted(os.listdir(tmp_path)) == ["registry", "tmp"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
def test_state_and_cache_are_closed_to_others_and_records_follow_the_umask(tmp_path: Path) -> None:
    found = os.umask(0o022)
    try:
        run = make_run_dir(None)
        write_record(run.path, new_record(run.id))
        register_start(registry_dir(), new_record(run.id), run.path)
        assert SessionManager().list_sessions()
        for folder in (state_dir(), registry_dir() / "journal", run.path.parent):
            assert mode(folder) == 0o700
        assert {mode(path) for path in cache_dir().rglob("*") if path.is_dir()} == {0o700}
        shared = tmp_path / "lab" / "registry"
        register_start(shared, new_record(run.id), run.path)
        assert mode(shared / "journal") == 0o755
        os.umask(0o077)
        script = tmp_path / "a.py"
        private = make_run_dir(script)
        write_record(private.path, new_record(private.id))
        assert mode(private.path) == mode(private.path.parent) == 0o700
        assert mode(private.path / "session.json") == 0o600
    finally:
        os.umask(found)


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
def test_an_index_that_another_user_could_have_made_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A cache that can't be made: its place is taken by a folder in the one that all users share.
    monkeypatch.setattr(index_module, "cache_dir", no_cache)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    theirs = tmp_path / "tmp" / f"scitex-session-{os.getuid()}"
    theirs.mkdir(parents=True)
    theirs.chmod(0o777)
    registry = tmp_path / "registry"
    journal_create(registry, "x", {}, script_path=None, process=None)
    with pytest.warns(SessionWarning, match="is another user's"):
        assert list(SessionManager(registry).list_sessions()) == ["x"]
    assert os.listdir(theirs) == []


def no_cache() -> Path:
    raise FileNotFoundError("there is no home directory")


def test_the_registry_lies_in_the_state_directory() -> None:
    assert registry_dir() == state_dir() / "registry"


def test_a_variable_moves_the_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", "lab/registry")
    assert registry_dir() == tmp_path / "lab" / "registry"


def test_a_url_is_refused_with_its_password_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", "postgres://me:hunter2@db/runs")
    with pytest.raises(InvalidValueError, match=r"not 'postgres://me:\*\*\*@db/runs'"):
        registry_dir()


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
def test_a_run_on_linux_imports_nothing_that_it_does_not_need() -> None:
    done = run_script(
        """
        import sys
        from pathlib import Path
        from scitex_session_core import (
            ended_record, make_run_dir, move_to_finished, new_record, read_record, reap,
            registry_dir, register_start, register_end, write_record,
        )
        before = set(sys.modules)
        run, registry = make_run_dir(Path("x.py")), registry_dir()
        record = new_record(run.id)
        write_record(run.path, record)
        register_start(registry, record, run.path)
        record = ended_record(read_record(run.path), exit_status=0, reason={})
        write_record(run.path, record)
        register_end(registry, record, move_to_finished(run.path, "success"))
        reap(run.out_dir, registry=registry, most=8)
        print(*sys.modules)
        print(*(set(sys.modules) - before))
        """
    )
    loaded, late = (set(line.split()) for line in done.stdout.splitlines())
    unneeded = {"filelock", "hashlib", "lzma", "platformdirs", "random", "shutil", "sqlite3"}
    assert not loaded & {*unneeded, "subprocess", "tempfile"}
    ours = {name for name in loaded if name.startswith("scitex_session_core")}
    assert len(ours) <= 16
    assert not late & ours, "all of ours is imported before the run begins"
