"""Figures that know their run."""

from __future__ import annotations

import os

from scitex_session_core import __version__
from scitex_session_plot import watch_savefig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .run import Run


def watch_figures(run: Run) -> Callable[[], None]:
    """Have every figure that is saved stamped and on record, until what is returned is called."""
    stamp = run.options.stamp

    def facts() -> dict[str, str | None]:
        return {
            "id": run.ledger.id,
            "script": _script_name(run.script, in_git=run.ledger.commit is not None),
            # Read from .git before user code ran, in less than a millisecond: nothing is waited
            # for, and a commit made meanwhile does not pass for the one that ran.
            "commit": run.ledger.commit,
            "version": __version__,
        }

    def saved(path: str) -> None:
        from pathlib import Path

        run.saved(Path(path))

    return watch_savefig(
        saved,
        stamp=facts if stamp else None,
        footer=run.ledger.id.rpartition("_")[2] if stamp == "visible" else None,
    )


def _script_name(script: Path | None, *, in_git: bool) -> str | None:
    """Return a script as its repository names it: what stands in a figure is read by strangers.

    The folders of a home say who works there and on what; outside a repository, the name will do.
    """
    if script is None:
        return None
    real = os.path.realpath(script)
    top = os.path.dirname(real)
    while in_git and not os.path.exists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    return os.path.relpath(real, top).replace(os.sep, "/")
