"""In a job of SLURM, a script learns that it is to stop, and may save and leave."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session import resumed, stopping
from scitex_session_core import read_record
from support import read_json, read_json_lines, run_script, start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")

JOB = {"SLURM_JOB_ID": "7", "SLURM_CLUSTER_NAME": "none"}
LOOP = """
    import sys, time
    import scitex_session as stx
    @stx.session
    def train():
        {first}
        print("ready", flush=True)
        for step in range(600):
            {body}
            time.sleep(0.05)
    if __name__ == "__main__":
        train()
"""
ASKING = LOOP.format(first="stx.stopping()", body="if stx.stopping(): {leave}")
NOT_ASKING = LOOP.format(first="pass", body="pass")


@contextmanager
def started(source: str, environment: dict[str, str]) -> Iterator[Popen[str]]:
    with start_script(source, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def the_record(folder: str = "FINISHED_ERROR") -> dict[str, Any]:
    (run,) = Path("script_out", folder).iterdir()
    return read_record(run)


@pytest.mark.parametrize(
    ("number", "leave"),
    [
        (signal.SIGUSR1, "return"),
        (signal.SIGUSR2, "return 0"),
        (signal.SIGTERM, "return {'step': step}"),
        (signal.SIGTERM, "sys.exit(0)"),
    ],
)
def test_a_script_that_leaves_when_asked_is_stopped_and_exits_with_75(
    number: signal.Signals, leave: str
) -> None:
    with started(ASKING.format(leave=leave), JOB) as process:
        process.send_signal(number)
        assert process.wait(30) == 75
    record = the_record()
    assert (record["status"], record["exit_status"]) == ("failed", 75)
    assert record["reason"] == {"kind": "stopped", "signal": int(number), "name": number.name}


def test_an_error_after_the_request_is_the_error() -> None:
    with started(ASKING.format(leave="raise ValueError('no space')"), JOB) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1
    assert the_record()["reason"]["type"] == "ValueError"


def test_sigterm_ends_a_script_that_does_not_ask_as_everywhere() -> None:
    with started(NOT_ASKING, JOB) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
    assert (the_record()["reason"]["kind"], the_record()["exit_status"]) == ("signal", 143)


def test_sigusr1_is_on_record_at_once_and_kills_nobody_who_does_not_ask() -> None:
    with started(NOT_ASKING, JOB) as process:
        (run,) = Path("script_out/RUNNING").iterdir()
        process.send_signal(signal.SIGUSR1)
        wait_until(lambda: (run / "events.jsonl").exists())
        process.kill()
        process.wait()
    wait_until(lambda: not run.exists())
    record = the_record()
    assert (record["status"], record["stop_asked"]["name"]) == ("crashed", "SIGUSR1")


def test_outside_of_a_job_signals_do_what_they_do_without_us() -> None:
    with started(ASKING.format(leave="return"), {}) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
    assert the_record()["reason"]["kind"] == "signal"
    with started(NOT_ASKING, {}) as process:
        process.send_signal(signal.SIGUSR1)
        assert process.wait(30) == -signal.SIGUSR1


def test_a_handler_of_the_scripts_own_stays() -> None:
    done = run_script(
        """
        import faulthandler, os, signal
        import scitex_session as stx
        taken = []
        signal.signal(signal.SIGUSR1, lambda *_: taken.append("own"))
        faulthandler.register(signal.SIGUSR2)  # Python's own table does not know of it
        @stx.session
        def main():
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGUSR2)
            print(taken, stx.stopping())
        main()
        """,
        env=JOB,
    )
    assert (done.returncode, done.stdout) == (0, "['own'] False\n")
    assert "most recent call first" in done.stderr


def test_the_dispositions_are_put_back() -> None:
    source = """
        import signal
        import scitex_session as stx
        @stx.session
        def main():
            print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)
        main()
        print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)
    """
    assert run_script(source, env=JOB).stdout.split() == ["False", "True"]


def test_without_a_session_nobody_asks_to_stop_and_nothing_was_resumed() -> None:
    assert stopping() is False
    assert resumed() == 0


def test_a_request_that_the_script_never_saw_leaves_its_success() -> None:
    done = run_script(
        """
        import os, signal
        import scitex_session as stx
        @stx.session
        def main():
            stx.stopping()
            os.kill(os.getpid(), signal.SIGTERM)
            return {"all": "done"}
        main()
        """,
        env=JOB,
    )
    assert done.returncode == 0
    (run,) = Path("script_out/FINISHED_SUCCESS").iterdir()
    assert read_json(run / "session.json")["stop_asked"]["name"] == "SIGTERM"
    assert [e["event"] for e in read_json_lines(run / "events.jsonl")] == ["signal"]
