"""What the end of a run puts into its record."""

from __future__ import annotations

from datetime import UTC, datetime

from ._events import utc_now
from ._layout import EVENTS_NAME, HEARTBEAT_NAME, LOG_NAMES, RECORD_NAME
from ._outcome import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def ended_record(
    record: dict[str, Any],
    *,
    exit_status: int | None,
    reason: Mapping[str, Any],
    message: str = "",
    status: str | None = None,
    ended: str | None = None,
) -> dict[str, Any]:
    """Return `record` of a run that ended.

    Parameters
    ----------
    record : dict
        As it began.
    exit_status : int or None
        None where nobody knows.
    reason : mapping
        Why it ended, from `outcome`.
    message : str
        A word of the caller.
    status : str, optional
        What `exit_status` says, by default.
    ended : str, optional
        When, in ISO 8601; now by default.
    """
    ended = ended or utc_now()
    return {
        **record,
        "status": status or status_of(exit_status),
        "exit_status": exit_status,
        "reason": dict(reason),
        "message": message,
        "ended": ended,
        "duration_s": _seconds_between(record.get("started"), ended),
    }


def crashed_record(record: dict[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return `record` of a run whose process died without a goodbye.

    Parameters
    ----------
    record : dict
        As it was.
    seen : mapping
        What is known of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    """
    known = {name: seen[name] for name in ("signal", "exit_status") if seen.get(name) is not None}
    return ended_record(
        record,
        exit_status=None,
        reason={"kind": "crashed", **known},
        status="crashed",
        ended=seen.get("seen"),
    )


def last_sign_of_life(run_dir: Path) -> str:
    """Return when a run last wrote to one of its files: the best guess at when it died."""
    times = []
    for name in (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, *LOG_NAMES):
        try:
            times.append((run_dir / name).stat().st_mtime)
        except OSError:
            continue
    if not times:
        return utc_now()
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="microseconds")


def _seconds_between(started: object, ended: str) -> float | None:
    try:
        begin, end = datetime.fromisoformat(str(started)), datetime.fromisoformat(ended)
        return round((end - begin).total_seconds(), 6)
    except (ValueError, TypeError):
        return None
