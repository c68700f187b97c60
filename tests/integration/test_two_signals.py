"""Two signals at once, or one right after the other: the first counts, the others wait."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import run_script, start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import Popen

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")

SLEEPING = """
    import time, scitex_session as stx
    @stx.session
    def main():
        print("ready", flush=True)
        time.sleep(60)
    if __name__ == "__main__":
        main()
"""
# The run is within the user's own clean-up when the second signal comes.
CLEANING_UP = """
    import time, scitex_session as stx
    @stx.session
    def main():
        try:
            print("ready", flush=True)
            time.sleep(60)
        finally:
            print("cleaning up", flush=True)
            time.sleep(0.5)
            print("cleaned up", flush=True)
    if __name__ == "__main__":
        main()
"""
BY_HAND = """
    import sys, time, scitex_session as stx
    stx.start(sys, verbose=False)
    print("ready", flush=True)
    time.sleep(60)
"""
PAIRS = [
    (signal.SIGHUP, signal.SIGHUP),
    (signal.SIGTERM, signal.SIGTERM),
    (signal.SIGINT, signal.SIGTERM),
    (signal.SIGTERM, signal.SIGINT),
    (signal.SIGHUP, signal.SIGTERM),
    (signal.SIGTERM, signal.SIGHUP),
    (signal.SIGHUP, signal.SIGINT),
    (signal.SIGINT, signal.SIGHUP),
]
NAMES = [f"{first.name}-{second.name}" for first, second in PAIRS]


def lines_of(process: Popen[str]) -> Callable[[str], None]:
    """Give what waits until a line has been printed."""
    assert process.stdout is not None
    stdout = process.stdout

    def wait_for(line: str) -> None:
        while (found := stdout.readline()) != f"{line}\n":
            assert found, process.communicate()

    return wait_for


def filed() -> dict[str, Any]:
    """Give the record of the only run, which must have been filed as failed, and take it away."""
    (path,) = Path("script_out").glob("*/2*/session.json")
    record: dict[str, Any] = json.loads(path.read_text())
    assert (path.parents[1].name, record["status"]) == ("FINISHED_ERROR", "failed"), record
    path.unlink()
    return record


def send_both(script: str, first: int, second: int, delay_s: float) -> None:
    """Send both to a run, which must be filed with one of them and die of it."""
    with start_script(script) as process:
        lines_of(process)("ready")
        process.send_signal(first)
        time.sleep(delay_s)
        process.send_signal(second)
        process.wait(30)
    record = filed()
    signum = record["reason"]["signal"]
    assert signum in (first, second)
    assert record["exit_status"] == 128 + signum
    # Of a Ctrl-C the interpreter dies, a while after the run has ended and given back the handlers.
    late = {-second} if signum == signal.SIGINT else set()
    assert process.returncode in {-signum} | late


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=NAMES)
def test_of_two_signals_at_once_one_is_filed_and_the_process_dies_of_it(
    first: int, second: int
) -> None:
    send_both(SLEEPING, first, second, 0)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=NAMES)
def test_of_two_signals_to_a_session_by_hand_one_is_filed(first: int, second: int) -> None:
    send_both(BY_HAND, first, second, 0)


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("script", [SLEEPING, BY_HAND], ids=["function", "by-hand"])
def test_a_second_signal_at_any_moment_of_the_end_changes_nothing(
    script: str, delay_ms: int, caused: Callable[[str, str], None]
) -> None:
    for first, second in PAIRS:
        for _ in range(2):
            send_both(script, first, second, delay_ms / 1000)
            caused("two signals within 10 ms", "failed, with one of them, and died of it")


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=NAMES)
def test_the_first_signal_counts_and_others_do_not_hurry_the_clean_up(
    first: int, second: int
) -> None:
    with start_script(CLEANING_UP) as process:
        wait_for = lines_of(process)
        wait_for("ready")
        process.send_signal(first)
        wait_for("cleaning up")
        process.send_signal(second)
        wait_for("cleaned up")
        process.wait(30)
    record = filed()
    assert record["reason"]["signal"] == first
    assert (record["exit_status"], process.returncode) == (128 + first, -first)


def test_a_second_ctrl_c_hurries_the_users_clean_up_and_the_run_is_filed() -> None:
    with start_script(CLEANING_UP.replace("sleep(0.5)", "sleep(60)")) as process:
        wait_for = lines_of(process)
        wait_for("ready")
        process.send_signal(signal.SIGTERM)
        wait_for("cleaning up")
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert filed()["exit_status"] == 128 + signal.SIGTERM
    assert process.returncode == -signal.SIGTERM


def test_a_signal_that_the_function_has_caught_does_not_make_it_immortal() -> None:
    with start_script("""
        import time, scitex_session as stx
        @stx.session
        def main():
            for number in range(3):
                try:
                    print("ready", number, flush=True)
                    time.sleep(60)
                except BaseException:
                    pass
        if __name__ == "__main__":
            main()
    """) as process:
        wait_for = lines_of(process)
        for number, signum in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)):
            wait_for(f"ready {number}")
            process.send_signal(signum)
        process.wait(30)
    assert filed()["exit_status"] == 128 + signal.SIGTERM
    assert process.returncode == -signal.SIGTERM


def test_a_session_that_begins_anew_after_a_ctrl_c_is_ended_by_the_next_signal() -> None:
    with start_script("""
        import time, scitex_session as stx
        @stx.session
        def main():
            print("ready", flush=True)
            time.sleep(60)
        if __name__ == "__main__":
            try:
                main()
            except KeyboardInterrupt:
                main()
    """) as process:
        wait_for = lines_of(process)
        for signum in (signal.SIGINT, signal.SIGTERM):
            wait_for("ready")
            process.send_signal(signum)
        process.wait(30)
    assert process.returncode == -signal.SIGTERM
    records = [json.loads(p.read_text()) for p in Path("script_out").glob("*/2*/session.json")]
    assert sorted(record["exit_status"] for record in records) == [130, 143]


def test_a_terminal_that_closes_is_a_hangup_and_no_crash() -> None:
    import pty
    import subprocess
    import sys
    import textwrap

    Path("script.py").write_text(textwrap.dedent(SLEEPING))
    master, terminal = pty.openpty()

    def take_terminal() -> None:
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "script.py"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=take_terminal,
    )
    os.close(terminal)
    with process:
        while b"ready" not in os.read(master, 1024):
            pass
        os.close(master)
        process.send_signal(signal.SIGHUP)  # the kernel sends one, the shell another
        process.wait(30)
    wait_until(lambda: next(Path("script_out").glob("FINISHED_ERROR/2*/session.json"), None))
    assert filed()["exit_status"] == 128 + signal.SIGHUP
    assert process.returncode == -signal.SIGHUP


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(
    ("raised", "returncode"), [("sys.exit(7)", 7), ("raise TimeoutError('late')", 1)]
)
def test_a_handler_of_the_scripts_own_waits_for_the_end_of_the_clean_up(
    raised: str, returncode: int, by_hand: bool
) -> None:
    # The stream is flushed at the end of the capture: there the signal comes.
    calls = (
        "CONFIG, *_ = stx.start(sys, verbose=False); main(); stx.close(CONFIG, exit_status=0)"
        if by_hand
        else "stx.session(main)()"
    )
    finished = run_script(f"""
        import signal, sys
        import scitex_session as stx
        def handler(signum, frame):
            {raised}
        signal.signal(signal.SIGALRM, handler)
        class Stream:
            def write(self, text):
                return len(text)
            signals = [signal.SIGALRM]
            def flush(self):
                while self.signals:
                    signal.raise_signal(self.signals.pop())
        def main():
            sys.stdout = Stream()
        if __name__ == "__main__":
            {calls}
            sys.exit("the signal was lost")
    """)
    assert finished.returncode == returncode, finished
    assert finished.stderr.count("Traceback") == ("late" in raised), finished
    (path,) = Path("script_out").glob("FINISHED_SUCCESS/2*/session.json")
    assert json.loads(path.read_text())["exit_status"] == 0


HANDLED = """
    import signal, sys, time, scitex_session as stx
    def handler(signum, frame):
        sys.exit(3)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)
    @stx.session
    def main():
        print("ready", flush=True)
        time.sleep(60)
    if __name__ == "__main__":
        main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay_us", [0, 100, 200, 500, 1000, 3000])
def test_signals_that_handlers_of_the_script_take_are_filed_as_these_say(
    delay_us: int, caused: Callable[[str, str], None]
) -> None:
    for _ in range(5):
        with start_script(HANDLED) as process:
            lines_of(process)("ready")
            for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(signum)
                time.sleep(delay_us / 1e6)
            process.wait(30)
        assert filed()["exit_status"] == 3
        caused("four signals to handlers of the script", "failed, with the status that they gave")


@pytest.mark.parametrize(
    ("closed", "statuses"),
    [
        ("pass", ["failed", "failed"]),
        ("stx.close(outer, exit_status=0)", ["failed", "success"]),
        ("stx.close(inner, exit_status=0)", ["failed", "success"]),
    ],
)
def test_one_signal_ends_every_session_that_is_open(closed: str, statuses: list[str]) -> None:
    with start_script(f"""
        import sys, time, scitex_session as stx
        outer, *_ = stx.start(sys, verbose=False)
        inner, *_ = stx.start(sys, verbose=False)
        {closed}
        print("ready", flush=True)
        time.sleep(60)
    """) as process:
        lines_of(process)("ready")
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode == -signal.SIGTERM
    records = [json.loads(p.read_text()) for p in Path("script_out").glob("*/2*/session.json")]
    assert sorted(record["status"] for record in records) == statuses
    ended = [record["exit_status"] for record in records if record["status"] == "failed"]
    assert set(ended) == {128 + signal.SIGTERM}


def test_after_a_session_that_another_thread_has_closed_a_signal_kills_as_before() -> None:
    with start_script("""
        import sys, threading, time, scitex_session as stx
        CONFIG, *_ = stx.start(sys, verbose=False)
        closing = threading.Thread(target=stx.close, args=(CONFIG,), kwargs={"exit_status": 0})
        closing.start()
        closing.join()
        print("ready", flush=True)
        time.sleep(60)
    """) as process:
        lines_of(process)("ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
        assert process.stderr is not None
        assert process.stderr.read() == ""
    (path,) = Path("script_out").glob("FINISHED_SUCCESS/2*/session.json")
    assert json.loads(path.read_text())["status"] == "success"
