"""`save`, which replaces files atomically."""

from __future__ import annotations

import os
import pathlib
import secrets

from scitex_session_io._errors import InvalidTypeError

from .formats import format_of
from .places import report_saved, saving_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def save(obj: Any, path: str | os.PathLike[str], **options: Any) -> pathlib.Path:
    """Save an object in the format of the path's suffix.

    Parameters
    ----------
    obj : object
        For ``.csv``: a list of dicts; a dict of columns of equal length; a list of rows, the first
        of which is the header; a numpy array of one or two dimensions (its header is 0, 1, ...) or
        with fields; a pandas or polars frame or series (a pandas index is written if it has a
        name). Floats are written without loss; NaN is written as ``nan``, None as an empty cell,
        times and durations in ISO 8601. Texts that could be read as a number, a bool or as
        nothing are put in quotes, in which `load` takes them for text.

        For ``.json``: None, bool, int, float, str, dict, list and tuple; scalars, arrays and
        tensors of numpy and torch as numbers and lists, frames as lists of dicts, sets as sorted
        lists, Path and Decimal as text, dates, times and durations in ISO 8601, what is missing
        (``NaT``) as null, Enum as its value, dataclasses as dicts.
    path : path
        The file. The case of the suffix does not matter. Missing directories are made. A relative
        path goes under the working directory, or under the directory of `save_into`.
    **options
        For ``.json``: ``indent`` (spaces per level, by default 2; None for one line) and
        ``allow_nan`` (by default True: NaN and infinities become the words ``NaN`` and
        ``Infinity``, which Python reads back and strict readers refuse; False refuses them). For
        ``.csv``: ``sep``, ``decimal`` and ``encoding`` as in `load`, and ``index`` (whether the
        index of a pandas frame is written; by default if it has a name).

    Returns
    -------
    pathlib.Path
        The file, as an absolute path.

    Raises
    ------
    ValueError
        The suffix is not that of a format, columns or rows differ in length, or the path leads out
        of the directory of `save_into`, or to a name reserved there.
    TypeError
        The format can't hold the object or something in it (the message says where), or has no such
        option.
    OSError
        The file can't be written.

    Notes
    -----
    The new file is written beside the old one, synced and renamed: whatever happens, either the old
    or the new file exists, complete. To write into the file itself, as `open(path, "w")` does,
    leaves it empty or torn if the disk is full or the run is killed, and the old result is lost.

    Examples
    --------
    >>> path = save({"accuracy": 0.93}, "scores.json")
    >>> path.name
    'scores.json'
    """
    target = saving_path(path)
    form = format_of(target)
    for name in options:
        if name not in form.options:
            allowed = ", ".join(form.options) or "no option"
            raise InvalidTypeError("options", f"{name}=", f"{allowed} for a {form.suffix} file")
    write_atomic(target, form.encode(obj, **options))
    report_saved(target)
    return target


def write_atomic(path: pathlib.Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that at every moment either the old or the new one exists, complete.

    Parameters
    ----------
    path : Path
        The file; its directory is made if it is missing.
    chunks : iterable of bytes
        Its content. If the iterable raises, no new file is left.

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
