"""Descriptors and standard streams, in a process whose code may do with them what it likes."""

from __future__ import annotations

import errno
import io
import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol, Self, TextIO

    class SupportsFlush(Protocol):
        """A stream."""

        def flush(self) -> None:
            """Write out what it holds."""


NUMBERS = {"stdout": 1, "stderr": 2}
# The variables of C's streams; the second name on macOS and the BSDs.
C_VARIABLES = {"stdin": ("stdin", "__stdinp"), "stdout": ("stdout", "__stdoutp")}

# Out of the way of the small numbers that scripts pick by hand (`os.dup2(x, 3)`), and of 0 to 2,
# which `os.open` gives away in a process that was started with a closed stream.
_LOWEST = 100
# Where a process may have no more than that (`ulimit -n 64`); above those that the companion gets.
_LOWEST_OF_FEW = 20
_CHUNK = 65536
_OUR_MODULES = __name__.partition(".")[0] + ".*"

Identity = tuple[int, int, int]


def identity(number: int) -> Identity | None:
    """Return the device, inode and device number behind a descriptor; None if it is closed."""
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_rdev


class Kept:
    """A descriptor of ours under a high number, closed on exec.

    A script may close every descriptor that it does not know (`os.closerange`) and open files of
    its own, which get the same numbers. So each use first checks that the number is still ours.
    """

    __slots__ = ("identity", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.identity = identity(number)

    @classmethod
    def copy_of(cls, number: int) -> Kept:
        """Duplicate `number`, which stays as it is."""
        import fcntl  # not above: Windows has none, and uses the functions for streams

        for lowest in (_LOWEST, _LOWEST_OF_FEW):
            try:
                return cls(fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, lowest))
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EMFILE):
                    raise
        raise OSError(errno.EMFILE, f"{os.strerror(errno.EMFILE)}, more are needed (ulimit -n)")

    @classmethod
    def taking(cls, number: int) -> Kept:
        """Move `number` up: it is closed."""
        try:
            return cls.copy_of(number)
        finally:
            os.close(number)

    @classmethod
    def pipe(cls) -> tuple[Kept, Kept]:
        """Make a pipe; return its read end and its write end."""
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


def open_path(path: str, flags: int) -> int:
    """Open a file by its path alone: the `opener` of a capture that is given none."""
    return os.open(path, flags, 0o666)


def claim(kept: Kept) -> bool:
    """Return True to the first caller among this process and its forks.

    They share the flags of an open file; this flag changes nothing for a file that is only read.
    """
    if not kept.valid:
        return True
    first = os.get_blocking(kept.number)
    os.set_blocking(kept.number, False)
    return first


def copy_rest(log: Kept, out: Kept) -> None:
    """Copy `log`, from its position to its end, to `out`, as long as someone reads there."""
    if log.valid and os.lseek(log.number, 0, os.SEEK_CUR) > os.fstat(log.number).st_size:
        os.lseek(log.number, 0, os.SEEK_SET)  # it was truncated: what is there is new
    while log.valid and out.valid and (data := os.read(log.number, _CHUNK)):
        while data:
            try:
                data = data[os.write(out.number, data) :]
            except BlockingIOError:
                select.select((), (out.number,), ())
            except OSError:  # a closed pipe, a terminal that hung up: nobody reads any more
                return


def say(message: str, out: Kept | None, *, new_line: bool = False) -> None:
    """Print a message of ours on `out`, or where that is gone on `sys.stderr`.

    With `new_line` it begins a new line first. It is not a Python warning: under ``-W error`` that
    would be an exception in the middle of the user's `print`.
    """
    line = f"scitex-session: {message}\n"
    if new_line:
        line = f"\n{line}"
    try:
        if out is not None and out.valid:
            os.write(out.number, line.encode())
        elif type(stream := sys.stderr) is io.TextIOWrapper:
            # Not through its buffer: what can't be written there would make the interpreter fail
            # at its very end, with status 120, though the run did not.
            stream.flush()
            os.write(stream.fileno(), line.encode(stream.encoding, "backslashreplace"))
        elif stream is not None:
            stream.write(line)
    except (OSError, ValueError):  # full or closed as well: there is nowhere left to say it
        return


def flush(stream: SupportsFlush | None) -> None:
    """Flush a Python stream, whatever has become of it."""
    if stream is None:
        return
    try:
        stream.flush()
    except (Exception, SystemExit):  # noqa: BLE001  # closed, a broken pipe, replaced by anything
        return


def can_redirect(name: Literal["stdout", "stderr"]) -> bool:
    """Return whether `sys.stdout` (or stderr) writes to its descriptor."""
    stream = getattr(sys, name)
    if stream is None:  # started with it closed (`>&-`); a file of the user may have its number
        return identity(NUMBERS[name]) is None
    return _stands_on(stream, NUMBERS[name])


def plain_stream(name: Literal["stdout", "stderr"]) -> io.TextIOWrapper | None:
    """Return Python's own stream: `sys.stdout`, or what a wrapper in its place writes to."""
    for stream in (getattr(sys, name), getattr(sys, f"__{name}__")):
        if type(stream) is io.TextIOWrapper and _stands_on(stream, NUMBERS[name]):
            return stream
    return None


def buffer_lines(stream: io.TextIOWrapper | None, *, yes: bool) -> None:
    """Turn the line buffering of one of Python's own streams on or off."""
    if stream is None:
        return
    try:
        stream.reconfigure(line_buffering=yes)
    except (OSError, ValueError):  # it can't flush what it holds, or is closed
        return


def hide_from_debugger() -> None:
    """Make pdb's ``step`` pass over our functions, as it passes over the C code they replace.

    Call it in what pdb itself calls before anything is stepped into.
    """
    debugger = getattr(sys.gettrace(), "__self__", None)
    bdb = sys.modules.get("bdb")
    if bdb is not None and isinstance(debugger, bdb.Bdb):
        debugger.skip = {*(debugger.skip or ()), _OUR_MODULES}


def _stands_on(stream: TextIO, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):  # replaced by what has no descriptor, or closed
        return False
