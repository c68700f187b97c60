"""How a run ended, and what state it is in, in words."""

from __future__ import annotations

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

_LONGEST = 300


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


def why_it_ended(record: Mapping[str, Any]) -> str:
    """Return the reason on record in words; an empty text if the status says it all."""
    reason = record.get("reason")
    if not isinstance(reason, dict):
        return ""
    why = _why(reason)
    return f"rank {_short(reason['rank'])}: {why}" if "rank" in reason else why


def _why(reason: Mapping[str, Any]) -> str:
    match reason:
        case {"kind": "returned", "value": value}:
            return f"the function returned {_short(value)}"
        case {"kind": "exception", "type": kind, "message": message}:
            return _short(f"{kind}: {message}" if message else kind)
        case {"kind": "exit", "code": code} if code is not None:
            return f"sys.exit({code})" if isinstance(code, int) else _short(f"sys.exit: {code}")
        case {"kind": "signal", "name": name}:
            return f"ended by {_short(name)}"
        case {"kind": "never_closed"}:
            return "the process ended without a call of close()"
        case {"kind": "closed"}:
            return ""
        case {"kind": "missing", "waited_s": seconds}:
            return f"it did not come within {_short(seconds)} s"
        case {"kind": "crashed" | "lost"}:
            return _death(reason)
    return ""


def _death(reason: Mapping[str, Any]) -> str:
    if reason.get("out_of_memory"):
        return "killed, out of memory"
    number = reason.get("signal")
    if isinstance(number, int):
        import signal

        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    if reason.get("kind") == "lost":
        return "its heartbeat stopped"
    code = reason.get("exit_status")
    left = "the process ended without closing the run"
    return left if code is None else f"{left}, with exit status {_short(code)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
