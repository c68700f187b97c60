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
    finished = run_script(Path("script.py"))
    assert finished.returncode == 1
    (log,) = Path("script_out/FINISHED_ERROR").glob("*/logs/stderr.log")
    assert frames_in(log.read_text())
    assert all(("scitex_session" in frame) is ours for frame in frames_in(log.read_text()))
    assert any("scitex_session" in frame for frame in frames_in(finished.stderr)) is ours


def frames_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("  File ")]


def test_the_terminal_shows_the_scripts_frames_alone() -> None:
    script = """
        import scitex_session as stx

        def half(n): return n / 0

        @stx.session
        def main(n: int = 1): half(n)

        main()
    """
    shown = run_script(script).stderr
    names = [frame.rpartition(" in ")[2] for frame in frames_in(shown)]
    assert names == ["<module>", "main", "half"]
    assert shown.count("ZeroDivisionError") == 1


def test_the_users_own_hook_sees_the_whole_traceback() -> None:
    script = """
        import sys, traceback
        import scitex_session as stx

        def hook(kind, error, trace):
            print("names", [each.name for each in traceback.extract_tb(trace)])

        sys.excepthook = hook

        @stx.session
        def main(n: int = 1): n / 0

        main()
    """
    shown = run_script(script).stdout.splitlines()[-1]
    assert shown.startswith("names ['<module>', 'script', ")
    assert shown.endswith("'main']")
