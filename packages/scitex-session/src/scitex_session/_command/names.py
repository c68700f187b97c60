"""The names by which users speak of runs, and what is known of the run that they mean."""

from __future__ import annotations

import os
import re

from scitex_session._errors import AmbiguousRunError, UnknownRunError
from scitex_session_core import RECORD_NAME, SessionManager, locate_run, read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, BinaryIO

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?(?::(.+))?\Z")


class Run:
    """A run that was named.

    Attributes
    ----------
    id : str
        Its ID.
    session : dict
        What the registry knows of it, in the form of `SessionManager.get_session`; empty if
        nothing.
    place : Path or None
        Where it is now; None if that is not known, or if it is not there any more.
    """

    def __init__(self, run_id: str, session: dict[str, Any], place: Path | None) -> None:
        self.id = run_id
        self.session = session
        self.place = place

    def record(self) -> dict[str, Any]:
        """Return its record, with the events folded in.

        Raises
        ------
        UnknownRunError
            Its directory is gone.
        RecordError
            The record can't be read.
        """
        return read_record(self._there())

    def names(self) -> list[str]:
        """Return the files of the run, relative to its directory, with ``/``."""
        place = self._there()
        return sorted(
            os.path.relpath(os.path.join(folder, name), place).replace(os.sep, "/")
            for folder, _, files in os.walk(place)
            for name in files
        )

    def open(self, name: str) -> BinaryIO:
        """Open a file of the run for reading.

        Raises
        ------
        OSError
            There is no such file, or it can't be read.
        """
        return open(self._there() / name, "rb")

    def _there(self) -> Path:
        if self.place is None:
            where = self.session.get("run_dir")
            raise UnknownRunError(self.id, f"its directory is gone from {where}")
        return self.place


def named_run(name: str | os.PathLike[str], manager: SessionManager | None = None) -> Run:
    """Return the run that is meant by a name.

    Parameters
    ----------
    name : str or path-like
        An ID, or any beginning or end of one that no other run has; the run's directory; a file
        that the run made; ``latest`` for the run that started last, ``latest~1`` for the one
        before it, ``latest:analysis.py`` for the last of a script.
    manager : SessionManager, optional
        The registry; the user's by default.

    Raises
    ------
    UnknownRunError
        No run is known by this name.
    AmbiguousRunError
        Several runs are.
    """
    manager = SessionManager() if manager is None else manager
    text = os.fspath(name)
    if session := manager.get_session(text):
        return _of_session(session)
    if latest := _LATEST.match(text):
        return _latest(text, int(latest[1] or 0), latest[2], manager)
    if os.path.lexists(text):
        return _of_path(text, manager)
    return _of_part(text, manager)


def _of_session(session: dict[str, Any]) -> Run:
    place = None
    if session["run_dir"] is not None:
        place = locate_run(session["run_dir"])
        if not os.path.exists(place / RECORD_NAME):
            place = None
    return Run(session["id"], session, place)


def _latest(name: str, back: int, script: str | None, manager: SessionManager) -> Run:
    filters = {}
    if script is not None:
        # Names are compared below: `like` knows no separators.
        filters["script_path"] = ("like", f"%{os.path.basename(script)}")
    found = [
        session
        for session in manager.select(filters, limit=None if script else back + 1)
        if script is None or _is_script(session["script_path"], script)
    ]
    if len(found) <= back:
        of = f" of {script}" if script else ""
        raise UnknownRunError(name, f"the registry knows {len(found)} runs{of}")
    return _of_session(found[back])


def _is_script(path: str, script: str) -> bool:
    if os.sep in script:
        return path == os.path.abspath(script)
    return os.path.basename(path) == script


def _of_path(name: str, manager: SessionManager) -> Run:
    from .whence import origins  # reads stamps

    try:
        found = {origin.id: origin for origin in origins(name, manager)}
    except OSError as error:
        raise UnknownRunError(name, error.strerror or str(error)) from error
    if not found:
        raise UnknownRunError(name, "it is there, but no run is known that made it")
    if len(found) > 1:
        raise AmbiguousRunError(name, tuple(found))
    ((run_id, origin),) = found.items()
    return Run(run_id, manager.get_session(run_id), origin.directory)


def _of_part(name: str, manager: SessionManager) -> Run:
    part = name.upper()
    found = {}
    for pattern in (f"{name}%", f"%{name}"):
        for session in manager.select({"id": ("like", pattern)}, limit=1000):
            upper = session["id"].upper()
            if upper.startswith(part) or upper.endswith(part):
                found[session["id"]] = session
    if len(found) > 1:
        raise AmbiguousRunError(name, tuple(found))
    if not found or not name:
        raise UnknownRunError(name, "no ID in the registry begins or ends so, and no such file is")
    (session,) = found.values()
    return _of_session(session)
