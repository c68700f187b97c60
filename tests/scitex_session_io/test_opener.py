"""Whoever starts a capture may decide how its files are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import run_script

SCRIPT = """
    import os
    from scitex_session_io import capture

    opened = []

    def opener(path, flags):
        opened.append((os.path.relpath(path), bool(flags & os.O_CREAT)))
        {refuse}
        os.makedirs("kept", exist_ok=True)
        return os.open(os.path.join("kept", os.path.basename(path)), flags, 0o600)

    with capture("logs/o.log", "logs/e.log", mode="{mode}", heartbeat="beat", opener=opener) as c:
        print("printed")
    print(c.mode, *sorted(opened))
"""


@pytest.mark.parametrize("mode", ["fd", "sys"])
def test_logs_and_heartbeat_are_opened_by_the_caller(mode: str) -> None:
    finished = run_script(SCRIPT.format(mode=mode, refuse=""))
    assert Path("kept/o.log").read_text() == "printed\n"
    assert sorted(path.name for path in Path("kept").iterdir()) == ["beat", "e.log", "o.log"]
    assert not Path("logs").exists()
    assert not Path("beat").exists()
    for name in ("beat", "logs/e.log", "logs/o.log"):
        assert f"('{name}', True)" in finished.stdout


@pytest.mark.parametrize("mode", ["fd", "sys"])
def test_what_the_caller_refuses_is_said_and_the_run_goes_on(mode: str) -> None:
    finished = run_script(SCRIPT.format(mode=mode, refuse="raise OSError(40, 'is a link', path)"))
    assert finished.returncode == 0
    assert finished.stdout.startswith("printed\nnone ")
    assert "the output is not logged: " in finished.stderr
    assert "is a link" in finished.stderr
