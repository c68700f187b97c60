"""Read stamps with the standard library alone, so that it works years later and elsewhere."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from typing import NamedTuple

from .containers import HEAD, contents
from .places import MARK
from .scan import Budget, figure_kind, find_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

_DEEPEST = 2  # a document in an archive


class Stamp(NamedTuple):
    """The facts in a figure about the run that made it.

    Attributes
    ----------
    id : str
        The run.
    script : str or None
        The script, relative to the top of its repository if it has one.
    commit : str or None
        The commit of the script's repository.
    time : datetime or None
        When the figure was saved.
    version : str or None
        The version of scitex-session.
    schema : int
        The version of the stamp; fields that a later one adds are ignored.
    member : str
        The file inside an archive or a document that has the stamp, or the place of the picture in
        a notebook or a page (``cell 3``, ``picture 1``); empty for the file itself.
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
        ``.gz``, ``.bz2``, ``.xz``); or a file that holds figures: an archive (``.zip``, ``.tar``,
        ``.tgz``), an office document (``.docx``, ``.pptx``, ``.xlsx``, ``.odt``, ``.odp``,
        ``.ods``), a notebook, or an HTML or Markdown page with the pictures in it.

    Returns
    -------
    Stamp or None
        The first one, or None. `read_stamps` returns all stamps in an archive.

    Raises
    ------
    OSError
        There is no such file, it can't be read, or it is not a regular file.

    Notes
    -----
    Neither matplotlib nor Pillow is imported. A stamp survives copying, renaming, zipping, and
    programs that keep metadata. Time and memory are bounded, also for files that are made to
    exhaust them: of a figure beyond 512 MB, the first and last 256 MB are read; of what is packed
    in a file, members of up to 64 MB, and 512 MB in all.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> restore = watch_savefig(stamp=lambda: {"id": "run-17", "script": "fit.py"})
    >>> Figure().savefig("figure.png")
    >>> restore()
    >>> read_stamp("figure.png")
    Stamp(id='run-17', script='fit.py', ...)
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
        At most one for each figure, in the order of the archive; empty if there is none.

    Raises
    ------
    OSError
        There is no such file, it can't be read, or it is not a regular file.
    """
    return list(dict.fromkeys(_read(path)))  # a notebook has the same figure in several forms


def _read(path: str | os.PathLike[str]) -> Iterator[Stamp]:
    with open(path, "rb", opener=_opened) as file:
        name = os.path.basename(os.fsdecode(path))
        yield from _stamps_of(file, name, "", 0, Budget())


def _opened(path: str, flags: int) -> int:
    """Open a file without blocking, as a pipe without a writer would, and refuse all but files."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a directory is refused by `open`
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor


def _stamps_of(
    file: BinaryIO, name: str, member: str, depth: int, budget: Budget
) -> Iterator[Stamp]:
    """Yield the stamp of a file, or those of the files in it."""
    head = file.read(HEAD)
    # One more level for files without archives: a packed drawing, in a document, in an archive.
    if depth <= _DEEPEST:
        inside = contents(file, head, name, budget, archives=depth < _DEEPEST)
        if inside is not None:
            # The inside of a packed file has its name, without the last suffix.
            packed = os.path.splitext(name)[0]
            for inner, content in inside:
                where = "/".join(filter(None, (member, inner)))
                yield from _stamps_of(content, inner or packed, where, depth + 1, budget)
            return
    kind = figure_kind(head)
    if kind is not None and (facts := find_stamp(file, kind, budget)) is not None:
        yield _stamp(facts, member)


def _stamp(facts: dict[str, Any], member: str) -> Stamp:
    def text(name: str) -> str | None:
        value = facts.get(name)
        return value if isinstance(value, str) else None

    schema = facts[MARK]
    try:
        time = datetime.fromisoformat(str(facts.get("time")))
    except ValueError:
        time = None
    return Stamp(
        id=facts["id"],
        script=text("script"),
        commit=text("commit"),
        time=time,
        version=text("version"),
        schema=schema if isinstance(schema, int) else 1,
        member=member,
    )
