"""Tracebacks in the log begin where the user's code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import run_script


@pytest.mark.parametrize(
    ("body", "ours"),
    [
        # Through the wrapper of another library, whose frames are the user's business.
        ("@functools.lru_cache\ndef main(): int('x')", False),
        # Raised by the very call: its only frames are ours.
        ("def main(x): ...\nmain.__signature__ = inspect.Signature()", True),
    ],
)
def test_our_frames_are_left_out_where_others_remain(body: str, ours: bool) -> None:
    Path("script.py").write_text(
        "import functools, inspect\n"
        "import scitex_session as stx\n"
        f"{body}\n"
        "if __name__ == '__main__': stx.run(main)\n"
    )
    assert run_script(Path("script.py")).returncode == 1
    (log,) = Path("script_out/FINISHED_ERROR").glob("*/logs/stderr.log")
    frames = [line for line in log.read_text().splitlines() if line.startswith("  File ")]
    assert frames
    assert all(("scitex_session" in frame) is ours for frame in frames)
