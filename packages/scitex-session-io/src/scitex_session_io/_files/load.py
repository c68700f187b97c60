"""`load`, which reads a file in the format of its suffix."""

from __future__ import annotations

import os

from scitex_session_io._errors import InvalidTypeError, InvalidValueError, TooLargeError

from .formats import format_of
from .places import loading_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .forms import Into


def load(path: str | os.PathLike[str], *, into: Into | None = None, **options: Any) -> Any:
    """Load a file in the format of its suffix.

    Parameters
    ----------
    path : path
        A ``.csv`` or ``.json`` file; the case of the suffix does not matter. A relative path is
        searched in the working directory, then in the directory of `save_into`.
    into : {"dicts", "columns", "rows", "numpy", "pandas"}, optional
        The form of a CSV file's table; not for JSON.

        - "dicts", the default: a list of dicts, one for each line, with the names in the first line
          as keys;
        - "columns": a dict of lists;
        - "rows": a list of lists that begins with the first line, each cell of which has its own
          type;
        - "numpy": an array with one field for each column; a missing cell is NaN among numbers and
          the empty text among texts;
        - "pandas": a DataFrame; columns of int or bool with missing cells have the types Int64 and
          boolean, which keep them exact.

    **options
        For ``.csv``: ``types`` (the types of columns, such as ``{"version": str, "n": int}``: str,
        int, float or bool; "text" leaves all of them texts), ``sep`` (between the cells; by
        default a comma, or a semicolon if the comma is the decimal sign), ``decimal`` ("." or
        ",") and ``encoding`` (by default UTF-8, or UTF-16 if the file begins with its mark). For
        ``.json``: none.

    Returns
    -------
    object
        The table in that form, or the value in a JSON file.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message lists the paths that were tried.
    ValueError
        The suffix is not that of a format, `into` is unknown or not allowed, or the content is
        malformed; the message names the line.
    MemoryError
        The file does not fit into memory.
    ImportError
        numpy or pandas is needed and not installed.

    Notes
    -----
    In CSV, what is in quotes is text. A column without quotes is of numbers if each cell is a plain
    decimal that an int or a float holds without loss (``20.10``, ``1e+05``; not ``007``, ``1E5`` or
    ``+4930901820``), of bools if each cell is ``True`` or ``False``, and else of texts. Empty cells
    are None.
    """
    file = loading_path(path)
    form = format_of(file)
    if into is not None and not form.is_table:
        raise InvalidValueError("into", into, f"left out for a {form.suffix} file")
    for name in options:
        if not form.is_table or name not in ("sep", "decimal", "encoding", "types"):
            allowed = "sep, decimal, encoding, types" if form.is_table else "no option"
            raise InvalidTypeError("options", f"{name}=", f"{allowed} for a {form.suffix} file")
    size = file.stat().st_size
    if size > _memory():
        raise TooLargeError(str(file), size)
    try:
        return form.decode(file, into=into, **options) if form.is_table else form.decode(file)
    except MemoryError:
        raise TooLargeError(str(file), size) from None


def _memory() -> float:
    """Return how many bytes of memory this machine has, as far as it can be known."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return float("inf")
