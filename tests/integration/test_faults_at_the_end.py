"""Whatever fails in us at the end of a run, the user's own ending is recorded and returned."""

from __future__ import annotations

import os
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import SessionManager, read_record
from support import run_script
from support._faults import MARK, calls_of_the_end, run_with_fault
from support._strace import EVERY_CALL

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="faults are caused on POSIX only")

# The status of the process tells what the call gave to its caller, whatever can't be printed.
SCRIPT = """
    import os, sys
    import scitex_session as stx
    @stx.session
    def main():
        print("printed")
        stx.io.save([1], "a.json")
        os.access({mark!r}, 0)
        {body}
    if __name__ == "__main__":
        try:
            given = main()
            os._exit(10)
        except SystemExit as error:
            os._exit(20 + error.code)
        except ValueError as error:
            os._exit(30 if str(error) == "mine" else 31)
        except BaseException as error:
            os._exit(32)
"""
ENDINGS = {
    "return 0": (10, "success"),
    "sys.exit(3)": (23, "failed"),
    "raise ValueError('mine')": (30, "failed"),
}
ERRORS = ("EIO", "ENOSPC", "EMFILE", "ESTALE")
READING = ("close", "fcntl", "getdents64", "lseek", "newfstatat", "pread64", "read", "readlink")


def causes(body: str, call: str, error: str, when: str) -> str:
    """Cause a fault at the end of a run, check what became of it, and say it."""
    returncode, status = ENDINGS[body]
    shutil.rmtree("script_out", ignore_errors=True)
    script = Path.cwd() / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(mark=MARK, body=body)))
    finished = run_with_fault(script, call, error, when)
    where = (call, error, when)
    assert finished.returncode == returncode, (where, finished)
    stderr = finished.stderr  # shown there where the descriptor could not be put back
    assert stderr.count("Traceback") == stderr.count("ValueError: mine"), (where, finished)
    (run,) = Path("script_out").glob("*/2*")
    record = read_record(run)
    assert record["status"] == status, (where, record)
    session = SessionManager().get_session(record["id"])
    assert session is not None
    told = "the same" if session["status"] == status else "not told"
    # Where the journal could not be written, nobody can have said otherwise.
    assert session["status"] in (status, "running", "crashed"), (where, session)
    return f"the user's ending is returned and on record; registry: {told}"


@pytest.mark.parametrize("body", ENDINGS)
def test_the_users_ending_is_true_where_every_call_fails(
    body: str, caused: Callable[[str, str], None]
) -> None:
    script = Path.cwd() / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(mark=MARK, body=body)))
    calls = calls_of_the_end(script)
    for call in ("openat", "write", "rename", "fsync"):
        before, _ = calls[call]
        outcome = causes(body, call, "EIO", f"{before + 1}+")
        caused(f"{call} fails from the end of the function on", outcome)


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("body", ENDINGS)
def test_the_users_ending_is_true_whichever_call_fails(
    body: str, error: str, caused: Callable[[str, str], None]
) -> None:
    script = Path.cwd() / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(mark=MARK, body=body)))
    # Of several hundred calls, at half a second each, every error takes a share. The endings share
    # those calls that only read, which are the most, and alike.
    cause, ending = ERRORS.index(error), [*ENDINGS].index(body)
    for number, (call, (before, after)) in enumerate(sorted(calls_of_the_end(script).items())):
        if call in READING and not EVERY_CALL:
            first, share = cause + len(ERRORS) * ending, len(ERRORS) * len(ENDINGS)
        else:
            first, share = cause, len(ERRORS)
        for n in range(first, after, share):
            outcome = causes(body, call, error, f"{before + 1 + n}")
            caused(f"{error} of a call at the end, once", outcome)
        if (number + ending) % len(ERRORS) == cause:
            outcome = causes(body, call, error, f"{before + 1}+")
            caused(f"{error} of a call at the end, from then on", outcome)


@pytest.mark.parametrize("capture", ["fd", "sys", "none"])
@pytest.mark.parametrize(
    ("body", "returncode", "status"),
    [
        ("return 0", 0, "success"),
        ("sys.exit(3)", 3, "failed"),
        ("raise ValueError('mine')", 1, "failed"),
        ("os.kill(os.getpid(), 15)", -15, "failed"),
    ],
)
def test_a_run_that_has_used_up_its_descriptors_ends_as_it_ends(
    body: str, returncode: int, status: str, capture: str, caused: Callable[[str, str], None]
) -> None:
    finished = run_script(f"""
        import os, resource, sys
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        import scitex_session as stx
        keep = []
        @stx.session(capture="{capture}")
        def main():
            try:
                while True:
                    keep.append(open("/dev/null"))
            except OSError:
                print("no more descriptors")
            {body}
        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == returncode, finished
    assert "Warning" not in finished.stderr, finished
    (run,) = Path("script_out").glob("FINISHED_*/2*")
    assert read_record(run)["status"] == status
    if "mine" in body:
        assert "ValueError: mine" in finished.stderr
        assert "ValueError: mine" in (run / "logs" / "stderr.log").read_text()
    caused("no more descriptors at the end", "the user's ending, shown and on record")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("capture", ["fd", "sys", "none"])
@pytest.mark.parametrize(("body", "returncode"), [("return 0", 0), ("sys.exit(3)", 3)])
@pytest.mark.parametrize(
    "streams",
    ['os.dup2(os.open("/dev/full", os.O_WRONLY), 2)', "os.closerange(0, 300)"],
    ids=["full", "closed"],
)
def test_a_warning_that_nobody_can_be_given_does_not_change_the_exit_status(
    streams: str, body: str, returncode: int, capture: str, caused: Callable[[str, str], None]
) -> None:
    # The record that is gone makes us warn. What stays in Python's buffer would end it with 120.
    before, within = (streams, "pass") if "full" in streams else ("pass", streams)
    finished = run_script(f"""
        import os, sys
        import scitex_session as stx
        {before}
        @stx.session(capture="{capture}")
        def main():
            os.remove(CONFIG.SDIR_RUN / "session.json")
            {within}
            {body}
        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == returncode, finished
    assert len([*Path("script_out").glob("FINISHED_*/2*/session.json")]) == 1
    caused("stderr full or closed at the end", "the user's exit status")


def test_a_run_that_left_little_of_the_stack_ends_as_it_ends() -> None:
    finished = run_script("""
        import inspect, sys
        import scitex_session as stx
        @stx.session
        def main():
            sys.setrecursionlimit(len(inspect.stack()) + 12)
            return 3
        if __name__ == "__main__":
            try:
                main()
            finally:
                limit = sys.getrecursionlimit()
                sys.setrecursionlimit(1000)
                assert limit < 100, limit
    """)
    assert (finished.returncode, finished.stderr) == (3, "")
    (run,) = Path("script_out").glob("FINISHED_ERROR/2*")
    assert read_record(run)["exit_status"] == 3
