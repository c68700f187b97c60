"""From a file to the run that made it."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session_core import RecordError, current_status, locate_run, read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Literal

    from scitex_session_core import SessionManager
    from scitex_session_plot import Stamp

    By = Literal["stamp", "content", "directory", "itself"]

RECORD_NAME = "session.json"
# What is said of a run, from its record or from the registry.
_SAID = (
    *("status", "exit_status", "script", "function", "arguments", "argv"),
    *("started", "ended", "duration_s", "git"),
)


class Origin:
    """Where a file comes from, as far as can be told.

    Attributes
    ----------
    file : str
        The file, as it was asked for.
    member : str
        The figure inside it, where the file is an archive or a document.
    by : {"stamp", "content", "directory", "itself"}
        What tells it: the stamp in the file; that a run made a file of this very content; that
        the file lies in the run's directory, or is that directory.
    id : str
        The run.
    stamp : Stamp or None
        The stamp.
    run : dict
        What is known of the run; empty where neither its directory nor the registry is at hand.
    directory : Path or None
        Where its directory is now.
    last_seen : str or None
        Where the registry says that it was, when it is not there any more.
    artifact : str or None
        The name under which the run saved the file, where that is known.
    same : list of str
        Other runs that made the same content.
    """

    def __init__(self, file: str, by: By, run_id: str, *, stamp: Stamp | None = None) -> None:
        self.file = file
        self.member = stamp.member if stamp else ""
        self.by = by
        self.id = run_id
        self.stamp = stamp
        self.run: dict[str, Any] = {}
        self.directory: Path | None = None
        self.last_seen: str | None = None
        self.artifact: str | None = None
        self.same: list[str] = []

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        stamp = self.stamp._asdict() if self.stamp else None
        if stamp is not None:
            del stamp["member"]
            stamp["time"] = stamp["time"] and stamp["time"].isoformat()
        return {
            "file": self.file,
            "member": self.member or None,
            "id": self.id,
            "found_by": self.by,
            "stamp": stamp,
            "run": self.run or None,
            "directory": str(self.directory) if self.directory else None,
            "last_seen": self.last_seen,
            "artifact": self.artifact,
            "same_content": self.same,
        }


def origins(file: str | os.PathLike[str], manager: SessionManager) -> list[Origin]:
    """Find the runs that a file comes from.

    Parameters
    ----------
    file : path-like
        A file, or a run directory.
    manager : SessionManager
        The registry to ask.

    Returns
    -------
    list of Origin
        One; of an archive or a document, one for each stamped figure in it; none where nothing is
        known of the file.

    Raises
    ------
    OSError
        There is no such file, or it can't be read.

    Notes
    -----
    A stamp is what the file itself says, and goes first. Then the directory that it lies in,
    where that run says that it saved it: of a hundred runs that wrote the same table, that is the
    one that wrote this file. Then any run that made this content; last, the directory alone.
    """
    path = Path(os.path.abspath(file))
    name = os.fspath(file)
    if path.is_dir():
        found = _enclosing(path)
        if found is None:
            return []
        origin = _of_directory(name, *found)
        origin.by = "itself" if found[1] == path else "directory"
        return [origin]
    from scitex_session_plot import read_stamps

    if stamps := read_stamps(path):
        return [_of_stamp(name, path, stamp, manager) for stamp in stamps]
    digest = _sha256(path)
    found = _enclosing(path.parent)
    if found is not None:
        origin = _of_directory(name, *found)
        origin.artifact = _artifact(found[0], digest) or _artifact_at(*found, path)
        if origin.artifact is not None:
            return [origin]
    makers = [o for s in manager.makers(digest) if (o := _of_content(name, s, digest)) is not None]
    if makers:
        makers[0].same = [other.id for other in makers[1:]]
        return makers[:1]
    return [_of_directory(name, *found)] if found else []


def _of_stamp(name: str, path: Path, stamp: Stamp, manager: SessionManager) -> Origin:
    origin = Origin(name, "stamp", stamp.id, stamp=stamp)
    session = manager.get_session(stamp.id)
    if not _tell_of_session(origin, session):
        # A directory that was moved away from where the registry saw it, with the figure in it.
        found = _enclosing(path.parent)
        if found is not None and found[0]["id"] == stamp.id:
            _tell_of_record(origin, *found)
            origin.last_seen = None
    return origin


def _of_content(name: str, session: Mapping[str, Any], digest: str) -> Origin | None:
    origin = Origin(name, "content", session["id"])
    if _tell_of_session(origin, session) and origin.directory is not None:
        origin.artifact = _artifact(read_record(origin.directory), digest)
        if origin.artifact is None:
            return None  # the registry keeps a part of the digest; the record has it whole
    return origin


def _of_directory(name: str, record: Mapping[str, Any], place: Path) -> Origin:
    origin = Origin(name, "directory", record["id"])
    _tell_of_record(origin, record, place)
    return origin


def _tell_of_session(origin: Origin, session: Mapping[str, Any]) -> bool:
    """Take over what is known of a session; tell whether its directory is there."""
    if not session:
        return False
    run_dir = session["run_dir"]
    if run_dir is not None:
        try:
            place = locate_run(run_dir)
            record = read_record(place)
        except (RecordError, OSError, ValueError):
            record = {}
        if record.get("id") == session["id"]:
            _tell_of_record(origin, record, place)
            return True
        origin.last_seen = run_dir
    begin, end = session["start_time"], session["end_time"]
    origin.run = {
        **dict.fromkeys(_SAID),
        "status": session["status"],
        "exit_status": session["exit_code"],
        "script": session["script_path"],
        "function": session["function"],
        "arguments": session["arguments"],
        "started": begin and begin.isoformat(),
        "ended": end and end.isoformat(),
        "duration_s": (end - begin).total_seconds() if begin and end else None,
    }
    return False


def _tell_of_record(origin: Origin, record: Mapping[str, Any], place: Path) -> None:
    origin.directory = place
    origin.run = {name: record.get(name) for name in _SAID}
    origin.run["status"] = current_status(record, place)


def _enclosing(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """Return the record of the run in whose directory `folder` lies, and that directory."""
    for place in (folder, *folder.parents):
        if not (place / RECORD_NAME).is_file():
            continue
        try:
            return read_record(place), place
        except (RecordError, OSError):
            continue  # a file of another program that has this name
    return None


def _artifacts(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = record.get("artifacts")
    if isinstance(listed, list):
        yield from (a for a in listed if isinstance(a, dict) and a.get("role") == "output")


def _artifact(record: Mapping[str, Any], digest: str) -> str | None:
    """Return the name under which a run saved a file of this content."""
    for artifact in _artifacts(record):
        if artifact.get("sha256") == digest:
            return str(artifact.get("path"))
    return None


def _artifact_at(record: Mapping[str, Any], place: Path, path: Path) -> str | None:
    """Return the name under which a run saved a file here, if it did, changed since or not."""
    for artifact in _artifacts(record):
        if place / str(artifact.get("path")) == path:
            return str(artifact.get("path"))
    return None


def _sha256(path: Path) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
