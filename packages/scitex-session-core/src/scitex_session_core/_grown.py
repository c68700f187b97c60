"""Which files of the journal hold something that is not yet in the index."""

from __future__ import annotations

import os

from ._journal import journal_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

# So many bytes at the beginning of a file tell it from another of its name.
HEAD = 256


class JournalFile:
    """A file of the journal, and how much of it is folded."""

    __slots__ = ("file", "folded", "head", "path", "size")

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.file: int | None = None
        self.head = b""
        self.folded = 0


def behind(connection: sqlite3.Connection, registry: Path) -> list[JournalFile] | None:
    """Return the files that hold something new; None where the index is not of these files.

    Raises
    ------
    OSError
        The journal can't be listed.
    """
    known = {
        name: (file, head, folded)
        for file, name, head, folded in connection.execute("SELECT * FROM files")
    }
    grown = []
    for found in _files(registry):
        name = os.fsencode(os.path.basename(found.path))
        if name in known:
            found.file, found.head, found.folded = known.pop(name)
            if found.size < found.folded:
                return None
        if found.size > found.folded:
            if found.folded and _is_another(found):
                return None
            grown.append(found)
    return None if known else grown


def _files(registry: Path) -> list[JournalFile]:
    files = []
    for path in journal_files(registry):
        try:
            files.append(JournalFile(str(path), path.stat().st_size))
        except OSError:
            continue  # a link to nowhere: no reason not to read the others
    return files


def _is_another(file: JournalFile) -> bool:
    try:
        with open(file.path, "rb") as stream:
            return stream.read(len(file.head)) != file.head
    except OSError:
        return False  # folding it says so
