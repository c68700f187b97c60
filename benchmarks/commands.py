"""The command `scitex-session`: whole processes, with 100,000 sessions in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.registry import QUICK_SESSIONS, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

QUERY = "lr<0.001 and status:success"
TRIALS = 60
# What runs the same command lines, two at a time, and nothing else.
BARE = """
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
def run(line):
    subprocess.run([sys.executable, *line.split()], check=True)
with ThreadPoolExecutor(2) as pool:
    list(pool.map(run, sys.argv[1:]))
"""
TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": "120"}  # what is drawn by rich, though into a pipe


def _row(*arguments: str, **variables: str) -> Callable[[Workplace], tuple[Variant, Variant]]:
    def row(at: Workplace) -> tuple[Variant, Variant]:
        """Make the two variants: a command, and a bare Python."""
        many = at.repository.parent / "many"
        places = {
            "SCITEX_SESSION_REGISTRY": str(many / "registry"),
            "SCITEX_SESSION_CACHE": str(many / "cache"),
        }
        if not many.exists():
            write(many / "registry", QUICK_SESSIONS)
            at.python("-m", "scitex_session", "ls", variables=places)()  # folds them
        places |= variables
        command = at.python("-m", "scitex_session", *arguments, variables=places)
        return command, at.python("-c", "pass")

    return row


def swept_and_bare(at: Workplace) -> tuple[Variant, Variant]:
    """Make the two variants: a sweep of trivial trials, and the same processes without it."""
    script = "session_arguments.py"
    lines = [f"{script} --data-path=data.csv --threshold={n}" for n in range(1, TRIALS + 1)]
    words = (script, "--data-path", "data.csv", "--threshold", f"1..{TRIALS}", "-j", "2")
    return at.python("-m", "scitex_session", "sweep", *words), at.python("-c", BARE, *lines)


ROWS = {
    "sweep": swept_and_bare,
    "ls": _row("ls"),
    "ls-json": _row("ls", "--json"),
    "ls-query": _row("ls", QUERY),
    "ls-terminal": _row("ls", **TERMINAL),
    "ls-terminal-query": _row("ls", QUERY, **TERMINAL),
}
