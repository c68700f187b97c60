"""Fault by promise, for each way to have a session and each way to capture its output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scitex_session_core import SessionManager, current_status, read_record, registry_dir
from support import run_script, wait_until, write_script

from .table import FAULTS, Fault

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="faults are caused on POSIX only"),
]

Done = subprocess.CompletedProcess[bytes]
HEAD = "import os, signal, subprocess, sys, time\nimport scitex_session as stx\n"
OWN = """
def streams():
    return [os.path.exists(f"/dev/fd/{n}") and os.fstat(n)[:3] for n in (1, 2)]
found = streams()
"""
# What comes after the session says whether the descriptors are what they were.
AFTER = """
os.write(2, b"the streams are back" if streams() == found else b"the streams are others")
"""
WAYS = {
    "@session": "@stx.session(capture={capture!r})\ndef main():\n{body}\nmain()\n",
    "Session": (
        "with stx.Session(capture={capture!r}) as session:\n    CONFIG = session.CONFIG\n{body}\n"
    ),
    "start, close": (
        "CONFIG, *_ = stx.start(sys, capture={capture!r}, verbose=False)\n"
        "if True:\n{body}\n"
        "stx.close(CONFIG, exit_status=0, verbose=False)\n"
    ),
}


@contextmanager
def at(place: str) -> Iterator[None]:
    """Give the run the place that the fault is about, in the environment."""
    if place == "small":
        small = Path.cwd() / "small"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a tmpfs needs Linux and root")
        os.environ.update(SMALL=str(small), SCITEX_SESSION_OUT_DIR=str(small))
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(small)], check=True)
        return
    if place == "read-only registry":
        os.environ["SCITEX_SESSION_REGISTRY"] = "/proc/registry"
    if place == "damaged registry":
        run_script(HEAD + WAYS["@session"].format(capture="fd", body="    pass"))
        SessionManager().list_sessions()
        for journal in registry_dir().rglob("*.jsonl"):
            with journal.open("ab") as file:
                file.write(b'{"event": "close", "id": "20')
        for index in Path.home().rglob("*.sqlite3"):
            index.write_bytes(b"not an index")
    yield


def heeding(place: str) -> list[str]:
    """Give what makes root heed the permissions of files, where the fault is about them."""
    if place != "permissions" or os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]


def all_runs() -> Iterator[Path]:
    """Give the directories of all runs."""
    return Path(os.environ.get("SMALL", ".")).glob("script_out/*/2*")


def the_run(earlier: set[Path]) -> Path:
    """Give the directory of the run, once it has been filed or is known to be dead."""

    def found() -> Path | None:
        runs = {*all_runs()} - earlier
        is_over = [current_status(read_record(run), run) != "running" for run in runs]
        return runs.pop() if is_over == [True] else None

    return wait_until(found, what="the run has been filed")


def broken_promises(fault: Fault, earlier: set[Path], done: Done) -> dict[str, object]:
    """Give the promises that were not kept, each with what was found."""
    found: dict[str, object] = {}
    run = the_run(earlier)
    record = read_record(run)
    status = current_status(record, run)
    folder = "FINISHED_SUCCESS" if fault.status == "success" else "FINISHED_ERROR"
    if (status, run.parent.name) != (fault.status, folder):
        found["status"] = (status, run)
    if fault.printed is not None:
        log = (run / "logs" / "stdout.log").read_bytes()
        if log != b"before\n" + fault.printed:
            found["log"] = log[:1000]
    if done.returncode != fault.process:
        found["exit"] = done
    if fault.process == 0 and b"the streams are back" not in done.stderr:
        found["streams"] = done.stderr
    sessions = SessionManager().list_sessions()
    if sessions.get(record["id"], {}).get("status") != fault.status:
        found["registry"] = sessions
    return found


@pytest.mark.parametrize("capture", ["fd", "sys"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAULTS)
def test_every_promise_holds_whatever_happens(
    name: str, way: str, capture: str, caused: Callable[[str, str], None]
) -> None:
    fault = FAULTS[name]
    body = textwrap.indent("print('before', flush=True)\n" + fault.body, "    ")
    with at(fault.place):
        earlier = {*all_runs()}
        script = write_script(HEAD + OWN + WAYS[way].format(capture=capture, body=body) + AFTER)
        done = subprocess.run(
            [*heeding(fault.place), sys.executable, str(script)],
            capture_output=True,
            check=False,
            timeout=90,
        )
        broken = broken_promises(fault, earlier, done)
    assert broken.keys() <= fault.instead.keys(), broken
    lost = "; ".join(f"{promise}: {fault.instead[promise]}" for promise in sorted(broken))
    caused(name, lost or "every promise is kept")
