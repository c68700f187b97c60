"""The package is replaced, or removed, while a run goes on."""

from __future__ import annotations

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
def test_what_has_no_code_left_is_said_and_the_run_ends_as_it_ends() -> None:
    # Rendering is imported where there is something to render, and the report where numpy is used.
    script = SCRIPT.format(
        options="", first="import numpy; print('0%\\r1%')", how=REMOVED, body="return 0"
    )
    finished = run_script(script)
    assert finished.returncode == 0
    assert "rendering the logs failed: ModuleNotFoundError" in finished.stderr
    assert "Traceback" not in finished.stderr
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
