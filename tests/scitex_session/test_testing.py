"""The pytest plugin gives tests a session that leaves nothing outside of their directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import scitex_session as stx
from scitex_session import CONFIG, rngg

def test_one(stx_session, tmp_path):
    assert CONFIG.ID == stx_session.CONFIG.ID
    assert CONFIG.SDIR_RUN.is_relative_to(tmp_path)
    assert rngg.seed == 42
    stx.io.save({"a": 1}, "a.json")
    assert (CONFIG.SDIR_RUN / "a.json").exists()
    print("printed")

def test_two_begins_anew(stx_session):
    assert not (CONFIG.SDIR_RUN / "a.json").exists()
"""


def test_a_test_runs_within_a_session_of_its_own(tmp_path: Path) -> None:
    Path("test_them.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "scitex_session.testing"]
    home = tmp_path / "home"
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}", "test_them.py"],
        env={**os.environ, "HOME": str(home), "SCITEX_SESSION_SEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert not home.exists()
