"""What `SessionManager` writes to the registry, after a look at what it is given."""

from __future__ import annotations

import operator
from pathlib import Path

from ._errors import DuplicateSessionError, InvalidTypeError, InvalidValueError, warn
from ._events import append_event
from ._ids import check_id
from ._journal import journal_close, journal_create, journal_remove, journal_update
from ._layout import RECORD_NAME, whereabouts
from ._process import identify, liveness
from ._seen import seen_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._index import Index

_STATUSES = ("success", "failed", "error", "finished")


def register(
    index: Index,
    session_id: str,
    config: dict[str, Any],
    script_path: str | None,
    pid: int | None,
) -> None:
    """Register a session that begins now; see `SessionManager.create_session`."""
    check_id(session_id)
    _check_config(config)
    process = None if pid is None else _process(pid)
    if index.get(session_id) is not None:
        raise DuplicateSessionError(session_id, str(index.registry))
    script = None if script_path is None else str(script_path)
    line = journal_create(index.registry, session_id, config, script_path=script, process=process)
    # Of two that registered the same ID at once, the second learns it here. None: the index
    # can't be brought up to date just now, and what was written stands.
    if index.line(session_id) not in (line, None):
        raise DuplicateSessionError(session_id, str(index.registry))


def close(index: Index, session_id: str, status: str, exit_code: int | None) -> None:
    """Mark a session as ended; see `SessionManager.close_session`."""
    if status not in _STATUSES:
        raise InvalidValueError("status", status, "one of " + ", ".join(_STATUSES))
    code = None if exit_code is None else _integer("exit_code", exit_code, "an integer or None")
    session = index.get(session_id)
    if session is None:
        warn(f"no session {session_id!r} to close in the registry {index.registry}")
    elif (before := seen_now(session)["status"]) in _STATUSES:
        warn(f"session {session_id!r} was closed before, as {before}: it stays so")
    else:
        journal_close(index.registry, session_id, status, code)


def update(
    index: Index,
    session_id: str,
    *,
    tag: str | None,
    untag: str | None,
    note: str | None,
    results: Mapping[str, Any] | None,
) -> None:
    """Add to what is known of a session; see `SessionManager.update_session`."""
    told = {"tag": tag, "untag": untag, "note": note}
    for name, value in told.items():
        if value is not None and not isinstance(value, str):
            raise InvalidTypeError(name, value, "a text or None")
    if results is not None:
        _check_config(results, "results")
    session = index.get(session_id)
    if session is None:
        warn(f"no session {session_id!r} to update in the registry {index.registry}")
        return
    if session["run_dir"] is not None:
        run_dir = whereabouts(Path(session["run_dir"]))
        if (run_dir / RECORD_NAME).exists():
            for name, value in told.items():
                if value is not None:
                    append_event(run_dir, name, **{"tag" if name == "untag" else name: value})
            if results is not None:
                append_event(run_dir, "result", results=results)
    journal_update(index.registry, session_id, tag=tag, untag=untag, note=note, results=results)


def remove(index: Index, session_id: str) -> None:
    """Forget a session; see `SessionManager.remove`."""
    if index.get(session_id) is None:
        warn(f"no session {session_id!r} to remove in the registry {index.registry}")
    else:
        journal_remove(index.registry, session_id)


def _check_config(config: object, name: str = "config") -> None:
    if not isinstance(config, dict):
        raise InvalidTypeError(name, config, "a dictionary")


def _process(pid: object) -> dict[str, Any]:
    allowed = "the ID of a process that is alive, 0 for this one, or None"
    number = _integer("pid", pid, allowed)
    process = identify(number or None)
    if number < 0 or liveness(process) == "dead":
        raise InvalidValueError("pid", pid, allowed)
    return process


def _integer(name: str, value: object, allowed: str) -> int:
    if isinstance(value, bool):  # True would be process 1
        raise InvalidTypeError(name, value, allowed)
    try:
        return operator.index(value)  # type: ignore[arg-type]  # numpy's integers are integers, too
    except TypeError:
        raise InvalidTypeError(name, value, allowed) from None
