"""Find runs: as dictionaries, and as a table."""

from __future__ import annotations

from scitex_session_core import SessionManager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FIELDS = (
    *("id", "status", "script", "function", "started", "ended", "duration_s", "exit_status"),
    *("arguments", "results", "tags", "note", "directory", "host", "user", "parent", "attempt"),
)
"""What is told of each run, in this order."""


def find(*, sort: str = "-started", limit: int | None = None) -> list[dict[str, Any]]:
    """Return the runs that the registry knows, the newest first.

    Parameters
    ----------
    sort : str
        A field, with ``-`` before it for descending order. Runs without a value come last.
    limit : int, optional
        The largest number of runs to return.

    Returns
    -------
    list of dict
        Each with ``id``, ``status``, ``script``, ``function``, ``started`` and ``ended``
        (`datetime` with zone, or None), ``duration_s`` (seconds; up to now while it runs),
        ``exit_status``, ``arguments``, ``results``, ``tags``, ``note``, ``directory``, ``host``,
        ``user``, ``parent``, ``attempt``.
    """
    names = {"started": "start_time"}
    direction, field = sort[: sort.startswith("-")], sort.removeprefix("-")
    manager = SessionManager()
    sessions = manager.select(sort=direction + names.get(field, field), limit=limit)
    return [described(session) for session in sessions]


def described(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a session of the registry: the values of `FIELDS`."""
    start, end = session["start_time"], session["end_time"]
    process = session["process"] or {}
    return {
        "id": session["id"],
        "status": session["status"],
        "script": session["script_path"],
        "function": session["function"],
        "started": start,
        "ended": end,
        "duration_s": (end - start).total_seconds() if start and end else None,
        "exit_status": session["exit_code"],
        "arguments": session["arguments"],
        "results": session["results"],
        "tags": session["tags"],
        "note": session["note"],
        "directory": session["run_dir"],
        "host": process.get("host"),
        "user": process.get("user"),
        "parent": session["parent"],
        "attempt": session["attempt"],
    }
