"""What it costs a figure to know its run: saved with and without, in one process."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace


def stamped_and_plain(at: Workplace) -> tuple[Variant, Variant]:
    """Make the two variants: one save of a PNG, stamped and put on record, and plain."""
    os.environ.update(MPLCONFIGDIR=at.environment["MPLCONFIGDIR"], MPLBACKEND="agg")
    from matplotlib.figure import Figure

    from scitex_session._lifecycle.artifacts import record_output
    from scitex_session_plot import watch_savefig

    figure = Figure()
    figure.add_subplot().plot([1, 2, 4, 8])
    run_dir = at.repository.parent / "run"
    run_dir.mkdir()
    facts = {"id": "2026Y-11M-22D-05h09m48s_K7QX2M9A", "script": "fit.py", "commit": "c" * 40}

    def plain() -> float:
        began = time.perf_counter()
        figure.savefig(run_dir / "figure.png")
        return time.perf_counter() - began

    def stamped() -> float:
        restore = watch_savefig(
            lambda path: record_output(run_dir, Path(path)), stamp=lambda: facts
        )
        try:
            return plain()
        finally:
            restore()

    return stamped, plain


def whence(at: Workplace) -> tuple[Variant, Variant]:
    """Make the two variants: the way back from a figure, and a plain script."""
    at.python("session_plot.py")()
    command = at.python("-m", "scitex_session", "whence", "session.png")
    return command, at.python("plain_empty.py")
