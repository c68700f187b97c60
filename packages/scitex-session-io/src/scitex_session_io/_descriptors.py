"""Descriptors that are ours, in a process whose code may do with them what it likes."""

from __future__ import annotations

import errno
import fcntl
import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

# Out of the way of the small numbers that scripts pick by hand (`os.dup2(x, 3)`), and of 0 to 2,
# which `os.open` gives away in a process that was started with a closed stream.
_LOWEST = 100
# Where a process may have no more than that (`ulimit -n 64`); above those that the companion gets.
_LOWEST_OF_FEW = 20
_CHUNK = 65536

Identity = tuple[int, int, int]


def identity(number: int) -> Identity | None:
    """Tell what stands behind a descriptor: device, inode and device number; None if closed."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_rdev


class Kept:
    """A descriptor of ours under a high number, closed on exec.

    A script may close every descriptor it does not know (`os.closerange`) and open files of its
    own, which get the same numbers: each use asks first whether the number still is ours.
    """

    __slots__ = ("identity", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.identity = identity(number)

    @classmethod
    def copy_of(cls, number: int) -> Kept:
        """Duplicate `number`, which stays as it is."""
        try:
            return cls(fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _LOWEST))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EMFILE):
                raise
            return cls(fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _LOWEST_OF_FEW))

    @classmethod
    def taking(cls, number: int) -> Kept:
        """Move `number` up: it is closed."""
        try:
            return cls.copy_of(number)
        finally:
            os.close(number)

    @classmethod
    def pipe(cls) -> tuple[Kept, Kept]:
        """Make a pipe: its read end, its write end."""
        read_end, write_end = os.pipe()
        return cls.taking(read_end), cls.taking(write_end)

    @property
    def valid(self) -> bool:
        """Whether the number still is what it was."""
        return self.identity is not None and identity(self.number) == self.identity

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it, unless someone else has; may be called twice."""
        if self.valid:
            os.close(self.number)
        self.identity = None


def claim(kept: Kept) -> bool:
    """Tell the first of this process and its forks that it is the first.

    They share the flags of an open file, and on one that is read this flag changes nothing.
    """
    if not kept.valid:
        return True
    first = os.get_blocking(kept.number)
    os.set_blocking(kept.number, False)
    return first


def copy_rest(log: Kept, out: Kept) -> None:
    """Copy `log`, from its position to its end, to `out`, as long as someone reads there."""
    while log.valid and out.valid and (data := os.read(log.number, _CHUNK)):
        while data:
            try:
                data = data[os.write(out.number, data) :]
            except BlockingIOError:
                select.select((), (out.number,), ())
            except OSError:  # a closed pipe, a terminal that hung up: nobody is there to be shown
                return
