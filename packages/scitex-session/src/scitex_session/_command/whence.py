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
    some_of,
)

from .facts import commit_of, script_of
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
    short,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from scitex_session_plot import Stamp

_KEYS = (
    *("file", "member", "id", "found_by", "stamp", "run", "directory", "last_seen", "artifact"),
    "same_content",
)
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
    return origins(file, SessionManager())


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
    status = OK
    listed: list[dict[str, Any]] = []
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
        listed += found
        if not json:
            for gap, origin in enumerate(found, start=number):
                say(f"{chr(10) if gap else ''}{_report(origin)}")
    if json:
        say_json(listed)
    return status


def origins(file: str | os.PathLike[str], manager: SessionManager) -> list[dict[str, Any]]:
    """Find the runs that made a file, by a registry; see `whence`.

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
        by = "itself" if found[1] == path else "directory"
        return [{**_of_directory(name, *found, manager), "found_by": by}]
    from scitex_session_plot import read_stamps

    if stamps := read_stamps(path):
        return [_of_stamp(name, path, stamp, manager) for stamp in stamps]
    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    found = _enclosing(path.parent)
    enclosing = [_of_directory(name, *found, manager)] if found else []
    if found is not None:
        enclosing[0]["artifact"] = _artifact(found[0], digest) or _artifact_at(*found, path)
        if enclosing[0]["artifact"] is not None:
            return enclosing
    makers = [o for s in manager.makers(digest) if (o := _of_content(name, s, digest)) is not None]
    if makers:
        makers[0]["same_content"] = [other["id"] for other in makers[1:]]
    return makers[:1] or enclosing


def _origin(file: str, run_id: str, by: str, **known: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_KEYS)
    return found | {"file": file, "id": run_id, "found_by": by, "same_content": []} | known


def _of_stamp(name: str, path: Path, stamp: Stamp, manager: SessionManager) -> dict[str, Any]:
    session = manager.get_session(stamp.id)
    known = _by_session(session)
    if "directory" not in known:
        # A directory that was moved away from where the registry saw it, with the figure in it.
        found = _enclosing(path.parent)
        if found is not None and found[0]["id"] == stamp.id:
            known = _by_record(*found, session)
    told = stamp._asdict()
    member = told.pop("member") or None
    told["time"] = stamp.time and stamp.time.isoformat()
    return _origin(name, stamp.id, "stamp", member=member, stamp=told, **known)


def _of_content(name: str, session: Mapping[str, Any], digest: str) -> dict[str, Any] | None:
    known = _by_session(session)
    if "directory" in known:
        known["artifact"] = _artifact(read_record(known["directory"]), digest)
        if known["artifact"] is None:
            return None  # the registry keeps a part of the digest; the record has it whole
    return _origin(name, session["id"], "content", **known)


def _of_directory(
    name: str, record: Mapping[str, Any], place: Path, manager: SessionManager
) -> dict[str, Any]:
    ended = record.get("status") != "running"
    session = {} if ended else manager.get_session(record["id"])
    return _origin(name, record["id"], "directory", **_by_record(record, place, session))


def _by_session(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a session: ``directory`` only where that is still there."""
    if not session:
        return {}
    run_dir = session["run_dir"]
    if run_dir is not None:
        try:
            place = locate_run(run_dir)
            record = read_record(place)
        except (RecordError, OSError, ValueError):
            record = {}
        if record.get("id") == session["id"]:
            return _by_record(record, place, session)
    known = described_as_record(session)
    return {"run": {name: known.get(name) for name in _FIELDS}, "last_seen": run_dir}


def _by_record(
    record: Mapping[str, Any], place: Path, session: Mapping[str, Any]
) -> dict[str, Any]:
    run = {name: record.get(name) for name in _FIELDS} | {"status": current_status(record, place)}
    if session and record.get("status") == "running":
        # The run may have registered an end that it could not write here.
        run.update(status=session["status"], exit_status=session["exit_code"])
    # `latest` leads on tomorrow.
    return {"run": run, "directory": str(place.resolve() if place.is_symlink() else place)}


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
    same = (str(a.get("path")) for a in _artifacts(record) if a.get("sha256") == digest)
    return next(same, None)


def _artifact_at(record: Mapping[str, Any], place: Path, path: Path) -> str | None:
    """Return the name under which a run saved this file, whether or not it has changed since."""
    names = (str(artifact.get("path")) for artifact in _artifacts(record))
    return next((name for name in names if place / name == path), None)


def _report(origin: Mapping[str, Any]) -> str:
    """Return an origin as lines of text, without a newline at the end."""
    rows = [(name, value) for name, value in _rows(origin) if value]
    width = max(len(name) for name, _ in rows) + 2
    title = f"{origin['file']}: {origin['member']}" if origin["member"] else origin["file"]
    return "\n".join([printable(title), *(f"  {n:<{width}}{printable(v)}" for n, v in rows)])


def _rows(origin: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    run, stamp = origin["run"] or {}, origin["stamp"] or {}
    git = run["git"] if isinstance(run.get("git"), dict) else {}
    saved, begin = parsed_time(stamp.get("time")), parsed_time(run.get("started"))
    took = run.get("duration_s")
    code = run.get("exit_status")
    yield "run", origin["id"]
    yield "found by", _FOUND_BY[origin["found_by"]]
    yield "saved as", origin["artifact"] or ""
    yield "saved", local_time(saved) if saved else ""
    yield "script", script_of({**run, "script": run.get("script") or stamp.get("script")})
    yield "arguments", _arguments(run.get("arguments"))
    yield "commit", commit_of({**git, "commit": git.get("commit") or stamp.get("commit")})
    said = f", took {duration(took)}" if isinstance(took, int | float) else ""
    yield "started", f"{local_time(begin)}{said}" if begin else ""
    yield "status", f"{run.get('status') or ''}{f' (exit status {code})' if code else ''}"
    yield "directory", _directory(origin)
    yield "the same from", some_of(origin["same_content"], 3)


def _arguments(arguments: object) -> str:
    if not isinstance(arguments, dict):
        return ""
    texts = {n: dumps(v, ensure_ascii=False, default=str) for n, v in arguments.items()}
    return ", ".join(f"{name}={short(text)}" for name, text in texts.items())


def _directory(origin: Mapping[str, Any]) -> str:
    if origin["directory"] is not None:
        return str(origin["directory"])
    if origin["last_seen"] is not None:
        where = origin["last_seen"]
        return f"not where it was, {where} (scitex_session_core.reindex finds it again)"
    return "not known: neither here nor in the registry of this machine"
