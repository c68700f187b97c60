"""The fields by which sessions can be selected and sorted, and the form in which they compare.

SQL and Python compare the same form of each value, so that both agree.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from scitex_session_core._errors import InvalidTypeError, InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    Comparable: TypeAlias = int | float | str

# The columns of the index, in this order, and the kind of their values.
FIELDS = {
    "id": "text",
    "status": "text",
    "start_time": "time",
    "end_time": "time",
    "duration_s": "number",
    "exit_code": "number",
    "script": "text",
    "script_path": "text",
    "function": "text",
    "host": "text",
    "user": "text",
    "parent": "text",
    "attempt": "number",
    "rank": "number",
    "sweep": "text",
    "trial": "number",
    "note": "text",
    "artifacts": "number",
    "run_dir": "text",
}
_PLACES = {name: place for place, name in enumerate(FIELDS)}
MAPPINGS = ("arguments", "config", "results", "env")
STATUSES = ("running", "success", "failed", "error", "finished", "crashed", "lost", "unknown")
# The fields that may change while a session runs, by its record or its death.
_LIVE = {
    *("status", "end_time", "duration_s", "exit_code"),
    *("note", "artifacts", "run_dir", "tags", "results"),
}

_LONGEST_NAME = 100  # comparing what is longer takes long
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1  # the integers that SQLite holds
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
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
        meant = near(mapping, MAPPINGS) if key else near(name, (*FIELDS, "tags"))
        meant = f"{meant}.{key}" if meant and key else meant
        raise InvalidValueError("a field", name, allowed, meant)
    return name


def near(word: object, known: Iterable[str]) -> str | None:
    """Return the name in `known` that was probably meant; None if none is near."""
    from difflib import get_close_matches  # 4 ms, and only needed for a mistake

    word = str(word)
    found = get_close_matches(word.casefold(), known, n=1) if len(word) <= _LONGEST_NAME else []
    return found[0] if found else None


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
        if _LEAST <= value <= _MOST:
            return int(value)
        return float(value) if value.bit_length() < 1024 else float("inf" if value > 0 else "-inf")
    if isinstance(value, float):
        return value if value == value else None  # not a number
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else None


def row(session: dict[str, Any]) -> list[Comparable | None]:
    """Return the columns of a session: all fields, in the form in which they are compared."""
    process, sweep = session["process"] or {}, session["sweep"] or {}
    host, user, rank = process.get("host"), process.get("user"), process.get("rank")
    group, trial = sweep.get("id"), sweep.get("trial")
    status, path = session["status"], session["script_path"]
    begin, end = session["start_time"], session["end_time"]
    found = [
        session["id"],
        # Callers may close with either; queries treat them alike.
        "failed" if status == "error" else status,
        begin and (begin - _EPOCH) // _MICROSECOND,
        end and (end - _EPOCH) // _MICROSECOND,
        (end - begin).total_seconds() if begin and end else None,
        session["exit_code"],
        path and path.replace("\\", "/").rpartition("/")[2],
        path,
        session["function"],
        host if isinstance(host, str) else None,
        user if isinstance(user, str) else None,
        session["parent"],
        session["attempt"],
        rank if isinstance(rank, int) else None,
        group if isinstance(group, str) else None,
        trial if isinstance(trial, int) else None,
        session["note"],
        session["artifacts"],
        session["run_dir"],
    ]
    return [v if v is None or _is_comparable(v) else comparable(v) for v in found]


def _is_comparable(value: object) -> bool:
    """Tell quickly of most values that they compare as they are."""
    kind = type(value)
    if kind is str:
        return value.isascii() and "\0" not in value  # type: ignore[attr-defined, operator]
    if kind is int:
        return _LEAST <= value <= _MOST  # type: ignore[operator]
    return kind is float and value == value


def leaves(prefix: str, value: object) -> list[tuple[str, Comparable]]:
    """Return the dotted name and the value of each leaf. The items of a list share its name.

    A whole number among the variables of the environment, which are texts, is a number, too.
    """
    leaves: list[tuple[str, Any]] = []
    stack = [(prefix, value)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if _is_comparable(inner):
                    leaves.append((f"{name}.{key}", inner))
                else:
                    stack.append((f"{name}.{key}", inner))
        elif isinstance(value, list):
            stack.extend((name, inner) for inner in value)
        elif (found := comparable(value)) is not None:
            leaves.append((name, found))
    if prefix == "env":
        leaves += [(name, int(value)) for name, value in leaves if _INTEGER.fullmatch(str(value))]
    return leaves


def values_of(session: dict[str, Any], name: str) -> list[Comparable]:
    """Return the values of a field: none, one, or several for a list."""
    if name in FIELDS:
        value = row(session)[_PLACES[name]]
        if name == "duration_s" and session["status"] == "running" and session["start_time"]:
            value = (datetime.now(UTC) - session["start_time"]).total_seconds()
        return [] if value is None else [value]
    mapping = name.partition(".")[0]
    return [value for found, value in leaves(mapping, session[mapping]) if found == name]
