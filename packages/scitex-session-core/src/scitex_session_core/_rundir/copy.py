"""Copies a run directory to another file system: complete, compared and synced, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path

from scitex_session_core._atomic import opened, sync_folder
from scitex_session_core._errors import warn
from scitex_session_core._paths import EVENTS_NAME, RECORD_NAME, DirectoryLock, unfinished_copy
from scitex_session_core._record.record import event_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

_CHUNK = 1 << 20


class OutOfTimeError(Exception):
    """The time for a copy ran out. What was copied by then is removed."""


def copy_verified(source: Path, target: Path, max_wait: float) -> None:
    """Copy a directory under a temporary name, compare and sync the copy, then rename it.

    Raises
    ------
    OutOfTimeError
        The copy took more than `max_wait` seconds.
    OSError
        A file could not be copied, a copy differs, or the source changed in the meantime.
    """
    unfinished = unfinished_copy(target)
    if unfinished.exists():  # left by a copier that was killed
        shutil.rmtree(unfinished, ignore_errors=True)
    copy = _Copy(time.monotonic() + max_wait)
    try:
        copy.tree(source, unfinished)
        # What a child wrote after it was copied would be removed with the source.
        if _listing(source) != copy.listing:
            raise OSError(errno.EBUSY, "was written to while it was copied", str(source))
        os.rename(unfinished, target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def remove_tree(run_dir: Path, copy: Path) -> None:
    """Remove a run that was copied, its record first: half removed, it must not pass for a run.

    Events that were appended after they were copied are carried over. A process that appends
    later sees that the record is gone, and waits to append to the copy.
    """
    with DirectoryLock(copy):
        (run_dir / RECORD_NAME).unlink(missing_ok=True)
        try:
            known = event_lines(copy)
            for line in event_lines(run_dir):
                if line not in known:
                    with opened(copy) as directory:
                        directory.append(EVENTS_NAME, line)
        except OSError as error:
            warn(
                f"the last events in {run_dir} could not be added to {copy}: {error}; "
                "they stay there"
            )
            return
    shutil.rmtree(run_dir, ignore_errors=True)
    if run_dir.exists():
        warn(f"{run_dir} was copied and could not be removed")


class _Copy:
    """One copy, with its deadline, and the size and time of each file of the source when read."""

    def __init__(self, deadline: float) -> None:
        self.listing: dict[str, tuple[int, int]] = {}
        self._deadline = deadline

    def tree(self, source: Path, target: Path) -> None:
        target.mkdir()
        for entry in _entries(source):
            self._check_time()
            there = target / entry.name
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), there)
            elif entry.is_dir():
                self.tree(Path(entry.path), there)
            elif entry.is_file():
                self.listing[entry.path] = _stamp(entry)
                self._file(entry.path, there)
                shutil.copystat(entry.path, there)
        shutil.copystat(source, target)
        sync_folder(target)

    def _file(self, source: str, target: Path) -> None:
        with open(source, "rb") as original, open(target, "xb+") as copy:
            expected = self._digest(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
            copy.seek(0)
            if self._digest(copy) != expected:
                raise OSError(errno.EIO, f"the copy of {source} differs from it", str(target))

    def _digest(self, read: IO[bytes], write: IO[bytes] | None = None) -> bytes:
        digest = hashlib.blake2b()
        while chunk := read.read(_CHUNK):
            self._check_time()
            digest.update(chunk)
            if write is not None:
                write.write(chunk)
        return digest.digest()

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise OutOfTimeError


def _listing(folder: Path | str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            found |= _listing(entry.path)
        elif entry.is_file(follow_symlinks=False):
            found[entry.path] = _stamp(entry)
    return found


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    found = os.stat(entry.path)  # the entry's own may be of the time of the listing
    return found.st_size, found.st_mtime_ns
