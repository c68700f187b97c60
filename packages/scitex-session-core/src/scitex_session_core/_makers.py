"""From a file to the sessions that made it."""

from __future__ import annotations

from ._errors import InvalidTypeError, InvalidValueError
from ._made import MADE, as_fact, is_digest, kept_of
from ._seen import seen_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._index import Index


def makers(index: Index, sha256: object) -> list[dict[str, Any]]:
    """Return the sessions that made a file; see `SessionManager.makers`."""
    allowed = "the SHA-256 of a file, in 64 hexadecimal digits"
    if not isinstance(sha256, str):
        raise InvalidTypeError("sha256", sha256, allowed)
    if not is_digest(sha256.lower()):
        raise InvalidValueError("sha256", sha256, allowed)
    kept = kept_of(sha256.lower())
    query = "SELECT owner FROM facts WHERE k = (SELECT k FROM names WHERE name = ?) AND value = ?"
    told = index.sessions(index.numbers(query, [MADE, as_fact(kept)], None))
    # What a session that goes on has made, its record alone says.
    going = (session for session in map(seen_now, index.running()) if kept in session[MADE])
    found = {session["id"]: session for session in (*going, *map(seen_now, told))}
    return sorted(found.values(), key=_newest, reverse=True)


def _newest(session: dict[str, Any]) -> tuple[float, str]:
    start = session["start_time"]
    return start.timestamp() if start else 0.0, session["id"]
