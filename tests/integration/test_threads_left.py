"""Threads that run on when the function has returned: the run waits for them, as Python does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import read_record
from support import run_script, start_script, write_script

SCRIPT = """
    import sys, threading, time
    import scitex_session as stx

    {before}
    def late():
        time.sleep(0.3)
        print("late line", flush=True)

    @stx.session{options}
    def main():
        threading.Thread(target=late, name="late-thread").start()
        print("main returns", flush=True)
        {body}

    if __name__ == "__main__":
        {call}
"""


def script(
    body: str = "pass", *, before: str = "pass", options: str = "", call: str = "main()"
) -> str:
    return SCRIPT.format(body=body, before=before, options=options, call=call)


def the_run(folder: str = "FINISHED_SUCCESS") -> tuple[str, dict[str, Any]]:
    """Give the log and the record of the only run."""
    (run,) = Path("script_out", folder).glob("2*")
    return (run / "logs" / "stdout.log").read_text(), read_record(run)


@pytest.mark.parametrize("capture", ["fd", "sys"])
def test_what_they_print_is_logged_and_the_run_ends_with_them(capture: str) -> None:
    finished = run_script(script(options=f'(capture="{capture}")'))
    assert finished == (0, "main returns\nlate line\n", "")
    log, record = the_run()
    assert log == finished.stdout
    assert record["duration_s"] >= 0.3
    assert record["reason"] == {"kind": "returned"}


def test_the_last_lines_of_a_verbose_session_come_after_theirs() -> None:
    finished = run_script(script(options="(verbose=True)"))
    assert finished.stdout.index("late line") < finished.stdout.index("success after")
    assert finished.stdout.count("success after") == 1


@pytest.mark.parametrize("body", ["sys.exit(3)", "return 3"])
def test_an_exit_waits_for_them_too(body: str) -> None:
    finished = run_script(script(body))
    assert finished == (3, "main returns\nlate line\n", "")
    log, record = the_run("FINISHED_ERROR")
    assert (log, record["exit_status"]) == (finished.stdout, 3)


def test_a_pool_that_is_shut_down_after_the_call_is_not_waited_for_in_it() -> None:
    finished = run_script("""
        import concurrent.futures, threading
        import scitex_session as stx
        pool = concurrent.futures.ThreadPoolExecutor()
        stop = threading.Event()

        @stx.session
        def main():
            pool.submit(stop.wait)
            threading.Thread(target=stop.wait).start()

        if __name__ == "__main__":
            main()
            print("after the call")
            stop.set()
            pool.shutdown()
    """)
    assert finished == (0, "after the call\n", "")
    assert the_run()[0] == finished.stdout


def test_an_exception_ends_the_run_at_once_and_it_is_said_what_is_not_logged() -> None:
    finished = run_script(script("raise ValueError('mine')"))
    assert finished.returncode == 1
    assert finished.stdout == "main returns\nlate line\n"
    assert finished.stderr.count("ValueError: mine") == 1
    assert "threads of the session still run (late-thread)" in finished.stderr
    log, record = the_run("FINISHED_ERROR")
    assert (log, record["status"]) == ("main returns\n", "failed")


def test_the_next_session_ends_it_and_that_is_said() -> None:
    finished = run_script(script(call="main(); main()"))
    assert finished.returncode == 0
    assert finished.stderr.count("threads of the session still run (late-thread)") == 1
    assert len(list(Path("script_out/FINISHED_SUCCESS").glob("2*"))) == 2


def test_idle_workers_of_a_pool_are_nothing_to_speak_of() -> None:
    finished = run_script("""
        import concurrent.futures, threading
        import scitex_session as stx
        pool = concurrent.futures.ThreadPoolExecutor()
        @stx.session
        def main():
            pool.submit(print, "from a worker").result()
        if __name__ == "__main__":
            main()
            main()
    """)
    assert finished == (0, "from a worker\n" * 2, "")
    assert len(list(Path("script_out/FINISHED_SUCCESS").glob("2*"))) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_while_it_waits_for_them(signum: signal.Signals) -> None:
    waiting = script(before="import atexit").replace("sleep(0.3)", "sleep(60)")
    with start_script(waiting) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "main returns\n"
        import time

        time.sleep(0.3)  # the call has returned, and Python waits for the thread
        process.send_signal(signum)
        process.wait(20)
    _, record = the_run("FINISHED_ERROR")
    assert process.returncode == -signum
    assert (record["exit_status"], record["reason"]["kind"]) == (128 + signum, "signal")


@pytest.mark.skipif(os.name != "posix", reason="there is no fork")
def test_a_forked_child_that_ends_meanwhile_ends_nothing() -> None:
    finished = run_script(
        script(
            call="""main()
        import os
        if os.fork():
            os.wait()""",
            options="(verbose=True)",
        )
    )
    assert finished.returncode == 0
    assert finished.stdout.count("success after") == 1
    assert "late line" in the_run()[0]


def test_a_signal_ends_the_init_of_a_container_too() -> None:
    # No signal whose handler is the default kills PID 1: it must end by itself, as it is filed.
    source = script("pass").replace(
        'print("late line"', 'os.kill(os.getpid(), 15); time.sleep(60); print("late line"'
    )
    path = write_script(source.replace("import sys,", "import os, sys,"))
    inside = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], check=False).returncode:
        pytest.skip("no PID namespace to be had here")
    command = [*inside, sys.executable, str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert finished.returncode == 128 + signal.SIGTERM, finished
    _, record = the_run("FINISHED_ERROR")
    assert record["exit_status"] == 128 + signal.SIGTERM
