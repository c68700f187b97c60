"""`SessionManager`: the registry, for any tool."""

from __future__ import annotations

import operator
from pathlib import Path

from scitex_session_core._errors import (
    DuplicateSessionError,
    InvalidTypeError,
    InvalidValueError,
    warn,
)
from scitex_session_core._paths import RECORD_NAME, absolute, check_id, locate_run
from scitex_session_core._process import identify, liveness
from scitex_session_core._record.record import append_event, read_record

from .index import Index
from .journal import journal_close, journal_create, journal_remove, journal_update, registry_dir
from .query import makers, names, select, session_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

_ACTIVE = ("running", "unknown", "lost")
_END_STATUSES = ("success", "failed", "error", "finished")


class SessionManager:
    """Registers sessions, closes them and finds them again, from any process.

    A session needs no run directory: any tool can register what it does. `@session` registers each
    of its runs.

    Parameters
    ----------
    registry : path-like, optional
        The directory of the registry; by default ``$SCITEX_SESSION_REGISTRY`` or, if that is not
        set, one in the user's state directory.

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
            An ID that is unique in the registry.
        config : dict
            Anything that describes the session. Secrets are masked.
        script_path : str, optional
            The script that runs.
        pid : int or None
            The process with which the session lives: when it dies, the session counts as crashed.
            0, the default, is the caller. With None, the session is active until it is closed.

        Raises
        ------
        InvalidSessionIdError
            The ID is empty, too long, or could be taken for a path.
        InvalidTypeError
            `session_id` is no string, `config` no dictionary, or `pid` no integer.
        InvalidValueError
            There is no live process `pid`.
        DuplicateSessionError
            The registry already holds that ID.
        OSError
            The registry can't be written.
        """
        check_id(session_id)
        _check_dict("config", config)
        process = None if pid is None else _live_process(pid)
        registry = self._index.registry
        if self._index.get(session_id) is not None:
            raise DuplicateSessionError(session_id, str(registry))
        script = None if script_path is None else str(script_path)
        token = journal_create(registry, session_id, config, script_path=script, process=process)
        # Of two processes that register the same ID at once, the second learns it here. None: the
        # index can't be updated just now, and what was written stands.
        if self._index.creation_token(session_id) not in (token, None):
            raise DuplicateSessionError(session_id, str(registry))

    def close_session(
        self,
        session_id: str,
        status: str = "success",
        exit_code: int | None = 0,
    ) -> None:
        """Mark a session as ended, from any process.

        A session that is not in the registry, or that ended before, only causes a warning.

        Parameters
        ----------
        session_id : str
            The ID of the session.
        status : {"success", "failed", "error", "finished"}
            How it ended.
        exit_code : int, optional
            Its exit status.

        Raises
        ------
        InvalidValueError
            There is no such status.
        InvalidTypeError
            `exit_code` is no integer.
        OSError
            The registry can't be written.
        """
        if status not in _END_STATUSES:
            raise InvalidValueError("status", status, "one of " + ", ".join(_END_STATUSES))
        code = None if exit_code is None else _integer("exit_code", exit_code, "an integer or None")
        session = self._index.get(session_id)
        if session is None:
            self._warn_missing(session_id, "close")
        elif (before := session_now(session)["status"]) in _END_STATUSES:
            warn(f"session {session_id!r} was closed before, as {before}: it stays so")
        else:
            journal_close(self._index.registry, session_id, status, code)

    def get_active_sessions(self) -> dict[str, Any]:
        """Return the sessions that have not ended, as far as is known, by ID.

        Returns
        -------
        dict
            From each ID to the session, in the form of `get_session`. A session of another
            machine, whose process can't be looked at from here, has the status ``unknown``.
            Sessions whose process is dead are not included.
        """
        now = (session_now(session) for session in self._index.running())
        return {s["id"]: s for s in now if s["status"] in _ACTIVE}

    def get_session(self, session_id: str) -> dict[str, Any]:
        """Return one session.

        Returns
        -------
        dict
            ``id``, ``config``, ``status`` (``running``, ``success``, ``failed``, ``error``,
            ``finished``, ``crashed``, ``lost``, ``unknown``), ``start_time`` and ``end_time``
            (`datetime` with zone, or None), ``exit_code``, ``script_path``, ``function``,
            ``arguments``, ``env``, ``results``, ``tags``, ``note``, ``artifacts`` (their number),
            ``made`` (shortened digests of the output files), ``parent``, ``attempt``, ``sweep``
            (with ``id`` and ``trial``), ``run_dir``, ``process`` (with ``user``, ``host``,
            ``rank``). It is empty if there is no such session.
        """
        session = self._index.get(session_id)
        return {} if session is None else session_now(session)

    def list_sessions(self) -> dict[str, Any]:
        """Return all sessions by ID, the oldest first.

        For a million sessions this takes half a minute. `select` returns those that you ask for in
        milliseconds.

        Returns
        -------
        dict
            From each ID to the session, in the form of `get_session`.
        """
        return {session["id"]: session_now(session) for session in self._index.all_sessions()}

    def directories(self) -> dict[str, Path]:
        """Return where the run of each session was last seen.

        It may have been moved or deleted since: `locate_run` finds one that has only ended.

        Returns
        -------
        dict
            From each ID to the run directory. Sessions that never had one are left out.
        """
        return {name: Path(place) for name, place in self._index.directories().items()}

    def select(
        self,
        filters: Mapping[str, Any] | tuple[Any, ...] | None = None,
        *,
        sort: str = "-start_time",
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the sessions that meet all filters.

        Parameters
        ----------
        filters : mapping or tuple, optional
            From a field to the value that it must have, or to a tuple of an operator and a value.
            Operators are ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``in`` (with a list of
            values), ``like`` (with a text in which ``%`` stands for any text and ``_`` for any
            character; the case of ASCII letters does not count) and ``~`` (with a regular
            expression, which matches anywhere in a text). Fields are ``id``, ``status``,
            ``start_time``, ``end_time``, ``duration_s``, ``exit_code``, ``script`` (the name of the
            script without its folder), ``script_path``, ``function``, ``host``, ``user``,
            ``parent``, ``attempt``, ``rank``, ``sweep``, ``trial``, ``note``, ``artifacts``,
            ``run_dir``, ``tags``, and
            the values in ``arguments``, ``config``, ``results`` and ``env`` (recorded variables of
            the environment) by their dotted names: ``results.acc``, ``config.MODEL.layers``,
            ``env.SLURM_ARRAY_TASK_ID``.

            Filters are joined by tuples: ``("or", one, another, …)``, ``("and", one, another, …)``
            and ``("not", one)``, where each is a mapping or such a tuple.
        sort : str
            A field, with ``-`` before it for descending order. Sessions without a value come last.
        limit : int, optional
            The largest number of sessions to return, the first by `sort`.

        Returns
        -------
        list of dict
            The sessions, in the form of `get_session`.

        Raises
        ------
        InvalidValueError
            There is no such field, operator or status, `limit` is negative, or a regular expression
            takes too long.
        InvalidTypeError
            A field can't be compared with that value. Times are compared with a `datetime` with
            zone or a text in ISO 8601 (local without a zone), numbers with numbers, texts with
            texts.

        Notes
        -----
        A field that a session does not have is None. A filter on a list (``tags``) holds if it
        holds for one of its items. ``!=`` holds where ``=`` does not. The status is that of this
        moment, and ``failed`` and ``error`` are the same. The duration of a running session is that
        up to now. A whole number in the environment is a number, too.

        Examples
        --------
        >>> manager = SessionManager()
        >>> best = manager.select(
        ...     {"status": "success", "arguments.lr": (">", 0.01), "tags": "paper"},
        ...     sort="-results.acc",
        ...     limit=10,
        ... )
        >>> odd = manager.select(("or", {"status": "failed"}, ("not", {"host": "node7"})))
        """
        return select(self._index, filters, sort, limit)

    def names(self) -> list[str]:
        """Return the dotted names of the values by which sessions can be selected.

        Returns
        -------
        list of str
            The names of all arguments, results, values of configurations and variables of the
            environment, such as ``arguments.lr``, that a session has or had. Values that are None,
            and lists and dictionaries that are empty, do not count.
        """
        return names(self._index)

    def makers(self, sha256: str) -> list[dict[str, Any]]:
        """Return the sessions that made a file, by its content.

        Parameters
        ----------
        sha256 : str
            The SHA-256 of the file, in hexadecimal digits.

        Returns
        -------
        list of dict
            The sessions that made the same content, the newest first, in the form of
            `get_session`. Running sessions are included.

        Raises
        ------
        InvalidTypeError, InvalidValueError
            `sha256` is no SHA-256.
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
        """Change tags, note or results of a session, which may have ended.

        If the session has a run directory, its events are appended to first. A session that is not
        in the registry only causes a warning.

        Parameters
        ----------
        session_id : str
            The ID of the session.
        tag, untag : str, optional
            A tag to add, and one to remove.
        note : str, optional
            The new note, in place of the earlier one.
        results : mapping, optional
            Results to merge into the earlier ones.

        Raises
        ------
        InvalidTypeError
            `results` is no dictionary, or another argument is no text.
        RecordError
            The record in the run directory can't be read.
        OSError
            The registry, or the run directory, can't be written.
        """
        texts = {"tag": tag, "untag": untag, "note": note}
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise InvalidTypeError(name, value, "a text or None")
        if results is not None:
            _check_dict("results", results)
        session = self._index.get(session_id)
        if session is None:
            self._warn_missing(session_id, "update")
            return
        if session["run_dir"] is not None:
            run_dir = locate_run(Path(session["run_dir"]))
            # By now it may be that of another run, which was given the same `sdir`.
            if (run_dir / RECORD_NAME).exists() and read_record(run_dir)["id"] == session_id:
                for name, value in texts.items():
                    if value is not None:
                        append_event(run_dir, name, **{"tag" if name == "untag" else name: value})
                if results is not None:
                    append_event(run_dir, "result", results=results)
        registry = self._index.registry
        journal_update(registry, session_id, tag=tag, untag=untag, note=note, results=results)

    def remove(self, session_id: str) -> None:
        """Forget a session. Its run directory stays, and `reindex` can register it again.

        A session that is not in the registry only causes a warning.

        Raises
        ------
        OSError
            The registry can't be written.
        """
        if self._index.get(session_id) is None:
            self._warn_missing(session_id, "remove")
        else:
            journal_remove(self._index.registry, session_id)

    def _warn_missing(self, session_id: str, purpose: str) -> None:
        warn(f"no session {session_id!r} to {purpose} in the registry {self._index.registry}")


def _check_dict(name: str, value: object) -> None:
    if not isinstance(value, dict):
        raise InvalidTypeError(name, value, "a dictionary")


def _live_process(pid: object) -> dict[str, Any]:
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
