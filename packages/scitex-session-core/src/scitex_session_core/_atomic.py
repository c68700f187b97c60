"""Write whole files or none, append whole lines or none, and read regular files only."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"
# Neither wait for the other end of a pipe, nor go where a link leads, nor take a terminal.
_WARY = (
    getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | _BINARY
)


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
        The directory is gone, full or read-only, or the file is a link or no regular one.
    """
    descriptor = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        _write_all(descriptor, b"\n" + line + b"\n")
    finally:
        os.close(descriptor)


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open the file `path` if it is a regular one, and return its descriptor.

    Where others may write, they may put anything in the place of a file: a named pipe, at which
    whoever opens it waits for ever; a device that never ends; a link to a file of ours.

    Raises
    ------
    OSError
        There is no such file, it is a link, or it is not a regular one.
    """
    descriptor = os.open(path, flags | _WARY, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return descriptor


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises
    ------
    OSError
        There is no such file, it is a link or no regular one, or it is larger.
    """
    with open(open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
        if len(content) > size:  # it has grown meanwhile
            content += file.read(max(most - size, 0))
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"is larger than {most} bytes", str(path))
    return content


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
