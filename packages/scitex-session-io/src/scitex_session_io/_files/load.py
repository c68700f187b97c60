"""`load`, which makes a value of a file again."""

from __future__ import annotations

import errno
import stat

from scitex_session_io._errors import IoError, MalformedError, TooLargeError

from .formats import format_of
from .places import loading_path, report_loaded
from .sizes import check_size, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import pathlib
    from typing import Any

    from .formats import Format

# Of what a library says of a file that it can't read.
_LONGEST_REASON = 300


def load(path: str | os.PathLike[str], **options: Any) -> Any:
    """Load a file in the format of its suffix.

    Parameters
    ----------
    path : path
        The file; the case of the suffix does not matter. A relative path is searched in the working
        directory, then in the directory of `save_into`, whose `find` is asked at last.
    **options
        The options of the format: see the page "Formats" of the documentation. Among them are
        ``into`` for tables, such as ``into="pandas"`` for a CSV file, and ``allow_pickle=True``
        for files that can run code.

    Returns
    -------
    object
        What the format gives; that page has the table.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message lists the paths that were tried.
    ValueError
        The suffix is not that of a format, an option has a value that is not allowed, or the
        content is malformed (the message names the place) or can run code.
    TypeError
        The format has no such option.
    MemoryError
        The file does not fit into memory.
    ImportError
        A library is needed and not installed; the message names the command that installs it.

    Notes
    -----
    A pickle can run any code at the moment it is loaded. `pickle.load` and `numpy.load` of a file
    from somebody else are as dangerous as running a program from them, and do not look like it. So
    ``.pkl``, ``.joblib`` and those ``.pt`` and ``.npy`` files that hold pickles are loaded only
    with ``allow_pickle=True``.

    Examples
    --------
    >>> load(save([{"a": 1}, {"a": 2}], "table.csv"))
    [{'a': 1}, {'a': 2}]
    """
    file = loading_path(path)
    form = format_of(file, to_load=True)
    read = form.function(form.reader)
    form.check(read, options)
    size = _size_of(file)
    check_size(str(file), size)
    try:
        content = _read(form, read, file, options)
    except (IoError, OSError) as error:
        # EINVAL: a torn file led to a place before its beginning.
        if isinstance(error, IoError) or error.errno not in (None, errno.EINVAL):
            raise
        raise _malformed(form, file, error) from error
    except MemoryError:
        raise TooLargeError(str(file), size) from None
    except RecursionError:  # its traceback would be a thousand lines
        raise MalformedError(str(file), "nested too deeply") from None
    except Exception as error:
        if form.family is None:
            raise
        raise _malformed(form, file, error) from error
    report_loaded(file)
    return content


def _read(form: Format, read: Any, path: pathlib.Path, options: dict[str, Any]) -> Any:
    if form.is_directory:
        return read(path, **options)
    with open(path, "rb") as file:
        opened: Any = file
        if form.compression:
            from .compression import decompressed

            opened = decompressed(file, form.compression, str(path), memory() / 2)
        if form.family is None:
            return read(opened, **options)
        return read(opened, str(path), **options)


def _malformed(form: Format, path: pathlib.Path, error: Exception) -> MalformedError:
    """Return the error for what a library raises at a file that is not what its suffix says.

    Libraries raise nearly anything there: KeyError, struct.error, OSError without a number.
    """
    said = " ".join(str(error).split())[:_LONGEST_REASON]
    return MalformedError(
        str(path), f"not a sound {form.suffix} file: {type(error).__name__}: {said}"
    )


def _size_of(path: pathlib.Path) -> int:
    """Return the bytes of a file; 0 for a directory.

    Raises
    ------
    MalformedError
        It is a pipe or a device: to open one can take forever, and `/dev/zero` has no end.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return 0
    if not stat.S_ISREG(status.st_mode):
        raise MalformedError(str(path), "neither a file nor a directory")
    return status.st_size
