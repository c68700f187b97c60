"""Read runs that lie in an archive, without unpacking it.

An archive is a zip file of runs. Its manifest, the member ``MANIFEST.jsonl``, has a line about the
archive, and one for each run: the name of its directory, its folder, and its entries with names,
modes, times and digests. Nothing in it is trusted: it may have been made by anybody.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import zlib
from io import BufferedReader, RawIOBase
from struct import error as StructError  # noqa: N812  # it is an exception
from threading import Lock
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from ._errors import ArchiveError
from ._paths import ENVIRONMENTS, STATUS_OF_FOLDER, archive_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO, Any
    from zipfile import ZipInfo

MANIFEST_NAME = "MANIFEST.jsonl"
SCHEMA = 1
MARK = b"scitex-session archive"
"""The comment of the zip file, by which an archive of ours is known from any other."""

_ENVIRONMENT = re.compile(rf"{re.escape(ENVIRONMENTS)}/[0-9a-f]{{64}}\.txt")
_MOST_BYTES = 512 << 20  # of a manifest: some two million files
_LONGEST_NAME = 255
_BUFFER = 64 << 10
_NAME_KEY = '{"name": '
_NEEDED: dict[str, dict[str, type]] = {
    "dir": {"mode": int, "mtime_ns": int},
    "file": {"mode": int, "mtime_ns": int, "size": int, "sha256": str},
    "link": {"mtime_ns": int, "target": str},
    "same": {"as": str},
}
_DAMAGE = (
    *(BadZipFile, OSError, ValueError, KeyError, TypeError, RecursionError, EOFError),
    *(NotImplementedError, RuntimeError, StructError, zlib.error, OverflowError),
)


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is an archive of runs, by its last bytes."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a named pipe would be waited for
            return False
        with open(path, "rb") as file:
            file.seek(-len(MARK), os.SEEK_END)
            return file.read() == MARK
    except OSError:
        return False


class Archive:
    """An archive of runs, open for reading.

    Parameters
    ----------
    path : Path
        The archive.

    Attributes
    ----------
    path : Path
        The archive.
    head : dict
        What the first line of the manifest says.
    names : tuple of str
        The names of the runs' directories.

    Raises
    ------
    ArchiveError
        It is no archive of ours, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not is_archive(path):
            raise ArchiveError(str(path), "it is none of scitex-session, or its end is missing")
        try:
            self._zip = ZipFile(path)
            self._members = self._checked_members()
            lines = self._manifest().decode("utf-8").removesuffix("\n").split("\n")
            self.head = self._checked_head(lines)
            self._lines = {_name_on(line): line for line in lines[1:]}
            if len(self._lines) != len(lines) - 1:
                raise ArchiveError(str(path), "two of its runs have the same name")
        except ArchiveError:
            raise
        except _DAMAGE as error:
            raise ArchiveError(str(path), f"it is damaged ({error})") from error
        self.names = tuple(self._lines)

    def close(self) -> None:
        """Close it; files of it that are open stay so."""
        self._zip.close()

    def run(self, name: str) -> ArchivedRun:
        """Return a run by the name of its directory.

        Raises
        ------
        ArchiveError
            It holds no such run, or what it says of it can't be.
        """
        if name not in self._lines:
            raise ArchiveError(str(self.path), f"it holds no run {name!r}")
        try:
            return ArchivedRun(self, json.loads(self._lines[name]))
        except ArchiveError:
            raise
        except _DAMAGE as error:
            raise ArchiveError(str(self.path), f"what it says of {name!r} is damaged") from error

    def open_member(self, member: str, size: int | None = None) -> BufferedReader:
        """Open a member for reading; `size` is how large it must be.

        Raises
        ------
        ArchiveError
            There is no such member, or it has another size.
        """
        info = self._members.get(member)
        if info is None or (size is not None and info.file_size != size):
            what = "is missing" if info is None else "has another size than it should have"
            raise ArchiveError(str(self.path), f"its member {member!r} {what}")
        try:
            return BufferedReader(_Member(self._zip.open(info), f"{self.path}/{member}"), _BUFFER)
        except _DAMAGE as error:
            raise ArchiveError(str(self.path), f"its member {member!r} is damaged") from error

    def environments(self) -> list[str]:
        """Return the members that say what was installed: ``.environments/<sha256>.txt``."""
        return [member for member in self._members if _ENVIRONMENT.fullmatch(member)]

    def _checked_members(self) -> dict[str, ZipInfo]:
        """Return the members by name; refuse what a bomb is made of."""
        infos = self._zip.infolist()
        members = {info.filename: info for info in infos}
        if len(members) != len(infos):
            raise ArchiveError(str(self.path), "two of its members have the same name")
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or info.flag_bits & 1:
                why = f"its member {info.filename!r} is packed as no archive of ours is"
                raise ArchiveError(str(self.path), why)
            # Members that share their bytes make a few kilobytes grow to petabytes.
            if info.header_offset < end:
                raise ArchiveError(str(self.path), "its members overlap")
            end = info.header_offset + 30 + info.compress_size
        return members

    def _manifest(self) -> bytes:
        info = self._members.get(MANIFEST_NAME)
        if info is None or info.file_size > _MOST_BYTES:
            what = "has no manifest" if info is None else "has a manifest that is far too large"
            raise ArchiveError(str(self.path), f"it {what}")
        return self._zip.read(info)

    def _checked_head(self, lines: list[str]) -> dict[str, Any]:
        head = json.loads(lines[0]) if lines else None
        if not isinstance(head, dict) or not isinstance(head.get("schema"), int):
            raise ArchiveError(str(self.path), "its manifest has no schema")
        schema = head["schema"]
        if schema > SCHEMA:
            why = f"it has the schema {schema}, and this version reads {SCHEMA}: upgrade"
            raise ArchiveError(str(self.path), why)
        return head


class _Member(RawIOBase):
    """A member that is read. Damage is an `OSError`, as of any file."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except _DAMAGE as error:
            raise OSError(errno.EIO, f"is damaged ({error})", self._name) from error
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except _DAMAGE as error:
            raise OSError(errno.EIO, f"is damaged ({error})", self._name) from error

    def close(self) -> None:
        self._file.close()
        super().close()


class ArchivedRun:
    """A run in an archive.

    Attributes
    ----------
    archive : Archive
        The archive.
    name : str
        The name of its directory.
    id : str
        Its ID.
    folder : str
        The folder of that directory, such as ``FINISHED_SUCCESS``.
    entries : dict
        What the manifest says of each file, directory and link, by its path relative to the
        directory, with ``/``; ``.`` is the directory itself. Those above come first.
    """

    def __init__(self, archive: Archive, line: dict[str, Any]) -> None:
        self.archive = archive
        self.name: str = line["name"]
        self.id: str = line["id"]
        self.folder: str = line["folder"]
        if not isinstance(self.id, str):
            raise self._error("the ID is no text")
        if not _is_plain(self.name) or self.name.startswith("."):
            raise self._error(f"the name {self.name!r} leads elsewhere")
        if self.folder not in STATUS_OF_FOLDER:
            raise self._error(f"the folder {self.folder!r} is not one of ended runs")
        self.entries = self._checked(line["entries"])

    def files(self) -> list[str]:
        """Return the files of the run, relative to its directory, with ``/``."""
        return sorted(path for path, entry in self.entries.items() if entry["kind"] != "dir")

    def open(self, path: str) -> BufferedReader:
        """Open a file of the run for reading.

        Raises
        ------
        OSError
            There is no such file, it is a link or a folder, or damaged. So may reading be.
        """
        entry = self.entries.get(path)
        while entry is not None and entry["kind"] == "same":
            entry = self.entries[entry["as"]]
        name = str(self.archive.path / self.name / path)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        if entry["kind"] == "link":
            raise OSError(errno.ELOOP, "is a link, which is not followed", name)
        if entry["kind"] == "dir":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        return self.archive.open_member(entry["member"], entry["size"])

    def read(self, path: str, most: int) -> bytes:
        """Return the content of a file of at most `most` bytes.

        Raises
        ------
        OSError
            There is no such file, it is larger, or damaged.
        """
        with self.open(path) as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise OSError(errno.EFBIG, f"is larger than {most} bytes", path)
        return content

    def _checked(self, listed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the entries by path, if none of them leads out of the directory."""
        entries: dict[str, dict[str, Any]] = {}
        for entry in listed:
            path, kind = entry["path"], entry["kind"]
            for field, allowed in _NEEDED[kind].items():
                if type(entry[field]) is not allowed:
                    raise self._error(f"the {field} of {path!r} is {entry[field]!r}")
            if path in entries:
                raise self._error(f"{path!r} stands in it twice")
            if path != "." and not all(map(_is_plain, path.split("/"))):
                raise self._error(f"the name {path!r} leads elsewhere")
            # What lies below a link would be written where the link leads.
            above = "." if "/" not in path else path.rpartition("/")[0]
            if path != "." and entries.get(above, {}).get("kind") != "dir":
                raise self._error(f"{path!r} lies in no directory of the run")
            if kind == "same" and entries.get(entry["as"], {}).get("kind") != "file":
                raise self._error(f"{path!r} is the same as {entry['as']!r}, which is no file")
            if kind == "link" and ("\0" in entry["target"] or not entry["target"]):
                raise self._error(f"the link {path!r} leads nowhere")
            if kind == "file":
                if entry["size"] < 0:
                    raise self._error(f"the size of {path!r} is {entry['size']}")
                entry.setdefault("member", f"{self.name}/{path}")
            entries[path] = entry
        if entries.get(".", {}).get("kind") != "dir":
            raise self._error("its directory is missing")
        return entries

    def _error(self, why: str) -> ArchiveError:
        return ArchiveError(str(self.archive.path), f"of the run {self.name!r}, {why}")


def _is_plain(part: str) -> bool:
    """Tell whether a text is one name in a folder, on any system."""
    bad = part in ("", ".", "..") or "/" in part or "\0" in part
    if os.name == "nt":
        bad = bad or any(c in part for c in ":\\")
    return not bad and len(part.encode("utf-8", "surrogateescape")) <= _LONGEST_NAME


def _name_on(line: str) -> str:
    if not line.startswith(_NAME_KEY):
        raise ValueError("a line of its manifest does not begin with the name of a run")
    name, _ = json.JSONDecoder().raw_decode(line, len(_NAME_KEY))
    if not isinstance(name, str):
        raise TypeError("the name of a run is no text")
    return name


_lock = Lock()
_last: tuple[tuple[str, int, int, int], Archive] | None = None


def open_archive(path: Path) -> Archive:
    """Return an archive, the one that was used last if it is still the same file.

    To open an archive of ten thousand runs takes a second, and whoever reads one file of a run
    mostly reads the next one, too.

    Raises
    ------
    ArchiveError
        It is no archive of ours, or it is damaged.
    """
    global _last
    try:
        found = os.stat(path)
    except OSError as error:
        raise ArchiveError(str(path), error.strerror or str(error)) from error
    key = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
    with _lock:
        if _last is None or _last[0] != key:
            _last = key, Archive(path)
        return _last[1]


def archived_run(place: str | os.PathLike[str]) -> ArchivedRun | None:
    """Return the run at a place in an archive; None if the place is in none.

    Raises
    ------
    ArchiveError
        The archive is none of ours, is damaged, or holds no such run.
    """
    path = archive_of(place)
    return None if path is None else open_archive(path).run(os.path.basename(os.fspath(place)))
