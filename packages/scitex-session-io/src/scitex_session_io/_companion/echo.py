"""What the companion shows: all that is appended to the logs, in the order of its writing."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import errno
import fcntl
import os
import select
import stat

from .cap import MARK
from .tail import Tail, beside

CHUNK = 65536
# A closed pipe, or a terminal that hung up.
NOBODY_READS = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.ECONNRESET)


class Echo:
    """One log, and the terminal, pipe or file that shows what is appended to it.

    `look` notes how long the log is, `show` copies up to an end.

    Attributes
    ----------
    replaced : bytes
        What somebody has taken out of the log by truncating it, and nobody has kept yet.
    """

    __slots__ = (
        *("_rest", "_tail", "end", "goal", "log", "out", "position", "replaced"),
        *("size", "stalled", "step"),
    )

    def __init__(self, log: int, out: int) -> None:
        self.log = log
        self.out, self.step = without_blocking(out)
        # The position is that of the open file, which the run shares: if this process is killed,
        # the run knows what has been shown and shows the rest itself.
        self.position = os.lseek(log, 0, os.SEEK_CUR)
        self.size = self.goal = self.position
        self.end: int | None = None
        self.stalled = False
        self._tail = Tail(log)
        self._rest = memoryview(b"")  # of what was replaced, to be shown first
        self.replaced = b""

    def look(self) -> int:
        """Note how long the log is; return the time of its last write, in nanoseconds."""
        found = os.fstat(self.log)
        start = self._tail.changed(found.st_size, found.st_mtime_ns)
        if start is not None:
            self._start_again(start)
        self.size = found.st_size if self.end is None else min(found.st_size, self.end)
        if self.out < 0:
            self.position, self._rest = self.size, self._rest[:0]
            os.lseek(self.log, self.position, os.SEEK_SET)  # which tells the run that it is seen
        return found.st_mtime_ns

    def _start_again(self, start: int) -> None:
        """Go on with a log that was truncated: what is there now from `start` on is new."""
        self.replaced += self._seen_from(start)
        shown_to = self.position
        if self.end is not None:  # what is written after the end is not for the terminal
            self.end = start
        elif self.out >= 0 and (shown_to > start or not start):
            self._rest = memoryview(bytes(self._rest) + self._seen_from(shown_to))
        self.position = min(shown_to, start)
        os.lseek(self.log, self.position, os.SEEK_SET)
        self._tail.start_again(os.fstat(self.log).st_size)

    def _seen_from(self, position: int) -> bytes:
        """Return what was seen from a position on, and say in it how much is not kept."""
        dropped = self._tail.start - position
        return (MARK % (dropped, b"") if dropped > 0 else b"") + self._tail.since(position)

    def show(self, end: int) -> None:
        """Show what `look` found up to `end`, as far as `out` takes it without waiting."""
        self.stalled = False
        end = min(end, self.size)
        while (self._rest or self.position < end) and self.out >= 0:
            try:
                taken = self._write(end)
            except OSError as error:
                self.out = -1
                if error.errno not in NOBODY_READS:
                    say(f"can't show any more ({error.strerror}): the rest is only in the log")
                return
            if not taken:
                self.stalled = True
                return
            if self._rest:
                self._rest = self._rest[taken:]
                continue
            self.position += taken
            os.lseek(self.log, self.position, os.SEEK_SET)

    def _write(self, end: int) -> int:
        waiting = select.poll()
        waiting.register(self.out, select.POLLOUT)
        if not waiting.poll(0):
            return 0
        if self._rest:
            data = bytes(self._rest[: self.step])
        else:
            data = os.pread(self.log, min(self.step, end - self.position), self.position)
        if not self._rest and self.position + len(data) < end:  # whole lines, where it goes on
            data = data[: data.rfind(b"\n") + 1] or data
        try:
            return os.write(self.out, data)
        except BlockingIOError:
            return 0

    def follow(self, end: int, moved: int) -> None:
        """Adjust to a log of which all up to `end` was dropped, and the rest has moved."""
        self.position = max(self.position, end) - moved
        self.size -= moved
        self.goal -= moved
        if self.end is not None:
            self.end -= moved
        os.lseek(self.log, self.position, os.SEEK_SET)
        self._tail.start_again(os.fstat(self.log).st_size)

    @property
    def done(self) -> bool:
        """Whether everything is shown that was there when the goal was set."""
        return self.past(self.goal)

    def past(self, end: int) -> bool:
        """Return whether everything up to `end` is shown."""
        return self.out < 0 or (not self._rest and self.position >= min(end, self.size))


# In the folder of the logs: the order in which the two were written.
ORDER_NAME = "order.txt"
MOST_ORDER = 1 << 20


class Marks:
    """The length of both logs each time the run turned from one stream to the other.

    Parameters
    ----------
    pipe : int
        Where the run tells them; -1 for nowhere.
    log : int
        A log of which the folder keeps them, for who reads the two logs later; -1 for none.
    """

    __slots__ = ("_awaited", "_file", "_held", "_log", "_pipe", "_room", "pending")

    def __init__(self, pipe: int, log: int = -1) -> None:
        self._pipe = pipe
        self._log = log
        self._file = -1
        self._room = MOST_ORDER
        self._awaited: tuple[int, int] | None = None
        self._held: list[tuple[int, int]] = []
        self.pending: list[tuple[int, int]] = []

    def read(self, *, both: bool = False) -> None:
        """Read the new marks; called after a look at the logs, so that none is missed.

        `both` tells whether both have been written to.
        """
        try:
            found = os.read(self._pipe, CHUNK) if self._pipe >= 0 else b""
        except BlockingIOError:
            found = b""
        new = [
            (int(found[i : i + 16], 16), int(found[i + 16 : i + 32], 16))
            for i in range(0, len(found), 32)
        ]
        self.pending += new
        if self._log >= 0:
            self._held += new
            self._keep(both=both)

    def _keep(self, *, both: bool) -> None:
        # A run that prints on one stream only has no such file, though it flushes both: as long as
        # one log is empty, all marks but the last tell nothing, and that nothing yet.
        while len(self._held) > 1 and not all(self._held[1]):
            del self._held[0]
        if len(self._held) < 2 and not both:
            return
        data = b"".join(b"%d %d\n" % mark for mark in self._held if any(mark))
        self._held.clear()
        if not data:
            return
        try:
            if self._file < 0:
                self._file = beside(self._log, ORDER_NAME, os.O_TRUNC)
            self._room -= len(data)
            if self._room >= 0:
                os.write(self._file, data)
            else:
                self._log = -1
        except OSError:  # a full disk: what is there is right, and the rest has no order
            self._log = -1

    def forget(self) -> None:
        """Drop the marks made before a log was shortened: their lengths are wrong now."""
        self.read()
        self.pending.clear()
        self._log = -1
        if self._file >= 0:
            try:
                os.truncate(self._file, 0)
            except OSError:  # the reader of the two logs sees that their lengths do not fit
                pass

    def follow(self, echoes: list[Echo]) -> bool:
        """Show the logs mark by mark; return whether the last mark has been reached."""
        while self.pending:
            mark = self.pending[0]
            for echo, end in zip(echoes, mark, strict=True):
                echo.show(end)
                if not echo.past(end):
                    return False
            # What is missing was written after this round's look. Wait for it once only: where the
            # log has been truncated, it never comes.
            if self._awaited != mark and any(
                echo.size < end for echo, end in zip(echoes, mark, strict=True)
            ):
                self._awaited = mark
                return False
            del self.pending[0]
        return True


class Alarm:
    """A signal from the kernel when something is written where the logs are: Linux's dnotify.

    It comes once, so it costs the run nothing while the logs grow. inotify would make each `write`
    of the run slower, and this process larger by the megabytes of ctypes.
    """

    __slots__ = ("_directories", "bell")

    def __init__(self, echoes: list[Echo]) -> None:
        self.bell = -1
        self._directories: list[int] = []
        try:
            links = {os.readlink(f"/proc/self/fd/{echo.log}") for echo in echoes}
            self.bell, write_end = os.pipe()
            os.set_blocking(self.bell, False)
            os.set_blocking(write_end, False)
            _signal.signal(_signal.SIGIO, lambda *_: None)
            _signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
            for name in {os.path.dirname(link) for link in links}:
                self._directories.append(os.open(name, os.O_RDONLY))
            self.set()
        except (AttributeError, ImportError, OSError):  # another system, no /proc, switched off
            self._directories.clear()

    def set(self) -> bool:
        """Ask for the signal; return whether there is one."""
        for number in self._directories:
            fcntl.fcntl(number, fcntl.F_NOTIFY, fcntl.DN_MODIFY)
        return bool(self._directories)

    def stop(self) -> bool:
        """Return whether the signal has come since the last call."""
        try:
            return self.bell >= 0 and bool(os.read(self.bell, CHUNK))
        except BlockingIOError:
            return False


def without_blocking(out: int) -> tuple[int, int]:
    """Return a descriptor for `out` on which writing never waits, and how much to write at once.

    A terminal stopped by Ctrl-S would stop the heartbeat too. The flag can't be set on `out`
    itself, since the user's shell shares that open file. So it is opened again.
    """
    if out < 0 or stat.S_ISREG(os.fstat(out).st_mode):  # a file shares its offset with the shell
        return out, CHUNK
    try:
        name = f"/proc/self/fd/{out}" if os.path.exists("/proc/self/fd") else os.ttyname(out)
        out = os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # a socket, or a terminal of another user (after su)
        pass
    # A pipe takes that much in one piece, whatever other processes and, at the end of the capture,
    # other threads of the run write to it.
    return out, select.PIPE_BUF


def say(message: str) -> None:
    """Print a message of ours to the user."""
    try:
        os.write(2, f"scitex-session: {message}\n".encode())
    except OSError:  # a terminal that hung up: there is nowhere left to say it
        pass
