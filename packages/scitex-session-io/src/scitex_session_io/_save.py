"""Writing results, whole or not at all."""

from __future__ import annotations

from ._atomic import write_atomic
from ._errors import InvalidTypeError, UnknownFormatError
from ._places import saving_path, tell_saved

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import pathlib
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
        from . import _json

        chunks = _json.encode(obj, **options)
    else:
        from . import _csv

        chunks = _csv.encode(obj)
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
