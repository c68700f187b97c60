"""The limit of a log's size: its middle is dropped, and a mark stands in its place.

The companion imports this too, so it imports little, and only from the standard library.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MARK = b"\n[scitex-session: %d bytes dropped here]%s\n"

# linux/falloc.h
_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_COLLAPSE_RANGE = 0x08
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class Cap:
    """The limit of one log, which others go on appending to.

    Writers can't be stopped, and writing the log anew would lose what they append meanwhile. So the
    file system takes the middle out of the file as it is: it collapses blocks (ext4, XFS), or
    punches a hole, which takes no room and reads as NULs (tmpfs, Btrfs, ZFS, NFS 4.2). In either
    case appending goes on at the end.

    Parameters
    ----------
    path : str
        The log.
    most : int
        The largest size in bytes. Half of it, the beginning of the log, is kept for good.
    opener : callable
        Opens the log.

    Raises
    ------
    OSError
        The log can't be opened, or this is not Linux.
    """

    def __init__(self, path: str, most: int, opener: Callable[[str, int], int] = os.open) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "only Linux takes blocks out of a file")
        self.most = most
        self._number = opener(path, os.O_RDWR)
        self._block = os.fstatvfs(self._number).f_bsize
        self._head = max(self._block, most // 2 // self._block * self._block)
        self._cut: int | None = None
        self._collapsed = 0
        self._hole = 0

    def trim(self, shown: int) -> tuple[int, int]:
        """Drop the surplus from the middle.

        Parameters
        ----------
        shown : int
            Keep everything from this position on.

        Returns
        -------
        int
            The end of the dropped part; 0 if nothing was dropped.
        int
            By how many bytes the rest has moved towards the beginning.

        Raises
        ------
        OSError
            The file system can take nothing out of a file. The log is whole.
        """
        size = os.fstat(self._number).st_size
        if size - self._hole <= self.most:
            return 0, 0
        # A quarter becomes free, so that the next line does not call for another trim.
        limit = min(size - self.most // 4, shown - 2 * len(MARK))
        end = limit // self._block * self._block
        if end <= self._head + self._hole:
            return 0, 0
        beyond = os.pread(self._number, 2 * len(MARK), end)
        cut = self._cut_character() if self._cut is None else self._cut
        mark = _mark(end + self._collapsed - self._head + cut, beyond)
        os.pwrite(self._number, mark, end)
        try:
            moved = self._take_out(end - self._head)
        except OSError:
            os.pwrite(self._number, beyond[: len(mark)], end)
            raise
        if self._cut is None:
            os.pwrite(self._number, b" " * cut, self._head - cut)
            self._cut = cut
        return end, moved

    def close(self) -> None:
        """Close the log."""
        os.close(self._number)

    def _cut_character(self) -> int:
        """Return how many bytes at the end of the head begin a UTF-8 character that is cut."""
        last = os.pread(self._number, 3, self._head - 3)
        for length in (1, 2, 3):
            byte = last[-length]
            if byte >= 0xC0:  # it begins a character of 2, 3 or 4 bytes
                return length if length < 2 + (byte >= 0xE0) + (byte >= 0xF0) else 0
            if byte < 0x80:
                return 0
        return 0

    def _take_out(self, length: int) -> int:
        """Take out what follows the head; return by how many bytes the rest has moved."""
        if not self._hole:
            try:
                _fallocate(self._number, _COLLAPSE_RANGE, self._head, length)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
            else:
                self._collapsed += length
                return length
        _fallocate(self._number, _PUNCH_HOLE | _KEEP_SIZE, self._head, length)
        self._hole = length
        return 0


def _mark(dropped: int, beyond: bytes) -> bytes:
    """Return the mark to write over the first bytes of `beyond`, up to a character's start."""
    marks = []
    for spaces in range(4):
        mark = b""
        for _ in range(3):  # it counts the bytes under it too, and more digits make it longer
            mark = MARK % (dropped + len(mark), b" " * spaces)
        if beyond[len(mark)] & 0xC0 != 0x80:
            return mark
        marks.append(mark)
    return marks[0]  # not UTF-8


def _fallocate(number: int, mode: int, offset: int, length: int) -> None:
    """Call Linux's fallocate(2), which Python does not have."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    # In glibc only this one has offsets of 64 bits everywhere; musl lacks it.
    call = getattr(libc, "fallocate64", None) or libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while call(number, mode, offset, length):
        if (code := ctypes.get_errno()) != errno.EINTR:
            raise OSError(code, os.strerror(code))
