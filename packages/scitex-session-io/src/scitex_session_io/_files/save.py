"""Writing results, whole or not at all."""

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
        For ``.csv``: a list of dicts; a dict of equally long columns; a list of rows, the first
        being the header; a numpy array of one or two dimensions (the header is 0, 1, ...) or with
        fields; a pandas or polars frame or series (of a pandas index only what is not simply 0, 1,
        2 ... is written). Floats are written so that they come back to the bit, NaN as ``nan``,
        None as an empty cell.

        For ``.json``: None, bool, int, float, str, dict, list and tuple; numpy scalars and arrays
        as numbers and lists, sets as sorted lists, Path as text, dates and times in ISO 8601, Enum
        as its value, dataclasses as dicts.
    path : path
        Upper and lower case of the suffix are the same. Directories are made where they are
        missing. A relative path goes under the working directory, or where `save_into` says.
    **options
        For ``.json``: ``indent`` (spaces per level, 2; None for one line) and ``allow_nan``
        (True: NaN and infinities become the words ``NaN`` and ``Infinity``, which Python reads back
        and strict readers refuse; False refuses them here). For ``.csv`` there are none.

    Returns
    -------
    pathlib.Path
        The file, as an absolute path.

    Raises
    ------
    ValueError
        The suffix names no format, columns or rows are not equally long, or the path leads out of
        the directory that `save_into` set, or to a name reserved there.
    TypeError
        The format can't hold the object, or something in it: the message says where it stands. Or
        an option that the format doesn't have.
    OSError
        The file can't be written.

    Notes
    -----
    The file is written beside its place, synced and renamed: whatever happens, there is the old
    file or the new one, whole. Writing straight into it, as `open(path, "w")` does, leaves an empty
    or torn file where the disk is full or the run is killed, and the old result is lost.

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
    """Give the suffix of a path, in lower case.

    Raises
    ------
    UnknownFormatError
        It names no format.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UnknownFormatError(str(path), FORMATS)
    return suffix


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
