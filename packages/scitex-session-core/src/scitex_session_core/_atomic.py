"""Whole files, or none; and whole lines, or none."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by `data`: readers see the old file or the new one, never a part.

    A temporary file in the same directory (so that the replace is one rename) is written, synced,
    and put in place; where that fails, it is removed and the old file stands.

    Raises
    ------
    OSError
        The directory is gone, full or read-only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass  # the error that brought us here says more
        raise


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that writers of `path` left when they were killed."""
    beginning = f".{path.name}."
    try:
        names = os.listdir(path.parent)
    except OSError:
        return
    for name in names:
        if name.startswith(beginning) and name.endswith(".tmp"):
            try:
                os.unlink(path.with_name(name))
            except OSError:
                pass  # another one removed it, or the directory is read-only: it harms nobody


def overwrite(path: Path, data: bytes) -> bool:
    """Write `data` over a file in place, if that needs no more room than the file has.

    For a full disk, where nothing new can be written: what is there can still be made true. Not
    atomic; a kill within these microseconds leaves a torn file.

    Returns
    -------
    bool
        Whether it was written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | _BINARY)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_blocks * 512 < len(data):
            return False
        _write_all(descriptor, data)
        os.ftruncate(descriptor, len(data))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def append_line(path: Path, line: bytes) -> None:
    """Append `line` with one ``O_APPEND`` write, so that lines of other processes stay whole.

    A newline stands on both sides: the leading one keeps a line that a crash tore from spoiling
    this one, the trailing one tells a reader that this one is complete. Readers skip empty lines.

    Raises
    ------
    OSError
        The directory is gone, full or read-only.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
    try:
        _write_all(descriptor, b"\n" + line + b"\n")
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
