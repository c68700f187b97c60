"""`save`, which replaces files atomically."""

from __future__ import annotations

import contextlib

from scitex_session_io._errors import IoError, UnsavableError

from .atomic import replaced_directory, replaced_file
from .formats import format_of
from .places import report_saved, saving_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import pathlib
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any, BinaryIO

    from .formats import Format


def save(obj: Any, path: str | os.PathLike[str], **options: Any) -> pathlib.Path:
    """Save an object in the format of the path's suffix.

    Parameters
    ----------
    obj : object
        What the format takes: see the page "Formats" of the documentation. In short: figures and
        images (``.png .jpg .tif .pdf .svg .gif .mp4``), tables (``.csv .parquet .feather .xlsx``),
        arrays (``.npy .npz .mat .h5 .zarr .nc .safetensors``), plain values and text
        (``.json .jsonl .yaml .toml .txt .md``), any Python object (``.pkl .joblib .pt``). Text may
        be compressed (``.csv.gz``, ``.json.zst``).
    path : path
        The file. The case of the suffix does not matter. Missing directories are made. A relative
        path goes under the working directory, or under the directory of `save_into`.
    **options
        The options of the format, such as ``dpi=300`` for figures.

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
    ImportError
        The library of the format is not installed; the message names the command that does it.
    OSError
        The file can't be written.

    Notes
    -----
    The new file is written beside the old one, synced and then put into its place: whatever
    happens, either the old or the new file exists, complete. To write into the file itself, as
    `open(path, "w")` does, leaves it empty or torn if the disk is full or the run is killed, and
    the old result is lost.

    Examples
    --------
    >>> path = save({"accuracy": 0.93}, "scores.json")
    >>> path.name
    'scores.json'
    """
    target = saving_path(path)
    form = format_of(target)
    write = form.function(form.writer)
    form.check(write, options)
    try:
        _write(form, write, obj, target, options)
    except RecursionError:  # its traceback would be a thousand lines
        allowed = "what is nested at most some hundred times and does not contain itself"
        raise UnsavableError(form.suffix, "obj", "nested too deeply", allowed) from None
    except Exception as error:
        if not isinstance(error, IoError | OSError):  # of a library, which does not know the path
            error.add_note(f"(while saving {target})")
        raise
    report_saved(target)
    return target


def _write(
    form: Format, write: Callable[..., Any], obj: Any, path: pathlib.Path, options: dict[str, Any]
) -> None:
    if form.is_directory:
        with replaced_directory(path) as folder:
            write(obj, folder, **options)
        return
    with replaced_file(path) as file, _opened(file, form, path) as stream:
        if form.gives_pieces:
            stream.writelines(write(obj, **options))
        else:
            write(obj, stream, **options)


def _opened(file: BinaryIO, form: Format, path: pathlib.Path) -> AbstractContextManager[BinaryIO]:
    if form.compression is None:
        return contextlib.nullcontext(file)
    from .compression import compressed

    stream: AbstractContextManager[BinaryIO] = compressed(file, form.compression, str(path))
    return stream
