"""`SessionManager`: the registry as other tools use it."""

from __future__ import annotations

from operator import index

from ._errors import DuplicateSessionError, InvalidTypeError, InvalidValueError, warn
from ._fold import JournalFold, seen_now
from ._ids import check_id
from ._journal import journal_close, journal_create
from ._places import absolute, registry_dir
from ._process import identify, liveness

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

_STATUSES = ("success", "failed", "error", "finished")


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
        self._registry = registry_dir() if registry is None else absolute(registry)
        self._fold = JournalFold(self._registry)

    def __repr__(self) -> str:
        return f"SessionManager({str(self._registry)!r})"

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
        check_id(session_id)
        _check_config(config)
        process = None if pid is None else _process(pid)
        self._fold.refresh()
        if session_id in self._fold.sessions:
            raise DuplicateSessionError(session_id, str(self._registry))
        script = None if script_path is None else str(script_path)
        line = journal_create(
            self._registry, session_id, config, script_path=script, process=process
        )
        # Of two that registered the same ID at once, the second learns it here.
        self._fold.refresh()
        if self._fold.lines.get(session_id) != line:
            raise DuplicateSessionError(session_id, str(self._registry))

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
        if status not in _STATUSES:
            raise InvalidValueError("status", status, "one of " + ", ".join(_STATUSES))
        code = None if exit_code is None else _integer("exit_code", exit_code, "an integer or None")
        session = self.get_session(session_id)
        if not session:
            warn(f"no session {session_id!r} to close in the registry {self._registry}")
        elif session["status"] in _STATUSES:
            warn(f"session {session_id!r} was closed before, as {session['status']}: it stays so")
        else:
            journal_close(self._registry, session_id, status, code)

    def get_active_sessions(self) -> dict[str, Any]:
        """Return the sessions that have not ended, as far as is known, by ID.

        Returns
        -------
        dict
            As `get_session` describes them. A session of another machine, whose process can't be
            looked at from here, has the status ``unknown``; one whose process is dead is not here.
        """
        return {
            session_id: session
            for session_id, session in self.list_sessions().items()
            if session["status"] in ("running", "unknown")
        }

    def get_session(self, session_id: str) -> dict[str, Any]:
        """Return one session.

        Returns
        -------
        dict
            ``id``, ``config``, ``status`` (``running``, ``success``, ``failed``, ``error``,
            ``finished``, ``crashed``, ``unknown``), ``start_time`` and ``end_time`` (`datetime`
            with zone, or None), ``exit_code``, ``script_path``, ``run_dir``, ``process``. Empty
            where there is no such session.
        """
        self._fold.refresh()
        session = self._fold.sessions.get(session_id)
        return {} if session is None else seen_now(session)

    def list_sessions(self) -> dict[str, Any]:
        """Return all sessions, ended or not, by ID, the oldest first.

        Returns
        -------
        dict
            As `get_session` describes them.
        """
        self._fold.refresh()
        by_start = sorted(self._fold.sessions.items(), key=lambda item: str(item[1]["start_time"]))
        return {session_id: seen_now(session) for session_id, session in by_start}


def _check_config(config: object) -> None:
    if not isinstance(config, dict):
        raise InvalidTypeError("config", config, "a dictionary")


def _process(pid: object) -> dict[str, Any]:
    allowed = "the ID of a process that is alive, 0 for this one, or None"
    number = _integer("pid", pid, allowed)
    process = identify(number or None)
    if number < 0 or liveness(process) == "dead":
        raise InvalidValueError("pid", pid, allowed)
    return process


def _integer(name: str, value: object, allowed: str) -> int:
    try:
        return index(value)  # type: ignore[arg-type]  # numpy's integers are integers, too
    except TypeError:
        raise InvalidTypeError(name, value, allowed) from None
