"""The fields by which sessions can be selected and sorted, and the form in which they compare.

SQL and Python compare the same form of each value, so that both agree.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scitex_session_core._errors import InvalidTypeError, InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    Comparable: TypeAlias = int | float | str

# The columns of the index, in this order, and the kind of their values.
FIELDS = {
    "id": "text",
    "status": "text",
    "start_time": "time",
    "end_time": "time",
    "exit_code": "number",
    "script_path": "text",
    "function": "text",
    "host": "text",
    "user": "text",
    "parent": "text",
    "attempt": "number",
    "rank": "number",
    "note": "text",
    "artifacts": "number",
    "run_dir": "text",
}
MAPPINGS = ("arguments", "config", "results")
# The fields that may change while a session runs, by its record or its death.
_LIVE = {"status", "end_time", "exit_code", "note", "artifacts", "run_dir", "tags", "results"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def check_field(name: object) -> str:
    """Return `name` if it is a field.

    Raises
    ------
    InvalidTypeError
        It is no text.
    InvalidValueError
        There is no such field.
    """
    allowed = f"one of {', '.join(FIELDS)}, tags, or {', '.join(f'{m}.<name>' for m in MAPPINGS)}"
    if not isinstance(name, str):
        raise InvalidTypeError("a field", name, allowed)
    mapping, _, key = name.partition(".")
    if name not in FIELDS and name != "tags" and not (mapping in MAPPINGS and key):
        raise InvalidValueError("a field", name, allowed)
    return name


def is_live(name: str) -> bool:
    """Tell whether a field may change while a session runs."""
    return name.partition(".")[0] in _LIVE


def comparable(value: Any) -> Comparable | None:
    """Return the form in which a value is compared; None for NaN and for what has no such form.

    Booleans become 0 and 1, integers that SQLite can't hold floats, times microseconds since 1970
    in UTC. Lone surrogates and NULs in texts are replaced.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        return value.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            return int(value)
        return float(value) if value.bit_length() < 1024 else float("inf" if value > 0 else "-inf")
    if isinstance(value, float):
        return value if value == value else None  # not a number
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else None


def row(session: dict[str, Any]) -> dict[str, Comparable | None]:
    """Return the columns of a session: all fields, in the form in which they are compared."""
    process = session["process"] or {}
    host, user, rank = process.get("host"), process.get("user"), process.get("rank")
    found = {
        **session,
        # Callers may close with either; queries treat them alike.
        "status": "failed" if session["status"] == "error" else session["status"],
        "host": host if isinstance(host, str) else None,
        "user": user if isinstance(user, str) else None,
        "rank": rank if isinstance(rank, int) else None,
    }
    return {name: comparable(found[name]) for name in FIELDS}


def leaves(prefix: str, value: object) -> Iterator[tuple[str, Comparable]]:
    """Yield the dotted name and the value of each leaf. The items of a list share its name."""
    stack = [(prefix, value)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack.extend((f"{name}.{key}", inner) for key, inner in value.items())
        elif isinstance(value, list):
            stack.extend((name, inner) for inner in value)
        elif (found := comparable(value)) is not None:
            yield name, found


def values_of(session: dict[str, Any], name: str) -> list[Comparable]:
    """Return the values of a field: none, one, or several for a list."""
    if name in FIELDS:
        value = row(session)[name]
        return [] if value is None else [value]
    mapping = name.partition(".")[0]
    return [value for found, value in leaves(mapping, session[mapping]) if found == name]
