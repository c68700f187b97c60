"""The names by which users speak of runs, and what is known of the run that they mean."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from scitex_session._errors import AmbiguousRunError, UnknownRunError
from scitex_session_core import (
    RECORD_NAME,
    SCHEMA,
    InvalidTypeError,
    RecordError,
    SessionManager,
    archive_of,
    find_place,
    locate_run,
    open_run_file,
    out_dir_of_kept,
    read_record,
    run_files,
)

from .output import ago, printable, runs_in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?(?::(.+))?\Z")
_NAMES = (
    "an ID or a part of one at its beginning or end, the directory of a run, a file that it made, "
    "latest, latest~1 or latest:SCRIPT"
)
# A part of an ID that so many runs have is told to be ambiguous, whatever their number.
_MOST_CANDIDATES = 100


class Run:
    """A run that was named.

    Attributes
    ----------
    id : str
        Its ID.
    session : dict
        What the registry knows of it, as `SessionManager.get_session` tells it; empty if nothing.
    place : Path or None
        Where it is now; None if that is not known, or if it is not there any more.
    """

    def __init__(self, run_id: str, session: dict[str, Any], place: Path | None) -> None:
        self.id = run_id
        self.session = session
        self.place = place

    def record(self) -> dict[str, Any]:
        """Return its record, with the events folded in; that of a later schema is refused."""
        place = self.directory()
        record = read_record(place)
        schema = record.get("schema")
        if isinstance(schema, int) and schema > SCHEMA:
            why = f"has schema {schema}, and this version reads up to {SCHEMA}: upgrade"
            raise RecordError(str(place / RECORD_NAME), f"{why} scitex-session")
        if archive_of(place) is not None and self.session:
            # What an archived run was given since, the registry alone knows.
            record["results"] = {**record.get("results", {}), **self.session["results"]}
            record.update({name: self.session[name] for name in ("tags", "note")})
        return record

    def names(self) -> list[str]:
        """Return the files of the run, relative to its directory, with ``/``."""
        return run_files(self.directory())

    def open(self, name: str) -> BinaryIO:
        """Open a file of the run for reading, if it is a regular one."""
        path = self.directory() / name
        if archive_of(self.directory()) is not None:
            return open_run_file(self.directory(), name)
        try:
            file = _opened(path)
        except FileNotFoundError:  # the run has ended, and moved, between the look and the opening
            path = self.directory() / name
            file = _opened(path)
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(errno.EINVAL, "is no regular file", os.fspath(path))
        return file

    def packages(self, record: Mapping[str, Any]) -> dict[str, str] | None:
        """Return what was installed, with the versions; None if the list is not here."""
        digest = str(record.get("environment")).removeprefix("sha256:")
        if self.place is None or not digest.isalnum():
            return None
        place = self.directory()
        # Beside RUNNING and FINISHED_*, for all runs that have the same; an sdir has its own.
        for folder in (place, out_dir_of_kept(place)):
            try:
                text = (folder / ".environments" / f"{digest}.txt").read_text("utf-8", "replace")
            except OSError:
                continue
            return dict(line.split("==", 1) for line in text.splitlines() if "==" in line)
        return None

    def directory(self) -> Path:
        """Return where it is now; raise `UnknownRunError` if it is gone."""
        if self.place is None:
            where = self.absence()
            moved = " (if it was moved: reindex PATH)" if where.startswith("gone") else ""
            why = (
                "it has no directory" if where == "unknown" else f"its directory is {where}{moved}"
            )
            raise UnknownRunError(self.id, why)
        return locate_run(self.place)

    def absence(self) -> str:
        """Return in a few words why there is no place."""
        where = self.session.get("run_dir")
        if where and os.path.isdir(where):  # version 0.3.1 left it
            return f"{where}, which holds no {RECORD_NAME}"
        return f"gone from {where}" if where else "unknown"


def _opened(path: Path) -> BinaryIO:
    # Whoever opens a named pipe waits for its writer.
    flag = getattr(os, "O_NONBLOCK", 0)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | flag))


def named_run(name: str | os.PathLike[str], manager: SessionManager | None = None) -> Run:
    """Return the run that is meant by a name; `record` tells what names there are.

    Raises
    ------
    InvalidTypeError
        The name is neither a text nor a path.
    UnknownRunError, AmbiguousRunError
        No run is known by this name, or several are.
    RecordError
        It is a directory with a record that can't be read.
    """
    text = _text_of(name)
    # A name that is no Unicode can't stand in the registry, and may be a path.
    asked = text.encode("utf-8", "replace").decode()
    if not text.strip():
        raise UnknownRunError(text, f"a name is {_NAMES}")
    manager = SessionManager() if manager is None else manager
    if session := manager.get_session(asked):
        return _of_session(session)
    if latest := _LATEST.match(asked):
        return _latest(asked, int(latest[1] or 0), latest[2], manager)
    elsewhere = None
    try:
        place = os.path.abspath(text)
    except FileNotFoundError:  # the working directory is gone, and nothing lies in it
        place = ""
    if place and archive_of(place) is not None:
        run_id = read_record(place)["id"]
        return Run(run_id, manager.get_session(run_id), Path(place))
    place = place and os.fspath(locate_run(place))
    if place and os.path.lexists(place):
        try:
            return _of_path(text, place, manager)
        except UnknownRunError as error:
            if os.sep in text:
                raise
            elsewhere = error  # a file that happens to have the name of a run
    found = _of_part(asked, manager)
    if not found:
        why = "no ID in the registry begins or ends so, and no such file is here"
        raise elsewhere or UnknownRunError(text, why)
    if len(found) > 1:
        shown = tuple(f"{s['id']} ({_origin(s)})" for s in found)
        raise AmbiguousRunError(text, tuple(s["id"] for s in found), shown)
    return _of_session(found[0])


def _text_of(name: object) -> str:
    text = os.fspath(name) if isinstance(name, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise InvalidTypeError("the name of a run", name, "a text or a path")
    return text


def _of_session(session: dict[str, Any]) -> Run:
    return Run(session["id"], session, _place_of(session))


def _place_of(session: Mapping[str, Any]) -> Path | None:
    """Return the directory of a session; None if it is gone, or that of another run by now."""
    if session["run_dir"] is None:
        return None
    place = locate_run(session["run_dir"])
    try:
        os.stat(place / RECORD_NAME)
    except UnicodeEncodeError as error:
        # Called gone, it would be forgotten by `doctor --forget`.
        why = f"the encoding {error.encoding} of this locale lacks letters of its directory"
        raise UnknownRunError(session["id"], f"{why}, {place}; set PYTHONUTF8=1") from None
    except ValueError:
        return None
    except (FileNotFoundError, NotADirectoryError):
        # In an archive; or moved by a process that was killed before it told the registry.
        return find_place(place)
    except OSError:
        return place  # it is there, and reading it tells what is wrong
    if place.name.startswith(session["id"]):
        return place
    try:
        owner = read_record(place)["id"]
    except RecordError:
        return place
    return place if owner == session["id"] else None  # an sdir that was used again


def _latest(name: str, back: int, script: str | None, manager: SessionManager) -> Run:
    filters: dict[str, Any] | None = None
    if script is not None:
        is_path = os.sep in script
        filters = {"script_path": os.path.abspath(script)} if is_path else {"script": script}
    found = manager.select(filters, limit=back + 1)
    if len(found) <= back:
        of = f" of {script}" if script else ""
        raise UnknownRunError(name, f"the registry knows {runs_in_words(len(found))}{of}")
    return _of_session(found[back])


def _of_path(name: str, place: str, manager: SessionManager) -> Run:
    try:
        os.stat(os.path.join(place, RECORD_NAME))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise UnknownRunError(name, f"it can't be read: {error.strerror}") from error
    else:
        run_id = read_record(place)["id"]
        # `latest` leads to another run tomorrow.
        return Run(run_id, manager.get_session(run_id), Path(os.path.realpath(place)))
    from .whence import origins  # reads stamps

    try:
        found = {origin["id"]: origin["directory"] for origin in origins(place, manager)}
    except OSError as error:
        raise UnknownRunError(name, error.strerror or str(error)) from error
    if not found:
        raise UnknownRunError(name, "it is there, but no run is known that made it")
    if len(found) > 1:
        raise AmbiguousRunError(name, tuple(found))
    ((run_id, directory),) = found.items()
    return Run(run_id, manager.get_session(run_id), Path(directory) if directory else None)


def _of_part(name: str, manager: SessionManager) -> list[dict[str, Any]]:
    """Return the sessions whose IDs begin or end with a text; if they are many, some of them."""
    found: dict[str, dict[str, Any]] = {}
    # The index finds a beginning at once. The others are looked for among all IDs, which takes
    # 20 ms among 100,000.
    looks = (
        {"id": ("<", f"{name}\U0010ffff")},
        {"id": ("like", f"%{name}")},
        {"id": ("like", f"{name}%")},  # in the other case of letters
    )
    for number, filters in enumerate(looks):
        if len(found) > 1 or (found and number == 2):
            break
        for session in manager.select(filters, sort="-id", limit=_MOST_CANDIDATES):
            if has_part(session["id"], name):
                found[session["id"]] = session
    return list(found.values())


def has_part(run_id: str, part: str) -> bool:
    """Tell whether an ID begins or ends with a text, in either case of letters."""
    run_id, part = run_id.upper(), part.upper()
    return run_id.startswith(part) or run_id.endswith(part)


def _origin(session: Mapping[str, Any]) -> str:
    """Return what tells a candidate from others: its script, and when it started."""
    script = os.path.basename(session["script_path"] or "") or "no script"
    start = session["start_time"]
    return printable(f"{script}, {ago(start)}" if start else script)
