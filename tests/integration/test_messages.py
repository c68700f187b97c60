"""What a session says of itself: a header, a footer, and where the logs of a failure are."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import run_script, write_script

SCRIPT = """
    import sys
    import scitex_session as stx

    @stx.session
    def main(how: str):
        stx.io.save({"a": 1}, "a.json")
        if how == "raise":
            raise ValueError("mine")
        if how == "exit":
            sys.exit("bye")
        return 3 if how == "return" else 0

    if __name__ == "__main__":
        main()
"""

BLOCK = """
    import scitex_session as stx

    with stx.Session():
        1 / 0
"""

CATCHES = """try:
            main()
        except ValueError:
            print("caught", file=sys.stderr)
"""


def run(*args: str) -> tuple[int, str, str]:
    command = [sys.executable, str(write_script(SCRIPT)), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def the_run() -> Path:
    (run,) = Path("script_out").absolute().glob("FINISHED*/2*")
    return run


@pytest.mark.parametrize(("how", "last"), [("raise", ""), ("return", ""), ("exit", "bye\n")])
def test_a_failure_says_in_one_line_where_its_logs_are(how: str, last: str) -> None:
    status, stdout, stderr = run("--how", how)
    assert (status, stdout) == (3 if how == "return" else 1, "")
    line = f"scitex-session: failed; its logs and files are in {the_run()}\n"
    assert stderr.endswith(last + line)
    assert stderr.count("scitex-session:") == 1


def test_the_line_stands_below_the_traceback() -> None:
    _, _, stderr = run("--how", "raise")
    assert stderr.splitlines()[-2] == "ValueError: mine"


def test_a_success_says_nothing() -> None:
    assert run("--how", "well") == (0, "", "")


def test_a_verbose_session_has_a_header_and_a_footer_below_the_traceback() -> None:
    command = [sys.executable, str(write_script(SCRIPT)), "--how", "raise", "--session.verbose"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    first, *header, _, _ = done.stdout.partition("Traceback")[0].splitlines()[:8]
    assert first.startswith("scitex-session ")
    assert any("script.py" in line for line in header)
    assert any("how=raise" in line for line in done.stdout.splitlines()[:7])
    error, empty, saved, ended = done.stdout.splitlines()[-4:]
    assert (error, empty, saved) == ("ValueError: mine", "", "saved a.json")
    assert re.fullmatch(rf":\(  failed after \d+\.\d\d s: {re.escape(str(the_run()))}", ended)


def test_a_terminal_gets_a_link_to_the_directory() -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, str(write_script(SCRIPT)), "--how", "return"]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stderr=follower, env=environment) as process:
        process.wait()
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    path = the_run()
    assert f"\x1b]8;;{path.as_uri()}\x1b\\{path}\x1b]8;;\x1b\\" in shown


def test_where_the_script_catches_the_error_the_line_comes_at_the_end() -> None:
    call = "main()\n"
    caught = SCRIPT[: -len(call)] + CATCHES
    command = [sys.executable, str(write_script(caught)), "--how", "raise"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == (
        f"caught\nscitex-session: failed; its logs and files are in {the_run()}\n"
    )


def test_the_line_stands_below_the_traceback_of_a_block() -> None:
    command = [sys.executable, str(write_script(BLOCK))]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    *_, error, line = finished.stderr.splitlines()
    assert error == "ZeroDivisionError: division by zero"
    assert line == f"scitex-session: failed; its logs and files are in {the_run()}"


@pytest.mark.parametrize(
    ("uses", "missing"), [("CONFIG.ID", "CONFIG"), ("stx.log(loss=1)", "stx.log")]
)
def test_without_a_session_an_error_that_comes_of_it_says_so(uses: str, missing: str) -> None:
    script = f"""
        import scitex_session as stx

        @stx.session
        def fit():
            {uses}

        fit()
    """
    finished = run_script(script, env={"SCITEX_SESSION_DISABLE": "yes"})
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == (
        f"SCITEX_SESSION_DISABLE=yes runs fit as a plain function, which has no {missing}"
    )
