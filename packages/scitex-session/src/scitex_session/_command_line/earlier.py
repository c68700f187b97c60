"""The run that is to be resumed, and the arguments that it had; imported where there is one."""

from __future__ import annotations

import os

from scitex_session_core import MASK, attempt_of, check_resumable, find_attempt, jsonable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


_LONGEST = 60  # characters of a value in a message


class Earlier:
    """The earlier attempt of a run that is to be resumed.

    Parameters
    ----------
    place : Path
        Where the run is.
    record : mapping
        Its record.

    Attributes
    ----------
    place, record
        As they were given.
    """

    def __init__(self, place: Path, record: Mapping[str, Any]) -> None:
        self.place = place
        self.record = record

    def __str__(self) -> str:
        return f"attempt {attempt_of(self.record)} of {self.record['id']}"

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that can be had from the record: a secret is not in it."""
        found = self.record.get("arguments")
        known = found if isinstance(found, dict) else {}
        return {name: value for name, value in known.items() if MASK not in str(value)}

    def changed(self, arguments: Mapping[str, Any]) -> list[str]:
        """Return which arguments differ now, as texts such as ``lr=0.2 (0.1 before)``."""
        now, before = jsonable(dict(arguments)), self.arguments
        names = [name for name in now if name in before and now[name] != before[name]]
        return [f"{name}={_short(now[name])} ({_short(before[name])} before)" for name in names]


def named_attempt(
    name: str | os.PathLike[str], script: Path | None, function: str | None, out: Any
) -> Earlier | None:
    """Return the run that is to be resumed by a session of this function.

    Parameters
    ----------
    name : str or path-like
        The run, as `find_attempt` takes it.
    script : Path or None
        The script of the session.
    function : str or None
        Its function.
    out : path-like or None
        The folder for ``<script>_out``, where one was asked for.

    Returns
    -------
    Earlier or None
        None if it is a run of another function of the script: of the sessions in one process, each
        goes on with its own.

    Raises
    ------
    NotResumableError
        There is no such run, it may be alive, or it is another script's.
    """
    from scitex_session_core import NotResumableError

    place = find_attempt(name, script, out=out)
    record = check_resumable(place)
    theirs = str(record.get("script") or "")
    if os.path.basename(theirs) != (script.name if script else ""):
        raise NotResumableError(os.fspath(name), f"it is a run of {theirs or 'no script'}")
    return Earlier(place, record) if record.get("function") in (function, None) else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
