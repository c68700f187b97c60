"""Write files atomically."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"


def replace(path: Path, data: bytes) -> None:
    """Write a file, replacing an older one; a link stays a link.

    Raises
    ------
    OSError
        If the directory is missing, full or read-only. It names `path`.
    """
    target = path.resolve()
    temporary = _temporary(target)
    try:
        _write(temporary, data)
        os.replace(temporary, target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError):  # the caller does not know the temporary file
            raise OSError(error.errno, error.strerror, os.fspath(target)) from error
        raise


def create(path: Path, data: bytes) -> bool:
    """Write a file unless it exists, and return whether it did not.

    Raises
    ------
    OSError
        If the directory is missing, full or read-only.
    """
    temporary = _temporary(path)
    try:
        _write(temporary, data)
        try:
            os.link(temporary, path)  # atomic, and never over an existing file
        except FileExistsError:
            return False
        except OSError:
            # This file system has no hard links. If two processes come here within microseconds,
            # both believe that they were first, and the last one stays.
            if path.exists():
                return False
            os.replace(temporary, path)
        return True
    finally:
        _remove(temporary)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # the error that brought us here says more
