"""Where runs are kept, also when they can't be kept where they should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session import SessionManager
from scitex_session_core import read_record
from support import read_json, run_script, start_script, wait_until, write_script

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
    import scitex_session as stx

    @stx.session{options}
    def main():
        print("output")
        {body}

    if __name__ == "__main__":
        main()
"""


@contextmanager
def tmpfs(where: Path, options: str) -> Iterator[Path]:
    """Mount a small file system, which only root may."""
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", os.fspath(where)]
    if (
        sys.platform != "linux"
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("mounting a tmpfs needs Linux and root")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", os.fspath(where)], check=True)


def run_under_permissions(source: str) -> subprocess.CompletedProcess[str]:
    """Run a script that must heed the permissions of files, also where root runs the tests."""
    dropped = "-dac_override,-dac_read_search,-fowner"
    heeding = [] if os.geteuid() else ["setpriv", f"--bounding-set={dropped}"]
    if heeding and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    command = [*heeding, sys.executable, os.fspath(write_script(source))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def script(body: str = "pass", options: str = "") -> str:
    return SCRIPT.format(body=body, options=options)


def test_the_directory_of_runs_is_ignored_by_git() -> None:
    run_script(script())
    assert Path("script_out/.gitignore").read_text() == "*\n"


def test_runs_can_be_kept_elsewhere_by_a_variable() -> None:
    run_script(script(), env={"SCITEX_SESSION_OUT_DIR": os.path.abspath("elsewhere")})
    assert not Path("script_out").exists()
    assert len(list(Path("elsewhere/script_out/FINISHED_SUCCESS").iterdir())) == 1


def test_an_explicit_directory_is_used_itself_and_never_moved() -> None:
    run_script(script(options='(sdir="mine")'))
    assert read_json(Path("mine/session.json"))["status"] == "success"
    assert Path("mine/logs/stdout.log").read_text() == "output\n"


def test_an_earlier_run_in_an_explicit_directory_is_kept() -> None:
    run_script(script(options='(sdir="mine")'))
    first = read_json(Path("mine/session.json"))["id"]
    run_script(script(options='(sdir="mine")'))
    assert read_json(Path("mine/session.json"))["id"] != first
    assert read_json(Path("mine/previous", first, "session.json"))["id"] == first
    assert Path("mine/logs/stdout.log").read_text() == "output\n"


def test_an_explicit_directory_of_a_living_run_is_refused() -> None:
    busy = script("import time; print('go', flush=True); time.sleep(60)", '(sdir="mine")')
    with start_script(busy) as process:
        assert process.stdout is not None
        process.stdout.readline()
        finished = run_script(script(options='(sdir="mine")'))
    assert finished.returncode == 1
    assert "which is still running" in finished.stderr.splitlines()[-1]


@pytest.mark.parametrize("how", ["-c", "-"])
def test_without_a_script_the_run_is_kept_in_the_users_state_directory(how: str) -> None:
    code = (
        "import scitex_session as stx\n"
        "CONFIG, *_ = stx.start(verbose=False)\n"
        "stx.close(CONFIG, verbose=False, exit_status=0)\n"
        "print(CONFIG.SDIR_RUN)\n"
    )
    finished = subprocess.run(
        [sys.executable, *(["-c", code] if how == "-c" else ["-"])],
        input=code,
        capture_output=True,
        text=True,
        check=True,
    )
    run = Path(finished.stdout.strip())
    assert run.is_relative_to(Path.home())
    assert read_json(run / "session.json")["script"] is None


def test_a_script_in_a_folder_that_cant_be_written_runs_and_says_where(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "mounted", "size=1m") as mounted:
        path = mounted / "script.py"
        path.write_text(
            "import scitex_session as stx\n"
            "@stx.session\n"
            "def main(): print(CONFIG.SDIR_OUT)\n"
            "if __name__ == '__main__': main()\n"
        )
        subprocess.run(["mount", "-o", "remount,ro", os.fspath(mounted)], check=True)
        finished = run_script(path)
    assert finished.returncode == 0
    assert f"this run is kept in {finished.stdout.strip()}\n" in finished.stderr
    assert len(list(Path(finished.stdout.strip(), "FINISHED_SUCCESS").iterdir())) == 1


def test_a_full_disk_does_not_take_the_run_down(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "mounted", "size=256k") as mounted:
        fill = """
        with open(CONFIG.SDIR_OUT / "filler", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        print("still running", flush=True)
        open("reached the end", "x").close()
        """
        finished = run_script(
            script(fill.strip()), env={"SCITEX_SESSION_OUT_DIR": os.fspath(mounted)}
        )
        records = list((mounted / "script_out").glob("*/2*/session.json"))
        read = read_json(records[0])
    assert Path("reached the end").exists()
    assert finished.returncode == 0, finished
    assert "still running" in finished.stdout
    (session,) = SessionManager().list_sessions().values()
    assert session["status"] == "success"
    assert len(records) == 1
    assert read["status"] == "success"


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no files")
def test_files_that_may_not_grow_do_not_take_the_run_down() -> None:
    import resource

    path = write_script(script("print('line\\n' * 1000); import time; time.sleep(0.5)"))
    finished = subprocess.run(
        [sys.executable, path],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
        # Python would write half of our bytecode, and read it later.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished
    assert finished.stdout.count("line\n") == 1000
    assert "File too large" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "None" not in finished.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that a process is in")
def test_a_run_in_a_removed_working_directory_lacks_nothing_else(tmp_path: Path) -> None:
    path = write_script(script("import decimal"))
    (tmp_path / "gone").mkdir()
    finished = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$0" "$@"', sys.executable, path.absolute()],
        cwd=tmp_path / "gone",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert finished.stderr == ""
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    record = read_json(run / "session.json")
    assert record["environment"].startswith("sha256:")
    assert record["cwd"] == ""


def test_a_registry_that_cant_be_written_is_said_and_harms_nothing() -> None:
    Path("occupied").write_text("a file, no directory")
    finished = run_script(script(), env={"SCITEX_SESSION_REGISTRY": os.path.abspath("occupied")})
    assert finished.returncode == 0
    assert finished.stdout == "output\n"
    assert "registering the session in" in finished.stderr
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run / "session.json")["status"] == "success"


def test_a_script_that_deletes_its_own_directory_still_ends_with_a_record() -> None:
    finished = run_script(script("import shutil; shutil.rmtree(CONFIG.SDIR_RUN)"))
    assert finished.returncode == 0
    assert "there is no record of the run in" in finished.stderr
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run / "session.json")["status"] == "success"


def test_what_a_script_makes_where_its_directory_was_is_filed_with_the_rest() -> None:
    remake = (
        "import shutil; shutil.rmtree(CONFIG.SDIR_RUN); (CONFIG.SDIR_RUN / 'x').mkdir(parents=True)"
    )
    finished = run_script(script(f"{remake}; stx.io.save([1], 'saved.json')"))
    assert finished.returncode == 0
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert (run / "x").is_dir()
    record = read_json(run / "session.json")
    assert (record["status"], len(record["artifacts"])) == ("success", 1)
    assert not list(Path("script_out/RUNNING").iterdir())


def test_a_run_that_is_copied_to_another_disk_at_its_end_loses_nothing() -> None:
    Path("script_out").mkdir()
    with tmpfs(Path("script_out/FINISHED_SUCCESS"), "size=1m") as mounted:
        finished = run_script(script("stx.io.save([1], 'saved.json')"))
        assert finished == (0, "output\n", "")
        (run,) = mounted.iterdir()
        record = read_json(run / "session.json")
        assert (record["status"], len(record["artifacts"])) == ("success", 1)
        assert (run / "logs/stdout.log").read_text() == "output\n"
        assert not (run / "heartbeat").exists()
        assert not list(Path("script_out/RUNNING").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_late_child_writes_on_wherever_it_stands() -> None:
    late = "import subprocess; subprocess.Popen('cd {}; sleep 0.3; echo late > late', shell=True)"
    finished = run_script(script(late.replace("{}", "' + str(CONFIG.SDIR_RUN) + '")))
    assert finished.returncode == 0
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    wait_until((run / "late").exists)
    assert not list(Path("script_out/RUNNING").iterdir())


def test_a_script_that_changes_the_directory_is_filed_where_it_began() -> None:
    finished = run_script(script("import os; os.chdir('/')"))
    assert finished == (0, "output\n", "")
    assert len(list(Path("script_out/FINISHED_SUCCESS").iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_closed_stdout_does_not_take_the_run_down() -> None:
    run_script(script())  # writes script.py
    finished = subprocess.run(
        f"{sys.executable} script.py >&-", shell=True, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert len(list(Path("script_out/FINISHED_SUCCESS").iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_reader_that_has_read_enough_ends_the_echo_and_not_the_run() -> None:
    Path("script.py").write_text(
        "import scitex_session as stx\n"
        "@stx.session(verbose=True)\n"
        "def main():\n"
        "    for number in range(100_000):\n"
        "        print(number)\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    finished = subprocess.run(
        ["bash", "-c", f"{sys.executable} script.py | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    (log,) = Path("script_out/FINISHED_SUCCESS").glob("*/logs/stdout.log")
    assert log.read_text().endswith("\n99999\n")


def test_warnings_of_ours_dont_take_down_a_run_that_makes_warnings_errors() -> None:
    Path("occupied").write_text("")
    finished = run_script(
        script(),
        env={"SCITEX_SESSION_REGISTRY": os.path.abspath("occupied")},
        python_options=["-W", "error"],
    )
    assert finished.returncode == 0
    assert "registering the session in" in finished.stderr


def test_runs_are_found_by_what_they_were_given_and_tagged_with() -> None:
    source = """
        import scitex_session as stx
        from scitex_session_core import append_event

        @stx.session
        def main(lr: float = 0.1):
            append_event(CONFIG.SDIR_RUN, "tag", tag="paper")
            append_event(CONFIG.SDIR_RUN, "result", results={"acc": 1 - lr})

        if __name__ == "__main__":
            main()
    """
    for lr in ("0.25", "0.5"):
        run_script(source, "--lr", lr)
    manager = SessionManager()
    for filters in ({"arguments.lr": 0.5}, {"results.acc": ("<", 0.6)}):
        (session,) = manager.select(filters)
        assert session["arguments"] == {"lr": 0.5}
    assert len(manager.select({"tags": "paper", "function": "main"})) == 2
    assert manager.select({"tags": "draft"}) == []


def test_every_run_is_in_the_registry_with_where_it_is() -> None:
    run_script(script())
    (session,) = SessionManager().list_sessions().values()
    assert session["status"] == "success"
    assert session["exit_code"] == 0
    assert Path(session["run_dir"]).parent.name == "FINISHED_SUCCESS"
    assert Path(session["run_dir"]).is_dir()
    assert session["script_path"] == os.path.abspath("script.py")


def test_on_a_full_disk_with_many_artifacts_a_run_in_an_sdir_tells_its_end(tmp_path: Path) -> None:
    # It is not moved, so that only its record, or its events, can tell.
    with tmpfs(tmp_path / "mounted", "size=1m") as disk:
        finished = run_script(
            f"""
            import os
            import scitex_session as stx
            @stx.session(sdir={os.fspath(disk / "run")!r})
            def main():
                for number in range(60):
                    stx.io.save([number], f"a_rather_long_name_of_a_file_{{number}}.json")
                with open({os.fspath(disk / "filler")!r}, "wb", buffering=0) as filler:
                    try:
                        while True:
                            filler.write(b"x" * 4096)
                    except OSError:
                        pass
            if __name__ == "__main__":
                main()
            """
        )
        assert finished.returncode == 0, finished.stderr
        assert "writing the record failed: OSError: [Errno 28]" in finished.stderr
        record = read_record(disk / "run")
        session = SessionManager().get_session(record["id"])
        assert session is not None
        assert (record["status"], session["status"]) == ("success", "success")
        assert len(record["artifacts"]) == 60


@pytest.mark.parametrize(
    "content",
    [
        "json.dumps({'id': CONFIG.ID})",
        "json.dumps({'id': CONFIG.ID, 'status': 'failed', 'started': 3})",
        "json.dumps({'id': 'another'})",
        "'3'",
        "'{'",
    ],
)
def test_a_script_that_overwrites_its_record_does_not_change_how_it_ended(content: str) -> None:
    body = f"(CONFIG.SDIR_RUN / 'session.json').write_text({content})"
    finished = run_script(script("import json; " + body))
    assert finished == (0, "output\n", "")
    (run,) = Path("script_out").glob("FINISHED_SUCCESS/2*")
    record = read_record(run)
    session = SessionManager().get_session(record["id"])
    assert session is not None
    assert (record["status"], session["status"]) == ("success", "success")
    assert record["duration_s"] >= 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs users of Linux")
def test_a_run_that_closes_its_own_directory_to_writing_tells_its_end() -> None:
    finished = run_under_permissions(script("import os; os.chmod(CONFIG.SDIR_RUN, 0o500)"))
    assert finished.returncode == 0, finished.stderr
    (run,) = Path("script_out").glob("*/2*")
    record = read_record(run)
    session = SessionManager().get_session(record["id"])
    assert session is not None
    assert (record["status"], session["status"]) == ("success", "success")
    assert Path(session["run_dir"]) == run.absolute()


def test_where_runs_without_a_script_are_kept_is_said_once() -> None:
    code = Path(write_script(SCRIPT.format(options="", body=""))).read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-"],
        input=f"{code}\nmain.run()",
        capture_output=True,
        text=True,
        check=True,
    )
    (said,) = done.stderr.splitlines()
    kept = Path(said.partition(": runs are kept in ")[2])
    assert len(list((kept / "FINISHED_SUCCESS").iterdir())) == 2
