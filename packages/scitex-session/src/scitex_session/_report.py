"""The lines that a verbose session prints."""

from __future__ import annotations

from scitex_session_core import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._run import Run


def print_header(run: Run) -> None:
    """Print what the session is, at its start."""
    rows = {
        "session": run.config["ID"],
        "script": run.script or "(none)",
        "run directory": run.ledger.path,
        "seed": run.rng.seed,
    }
    if run.config["ARGS"]:
        rows["arguments"] = ", ".join(f"{k}={v}" for k, v in dict(run.config["ARGS"]).items())
    print(f"scitex-session {__version__}")
    for name, value in rows.items():
        print(f"  {name + ':':<15}{value}")
    print(flush=True)


def print_footer(run: Run, message: str) -> None:
    """Print how the session ended, at its end."""
    duration = run.config["RUN_DURATION"].total_seconds()
    print(f"\n{message}  {run.ledger.status} after {duration:.2f} s: {run.ledger.path}", flush=True)
