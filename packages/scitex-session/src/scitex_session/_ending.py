"""Why a run ended, in words: for commands and notices."""

from __future__ import annotations

from scitex_session_core import outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# What befell a job, by the state in which it ended; see squeue(1).
_CAUSES = {
    "BOOT_FAIL": "had a node that did not start",
    "CANCELLED": "was cancelled",
    "DEADLINE": "missed its deadline",
    "FAILED": "failed",
    "NODE_FAIL": "lost its node",
    "OUT_OF_MEMORY": "ran out of memory",
    "PREEMPTED": "made way for another one",
    "REQUEUED": "was requeued",
    "TIMEOUT": "reached its time limit",
}
_LONGEST = 300


def why_it_ended(record: Mapping[str, Any]) -> str:
    """Return the reason on record in words; an empty text if the status says it all."""
    reason = record.get("reason")
    if not isinstance(reason, dict):
        return ""
    why = _why(reason)
    return f"rank {_short(reason['rank'])}: {why}" if "rank" in reason else why


def _why(reason: Mapping[str, Any]) -> str:
    match reason:
        case {"cause": str(cause), "scheduler": scheduler, "job": job}:
            what = _CAUSES.get(cause, "ended")
            code = f", exit code {_short(reason['exit_code'])}" if "exit_code" in reason else ""
            said = f"{_short(scheduler).upper()} job {_short(job)} {what} ({_short(cause)}{code})"
            seen = reason.get("signal") is not None
            return f"{said}; {_end_of_process(reason)}" if seen else said
    return _end_of_process(reason)


def _end_of_process(reason: Mapping[str, Any]) -> str:
    match reason:
        case {"kind": "returned", "value": value}:
            return f"the function returned {_short(value)}"
        case {"kind": "exception", "type": kind, "message": message}:
            return _short(f"{kind}: {message}" if message else kind)
        case {"kind": "exit", "code": code} if code is not None:
            return f"sys.exit({code})" if isinstance(code, int) else _short(f"sys.exit: {code}")
        case {"kind": "stopped", "name": name}:
            return f"asked to stop by {_short(name)}, and left"
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
        return f"killed by {outcome(signum=number)[1]['name']}"
    if reason.get("kind") == "lost":
        return "its heartbeat stopped"
    code = reason.get("exit_status")
    left = "the process ended without closing the run"
    return left if code is None else f"{left}, with exit status {_short(code)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
