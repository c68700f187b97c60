"""The package is replaced, or removed, while a run goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

import scitex_session
import scitex_session_core
import scitex_session_io
import scitex_session_plot
import scitex_session_repro
from scitex_session_core import read_record
from support import run_script, start_script, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")

PACKAGES = (
    scitex_session,
    scitex_session_core,
    scitex_session_io,
    scitex_session_plot,
    scitex_session_repro,
)
SCRIPT = """
    import os, shutil, signal, sys, time
    import scitex_session as stx

    @stx.session{options}
    def main():
        assert stx.__file__.startswith(os.path.abspath("lib")), stx.__file__
        print("ready", flush=True)
        {first}
        {how}
        {body}

    if __name__ == "__main__":
        main()
"""
REMOVED = 'shutil.rmtree("lib")'
REPLACED = """
        for place, _, names in os.walk("lib"):
            for name in names:
                if name.endswith(".py"):
                    open(os.path.join(place, name), "w").write("raise RuntimeError('upgraded')")
                else:
                    os.remove(os.path.join(place, name))
"""
# Its companion, too, so that nobody files it.
KILL_BOTH = """
        for place in os.listdir("/proc"):
            try:
                command = open(f"/proc/{place}/cmdline", "rb").read().split(b"\\0")
                if b"_companion.main" in b"".join(command) and str(os.getpid()).encode() in command:
                    os.kill(int(place), signal.SIGKILL)
            except (OSError, ValueError):
                pass
        os.kill(os.getpid(), signal.SIGKILL)
"""
HOW = {"removed": REMOVED, "replaced": REPLACED.strip()}


@pytest.fixture
def own_copy(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the packages, which scripts import."""
    lib = Path("lib").absolute()
    for package in PACKAGES:
        (folder,) = package.__path__
        shutil.copytree(folder, lib / package.__name__, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setenv("PYTHONPATH", str(lib))
    run_script("import scitex_session as stx; stx.session(lambda: None)()")  # writes bytecode
    shutil.rmtree("script_out")
    return lib


@pytest.mark.usefixtures("own_copy")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("options", ["", "(verbose=True, notify=True)", '(capture="none")'])
@pytest.mark.parametrize(
    ("body", "returncode", "status"),
    [
        ("return 0", 0, "success"),
        ("raise ValueError('mine')", 1, "failed"),
        ("sys.exit(3)", 3, "failed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15, "failed"),
    ],
)
def test_a_run_outlives_its_package(
    body: str, returncode: int, status: str, options: str, how: str
) -> None:
    script = SCRIPT.format(options=options, first="pass", how=HOW[how], body=body)
    finished = run_script(script)
    assert finished.returncode == returncode, finished
    (run,) = Path("script_out").glob("FINISHED_*/2*")
    assert read_record(run)["status"] == status
    assert "failed" not in finished.stderr, finished
    if "mine" in body:
        assert "ValueError: mine" in finished.stderr
        assert "ValueError: mine" in (run / "logs" / "stderr.log").read_text()


@pytest.mark.usefixtures("own_copy")
@pytest.mark.parametrize("how", HOW)
def test_what_is_first_needed_at_the_end_is_still_there(how: str) -> None:
    # A run that died: who ends next files it, or leaves it where that takes too long.
    killed = run_script(SCRIPT.format(options="", first=KILL_BOTH, how="pass", body="pass"))
    assert killed.returncode == -signal.SIGKILL
    # Rendering is imported where there is something to render, and the report where numpy is used.
    first = "time.sleep(0.5); import numpy; print('0%\\r1%')"
    finished = run_script(SCRIPT.format(options="", first=first, how=HOW[how], body="return 0"))
    assert finished.returncode == 0
    assert finished.stderr == ""
    (run,) = Path("script_out").glob("FINISHED_SUCCESS/2*")
    assert (run / "logs" / "stdout.txt").read_text().endswith("\n1%\n")
    assert json.loads((run / "session.json").read_text())["reproducibility"]["checks"]


@pytest.mark.usefixtures("own_copy")
@pytest.mark.parametrize("how", HOW)
def test_a_run_whose_package_is_gone_is_copied_and_closed(how: str) -> None:
    finished = run_script(f"""
        import os, shutil, sys, time
        import scitex_session as stx
        CONFIG, *_ = stx.start(sys, verbose=False)
        time.sleep(0.5)  # its companion starts from the package, too
        {HOW[how]}
        stx.running2finished(CONFIG, exit_status=0, remove_src_dir=False)
        stx.close(CONFIG, verbose=False)
    """)
    assert (finished.returncode, finished.stderr) == (0, "")
    (run,) = Path("script_out").glob("FINISHED_SUCCESS/2*")
    assert read_record(run)["status"] == "success"


@pytest.mark.usefixtures("own_copy")
@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="code is kept in memory on Linux only")
@pytest.mark.parametrize("how", HOW)
def test_a_crash_is_filed_by_the_code_that_was_there(how: str) -> None:
    first, then = "time.sleep(0.5)", "print('gone', flush=True); time.sleep(60)"
    script = SCRIPT.format(options="", first=first, how=HOW[how], body=then)
    with start_script(script) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "gone\n":
            pass
        process.kill()
        process.wait(20)
        assert process.returncode == -signal.SIGKILL
        path = wait_until(lambda: next(Path("script_out").glob("FINISHED_ERROR/2*"), None))
    assert read_record(path)["status"] == "crashed"


@pytest.mark.usefixtures("own_copy")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize(
    ("then", "returncode", "status"),
    [
        ("stx.close(CONFIG, exit_status=0)", 0, "success"),
        ("raise ValueError('mine')", 1, "failed"),
        ("pass", 0, "finished"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15, "failed"),
    ],
)
def test_a_session_by_hand_outlives_its_package(
    then: str, returncode: int, status: str, verbose: bool, how: str
) -> None:
    finished = run_script(f"""
        import os, shutil, signal, sys
        import scitex_session as stx
        CONFIG, *_ = stx.start(sys, verbose={verbose})
        {HOW[how]}
        {then}
    """)
    assert finished.returncode == returncode, finished
    assert finished.stderr.count("Traceback") == ("mine" in then)
    (run,) = Path("script_out").glob("FINISHED*/2*")
    assert read_record(run)["status"] == status
