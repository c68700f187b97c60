"""The user's own code that ran lies in ``code/``, as it was read, whoever imported it."""

from __future__ import annotations

import os
import signal
import zipapp
from pathlib import Path
from typing import Any

import pytest

from support import read_json, run_script, wait_until

MAIN = """
    if __name__ == "__main__":
        main()
"""
START = """
    import os, sys, time
    import scitex_session as stx
"""


def run(body: str, *, status: int = 0) -> tuple[dict[str, Any], Path]:
    """Run a script that imports what it likes; return its record and its copies."""
    finished = run_script(START + body + MAIN)
    assert finished.returncode == status, finished
    assert "scitex-session:" not in finished.stderr, finished
    wait_until(lambda: not list(Path("script_out/RUNNING").iterdir()))
    run_dir = max(Path("script_out").glob("FINISHED_*/*"), key=os.path.getmtime)
    return read_json(run_dir / "session.json"), run_dir / "code"


def files_in(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "script.py")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_modules_are_kept_wherever_they_come_from_but_not_those_that_are_installed(
    tmp_path: Path,
) -> None:
    for name in ("beside.py", "pkg/__init__.py", "pkg/sub.py", "space/inner.py", "lib/far.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(f"# {name}\n")
    Path("pkg/never.py").write_text("")
    Path("far.py").write_text("# the one in lib comes first")
    (tmp_path / "venv/site-packages").mkdir(parents=True)
    (tmp_path / "venv/site-packages/installed.py").write_text("")
    record, code = run(f"""
    import beside
    sys.path[:0] = ["lib", {str(tmp_path / "venv/site-packages")!r}]
    @stx.session
    def main():
        import far, installed, numpy, json, pkg.sub, space.inner
    """)
    assert files_in(code) == {
        "beside.py": "# beside.py\n",
        "far.py": "# lib/far.py\n",
        "pkg/__init__.py": "# pkg/__init__.py\n",
        "pkg/sub.py": "# pkg/sub.py\n",
        "space/inner.py": "# space/inner.py\n",
    }
    assert record["code"]["modules"]["pkg.sub"] == str(tmp_path / "pkg/sub.py")
    assert "notes" not in record["code"]


def test_a_run_without_modules_of_its_own_says_nothing_of_them() -> None:
    record, code = run("""
    @stx.session
    def main():
        assert "scitex_session_core._record.code" not in sys.modules
    """)
    assert "code" not in record
    assert os.listdir(code) == ["script.py"]


@pytest.mark.parametrize("bytecode", [True, False])
def test_a_module_that_is_edited_while_the_run_goes_on_is_kept_as_it_was_read(
    bytecode: bool,
) -> None:
    for name in ("early", "late", "steady"):
        Path(f"{name}.py").write_text("FACTOR = 1\n")
    record, code = run(f"""
    sys.dont_write_bytecode = {not bytecode}
    import early, steady
    @stx.session
    def main():
        import late
        for name in ("early", "late"):
            with open(name + ".py", "w") as file:
                file.write("FACTOR = 1000\\n")
    """)
    assert files_in(code) == dict.fromkeys(("early.py", "late.py", "steady.py"), "FACTOR = 1\n")
    (note,) = record["code"]["notes"]
    assert note == "edited while the run went on; the copy is what was read: early, late"


@pytest.mark.parametrize("bytecode", [True, False])
def test_a_module_that_was_edited_before_the_session_began_does_not_pass_for_what_was_read(
    bytecode: bool,
) -> None:
    Path("early.py").write_text("FACTOR = 1\n")
    os.utime("early.py", (1, 1))
    record, code = run(f"""
    sys.dont_write_bytecode = {not bytecode}
    import early
    time.sleep(0.1)
    open("early.py", "w").write("FACTOR = 1000\\n")
    @stx.session
    def main():
        pass
    """)
    (note,) = record["code"]["notes"]
    if bytecode:
        assert files_in(code) == {}
        assert note == "edited after it was imported; what was read is not known: early"
    else:
        assert files_in(code) == {"early.py": "FACTOR = 1000\n"}
        assert note == "edited, perhaps after it was imported and before the copy: early"


def test_a_module_that_the_script_itself_wrote_is_kept() -> None:
    record, code = run("""
    sys.dont_write_bytecode = False
    time.sleep(0.1)
    open("made.py", "w").write("FACTOR = 1\\n")
    import made
    @stx.session
    def main():
        pass
    """)
    assert files_in(code) == {"made.py": "FACTOR = 1\n"}
    assert "notes" not in record["code"]


@pytest.mark.parametrize("bytecode", [True, False])
def test_what_a_traceback_has_read_is_what_was_read(bytecode: bool) -> None:
    Path("early.py").write_text("def fail():\n    1 / 0\n")
    os.utime("early.py", (1, 1))
    record, code = run(f"""
    sys.dont_write_bytecode = {not bytecode}
    import early, traceback
    try:
        early.fail()
    except ZeroDivisionError:
        traceback.format_exc()
    time.sleep(0.1)
    open("early.py", "w").write("FACTOR = 1000\\n")
    @stx.session
    def main():
        pass
    """)
    assert files_in(code) == {"early.py": "def fail():\n    1 / 0\n"}
    (note,) = record["code"]["notes"]
    assert note == "edited while the run went on; the copy is what was read: early"


@pytest.mark.parametrize(
    "pool",
    [
        "multiprocessing.get_context('fork').Pool(2)",  # its workers are killed
        "multiprocessing.get_context('spawn').Pool(2)",
        "multiprocessing.get_context('forkserver').Pool(2)",
        "concurrent.futures.ProcessPoolExecutor(2)",
    ],
)
def test_what_the_workers_of_a_pool_import_is_kept(pool: str) -> None:
    Path("lazy.py").write_text("def double(n): return 2 * n\n")
    _, code = run(f"""
    import concurrent.futures, multiprocessing
    def work(n):
        import lazy
        return lazy.double(n)
    @stx.session
    def main():
        with {pool} as workers:
            assert list(workers.map(work, range(4))) == [0, 2, 4, 6]
    """)
    assert files_in(code) == {"lazy.py": "def double(n): return 2 * n\n"}


def test_two_versions_of_a_module_that_two_processes_read_are_both_kept() -> None:
    Path("lazy.py").write_text("VERSION = 1\n")
    record, code = run("""
    @stx.session
    def main():
        if not os.fork():
            import lazy
            os._exit(0)
        os.wait()
        open("lazy.py", "w").write("VERSION = 22\\n")
        import lazy
    """)
    assert files_in(code) == {"lazy.py": "VERSION = 1\n", "lazy~2.py": "VERSION = 22\n"}
    assert "read in several versions: lazy~2.py" in record["code"]["notes"]


def test_a_run_that_is_killed_has_what_it_imported() -> None:
    Path("early.py").write_text("A = 1\n")
    Path("late.py").write_text("B = 1\n")
    record, code = run(
        """
    import early
    @stx.session
    def main():
        import late
        os.kill(os.getpid(), 9)
    """,
        status=-signal.SIGKILL,
    )
    assert record["status"] == "crashed"
    assert files_in(code) == {"early.py": "A = 1\n", "late.py": "B = 1\n"}


def test_no_more_is_copied_than_fits_and_the_rest_is_named() -> None:
    for number in range(12):
        Path(f"m{number:02}.py").write_text("#" * 999_999 + "\n")
    Path("large.py").write_text("#" * (1 << 20) + "\n")
    record, code = run("""
    @stx.session
    def main():
        for number in range(12):
            __import__(f"m{number:02}")
        import large
    """)
    assert sorted(files_in(code)) == [f"m{number:02}.py" for number in range(10)]
    (note,) = record["code"]["notes"]
    assert note == "not copied, beyond 500 files or 10 MiB: m10, m11, large"


def test_a_child_that_outlives_the_run_adds_nothing_to_it() -> None:
    Path("lazy.py").write_text("A = 1\n")
    _, code = run("""
    @stx.session
    def main():
        if not os.fork():
            os.setsid()
            for number in (0, 1, 2):
                os.close(number)
            while os.path.isdir(CONFIG.SDIR_RUN):
                time.sleep(0.01)
            import lazy
            open("imported", "w").close()
            os._exit(0)
    """)
    wait_until(Path("imported").exists)
    assert files_in(code) == {}


def test_secrets_in_the_code_are_masked_and_said() -> None:
    Path("keys.py").write_text("password = 'hunter2'\ntoken = len('x')\n")
    record, code = run("""
    import keys
    API_KEY = "hunter3"
    @stx.session
    def main():
        pass
    """)
    assert files_in(code) == {"keys.py": "password = '***'\ntoken = len('x')\n"}
    assert 'API_KEY = "***"' in (code / "script.py").read_text()
    assert record["code"]["notes"] == [
        "the copy of script.py has secrets masked (***)",
        "copied with secrets masked (***): keys",
    ]


def test_a_module_that_an_installed_one_hides_is_not_kept() -> None:
    Path("lib").mkdir()
    for name in ("yaml", "json", "mine"):
        Path(f"lib/{name}.py").write_text("")
    record, code = run("""
    sys.path.append("lib")
    @stx.session
    def main():
        import json, mine, yaml
        assert yaml.safe_load
    """)
    assert files_in(code) == {"mine.py": ""}
    assert set(record["code"]["modules"]) == {"mine"}


def test_a_copy_that_can_not_be_made_is_said() -> None:
    Path("good.py").write_text("")
    record, _ = run("""
    @stx.session
    def main():
        (CONFIG.SDIR_RUN / "code" / "good.py").mkdir()
        import good
    """)
    (note,) = record["code"]["notes"]
    assert note.startswith("not copied: good (")


def test_a_broken_path_is_no_trouble() -> None:
    Path("good.py").write_text("")
    _, code = run("""
    sys.path[:0] = ["/nowhere", "script.py", "", "a" * 5000]
    @stx.session
    def main():
        import good
    """)
    assert files_in(code) == {"good.py": ""}


def test_a_zipapp_is_the_script_of_its_runs_and_is_not_copied() -> None:
    Path("app").mkdir()
    Path("app/__main__.py").write_text("import work\nwork.main()\n", encoding="utf-8")
    work = "import scitex_session as stx\n@stx.session\ndef main(x: int):\n    print(x)\n"
    Path("app/work.py").write_text(work, encoding="utf-8")
    zipapp.create_archive("app", "app.pyz")
    finished = run_script(Path("app.pyz"), "--x", "3")
    assert (finished.returncode, finished.stdout) == (0, "3\n"), finished
    (run,) = Path("app_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run / "session.json")["script"] == str(Path("app.pyz").absolute())
    assert not Path(run, "code").exists()
