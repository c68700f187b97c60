"""Reading stamps back, with the standard library alone: years later, on a machine without us."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from typing import NamedTuple

from .containers import Allowance, members
from .scan import texts_of
from .text import MARK, stamps_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

_DEEPEST = 2  # a document in an archive


class Stamp(NamedTuple):
    """What a figure says of the run that made it.

    Attributes
    ----------
    id : str
        The run.
    script : str or None
        The script, relative to the top of its repository where it has one.
    commit : str or None
        The commit of the script's repository.
    time : datetime or None
        When the figure was saved.
    version : str or None
        The version of scitex-session.
    schema : int
        The version of the stamp; fields that a later one adds are passed over.
    member : str
        The file inside an archive or a document that has the stamp, or where in a notebook or a
        page the picture stands (``cell 3``, ``picture 1``); empty for the file itself.
    """

    id: str
    script: str | None = None
    commit: str | None = None
    time: datetime | None = None
    version: str | None = None
    schema: int = 1
    member: str = ""


def read_stamp(path: str | os.PathLike[str]) -> Stamp | None:
    """Read the stamp of a figure.

    Parameters
    ----------
    path : path-like
        A PNG, PDF, SVG, JPEG, TIFF, WebP, GIF, AVIF, PS or EPS file, also packed (``.svgz``,
        ``.gz``, ``.bz2``, ``.xz``); or what holds some: an archive (``.zip``, ``.tar``,
        ``.tgz``), a document of an office (``.docx``, ``.pptx``, ``.xlsx``, ``.odt``, ``.odp``,
        ``.ods``), a notebook, or an HTML or Markdown page with the pictures in it.

    Returns
    -------
    Stamp or None
        The first that is found; None for a file without one, of whatever kind. Of an archive,
        `read_stamps` gives all.

    Raises
    ------
    OSError
        There is no such file, or it can't be read, or it is a directory.

    Notes
    -----
    Neither matplotlib nor Pillow is imported. Only metadata are looked at, never pixels, so that
    a stamp survives what leaves metadata alone: copying, renaming, zipping, optimising without
    stripping. Memory and time are bounded also for files that are made to exhaust them.

    Examples
    --------
    >>> read_stamp("figure.png")  # doctest: +SKIP
    Stamp(id='2026Y-11M-22D-05h09m48s_K7QX2M9A', script='fit.py', ...)
    """
    return next(_read(path), None)


def read_stamps(path: str | os.PathLike[str]) -> list[Stamp]:
    """Read the stamps of a figure, or of all figures in an archive or a document.

    Parameters
    ----------
    path : path-like
        As for `read_stamp`.

    Returns
    -------
    list of Stamp
        At most one for each figure, in the order of the archive; empty where there is none.

    Raises
    ------
    OSError
        There is no such file, or it can't be read, or it is a directory.
    """
    return list(_read(path))


def _read(path: str | os.PathLike[str]) -> Iterator[Stamp]:
    # A pipe without a writer would be waited for for ever.
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        raise OSError(f"{os.fsdecode(path)} is no regular file")
    with open(path, "rb") as file:
        yield from _stamps_of(file, "", 0, Allowance())


def _stamps_of(file: BinaryIO, member: str, depth: int, allowance: Allowance) -> Iterator[Stamp]:
    head = file.read(1024)
    # One level more for what holds no archive: a packed drawing, in a document, in an archive.
    inside = None
    if depth <= _DEEPEST:
        inside = members(file, head, allowance, archives=depth < _DEEPEST)
    if inside is not None:
        for name, within in inside:
            inner = "/".join(filter(None, (member, name)))
            yield from _stamps_of(within, inner, depth + 1, allowance)
        return
    for text in texts_of(file):
        for stamp in stamps_in(text):
            yield _stamp(stamp, member)
            return


def _stamp(found: dict[str, Any], member: str) -> Stamp:
    def text(name: str) -> str | None:
        value = found.get(name)
        return value if isinstance(value, str) else None

    schema = found[MARK]
    try:
        time = datetime.fromisoformat(str(found.get("time")))
    except ValueError:
        time = None
    return Stamp(
        id=found["id"],
        script=text("script"),
        commit=text("commit"),
        time=time,
        version=text("version"),
        schema=schema if isinstance(schema, int) else 1,
        member=member,
    )
