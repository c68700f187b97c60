"""Every way a run can end: directory, record, log and exit status, in real processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import SessionManager
from support import Finished, read_json, run_script, start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")

SCRIPT = """
    import os, sys, time
    import scitex_session as stx

    @stx.session
    def main():
        print("printed before the end", flush=True)
        {body}

    if __name__ == "__main__":
        result = main()
        print("went on with", repr(result))
"""


def the_run(name: str, script: str = "script") -> tuple[Path, dict[str, Any]]:
    """Give directory and record of the only run, which must stand under `name`."""
    everywhere = sorted(Path(f"{script}_out").glob("*/2*"))
    assert [path.parent.name for path in everywhere] == [name]
    return everywhere[0], read_json(everywhere[0] / "session.json")


def ended(body: str, **options: Any) -> Finished:
    return run_script(SCRIPT.format(body=body), **options)


@pytest.mark.parametrize(
    ("body", "directory", "exit_status", "reason", "process"),
    [
        ("return None", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return 0", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return True", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return False", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return 'text'", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return 2.5", "FINISHED_SUCCESS", 0, {"kind": "returned"}, 0),
        ("return 2", "FINISHED_ERROR", 2, {"kind": "returned", "value": 2}, 2),
        ("return 255", "FINISHED_ERROR", 255, {"kind": "returned", "value": 255}, 255),
        ("return -1", "FINISHED_ERROR", 1, {"kind": "returned", "value": -1}, 1),
        ("return 256", "FINISHED_ERROR", 1, {"kind": "returned", "value": 256}, 1),
        ("sys.exit()", "FINISHED_SUCCESS", 0, {"kind": "exit", "code": None}, 0),
        ("sys.exit(0)", "FINISHED_SUCCESS", 0, {"kind": "exit", "code": 0}, 0),
        ("sys.exit(3)", "FINISHED_ERROR", 3, {"kind": "exit", "code": 3}, 3),
        ("sys.exit(256)", "FINISHED_SUCCESS", 0, {"kind": "exit", "code": 256}, 0),
        ("sys.exit(257)", "FINISHED_ERROR", 1, {"kind": "exit", "code": 257}, 1),
        ("sys.exit(-1)", "FINISHED_ERROR", 255, {"kind": "exit", "code": -1}, 255),
        ("sys.exit(2**64)", "FINISHED_ERROR", 255, {"kind": "exit", "code": 2**64}, 255),
        ("sys.exit(True)", "FINISHED_ERROR", 1, {"kind": "exit", "code": 1}, 1),
        ("sys.exit('no data')", "FINISHED_ERROR", 1, {"kind": "exit", "code": "no data"}, 1),
        (
            "raise ValueError('no data')",
            "FINISHED_ERROR",
            1,
            {"kind": "exception", "type": "ValueError", "message": "no data"},
            1,
        ),
    ],
)
def test_a_run_is_filed_as_it_ended(
    body: str, directory: str, exit_status: int, reason: Mapping[str, object], process: int
) -> None:
    finished = ended(body)
    path, record = the_run(directory)
    assert finished.returncode == process
    assert record["exit_status"] == exit_status
    assert record["reason"] == reason
    assert record["status"] == ("success" if exit_status == 0 else "failed")
    assert (path / "logs" / "stdout.log").read_text() == "printed before the end\n"
    assert ("went on with" in finished.stdout) == (reason["kind"] == "returned" and process == 0)


def test_an_exit_that_only_looks_like_a_failure_is_said_once() -> None:
    finished = ended("sys.exit(256)")
    path, _ = the_run("FINISHED_SUCCESS")
    said = "sys.exit(256) exits with status 0, so this run counts as a success"
    assert finished.stderr.count(said) == 1
    assert said in (path / "logs" / "stderr.log").read_text()


def test_what_was_printed_reaches_the_terminal_too() -> None:
    finished = ended("print('to stderr', file=sys.stderr); return 5")
    assert finished == (5, "printed before the end\n", "to stderr\n")


def test_the_traceback_of_an_exception_is_in_the_log_and_once_on_the_terminal() -> None:
    finished = ended("raise ValueError('no data')")
    path, _ = the_run("FINISHED_ERROR")
    log = (path / "logs" / "stderr.log").read_text()
    assert log.startswith("Traceback (most recent call last):\n")
    assert log.endswith("ValueError: no data\n")
    assert finished.stderr.count("ValueError: no data") == 1


def test_a_traceback_begins_with_the_users_own_frames() -> None:
    ended("raise ValueError('no data')")
    path, _ = the_run("FINISHED_ERROR")
    assert "scitex_session" not in (path / "logs" / "stderr.log").read_text()


def test_the_text_of_an_exit_is_in_the_log_and_once_on_the_terminal() -> None:
    finished = ended("sys.exit('no data')")
    path, _ = the_run("FINISHED_ERROR")
    assert (path / "logs" / "stderr.log").read_text() == "no data\n"
    assert finished.stderr == "no data\n"


@POSIX_ONLY
@pytest.mark.parametrize(
    ("name", "exit_status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]
)
def test_a_signal_ends_the_run_and_then_the_process_dies_of_it(name: str, exit_status: int) -> None:
    with start_script(SCRIPT.format(body="time.sleep(60)")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(getattr(signal, name))
        process.wait(20)
    path, record = the_run("FINISHED_ERROR")
    assert process.returncode == -getattr(signal, name)
    assert record["exit_status"] == exit_status
    assert record["reason"] == {
        "kind": "signal",
        "signal": int(getattr(signal, name)),
        "name": name,
    }
    assert (path / "logs" / "stdout.log").read_text() == "printed before the end\n"


@POSIX_ONLY
def test_finally_blocks_run_when_a_run_is_terminated() -> None:
    body = """
        try:
            print("within the block", flush=True)
            time.sleep(60)
        finally:
            print("cleaned up", flush=True)
    """
    with start_script(SCRIPT.format(body=body.strip())) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "within the block" in line:
                break
        process.terminate()
        process.wait(20)
    path, _ = the_run("FINISHED_ERROR")
    assert "cleaned up" in (path / "logs" / "stdout.log").read_text()


@POSIX_ONLY
def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    script = Path("script.py")
    script.write_text(
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "import os, scitex_session as stx\n"
        "@stx.session\n"
        "def main():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return 0\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    assert run_script(script).returncode == 0
    the_run("FINISHED_SUCCESS")


@POSIX_ONLY
def test_handlers_of_the_user_are_left_alone_and_ours_taken_away() -> None:
    finished = run_script("""
        import signal
        import scitex_session as stx

        def mine(signum, frame): ...
        signal.signal(signal.SIGTERM, mine)

        @stx.session
        def main():
            assert signal.getsignal(signal.SIGTERM) is mine
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

        if __name__ == "__main__":
            main()
            assert signal.getsignal(signal.SIGTERM) is mine
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    """)
    assert finished == (0, "", "")


DEATHS = [
    ("os.kill(os.getpid(), 9)", -9, {"signal": 9}),
    ("os._exit(0)", 0, {"exit_status": 0}),
    ("os._exit(7)", 7, {"exit_status": 7}),
    ("os.abort()", -6, {"signal": 6}),
    ("import ctypes; ctypes.string_at(0)", -11, {"signal": 11}),
]


@POSIX_ONLY
@pytest.mark.parametrize(("body", "process", "seen"), DEATHS)
def test_a_sudden_death_is_filed_as_a_crash_with_a_complete_log(
    body: str, process: int, seen: Mapping[str, int]
) -> None:
    finished = ended(f"os.system('echo from a child'); {body}")
    assert finished.returncode == process
    path = wait_until(lambda: next(Path("script_out/FINISHED_ERROR").glob("2*"), None))
    record = wait_until(lambda: read_json(path / "session.json"))
    assert record["status"] == "crashed"
    assert record["exit_status"] is None
    assert record["ended"] is not None
    assert record["reason"]["kind"] == "crashed"
    assert record["reason"].pop("last_output")["stdout"] == "from a child"
    # What the death was can be told only by newer kernels; if told, it is the truth.
    assert record["reason"].items() <= {"kind": "crashed", **seen}.items()
    assert (path / "logs" / "stdout.log").read_text() == "printed before the end\nfrom a child\n"
    assert not list(Path("script_out/RUNNING").iterdir())


@POSIX_ONLY
def test_a_killed_run_is_not_active_a_second_later() -> None:
    import time

    with start_script(SCRIPT.format(body="time.sleep(60)")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [s["status"] for s in SessionManager().get_active_sessions().values()] == ["running"]
        process.kill()
        process.wait()
        time.sleep(1)
        assert SessionManager().get_active_sessions() == {}
        assert [s["status"] for s in SessionManager().list_sessions().values()] == ["crashed"]
        the_run("FINISHED_ERROR")


@POSIX_ONLY
def test_a_run_that_is_killed_before_it_is_registered_is_listed_as_a_crash(
    caused: Callable[[str, str], None],
) -> None:
    source = """
        import os, signal, sys
        import scitex_session as stx
        from scitex_session._lifecycle import record

        def die(*args):
            os.kill(os.getpid(), signal.SIGKILL)

        if "-n" in sys.argv:  # between the first record and the line of the journal
            record.register_start = die

        @stx.session
        def main(n: int = 3):
            pass

        if __name__ == "__main__":
            main()
        """
    assert run_script(source, "-n", "5").returncode == -signal.SIGKILL
    sessions = {}
    for _ in range(20):  # each spends no more than 10 ms on others, which a busy machine may need
        assert run_script(source).returncode == 0
        sessions = SessionManager().list_sessions()
        if len(sessions) > 1 and any(Path("script_out/FINISHED_ERROR").glob("2*")):
            break
    session = next(iter(sessions.values()))
    assert (session["status"], session["arguments"]) == ("crashed", {"n": 5})
    assert Path(session["run_dir"]).parent.name == "FINISHED_ERROR"
    caused("SIGKILL between first record and journal", "filed and listed as crashed")


@POSIX_ONLY
def test_a_run_whose_companion_died_too_is_reaped_by_the_next_run() -> None:
    import psutil

    with start_script(SCRIPT.format(body="time.sleep(60)")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        run = next(Path("script_out/RUNNING").glob("2*"))
        companions = [
            p
            for p in psutil.process_iter(["cmdline"])
            if any("_companion" in part for part in p.info["cmdline"] or [])
            and any(f.path.startswith(str(run.absolute())) for f in p.open_files())
        ]
        assert companions
        for companion in companions:
            companion.kill()
        process.kill()
        process.wait()
    assert [s["status"] for s in SessionManager().list_sessions().values()] == ["crashed"]
    assert run.exists()
    for _ in range(20):  # each spends no more than 10 ms on others, which a busy machine may need
        assert ended("return 0").returncode == 0
        if not run.exists():
            break
    assert not run.exists()
    record = read_json(Path("script_out/FINISHED_ERROR") / run.name / "session.json")
    assert record["status"] == "crashed"


def test_closing_by_hand_without_a_status_is_finished() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx

        CONFIG, sys.stdout, sys.stderr, plt, COLORS, rng = stx.start(sys, verbose=False)
        print("by hand")
        stx.close(CONFIG, verbose=False)
        print("afterwards")
        assert CONFIG.SDIR_RUN.parent.name == "FINISHED", CONFIG
    """)
    path, record = the_run("FINISHED")
    assert finished == (0, "by hand\nafterwards\n", "")
    assert (record["status"], record["exit_status"]) == ("finished", None)
    assert record["reason"] == {"kind": "closed"}
    assert (path / "logs" / "stdout.log").read_text() == "by hand\n"


@pytest.mark.parametrize(
    ("status", "directory", "name"),
    [(0, "FINISHED_SUCCESS", "success"), (1, "FINISHED_ERROR", "failed")],
)
def test_closing_by_hand_with_a_status(status: int, directory: str, name: str) -> None:
    run_script(f"""
        import scitex_session as stx
        CONFIG, *_ = stx.start(verbose=False)
        stx.close(CONFIG, verbose=False, exit_status={status}, message="that was it")
    """)
    _, record = the_run(directory)
    assert (record["status"], record["exit_status"]) == (name, status)
    assert record["message"] == "that was it"


def test_a_session_that_nobody_closed_is_finished_at_exit() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx
        stx.start(sys, verbose=False)
        print("and then the script ends")
    """)
    path, record = the_run("FINISHED")
    assert finished == (0, "and then the script ends\n", "")
    assert record["exit_status"] is None
    assert record["reason"] == {"kind": "never_closed"}
    assert (path / "logs" / "stdout.log").read_text() == "and then the script ends\n"


def test_a_session_that_an_exception_left_open_is_an_error() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx
        stx.start(sys, verbose=False)
        raise KeyError("missing")
    """)
    path, record = the_run("FINISHED_ERROR")
    assert finished.returncode == 1
    assert finished.stderr.count("KeyError: 'missing'") == 1
    assert record["exit_status"] == 1
    assert record["reason"]["type"] == "KeyError"
    assert record["reason"]["never_closed"] is True
    assert "KeyError: 'missing'" in (path / "logs" / "stderr.log").read_text()


@POSIX_ONLY
def test_a_session_by_hand_that_is_terminated_dies_of_the_signal() -> None:
    with start_script("""
        import sys, time
        import scitex_session as stx
        stx.start(sys, verbose=False)
        print("here", flush=True)
        time.sleep(60)
    """) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        process.wait(20)
    _, record = the_run("FINISHED_ERROR")
    assert process.returncode == -signal.SIGTERM
    assert (record["exit_status"], record["reason"]["kind"]) == (143, "signal")


@POSIX_ONLY
def test_a_forked_child_that_falls_through_closes_nothing() -> None:
    finished = ended(
        """
        if os.fork() == 0:
            return 3
        os.wait()
        assert len(os.listdir("script_out/RUNNING")) == 1
        return 0
    """.strip()
    )
    _, record = the_run("FINISHED_SUCCESS")
    assert finished.returncode == 0
    assert record["exit_status"] == 0


@POSIX_ONLY
def test_workers_of_a_pool_can_be_terminated() -> None:
    finished = ended(
        """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        return 0
    """.strip()
    )
    assert finished.returncode == 0, finished
    the_run("FINISHED_SUCCESS")


@POSIX_ONLY
def test_a_child_dies_of_a_signal_that_comes_as_soon_as_it_is_forked() -> None:
    # As a pool's worker does that has hardly begun when the pool ends.
    finished = ended(
        """
        import signal
        for number in range(300):
            child = os.fork()
            if child == 0:
                try:
                    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
                    time.sleep(5)
                finally:
                    os._exit(1)
            time.sleep(number / 1e6)
            os.kill(child, signal.SIGHUP if number % 2 else signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), (number, status)
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return 0
    """.strip()
    )
    assert finished.returncode == 0, finished
    the_run("FINISHED_SUCCESS")


@POSIX_ONLY
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_forks_all_the_time_ends_by_its_signal(signum: int) -> None:
    body = """
        while True:
            if os.fork() == 0:
                os._exit(0)
            os.wait()
    """.strip()
    for moment in range(5):
        with start_script(SCRIPT.format(body=body)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "printed before the end\n"
            time.sleep(moment / 100)
            process.send_signal(signum)
            assert process.wait(60) == -signum
    for path in Path("script_out").glob("*/2*"):
        assert path.parent.name == "FINISHED_ERROR"
        assert read_json(path / "session.json")["exit_status"] == 128 + signum


@POSIX_ONLY
def test_a_second_ctrl_c_during_the_clean_up_ends_at_once_and_leaves_a_record() -> None:
    # What goes wrong in the clean-up is warned about, and the user's own hook takes its time.
    body = """
        import warnings

        def slow(*args, **kwargs):
            print("cleaning up", file=sys.__stderr__, flush=True)
            time.sleep(60)

        warnings.showwarning = slow
        log = CONFIG.SDIR_RUN / "logs" / "stderr.log"
        log.rename(log.with_suffix(".moved"))
        log.mkdir()
        print("ready", flush=True)
        time.sleep(60)
    """
    with start_script(SCRIPT.format(body=body.strip())) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() != "ready\n":
            pass
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "cleaning up\n"
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert process.returncode == -signal.SIGINT
    path = wait_until(lambda: next(Path("script_out/FINISHED_ERROR").glob("2*"), None))
    assert read_json(path / "session.json")["status"] == "crashed"


def test_return_values_of_an_imported_session_are_returned() -> None:
    Path("library.py").write_text(
        "import scitex_session as stx\n@stx.session\ndef count():\n    return 3\n"
    )
    finished = run_script("import library; print(library.count())")
    assert finished == (0, "3\n", "")
    the_run("FINISHED_ERROR", "library")


def test_a_numpy_integer_is_an_exit_status_and_a_numpy_bool_is_none() -> None:
    assert ended("import numpy; return numpy.int64(4)").returncode == 4
    assert ended("import numpy; return numpy.bool_(True)").returncode == 0
