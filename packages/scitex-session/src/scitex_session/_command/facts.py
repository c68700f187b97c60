"""Facts of a record in words: how it ended, what was run, and from which commit."""

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
    """Return ``failed: ValueError: no data (exit status 1), after 14.4 s``.

    `status` is another than the one on record, where that is known.
    """
    status = str(status or record.get("status"))
    why, code, took = why_it_ended(record), record.get("exit_status"), record.get("duration_s")
    text = f"{status}: {why}" if why else status
    if code:
        text += f" (exit status {code})"
    if isinstance(took, int | float):
        text += f", after {duration(took)}"
    return text


def script_of(record: Mapping[str, Any]) -> str:
    """Return ``/home/u/fit.py, function fit``."""
    script, function = record.get("script"), record.get("function")
    return f"{script}, function {function}" if script and function else str(script or "")


def commit_of(git: Mapping[str, Any]) -> str:
    """Return ``1a2b3c on main``, and whether there were changes; an empty text without a commit."""
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changes = ", with changes that are not in it" if git.get("dirty") else ""
    return f"{git['commit']}{branch}{changes}" if git.get("commit") else ""
