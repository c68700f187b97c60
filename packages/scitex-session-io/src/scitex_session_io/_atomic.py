"""Whole files, or none."""

from __future__ import annotations

import os
import pathlib
import secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def write_atomic(path: pathlib.Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that at every moment there is the old one or the new one, whole.

    Parameters
    ----------
    path : Path
        The file; its directory is made where it is missing.
    chunks : iterable of bytes
        Its content. Where making it raises, nothing is left.

    Raises
    ------
    OSError
        It can't be written; nothing is left.

    Notes
    -----
    A temporary file in the same directory, synced to the disk, then renamed. A symbolic link keeps
    being one: the file it points to is replaced. Permissions are those of the old file, or of a
    new one under the umask.
    """
    path = pathlib.Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    binary = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"
    number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, 0o666)
    try:
        with os.fdopen(number, "wb") as file:
            if path.exists():
                temporary.chmod(path.stat().st_mode & 0o7777)
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
