"""From a file to the run that made it: looked up, and told."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from json import dumps
from pathlib import Path

from scitex_session_core import (
    RECORD_NAME,
    InvalidTypeError,
    RecordError,
    SessionManager,
    current_status,
    locate_run,
    read_record,
)

from .find import described_as_record
from .output import (
    DIFFERENT,
    OK,
    duration,
    local_time,
    parsed_time,
    printable,
    refuse,
    say,
    say_json,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Literal

    from scitex_session_plot import Stamp

    By = Literal["stamp", "content", "directory", "itself"]

# What is told of a run, from its record or from the registry.
_FIELDS = (
    *("status", "exit_status", "script", "function", "arguments", "argv"),
    *("started", "ended", "duration_s", "git"),
)
_FOUND_BY = {
    "stamp": "the stamp in the file",
    "content": "its content: the run saved a file that is the same to the byte",
    "directory": "the directory that it lies in",
    "itself": "its record: it is the directory of a run",
}
_LONGEST_VALUE = 200


def whence(file: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return which run made a file.

    A figure carries the stamp of its run in its metadata, also when it was copied, renamed, or put
    into an archive or a document. Any other file is looked up by its content among the files that
    runs saved, and by the directory that it lies in.

    Parameters
    ----------
    file : str or path-like
        A file, or the directory of a run.

    Returns
    -------
    list of dict
        One; for an archive or a document, one for each stamped figure in it; none if nothing is
        known of the file. Each has ``file``; ``member``, the figure within it; ``id``; ``found_by``
        (``stamp``, ``content``, ``directory``, or ``itself`` for a run directory); ``stamp``;
        ``run``, what is known of the run, as in its record; ``directory``, where it is now, or
        ``last_seen``; ``artifact``, the name that the run gave to the file; and ``same_content``,
        the IDs of other runs that saved the same. What is not known is None.

    Raises
    ------
    InvalidTypeError
        `file` is neither a text nor a path.
    OSError
        There is no such file, or it can't be read.
    """
    if not isinstance(file, (str, os.PathLike)):
        raise InvalidTypeError("the file", file, "a text or a path")
    return [origin.as_dict() for origin in origins(file, SessionManager())]


def whence_command(*files: str, json: bool = False) -> int:
    """Tell which run made a file.

    A figure carries the stamp of its run in its metadata, also when it was copied, renamed, or put
    into an archive or a document. Any other file is looked up by its content among the files that
    runs saved, and by the directory that it lies in.

    The exit status is 0 if the run of every file was found, 1 if one was not, and 2 if a file could
    not be read.

    Parameters
    ----------
    files : str
        Figures, other files, archives, documents, notebooks, or directories of runs.
    json : bool
        Print an array of JSON objects instead. Its id is null for a file of which nothing is known.
    """
    if not files:
        return refuse("whence needs a FILE", usage="whence")
    manager = SessionManager()
    status, listed = OK, list[dict[str, object]]()
    for number, file in enumerate(files):
        try:
            found = origins(file, manager)
        except OSError as error:
            why = error.strerror or str(error)
            status = max(status, refuse(f"{printable(file) or repr('')}: {why}"))
            continue
        if not found:
            status = max(status, DIFFERENT)
            listed.append({"file": file, "id": None})
            say(f"{printable(file)}: no run is known that made it", sys.stderr)
        listed += [origin.as_dict() for origin in found]
        if not json:
            for gap, origin in enumerate(found, start=number):
                say(f"{chr(10) if gap else ''}{report(origin)}")
    if json:
        say_json(listed)
    return status


class Origin:
    """The run that made a file, as far as it is known.

    Attributes
    ----------
    file : str
        The file, as it was asked for.
    member : str
        The figure inside the file, if that is an archive or a document.
    by : {"stamp", "content", "directory", "itself"}
        How the run was found: the stamp in the file names it; it saved a file of the same content;
        the file lies in its directory; the file is its directory.
    id : str
        The ID of the run.
    stamp : Stamp or None
        The stamp.
    run : dict
        What is known of the run; empty if neither its directory nor the registry is here.
    directory : Path or None
        Where its directory is now.
    last_seen : str or None
        Where its directory was, according to the registry, if it is not there any more.
    artifact : str or None
        The name under which the run saved the file, if that is known.
    same : list of str
        Other runs that saved the same content.
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
        """Return what stands in the JSON output."""
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
    """Find the runs that made a file.

    Parameters
    ----------
    file : path-like
        A file, or a run directory.
    manager : SessionManager
        The registry to look into.

    Returns
    -------
    list of Origin
        One; for an archive or a document, one for each stamped figure in it; none if nothing is
        known of the file.

    Raises
    ------
    OSError
        There is no such file, or it can't be read.

    Notes
    -----
    The stamp counts first, since the file itself carries it. Next is the directory that the file
    lies in, if that run recorded the file: of a hundred runs that wrote the same table, it is the
    one that wrote this file. Next is any run that saved the same content; last is the directory.
    """
    name = os.fspath(file)
    if not name:  # a variable of a shell that is not set, rather than the working directory
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    path = Path(os.path.abspath(file))
    if path.is_dir():
        found = _enclosing(path)
        if found is None:
            return []
        origin = _of_directory(name, *found, manager)
        origin.by = "itself" if found[1] == path else "directory"
        return [origin]
    from scitex_session_plot import read_stamps

    if stamps := read_stamps(path):
        return [_of_stamp(name, path, stamp, manager) for stamp in stamps]
    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    found = _enclosing(path.parent)
    if found is not None:
        origin = _of_directory(name, *found, manager)
        origin.artifact = _artifact(found[0], digest) or _artifact_at(*found, path)
        if origin.artifact is not None:
            return [origin]
    makers = [o for s in manager.makers(digest) if (o := _of_content(name, s, digest)) is not None]
    if makers:
        makers[0].same = [other.id for other in makers[1:]]
        return makers[:1]
    return [_of_directory(name, *found, manager)] if found else []


def _of_stamp(name: str, path: Path, stamp: Stamp, manager: SessionManager) -> Origin:
    origin = Origin(name, "stamp", stamp.id, stamp=stamp)
    session = manager.get_session(stamp.id)
    if not _fill_from_session(origin, session):
        # A directory that was moved away from where the registry saw it, with the figure in it.
        found = _enclosing(path.parent)
        if found is not None and found[0]["id"] == stamp.id:
            _fill_from_record(origin, *found, session)
            origin.last_seen = None
    return origin


def _of_content(name: str, session: Mapping[str, Any], digest: str) -> Origin | None:
    origin = Origin(name, "content", session["id"])
    if _fill_from_session(origin, session) and origin.directory is not None:
        origin.artifact = _artifact(read_record(origin.directory), digest)
        if origin.artifact is None:
            return None  # the registry keeps a part of the digest; the record has it whole
    return origin


def _of_directory(
    name: str, record: Mapping[str, Any], place: Path, manager: SessionManager
) -> Origin:
    origin = Origin(name, "directory", record["id"])
    ended = record.get("status") != "running"
    _fill_from_record(origin, record, place, {} if ended else manager.get_session(record["id"]))
    return origin


def _fill_from_session(origin: Origin, session: Mapping[str, Any]) -> bool:
    """Fill in what is known of a session. Return whether its directory is there."""
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
            _fill_from_record(origin, record, place, session)
            return True
        origin.last_seen = run_dir
    known = described_as_record(session)
    origin.run = {name: known.get(name) for name in _FIELDS}
    return False


def _fill_from_record(
    origin: Origin, record: Mapping[str, Any], place: Path, session: Mapping[str, Any]
) -> None:
    origin.directory = (
        place.resolve() if place.is_symlink() else place
    )  # `latest` leads on tomorrow
    origin.run = {name: record.get(name) for name in _FIELDS}
    origin.run["status"] = current_status(record, place)
    if session and record.get("status") == "running":
        # The run may have registered an end that it could not write here.
        origin.run.update(status=session["status"], exit_status=session["exit_code"])


def _enclosing(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """Return the record and the directory of the run in whose directory `folder` lies."""
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
    """Return the name under which a run saved this file, whether or not it has changed since."""
    for artifact in _artifacts(record):
        if place / str(artifact.get("path")) == path:
            return str(artifact.get("path"))
    return None


def report(origin: Origin) -> str:
    """Return an origin as lines of text, without a newline at the end."""
    rows = [(name, value) for name, value in _rows(origin) if value]
    width = max(len(name) for name, _ in rows) + 2
    title = f"{origin.file}: {origin.member}" if origin.member else origin.file
    return "\n".join([printable(title), *(f"  {n:<{width}}{printable(v)}" for n, v in rows)])


def _rows(origin: Origin) -> list[tuple[str, str]]:
    run, stamp = origin.run, origin.stamp
    rows = [("run", origin.id), ("found by", _FOUND_BY[origin.by])]
    if origin.artifact is not None:
        rows.append(("saved as", origin.artifact))
    if stamp is not None and stamp.time is not None:
        rows.append(("saved", local_time(stamp.time)))
    rows += [
        ("script", _script(run, stamp.script if stamp else None)),
        ("arguments", _arguments(run.get("arguments"))),
        ("commit", _commit(run.get("git"), stamp.commit if stamp else None)),
        ("started", _started(run)),
        ("status", _status(run)),
        ("directory", _directory(origin)),
    ]
    if origin.same:
        shown = ", ".join(origin.same[:3])
        rows.append(("the same from", f"{shown}{', …' if len(origin.same) > 3 else ''}"))
    return rows


def _script(run: dict[str, Any], stamped: str | None) -> str:
    script = run.get("script") or stamped
    function = run.get("function")
    return f"{script}, function {function}" if script and function else str(script or "")


def _arguments(arguments: object) -> str:
    if not isinstance(arguments, dict):
        return ""
    return ", ".join(f"{name}={_value(value)}" for name, value in arguments.items())


def _value(value: object) -> str:
    text = dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _commit(git: object, stamped: str | None) -> str:
    if not isinstance(git, dict):
        return stamped or ""
    commit = git.get("commit") or stamped
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changes = ", with changes that are not in it" if git.get("dirty") else ""
    return f"{commit}{branch}{changes}" if commit else ""


def _started(run: dict[str, Any]) -> str:
    begin = parsed_time(run.get("started"))
    if begin is None:
        return ""
    seconds = run.get("duration_s")
    took = f", took {duration(seconds)}" if isinstance(seconds, int | float) else ""
    return f"{local_time(begin)}{took}"


def _status(run: dict[str, Any]) -> str:
    status = run.get("status")
    code = run.get("exit_status")
    return f"{status} (exit status {code})" if status and code else str(status or "")


def _directory(origin: Origin) -> str:
    if origin.directory is not None:
        return str(origin.directory)
    if origin.last_seen is not None:
        return f"not where it was, {origin.last_seen} (scitex_session_core.reindex finds it again)"
    return "not known: neither here nor in the registry of this machine"
