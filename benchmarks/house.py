"""What is counted, not timed: the records of a crowd of runs, and what pip installs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.peers.peer import CACHE, OURS, Environment
from benchmarks.peers.rows import MOST_RUNS, Place, crowd

MOST_DISTRIBUTIONS = 30
MOST_MEGABYTES = 160


def lines() -> list[tuple[str, ...]]:
    """Install all five packages into an environment of its own, and count."""
    environment = Environment(OURS, CACHE)
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        true = crowd(Place(OURS, environment, Path(temporary)), MOST_RUNS, 1)["true"]
    distributions, megabytes = environment.installed()
    return [
        _line(f"{MOST_RUNS} runs, 16 at a time: true records", true, "≥", MOST_RUNS),
        _line("pip install of the whole: distributions", distributions, "≤", MOST_DISTRIBUTIONS),
        _line("pip install of the whole: MB without bytecode", megabytes, "≤", MOST_MEGABYTES),
    ]


def _line(what: str, value: float, sign: str, bound: float) -> tuple[str, ...]:
    met = value >= bound if sign == "≥" else value <= bound
    return what, f"{value:.0f}", f"{sign} {bound:.0f}", "met" if met else "MISSED"
