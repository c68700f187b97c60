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

    from scitex_session._lifecycle.artifacts import Artifacts
    from scitex_session_core import make_run_dir

    figure = Figure()
    figure.add_subplot().plot([1, 2, 4, 8])
    directory = make_run_dir(sdir=at.repository.parent / "run")
    run_dir = directory.path
    artifacts = Artifacts(directory, Path("fit.py"), "c" * 40, stamp=True)

    def plain() -> float:
        began = time.perf_counter()
        figure.savefig(run_dir / "figure.png")
        return time.perf_counter() - began

    def stamped() -> float:
        restore = artifacts.watch_figures()
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
