"""`save`, and the one atomic writer of the package."""

from __future__ import annotations

import os
import pathlib
import secrets

from scitex_session_io._errors import InvalidTypeError, UnknownFormatError

from .places import saving_path, tell_saved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FORMATS = (".csv", ".json")


def save(obj: Any, path: str | os.PathLike[str], **options: Any) -> pathlib.Path:
    """Save an object in the format that the path's suffix names.

    Parameters
    ----------
    obj : object
        For ``.csv``: a list of dicts; a dict of columns of equal length; a list of rows, the first
        of which is the header; a numpy array of one or two dimensions (its header is 0, 1, ...) or
        with fields; a pandas or polars frame or series (a pandas index is written unless it is
        just 0, 1, 2 ...). Floats come back to the bit; NaN is written as ``nan``, None as an empty
        cell.

        For ``.json``: None, bool, int, float, str, dict, list and tuple; numpy scalars and arrays
        as numbers and lists, sets as sorted lists, Path as text, dates and times in ISO 8601, Enum
        as its value, dataclasses as dicts.
    path : path
        The file. The case of the suffix does not matter. Missing directories are made. A relative
        path goes under the working directory, or under the directory that `save_into` sets.
    **options
        For ``.json``: ``indent`` (spaces per level, by default 2; None for one line) and
        ``allow_nan`` (by default True: NaN and infinities become the words ``NaN`` and
        ``Infinity``, which Python reads back and strict readers refuse; False refuses them). For
        ``.csv``: none.

    Returns
    -------
    pathlib.Path
        The file, as an absolute path.

    Raises
    ------
    ValueError
        The suffix names no format, columns or rows differ in length, or the path leads out of the
        directory that `save_into` sets or to a name reserved there.
    TypeError
        The format can't hold the object or something in it (the message says where), or has no such
        option.
    OSError
        The file can't be written.

    Notes
    -----
    The new file is written beside the old one, synced and renamed: whatever happens, the old or the
    new file is there, whole. Writing into the file itself, as `open(path, "w")` does, leaves it
    empty or torn where the disk is full or the run is killed, and the old result is lost.

    Examples
    --------
    >>> path = save({"accuracy": 0.93}, "scores.json")
    >>> path.name
    'scores.json'
    """
    target = saving_path(path)
    suffix = format_of(target)
    allowed = ("indent", "allow_nan") if suffix == ".json" else ()
    for name in options:
        if name not in allowed:
            which = ", ".join(allowed) or "no option"
            raise InvalidTypeError("options", f"{name}=", f"{which} for a {suffix} file")
    if suffix == ".json":
        from . import json

        chunks = json.encode(obj, **options)
    else:
        from . import csv

        chunks = csv.encode(obj)
    write_atomic(target, chunks)
    tell_saved(target)
    return target


def format_of(path: pathlib.Path) -> str:
    """Return the suffix of a path in lower case.

    Raises
    ------
    UnknownFormatError
        The suffix names no format.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UnknownFormatError(str(path), FORMATS)
    return suffix


def write_atomic(path: pathlib.Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that at every moment the old or the new one is there, whole.

    Parameters
    ----------
    path : Path
        The file; its directory is made where it is missing.
    chunks : iterable of bytes
        Its content. If making it raises, no new file is left.

    Raises
    ------
    OSError
        The file can't be written. No new file is left.

    Notes
    -----
    A temporary file in the same directory is synced to the disk, then renamed. A symbolic link
    stays: the file it points to is replaced. Permissions are those of the old file, or of a new one
    under the umask.
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
