"""What the end of a run puts into its record."""

from __future__ import annotations

from datetime import datetime

from ._events import utc_now
from ._outcome import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
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


def _seconds_between(started: object, ended: str) -> float | None:
    try:
        begin, end = datetime.fromisoformat(str(started)), datetime.fromisoformat(ended)
        return round((end - begin).total_seconds(), 6)
    except (ValueError, TypeError):
        return None
