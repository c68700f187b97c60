"""The end of a log as the companion has seen it, in case somebody truncates the log.

A program that opens ``/dev/stderr`` for writing truncates what it finds there, which is the log.
"""

from __future__ import annotations

import errno
import os

from .cap import Cap

# How much of each log is kept in memory.
MOST = 1 << 19
_PIECE = 1 << 16
# How much is compared each time the log has grown: all of a small log, the last of a large one.
_COMPARED = 1 << 16


class Tail:
    """The last megabyte of a log that others append to.

    Parameters
    ----------
    log : int
        The log, open for reading.

    Attributes
    ----------
    end : int
        The length of the log when it was seen last.
    """

    __slots__ = ("_length", "_log", "_pieces", "_written", "end")

    def __init__(self, log: int) -> None:
        self._log = log
        self._written = 0
        self._pieces: list[bytes] = []
        self._length = 0
        self.end = 0
        self.start_again(os.fstat(log).st_size)

    @property
    def start(self) -> int:
        """Where in the log the part that is kept begins."""
        return self.end - self._length

    def changed(self, size: int, written: int) -> int | None:
        """Take in what was appended, or return where the log is another than what was seen.

        Parameters
        ----------
        size, written : int
            The length of the log, and the time of its last write.

        Returns
        -------
        int or None
            None if the log goes on where it was. Otherwise this object still has what was seen,
            until `start_again`.

        Notes
        -----
        A truncated log may have grown beyond its old length by now. So what was seen is compared
        with what is there. What was replaced by the same bytes looks as if nothing had happened.
        """
        if size < self.end:
            return 0
        if size == self.end and written == self._written:
            return None
        self._written = written
        seen = self.since(max(self.start, self.end - _COMPARED))
        found = os.pread(self._log, len(seen), self.end - len(seen))
        if found != seen:
            return self._difference(seen, found)
        self._take_in(size)
        return None

    def since(self, position: int) -> bytes:
        """Return what was seen from a position on, as far as it is kept."""
        wanted = self.end - max(position, self.start)
        found: list[bytes] = []
        for piece in reversed(self._pieces):
            if wanted <= 0:
                break
            found.append(piece[-wanted:])
            wanted -= len(piece)
        return b"".join(reversed(found))

    def start_again(self, size: int) -> None:
        """Forget what was seen: the log is another."""
        self._pieces.clear()
        self._length = 0
        self.end = max(0, size - MOST)
        self._take_in(size)

    def _take_in(self, size: int) -> None:
        if size - self.end > MOST:  # it grew too fast to be seen whole
            self._pieces.clear()
            self._length = 0
            self.end = size - MOST
        while self.end < size:
            piece = os.pread(self._log, min(size - self.end, _PIECE), self.end)
            if not piece:  # truncated meanwhile: the next look finds out
                break
            if self._pieces and len(self._pieces[-1]) + len(piece) <= _PIECE // 8:
                self._pieces[-1] += piece
            else:
                self._pieces.append(piece)
            self._length += len(piece)
            self.end += len(piece)
        while self._pieces and self._length - len(self._pieces[0]) >= MOST:
            self._length -= len(self._pieces.pop(0))

    def _difference(self, seen: bytes, found: bytes) -> int:
        """Return the beginning of the first line that differs; 0 where the whole log is another."""
        # A small log, or one that differs from the first line on, was truncated and has grown. In a
        # large one, a program that does not append has written over a part.
        begin = self.end - len(seen)
        same = 0
        for line in seen.splitlines(keepends=True) if begin else ():
            if found[same : same + len(line)] != line:
                break
            same += len(line)
        return begin + same if same else 0


def earlier_part(log: str) -> str:
    """Return the path of the file that keeps what stood in a log before it was truncated."""
    name, suffix = os.path.splitext(log)
    return f"{name}.1{suffix}"


def keep_earlier(log: int, data: bytes, most: int) -> tuple[str, str]:
    """Append what stood in a log to its earlier part, a file beside it.

    Parameters
    ----------
    log : int
        The log.
    data : bytes
        What stood in it.
    most : int
        How many bytes the earlier part may have, as the log; 0 for any number.

    Returns
    -------
    tuple of str
        The names of the two files.

    Raises
    ------
    OSError
        The earlier part can't be written: a full disk, a log that was deleted, no ``/proc``.
    """
    name = os.path.basename(os.readlink(f"/proc/self/fd/{log}"))
    part = earlier_part(name)
    number = beside(log, part)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(number, rest) :]
        size = os.fstat(number).st_size
        if 0 < most < size:
            cap = Cap(f"/proc/self/fd/{number}", most)
            try:
                cap.trim(size)
            finally:
                cap.close()
    finally:
        os.close(number)
    return name, part


def beside(log: int, name: str, flags: int = 0) -> int:
    """Open a file in the folder of a log, to append to it.

    Raises
    ------
    OSError
        It can't be opened; or the log was deleted, or there is no ``/proc``.
    """
    try:
        folder, _ = _place_of(log)
    except FileNotFoundError:  # the run directory was moved in between, which happens once
        folder, _ = _place_of(log)
    try:
        # Not through a link, nor into a pipe, that somebody else may have put there.
        flags |= os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(name, flags, os.fstat(log).st_mode & 0o666, dir_fd=folder)
    finally:
        os.close(folder)


def _place_of(log: int) -> tuple[int, str]:
    """Open the directory of a log; return it and the log's name there."""
    path = os.readlink(f"/proc/self/fd/{log}")
    folder, name = os.path.split(path)
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found, mine = os.stat(name, dir_fd=number, follow_symlinks=False), os.fstat(log)
        if (found.st_dev, found.st_ino) != (mine.st_dev, mine.st_ino):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    except OSError:
        os.close(number)
        raise
    return number, name
