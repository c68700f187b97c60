"""Tells whether the file of an index is as our last fold left it.

SQLite reads a file that was cut or overwritten as long as its pages look right, and what it finds
there may be wrong. So a fold leaves the file's inode, size and time of change beside it: the seal.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    Signature: TypeAlias = tuple[int, int, int]


class Seal:
    """The seal of an index.

    Parameters
    ----------
    index : Path
        The file of the index.

    Notes
    -----
    Only who holds the lock of the index writes or removes the seal. While somebody folds, there is
    none: whoever is killed then leaves an index without a seal, which is checked by its pages.
    """

    __slots__ = ("_index", "_path")

    def __init__(self, index: Path) -> None:
        self._index = index
        self._path = index.with_name(f"{index.name}.seal")

    def now(self) -> Signature | None:
        """Return the inode, size and time of change of the index; None if there is none."""
        try:
            found = os.stat(self._index)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> Signature | None:
        """Return what the last fold left; None if there is no seal."""
        try:
            with open(self._path, "rb") as file:
                inode, size, changed = map(int, file.read(100).split())
        except (OSError, ValueError):
            return None
        return inode, size, changed

    def write(self) -> Signature | None:
        """Seal the index as it is now, and return its signature."""
        now = self.now()
        try:
            if now is None:
                raise FileNotFoundError(self._index)
            with open(self._path, "wb") as file:
                file.write(b"%d %d %d" % now)
        except OSError:  # a full disk: without a seal its pages are checked
            self.remove()
        return now

    def remove(self) -> None:
        """Leave the index without a seal."""
        try:
            os.unlink(self._path)
        except OSError:
            pass  # there is none, or it can't be removed, and then not be written either
