"""Put runs into an archive.

An archive is written under a temporary name, synced, read back and compared, and then renamed.
Only then do the directories of its runs go, one rename each. While they go, a small file beside the
archive says so: where that process is killed, the next one that archives or restores goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
import zlib
from contextlib import suppress
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from scitex_session_core._archive_reader import MANIFEST_NAME, MARK, SCHEMA, Archive, open_archive
from scitex_session_core._atomic import open_regular, sync_folder
from scitex_session_core._errors import ArchiveError, RecordError, RunKeptError, warn
from scitex_session_core._paths import (
    ARCHIVE,
    ARCHIVE_SUFFIX,
    ENVIRONMENTS,
    make_folders,
    new_id,
)
from scitex_session_core._record.record import read_record, utc_now

from .directory import check_place
from .place import find_place
from .trash import Trash, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO, Any, Self, TypeAlias

    # Called with what is done ("pack", "check", "remove"), how many runs of how many.
    Progress: TypeAlias = Callable[[str, int, int], object]
    Entries: TypeAlias = list[dict[str, Any]]

_CHUNK = 1 << 20
_PARTIAL_SUFFIX = ".partial"
_PENDING_SUFFIX = ".pending"
# What a sample shrinks by less than this is packed already (PNG, NPZ, HDF5 with filters).
_WORTH_PACKING = 0.95
_SAMPLE = 64 << 10
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # of the times that a zip file can hold


class Archived(NamedTuple):
    """What became of runs that were to be archived.

    Attributes
    ----------
    path : Path or None
        The archive; None if none of the runs could be archived.
    places : dict
        From each directory to its place in the archive; in an earlier one, if that was made for it
        by a process that was killed before it took the directory away.
    kept : list of RunKeptError
        Why others stay where they are.
    """

    path: Path | None
    places: dict[Path, Path]
    kept: list[RunKeptError]


def archive_runs(
    out_dir: Path, run_dirs: Sequence[Path], registry: Path, progress: Progress | None = None
) -> Archived:
    """Put runs of one out dir into a new archive in ``<out>/ARCHIVE/``.

    Parameters
    ----------
    out_dir : Path
        The directory that holds the runs of a script.
    run_dirs : sequence of Path
        Directories of runs that have ended, in that.
    registry : Path
        The registry that is told.
    progress : callable, optional
        Called with what is done (``pack``, ``check``, ``remove``), how many runs, and of how many.

    Returns
    -------
    Archived

    Raises
    ------
    OSError
        The archive could not be written. All runs are where they were.
    ArchiveError
        What was written reads back differently. All runs are where they were.
    """
    with Trash(out_dir, registry) as trash:
        before = finish_pending(trash)
        kept: list[RunKeptError] = []
        wanted: dict[Path, Path] = {}  # from where a run lies now to where it lay
        for run_dir in dict.fromkeys(run_dirs):
            if run_dir in before:
                continue
            try:
                wanted[filed(run_dir, registry)] = run_dir
            except RunKeptError as error:
                kept.append(error)
        path = out_dir / ARCHIVE / f"{new_id()}{ARCHIVE_SUFFIX}"
        made = _write(path, [*wanted], kept, progress or _silent) if wanted else 0
        places = {run_dir: before[run_dir] for run_dir in run_dirs if run_dir in before}
        if made:
            taken = _take_sources(trash, path, kept, progress or _silent)
            places |= {wanted[run_dir]: place for run_dir, place in taken.items()}
    return Archived(path if made else None, places, kept)


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


# Writing.


def _write(path: Path, run_dirs: list[Path], kept: list[RunKeptError], progress: Progress) -> int:
    """Write an archive of runs, and return of how many. A run that can't be read is kept."""
    check_place(path.parent)
    make_folders(path.parent)
    partial = path.with_name(f".{path.name}{_PARTIAL_SUFFIX}")
    try:
        with open(partial, "xb", buffering=_CHUNK) as file, _Packing(file) as packing:
            lines = []
            for number, run_dir in enumerate(run_dirs):
                progress("pack", number, len(run_dirs))
                try:
                    lines.append(packing.run(run_dir))
                except (RecordError, _UnsuitableError) as error:
                    kept.append(RunKeptError(str(run_dir), f"it can't be read whole: {error}"))
            packing.finish(lines, path.parent.parent)
            progress("pack", len(run_dirs), len(run_dirs))
            file.flush()
            os.fsync(file.fileno())
        if lines:
            _check(partial, [json.loads(line) for line in lines], progress)
            # From here on, its runs are to go; a killed process leaves that to the next one.
            _pending(path).touch(exist_ok=False)
            os.rename(partial, path)
            sync_folder(path.parent)
        return len(lines)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where it is
        raise
    finally:
        partial.unlink(missing_ok=True)


def _pending(path: Path) -> Path:
    return path.with_name(f".{path.name}{_PENDING_SUFFIX}")


class _UnsuitableError(Exception):
    """A file that can't be read, or that no archive can hold."""


class _ChangedError(_UnsuitableError):
    """A run that was written to after it was archived."""


def _opened(path: Path) -> IO[bytes]:
    try:
        return open(open_regular(path), "rb")
    except OSError as error:
        raise _UnsuitableError(str(error)) from error


def _read(source: IO[bytes]) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        raise _UnsuitableError(str(error)) from error


class _Packing:
    """An archive that is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, allowZip64=True)
        self._zip.comment = MARK
        self._names = {MANIFEST_NAME}
        self._environments: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_exc: object) -> None:
        if kind is not None:  # or it would be closed later, when the file is closed already
            with suppress(OSError, ValueError):
                self._zip.close()

    def run(self, run_dir: Path) -> str:
        """Add a run, and return its line of the manifest.

        Raises
        ------
        RecordError, _UnsuitableError
            It can't be read.
        OSError
            The archive can't be written.
        """
        record = read_record(run_dir)
        entries = listed(run_dir)
        # What is not among the files of the manifest does no harm: of a run that fails half-way,
        # the members stay in the zip file, and nothing leads to them.
        for entry in entries:
            path = entry["path"]
            if entry["kind"] == "file":
                self._file(run_dir, entry)
            elif entry["kind"] == "link":
                # So `unzip` makes a link of it, too.
                target = entry["target"].encode("utf-8", "surrogateescape")
                info = self._info(f"{run_dir.name}/{path}", stat.S_IFLNK | 0o777, 0)
                self._zip.writestr(info, target, ZIP_STORED)
            elif entry["kind"] == "dir":
                name = run_dir.name if path == "." else f"{run_dir.name}/{path}"
                info = self._info(f"{name}/", stat.S_IFDIR | entry["mode"], entry["mtime_ns"])
                self._zip.writestr(info, b"", ZIP_STORED)
        environment = str(record.get("environment") or "").removeprefix("sha256:")
        if environment:
            self._environments.add(environment)
        head = {"name": _text(run_dir.name), "id": record["id"], "folder": run_dir.parent.name}
        return json.dumps({**head, "entries": entries})

    def finish(self, lines: list[str], out_dir: Path) -> None:
        """Add what was installed, and the manifest, and write the directory of the zip file."""
        for environment in sorted(self._environments):
            name = f"{ENVIRONMENTS}/{environment}.txt"
            try:
                content = (out_dir / name).read_bytes()
            except OSError:  # an earlier version, or another tool, left none
                continue
            self._zip.writestr(self._info(name, stat.S_IFREG | 0o644, time.time_ns()), content)
        head = {"schema": SCHEMA, "made": utc_now(), "out": _text(str(out_dir)), "runs": len(lines)}
        manifest = "\n".join([json.dumps(head), *lines]) + "\n"
        self._names.discard(MANIFEST_NAME)  # which was kept free
        info = self._info(MANIFEST_NAME, stat.S_IFREG | 0o644, time.time_ns())
        self._zip.writestr(info, manifest.encode())
        self._zip.close()

    def _file(self, run_dir: Path, entry: dict[str, Any]) -> None:
        with _opened(run_dir / name_of(entry["path"])) as source:
            head = _read(source)
            name = f"{run_dir.name}/{entry['path']}"
            info = self._info(name, stat.S_IFREG | entry["mode"], entry["mtime_ns"])
            if info.filename != name:
                entry["member"] = info.filename
            sample = head[:_SAMPLE]
            is_packed = len(zlib.compress(sample, 1)) > _WORTH_PACKING * len(sample)
            info.compress_type = ZIP_STORED if is_packed else ZIP_DEFLATED
            digest = hashlib.sha256(head)
            size = len(head)
            if len(head) < _CHUNK:
                self._zip.writestr(info, head)
            else:
                info.file_size = entry["size"]  # decides on zip64
                with self._zip.open(info, "w", force_zip64=entry["size"] >= 1 << 31) as member:
                    member.write(head)
                    while chunk := _read(source):
                        digest.update(chunk)
                        size += len(chunk)
                        member.write(chunk)
        if size != entry["size"]:
            raise _UnsuitableError(f"{entry['path']} was written to while it was read")
        entry["sha256"] = digest.hexdigest()

    def _info(self, name: str, mode: int, mtime_ns: int) -> ZipInfo:
        """Return what the zip file says of a member, under a name that no other has."""
        # A name that is no UTF-8 is kept in the manifest; the zip file has it with escapes.
        plain = name.encode("utf-8", "backslashreplace").decode().replace("\0", "")
        is_folder = plain.endswith("/")
        unique, number = plain, 1
        while unique in self._names:
            number += 1
            unique = f"{plain.rstrip('/')}~{number}{'/' if is_folder else ''}"
        self._names.add(unique)
        moment = time.localtime(mtime_ns // 1_000_000_000)
        year = min(max(moment.tm_year, _FIRST_YEAR), _LAST_YEAR)
        info = ZipInfo(unique, (year, *moment[1:5], min(moment.tm_sec, 59)))
        info.create_system = 3  # Unix, whose modes follow
        info.external_attr = (mode & 0xFFFF) << 16 | (0x10 if is_folder else 0)
        return info


def listed(run_dir: Path) -> Entries:
    """Return the entries of a directory, as the manifest has them, but for the digests of files.

    Raises
    ------
    _UnsuitableError
        It holds a file that no archive can hold, or a folder that can't be listed.
    """
    try:
        return [*_listed(os.fspath(run_dir), ".", {})]
    except OSError as error:
        raise _UnsuitableError(str(error)) from error


def _listed(folder: str, path: str, seen: dict[tuple[int, int], str]) -> Iterator[dict[str, Any]]:
    yield _entry(path, os.lstat(folder), folder, seen)
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda entry: entry.name)
    for each in inside:
        below = _text(each.name) if path == "." else f"{path}/{_text(each.name)}"
        if each.is_dir(follow_symlinks=False):
            yield from _listed(each.path, below, seen)
        else:
            yield _entry(below, os.lstat(each.path), each.path, seen)


def _entry(
    path: str, found: os.stat_result, place: str, seen: dict[tuple[int, int], str]
) -> dict[str, Any]:
    mode, mtime_ns = stat.S_IMODE(found.st_mode), found.st_mtime_ns
    if stat.S_ISDIR(found.st_mode):
        return {"path": path, "kind": "dir", "mode": mode, "mtime_ns": mtime_ns}
    if stat.S_ISLNK(found.st_mode):
        target = _text(os.readlink(place))
        return {"path": path, "kind": "link", "mtime_ns": mtime_ns, "target": target}
    if not stat.S_ISREG(found.st_mode):
        raise _UnsuitableError(f"{path} is no file, folder or link")
    if found.st_nlink > 1:
        first = seen.setdefault((found.st_dev, found.st_ino), path)
        if first != path:
            return {"path": path, "kind": "same", "as": first}
    size = found.st_size
    entry = {"path": path, "kind": "file", "mode": mode, "mtime_ns": mtime_ns, "size": size}
    if getattr(found, "st_blocks", size) * 512 < size:
        entry["sparse"] = True
    return entry


def _text(name: str) -> str:
    """Return a name of the file system as text that keeps each of its bytes."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def name_of(text: str) -> str:
    """Return the name of the file system that a text stands for."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _check(path: Path, lines: list[dict[str, Any]], progress: Progress) -> None:
    """Read an archive back.

    Raises
    ------
    ArchiveError
        It is not what was written.
    """
    archive = Archive(path)
    try:
        if len(archive.names) != len(lines):
            raise ArchiveError(str(path), "it does not read back as it was written")
        for number, line in enumerate(lines):
            progress("check", number, len(lines))
            run = archive.run(line["name"])
            for name, entry in run.entries.items():
                if entry["kind"] == "file":
                    with run.open(name) as member:
                        digest = hashlib.file_digest(member, "sha256").hexdigest()
                    if digest != entry["sha256"]:
                        why = f"{line['name']}/{name} does not read back as it was written"
                        raise ArchiveError(str(path), why)
        progress("check", len(lines), len(lines))
    finally:
        archive.close()


# The directories go.


def _take_sources(
    trash: Trash, path: Path, kept: list[RunKeptError], progress: Progress
) -> dict[Path, Path]:
    """Let the directories of archived runs go, and return their places in the archive."""
    archive = open_archive(path)
    places: dict[Path, Path] = {}
    again = False  # what a disk refuses now, the next call may do
    for number, name in enumerate(archive.names):
        progress("remove", number, len(archive.names))
        run = archive.run(name)
        run_dir = trash.out_dir / run.folder / name_of(name)
        try:
            record = read_record(run_dir)
            if not _is_as_archived(run_dir, run.entries):
                raise _ChangedError("it was written to meanwhile")
            doomed = trash.doom(run_dir)
            # Who had opened a file of it may have written to that a moment ago.
            if not _is_as_archived(doomed, run.entries):
                trash.spare(doomed, run_dir)
                raise _ChangedError("it was written to meanwhile")
        except (OSError, RecordError, RunKeptError, _UnsuitableError) as error:
            lasts = isinstance(error, (_ChangedError, RunKeptError))
            again = again or (not lasts and run_dir.exists())
            why = getattr(error, "why", None) or getattr(error, "strerror", None) or error
            kept.append(RunKeptError(str(run_dir), f"it stays beside its copy in {path}: {why}"))
            continue
        places[run_dir] = path / name
        trash.register(record, path / name)
    progress("remove", len(archive.names), len(archive.names))
    if not again:
        _pending(path).unlink(missing_ok=True)
    trash.delete_doomed()
    return places


def _is_as_archived(run_dir: Path, entries: Mapping[str, Mapping[str, Any]]) -> bool:
    now = {entry["path"]: entry for entry in listed(run_dir)}
    return now.keys() == entries.keys() and all(
        all(entries[path].get(field) == value for field, value in entry.items())
        for path, entry in now.items()
        if path != "."  # where its only entry was made writable
    )


def finish_pending(trash: Trash) -> dict[Path, Path]:
    """Go on where processes were killed, and return where the runs are whose directories went."""
    folder = trash.out_dir / ARCHIVE
    places: dict[Path, Path] = {}
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return places
    for name in names:
        path = folder / name[1:].removesuffix(_PENDING_SUFFIX)
        if name.startswith(".") and name.endswith(_PARTIAL_SUFFIX):
            (folder / name).unlink(missing_ok=True)
        elif name.startswith(".") and name.endswith(_PENDING_SUFFIX):
            try:
                places |= _finish(trash, path)
            except (ArchiveError, RecordError) as error:
                warn(f"{path} was not finished: {error}")
                (folder / name).unlink(missing_ok=True)
    return places


def _finish(trash: Trash, path: Path) -> dict[Path, Path]:
    if not path.exists():  # killed right before it got its name
        _pending(path).unlink(missing_ok=True)
        return {}
    archive = open_archive(path)
    places = {}
    for name in archive.names:
        run_dir = trash.out_dir / archive.run(name).folder / name_of(name)
        # Killed after a directory went, and before the registry was told.
        if find_place(run_dir) == path / name:
            trash.register(read_record(path / name), path / name)
            places[run_dir] = path / name
    return places | _take_sources(trash, path, [], _silent)
