"""The sign of a status, and how a run ended in one line."""

from __future__ import annotations

from scitex_session._ending import why_it_ended

from .output import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SIGNS = {
    "running": ("●", "*", "cyan"),
    "success": ("✓", "+", "green"),
    "failed": ("✗", "x", "red"),
    "error": ("✗", "x", "red"),
    "finished": ("■", "=", "default"),
    "crashed": ("†", "!", "magenta"),
    "lost": ("…", "~", "yellow"),
    "unknown": ("?", "?", "yellow"),
}
"""Of each status a sign, the same in ASCII, and its colour."""


def how_it_ended(record: Mapping[str, Any], status: str | None = None) -> str:
    """Return how a run ended: ``failed: ValueError: no data (exit status 1), after 14.4 s``.

    Parameters
    ----------
    record : mapping
        Its record.
    status : str, optional
        Its status, where that is known to be another than the one on record.
    """
    status = str(status or record.get("status"))
    why, code, took = why_it_ended(record), record.get("exit_status"), record.get("duration_s")
    text = f"{status}: {why}" if why else status
    if code:
        text += f" (exit status {code})"
    if isinstance(took, int | float):
        text += f", after {duration(took)}"
    return text
