"""Take a run out of an archive."""

from __future__ import annotations

import hashlib
import os
import shutil
import time

from scitex_session_core._archive_reader import archived_run
from scitex_session_core._atomic import sync_folder, write_atomic
from scitex_session_core._errors import ArchiveError, RecordError, RunKeptError, warn
from scitex_session_core._paths import ARCHIVE, ENVIRONMENTS, make_folders, unfinished_copy
from scitex_session_core._record.record import append_event, read_record
from scitex_session_core._registry.manager import SessionManager

from .archive import finish_pending, name_of
from .directory import check_place
from .trash import Trash, check_free, delete_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session_core._archive_reader import Archive, ArchivedRun

_CHUNK = 1 << 20


def restore_archived(place: Path, registry: Path) -> Path:
    """Take a run out of an archive, to the folder that it came from. The archive stays as it is.

    Parameters
    ----------
    place : Path
        Its place in the archive.
    registry : Path
        The registry that is told. Tags, note and results that the run got in the archive, which
        the registry alone knows, are appended to its events.

    Returns
    -------
    Path
        Its directory.

    Raises
    ------
    ArchiveError
        The archive is damaged, or holds what would be written elsewhere.
    RunKeptError
        Something stands where it would be restored, or the disk is too full.
    OSError
        It could not be written.
    """
    run = archived_run(place)
    if run is None:
        raise ArchiveError(str(place.parent), "it is not there")
    folder = place.parent.parent
    out_dir = folder.parent if folder.name == ARCHIVE else folder
    with Trash(out_dir, registry) as trash:
        finish_pending(trash)
        target = out_dir / run.folder / name_of(run.name)
        if _is_run(target, run.id):  # the process that restored it was killed, or it never went
            record = read_record(target)
            trash.register(record, target)
            trash.point_latest(target, record)
            return target
        check_free(place, target)
        check_place(target.parent)
        make_folders(target.parent)
        unfinished = unfinished_copy(target)
        if unfinished.exists():  # left by a process that was killed
            delete_tree(unfinished)
        try:
            _Unpacking(run, unfinished).unpack()
            _restore_environments(run.archive, out_dir, read_record(place))
            known = SessionManager(registry).get_session(run.id)
            _append_what_came_later(unfinished, known)
            # The registry first: a run that it expects in its folder is looked for here, too.
            record = read_record(unfinished)
            trash.register(record, target)
            os.rename(unfinished, target)
            sync_folder(target.parent)
        except BaseException:
            delete_tree(unfinished)
            raise
        trash.point_latest(target, record)
    return target


def _is_run(run_dir: Path, run_id: str) -> bool:
    try:
        return bool(read_record(run_dir)["id"] == run_id)
    except RecordError:
        return False


class _Unpacking:
    """A run that is taken out of an archive."""

    def __init__(self, run: ArchivedRun, target: Path) -> None:
        self._run = run
        self._target = target
        self._room = shutil.disk_usage(target.parent).free

    def unpack(self) -> None:
        """Write all of the run; modes and times of folders last, when they are full."""
        entries = self._run.entries
        for path, entry in entries.items():
            place = self._place(path)
            kind = entry["kind"]
            if kind == "dir":
                os.mkdir(place, 0o700)
            elif kind == "link":
                os.symlink(name_of(entry["target"]), place)
                _set_time(place, entry, follow=False)
            elif kind == "same":
                os.link(self._place(entry["as"]), place)
            else:
                self._file(path, place, entry)
        for path, entry in reversed(entries.items()):
            if entry["kind"] == "dir":
                place = self._place(path)
                sync_folder(place)
                # Whoever made the archive must not lend us out: no set-user-ID.
                os.chmod(place, entry["mode"] & 0o3777)
                _set_time(place, entry)

    def _place(self, path: str) -> str:
        parts = [] if path == "." else name_of(path).split("/")
        return os.path.join(self._target, *parts)

    def _file(self, path: str, place: str, entry: Mapping[str, Any]) -> None:
        digest = hashlib.sha256()
        with self._run.open(path) as source, open(place, "xb") as file:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                if entry.get("sparse") and chunk == bytes(len(chunk)):
                    file.seek(len(chunk), os.SEEK_CUR)
                else:
                    self._take_room(len(chunk))
                    file.write(chunk)
            file.truncate(entry["size"])
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != entry["sha256"]:
            why = f"{self._run.name}/{path} in it is not what was archived"
            raise ArchiveError(str(self._run.archive.path), why)
        os.chmod(place, entry["mode"] & 0o777)
        _set_time(place, entry)

    def _take_room(self, size: int) -> None:
        """Raise before a bomb fills the disk."""
        self._room -= size
        if self._room < 0:
            why = f"{self._target.parent} has no room for what it holds"
            raise RunKeptError(str(self._run.archive.path / self._run.name), why)


def _set_time(place: str, entry: Mapping[str, Any], *, follow: bool = True) -> None:
    times = (time.time_ns(), entry["mtime_ns"])
    if follow or os.utime in os.supports_follow_symlinks:
        os.utime(place, ns=times, follow_symlinks=follow)


def _restore_environments(archive: Archive, out_dir: Path, record: Mapping[str, Any]) -> None:
    digest = str(record.get("environment") or "").removeprefix("sha256:")
    member = f"{ENVIRONMENTS}/{digest}.txt"
    if member not in archive.environments() or (out_dir / member).exists():
        return
    with archive.open_member(member) as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArchiveError(str(archive.path), f"its member {member!r} is not what its name says")
    make_folders(out_dir / ENVIRONMENTS)
    write_atomic(out_dir / member, content)


def _append_what_came_later(run_dir: Path, known: Mapping[str, Any]) -> None:
    """Append to the events of a run what the registry was told while the run was archived."""
    record = read_record(run_dir)
    if not known:
        return
    try:
        for tag in record["tags"]:
            if tag not in known["tags"]:
                append_event(run_dir, "untag", tag=tag)
        for tag in known["tags"]:
            if tag not in record["tags"]:
                append_event(run_dir, "tag", tag=tag)
        if known["note"] != (record.get("note") or ""):
            append_event(run_dir, "note", note=known["note"])
        results = record.get("results") or {}
        later = {k: v for k, v in known["results"].items() if k not in results or results[k] != v}
        if later:
            append_event(run_dir, "result", results=later)
    except OSError as error:
        warn(f"tags, note or results of {run_dir} could not be added to its events: {error}")
