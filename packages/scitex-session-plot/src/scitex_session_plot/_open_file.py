"""A file that somebody else has open, and writes a figure into."""

from __future__ import annotations

import os
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OpenFile:
    """A file on disk, by its file object: which is not kept, since that would keep it open.

    Attributes
    ----------
    path : str
        Where it is, absolute.
    """

    def __init__(self, file: Any, path: str) -> None:
        self.path = path
        self._file = weakref.ref(file)

    @property
    def closed(self) -> bool:
        """Whether all of it is on disk."""
        file = self._file()
        return file is None or bool(getattr(file, "closed", False))

    def is_there(self) -> bool:
        """Whether it is, with what has been written so far: a temporary one may be gone."""
        file = self._file()
        if file is not None and not self.closed:
            try:
                file.flush()
            except (OSError, ValueError):
                return False
        return os.path.isfile(self.path)


def open_file(file: Any) -> OpenFile | None:
    """Give the file on disk behind a file object; None for a buffer, a pipe, or what is like one.

    That it has a name says little: that of a member of an archive is no path.
    """
    name = getattr(file, "name", None)
    if not isinstance(name, (str, bytes, os.PathLike)):
        return None
    path = os.path.abspath(os.fsdecode(name))
    try:
        if os.path.isfile(path) and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return OpenFile(file, path)
    except (AttributeError, TypeError, OSError, ValueError):
        pass  # no descriptor, or closed, or one that can't be referred to: nothing to tell of
    return None
