"""`SessionManager`: the registry as other tools use it."""

from __future__ import annotations

import operator
from pathlib import Path

from scitex_session_core._errors import (
    DuplicateSessionError,
    InvalidTypeError,
    InvalidValueError,
    warn,
)
from scitex_session_core._paths import RECORD_NAME, absolute, check_id, whereabouts
from scitex_session_core._process import identify, liveness
from scitex_session_core._record.record import append_event

from .index import Index
from .journal import journal_close, journal_create, journal_remove, journal_update, registry_dir
from .query import makers, seen_now, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any


_ACTIVE = ("running", "unknown", "lost")


class SessionManager:
    """Registers sessions, closes them and finds them again, from any process.

    A session needs no run directory: any tool can register what it does. `@session` registers
    every run by itself.

    Parameters
    ----------
    registry : path-like, optional
        The directory of the registry; ``$SCITEX_SESSION_REGISTRY`` or, by default, one in the
        user's state directory.

    Examples
    --------
    >>> manager = SessionManager()
    >>> manager.create_session("nightly-import", {"source": "s3"}, pid=None)
    >>> manager.get_session("nightly-import")["status"]
    'running'
    >>> manager.close_session("nightly-import")
    """

    def __init__(self, registry: str | os.PathLike[str] | None = None) -> None:
        self._index = Index(registry_dir() if registry is None else absolute(registry))

    def __repr__(self) -> str:
        return f"SessionManager({str(self._index.registry)!r})"

    def create_session(
        self,
        session_id: str,
        config: dict[str, Any],
        script_path: str | None = None,
        *,
        pid: int | None = 0,
    ) -> None:
        """Register a session that begins now.

        Parameters
        ----------
        session_id : str
            Unique in the registry.
        config : dict
            Anything that describes it; what looks like a secret is masked.
        script_path : str, optional
            The script that runs.
        pid : int or None
            Whose life counts: while that process lives, the session is active. 0, the default, is
            the caller; None makes no claim, and the session is active until it is closed.

        Raises
        ------
        InvalidSessionIdError
            The ID is empty, too long, or could be taken for a path.
        InvalidTypeError
            `session_id` is no string, `config` no dictionary, or `pid` no integer.
        InvalidValueError
            No process with this `pid` is alive.
        DuplicateSessionError
            The registry already holds that ID.
        OSError
            The registry can't be written.
        """
        register(self._index, session_id, config, script_path, pid)

    def close_session(
        self,
        session_id: str,
        status: str = "success",
        exit_code: int | None = 0,
    ) -> None:
        """Mark a session as ended, from whichever process.

        One that is not in the registry, or that has ended before, is warned about, no more.

        Parameters
        ----------
        session_id : str
            The session.
        status : {"success", "failed", "error", "finished"}
            How it ended.
        exit_code : int, optional
            Its exit status.

        Raises
        ------
        InvalidValueError
            No such status.
        InvalidTypeError
            `exit_code` is no integer.
        OSError
            The registry can't be written.
        """
        close(self._index, session_id, status, exit_code)

    def get_active_sessions(self) -> dict[str, Any]:
        """Return the sessions that have not ended, as far as is known, by ID.

        Returns
        -------
        dict
            As `get_session` describes them. A session of another machine, whose process can't be
            looked at from here, has the status ``unknown``; one whose process is dead is not here.
        """
        now = (seen_now(session) for session in self._index.running())
        return {s["id"]: s for s in now if s["status"] in _ACTIVE}

    def get_session(self, session_id: str) -> dict[str, Any]:
        """Return one session.

        Returns
        -------
        dict
            ``id``, ``config``, ``status`` (``running``, ``success``, ``failed``, ``error``,
            ``finished``, ``crashed``, ``unknown``), ``start_time`` and ``end_time`` (`datetime`
            with zone, or None), ``exit_code``, ``script_path``, ``function``, ``arguments``,
            ``results``, ``tags``, ``note``, ``artifacts`` (how many), ``made`` (what `makers`
            finds it by), ``parent``, ``attempt``, ``run_dir``, ``process`` (whose life counts,
            with ``user``, ``host``, ``rank``). Empty where there is no such session.
        """
        session = self._index.get(session_id)
        return {} if session is None else seen_now(session)

    def list_sessions(self) -> dict[str, Any]:
        """Return all sessions, ended or not, by ID, the oldest first.

        Everything is read: of a million sessions, that takes half a minute. `select` gives those
        that are asked for in milliseconds.

        Returns
        -------
        dict
            As `get_session` describes them.
        """
        return {session["id"]: seen_now(session) for session in self._index.everything()}

    def select(
        self,
        filters: Mapping[str, Any] | None = None,
        *,
        sort: str = "-start_time",
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the sessions that meet all filters.

        Parameters
        ----------
        filters : mapping, optional
            From a field to the value it must have, or to a tuple of an operator and a value:
            ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` (a list of values), ``like`` (a
            text, with ``%`` for anything and ``_`` for one character, ASCII letters in either
            case). Fields are ``id``, ``status``, ``start_time``, ``end_time``, ``exit_code``,
            ``script_path``, ``function``, ``host``, ``user``, ``parent``, ``attempt``, ``rank``,
            ``note``, ``artifacts``, ``run_dir``, ``tags``, and what lies in ``arguments``,
            ``config`` and ``results``, by its dotted name: ``results.acc``,
            ``config.MODEL.layers``.
        sort : str
            A field, ``-`` before it for descending. Sessions without a value come last.
        limit : int, optional
            Return no more than this many, the first by `sort`.

        Returns
        -------
        list of dict
            As `get_session` describes them.

        Raises
        ------
        InvalidValueError
            There is no such field or operator, or `limit` is negative.
        InvalidTypeError
            A field can't be compared with that value: times are compared with a `datetime` that
            has a zone, numbers with numbers, texts with texts.

        Notes
        -----
        A field that a session does not have is None, and a filter on a list (``tags``) holds if it
        holds for one of its items; ``!=`` holds where ``=`` does not. The status is the one at this
        moment, and ``failed`` and ``error`` are the same.

        Examples
        --------
        >>> manager = SessionManager()
        >>> best = manager.select(
        ...     {"status": "success", "arguments.lr": (">", 0.01), "tags": "paper"},
        ...     sort="-results.acc",
        ...     limit=10,
        ... )
        """
        return select(self._index, filters, sort, limit)

    def makers(self, sha256: str) -> list[dict[str, Any]]:
        """Return the sessions that made a file, wherever the file is by now.

        Parameters
        ----------
        sha256 : str
            The SHA-256 of the file's content, in hexadecimal digits.

        Returns
        -------
        list of dict
            As `get_session` describes them, the newest first: several that made the same. Sessions
            that go on are among them.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            `sha256` is none.
        """
        return makers(self._index, sha256)

    def update_session(
        self,
        session_id: str,
        *,
        tag: str | None = None,
        untag: str | None = None,
        note: str | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> None:
        """Add to what is known of a session, whether it has ended or not.

        One that is not in the registry is warned about, no more. Where the session has a run
        directory, its record is told first.

        Parameters
        ----------
        session_id : str
            The session.
        tag, untag : str, optional
            A tag to be given, and one to be taken away.
        note : str, optional
            Takes the place of the note it has.
        results : mapping, optional
            Merged into the results it has.

        Raises
        ------
        InvalidTypeError
            `results` is no mapping, or another is no text.
        OSError
            The registry, or the run directory, can't be written.
        """
        update(self._index, session_id, tag=tag, untag=untag, note=note, results=results)

    def remove(self, session_id: str) -> None:
        """Forget a session. Its run directory is left alone, and `reindex` finds it there again.

        One that is not in the registry is warned about, no more.

        Raises
        ------
        OSError
            The registry can't be written.
        """
        remove(self._index, session_id)


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
