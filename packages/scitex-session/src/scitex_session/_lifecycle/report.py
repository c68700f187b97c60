"""The lines that a verbose session prints."""

from __future__ import annotations

import os
import sys

from scitex_session_core import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .run import Run


def print_header(run: Run) -> None:
    """Print what the session is, at its start."""
    rows = {
        "session": run.ledger.id,
        "script": run.script or "(none)",
        "run directory": run.ledger.path,
        "seed": run.rng.seed,
    }
    if run.config["ARGS"]:
        rows["arguments"] = ", ".join(f"{k}={v}" for k, v in dict(run.config["ARGS"]).items())
    lines = [f"  {name + ':':<15}{value}" for name, value in rows.items()]
    _say("\n".join([f"scitex-session {__version__}", *lines, ""]))


def print_footer(run: Run, message: str) -> None:
    """Print how the session ended, at its end."""
    count = run.closed_figures
    figures = f"{count} figure{'s' * (count > 1)} left open, and closed\n" if count else ""
    ended = f"{run.ledger.status} after {run.ledger.duration_s:.2f} s"
    path = run.ledger.path
    where = path if path.exists() else "nothing is kept"  # of a run that was only tried
    _say(f"\n{figures}{message}  {ended}: {where}")


def _say(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # `| head -1` has read enough. What is left in the buffer would make the interpreter fail at
        # its very end, with status 120, though the run did not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
