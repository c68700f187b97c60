"""What a line of metrics costs, measured in this process."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

CALLS = 10_000


def logged_and_plain(at: Workplace) -> tuple[Variant, Variant]:
    """Make the two variants: calls of `stx.log` in a session, and unbuffered lines of JSON."""
    import json

    import scitex_session as stx

    folder = at.repository.parent

    def logged() -> float:
        # In no registry of the user's; it would say so each time.
        quiet = redirect_stderr(StringIO())
        with quiet, stx.Session(capture="none", out=folder, no_save=True):
            stx.log(0, loss=0.5)
            began = perf_counter()
            for step in range(CALLS):
                stx.log(step, loss=0.5, accuracy=0.25)
            return perf_counter() - began

    def plain() -> float:
        with open(folder / "metrics.jsonl", "ab", buffering=0) as file:
            began = perf_counter()
            for step in range(CALLS):
                line = json.dumps({"step": step, "loss": 0.5, "accuracy": 0.25})
                file.write(line.encode() + b"\n")
            return perf_counter() - began

    return logged, plain
