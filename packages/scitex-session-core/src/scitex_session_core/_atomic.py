"""Write whole files or none, and append whole lines or none."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file `path` by `data`. Readers see the old file or the new one, never a part.

    The data are written to a temporary file in the same directory, synced, and renamed to `path`.
    Where that fails, the temporary file is removed and the old file stands.

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
    """Remove the temporary files that killed writers of `path` left behind."""
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
                pass  # another process removed it, or the directory is read-only: no harm done


def overwrite(path: Path, data: bytes) -> bool:
    """Write `data` over the file `path` in place, if it fits into the room that the file has.

    This serves a full disk, where no new file can be written but an old one can be corrected. It
    is not atomic: a kill within these microseconds leaves a torn file.

    Returns
    -------
    bool
        Whether the data were written.
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
    """Append `line` to the file `path` with one ``O_APPEND`` write.

    So lines of several processes stay whole. A newline stands on both sides: the one before keeps
    a line that a crash tore from spoiling this one, the one after tells a reader that this one is
    complete. Readers skip empty lines.

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
