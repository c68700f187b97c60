"""What others put in the place of a run's files hangs neither `whence` nor a run at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import run_script

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")

SOURCE = """
    import pathlib
    import scitex_session as stx

    @stx.session
    def main():
        stx.io.save({"a": 1}, CONFIG.SDIR_RUN / "a.json")

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("name", ["session.json", "events.jsonl"])
@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_neither_whence_nor_another_run_waits_for_a_hostile_file(name: str, kind: str) -> None:
    assert run_script(SOURCE).returncode == 0
    (made,) = Path("script_out/FINISHED_SUCCESS").glob("*/a.json")
    # Where it is when it is reaped by the next run, and where `whence` looks for its maker.
    running = Path("script_out/RUNNING") / made.parent.name
    running.parent.mkdir(exist_ok=True)
    made.parent.rename(running)
    (running / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(running / name)
    else:
        (running / name).symlink_to("/dev/zero")
    finished = run_script(SOURCE, timeout=40)
    assert finished.returncode == 0, finished
    command = [sys.executable, "-m", "scitex_session", "whence", str(running / "a.json")]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert asked.returncode in (0, 1), asked
    assert "Traceback" not in asked.stderr
