"""The command `archive`, of very many small runs at once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from benchmarks.registry import Budget

if TYPE_CHECKING:
    from benchmarks.workplace import Workplace

RUNS = 10_000
QUICK_RUNS = 1_000
BUDGETS = {
    "wall": Budget("archiving {many:,} small runs", 60, "s"),
    "processor": Budget("the same, time of the processor", None, "s"),
}


def make(at: Workplace, runs: int) -> None:
    """Make ended runs of a script: a real one, and copies of it under other IDs."""
    at.python("session_empty.py")()
    time.sleep(0.5)  # git goes on for a while, and adds to the record
    folder = at.repository / "session_empty_out" / "FINISHED_SUCCESS"
    (first,) = folder.iterdir()
    paths = [path for path in first.rglob("*") if path.is_file()]
    files = {path.relative_to(first): path.read_bytes() for path in paths}
    started = first.name.rpartition("_")[0]
    for number in range(runs - 1):
        name = f"{started}_{number:08d}"
        for path, content in files.items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.replace(first.name.encode(), name.encode()))
    at.python("-m", "scitex_session", "reindex", str(folder.parent))()


def measure(at: Workplace, runs: int) -> dict[str, float]:
    """Measure the command, as a whole process."""
    make(at, runs)
    before = os.times()
    wall = at.python("-m", "scitex_session", "archive", "--status", "success", "--yes")()
    after = os.times()
    processor = after.children_user + after.children_system
    return {"wall": wall, "processor": processor - before.children_user - before.children_system}
