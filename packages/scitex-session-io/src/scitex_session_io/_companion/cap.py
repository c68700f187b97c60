"""A log that is not to grow without end: its middle is dropped, and that is said in its place.

The companion imports this too: nothing but the standard library, and of that little.
"""

from __future__ import annotations

import errno
import os
import sys

MARK = b"\n[scitex-session: %d bytes dropped here]%s\n"

# linux/falloc.h
_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_COLLAPSE_RANGE = 0x08
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


class Cap:
    """The beginning and the end of a log that others append to all the while.

    Nobody can be asked to stop writing, and what was appended meanwhile would be lost if the log
    were written anew. So the file system takes the middle out of the file as it is: blocks
    collapsed (ext4, XFS), or else a hole punched, which takes no room and reads as NULs (tmpfs,
    Btrfs, ZFS, NFS 4.2). Appending goes on at the end in either case.

    Parameters
    ----------
    path : str
        The log.
    most : int
        What it may have, in bytes. Half of that is kept for good, its beginning.

    Raises
    ------
    OSError
        The log can't be opened, or this is not Linux.
    """

    def __init__(self, path: str, most: int) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "only Linux takes blocks out of a file")
        self.most = most
        self._number = os.open(path, os.O_RDWR)
        self._block = os.fstatvfs(self._number).f_bsize
        self._head = max(self._block, most // 2 // self._block * self._block)
        self._cut: int | None = None
        self._collapsed = 0
        self._hole = 0

    def trim(self, shown: int) -> tuple[int, int]:
        """Drop from the middle as much as is too much.

        Parameters
        ----------
        shown : int
            What stands from here on is kept.

        Returns
        -------
        int
            Where what follows the dropped part began, before it moved; 0 if nothing was dropped.
        int
            By how much it has moved towards the beginning.

        Raises
        ------
        OSError
            This file system can take nothing out of a file; the log is whole.
        """
        size = os.fstat(self._number).st_size
        if size - self._hole <= self.most:
            return 0, 0
        # A quarter is free then: the next time is not at the next line.
        limit = min(size - self.most // 4, shown - 2 * len(MARK))
        end = limit // self._block * self._block
        if end <= self._head + self._hole:
            return 0, 0
        beyond = os.pread(self._number, 2 * len(MARK), end)
        cut = self._halved() if self._cut is None else self._cut
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
        """Let go of the log."""
        os.close(self._number)

    def _halved(self) -> int:
        """Tell how many bytes at the end of the head begin a UTF-8 character that is cut."""
        last = os.pread(self._number, 3, self._head - 3)
        for length in (1, 2, 3):
            byte = last[-length]
            if byte >= 0xC0:  # it begins one, of 2, 3 or 4 bytes
                return length if length < 2 + (byte >= 0xE0) + (byte >= 0xF0) else 0
            if byte < 0x80:
                return 0
        return 0

    def _take_out(self, length: int) -> int:
        """Take out what follows the head; return by how much the rest has moved."""
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
    """Give the line that is to stand on the first bytes of `beyond`, up to a character's start."""
    marks = []
    for spaces in range(4):
        mark = b""
        for _ in range(3):  # it counts the bytes that it stands on; their number may lengthen it
            mark = MARK % (dropped + len(mark), b" " * spaces)
        if beyond[len(mark)] & 0xC0 != 0x80:
            return mark
        marks.append(mark)
    return marks[0]  # no UTF-8


def _fallocate(number: int, mode: int, offset: int, length: int) -> None:
    """Call Linux's fallocate(2), for which Python has no name."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    # In the C library of GNU, only this one has offsets of 64 bits everywhere; musl lacks it.
    call = getattr(libc, "fallocate64", None) or libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while call(number, mode, offset, length):
        if (code := ctypes.get_errno()) != errno.EINTR:
            raise OSError(code, os.strerror(code))
