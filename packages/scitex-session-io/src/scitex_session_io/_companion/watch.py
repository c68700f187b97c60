"""What the companion watches: whether the run is alive; and how it outlives and files a death."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import fcntl
import os
import select
import sys
import time

from .echo import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# How long the run's parent may take to reap it: only afterwards does Linux tell the exit status.
REAPED_MS = 200
# Those that ask a process to end.
POLITE = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGQUIT)

_PIDFD_GET_INFO = (3 << 30) | (64 << 16) | (0xFF << 8) | 11  # _IOWR(0xFF, 11, 64 bytes)
_PIDFD_INFO_EXIT = 1 << 3


class Watch:
    """The run that is watched, by its pid and, where there is one, a pidfd."""

    __slots__ = ("pid", "pidfd")

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd

    def dead(self, *, woken: bool, closed: bool) -> bool:
        """Return whether the run has died.

        `woken`: something is ready to be read; `closed`: the run's end of the control pipe is
        closed. That alone is no death: after `os.execv` or `os.closerange` the run lives on.
        """
        if self.pidfd >= 0:
            return woken and bool(polled(self.pidfd, 0))
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it has another user by now, and is alive
            return False
        return closed and self._zombie_status() is not None

    def ending(self) -> tuple[int | None, int | None]:
        """Return the signal and the exit status of the dead run, as far as they can be known."""
        status = self._reaped_status()
        if status is None:
            status = self._zombie_status()
        if status is None:
            return None, None
        return (status & 0x7F, None) if status & 0x7F else (None, status >> 8 & 0xFF)

    def _reaped_status(self) -> int | None:
        """Ask the pidfd (Linux 6.15 and later)."""
        if self.pidfd < 0:
            return None
        for _ in range(REAPED_MS // 2):
            if polled(self.pidfd, 0) & select.POLLHUP:
                break
            time.sleep(0.002)
        else:
            return None
        info = bytearray(64)
        info[:8] = _PIDFD_INFO_EXIT.to_bytes(8, sys.byteorder)
        try:
            fcntl.ioctl(self.pidfd, _PIDFD_GET_INFO, info)
        except OSError:  # an older kernel
            return None
        if not int.from_bytes(info[:8], sys.byteorder) & _PIDFD_INFO_EXIT:
            return None
        return int.from_bytes(info[60:64], sys.byteorder)

    def _zombie_status(self) -> int | None:
        """Ask /proc, which tells it until the parent has reaped the process."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return int(fields[49]) if fields[0] == b"Z" else None


def ignore_signals() -> None:
    """Ignore the signals that ask a process to end, which were blocked until now."""
    for number in POLITE:
        _signal.signal(number, _signal.SIG_IGN)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def heed_signals() -> None:
    """Let this process be ended again: the run is over, and only its last output is still shown."""
    for number in POLITE:
        _signal.signal(number, _signal.SIG_DFL)


def polled(number: int, timeout_ms: int) -> int:
    """Return the events of one descriptor."""
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    return sum(events for _, events in waiting.poll(timeout_ms))


def seen_json(signal: int | None, exit_status: int | None) -> str:
    """Return what was seen, as JSON; written by hand, since `json` costs a megabyte."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    seen = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}+00:00"
    known = [str(value) if value is not None else "null" for value in (signal, exit_status)]
    return f'{{"seen": "{seen}", "signal": {known[0]}, "exit_status": {known[1]}}}'


def code_of(folder: str) -> int:
    """Copy the Python files of a folder into memory: a path, a length and a content each.

    Return the descriptor of the copy, -1 where no file in memory can hold it. It is the
    system's memory, not this process's: the companion stays small.
    """
    try:
        number = os.memfd_create("code")
    except (AttributeError, OSError):
        return -1
    for place, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".py"):
                continue
            path = os.path.join(place, name)
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except OSError:
                continue
            head = b"%s\n%d\n" % (os.fsencode(os.path.relpath(path, folder)), len(content))
            text = head + content
            try:
                while text:
                    text = text[os.write(number, text) :]
            except OSError:  # `ulimit -f`; no memory
                os.close(number)
                return -1
    return number


def file_death(command: list[str], watch: Watch, code: int = -1) -> NoReturn:
    """Become the command that files the crash, with its code on stdin.

    It goes on ignoring what asks a process to end.
    """
    found = seen_json(*watch.ending())
    if code >= 0:
        os.lseek(code, 0, os.SEEK_SET)
        os.dup2(code, 0)
    os.closerange(3, 256)
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)  # which Python ignores
    try:
        os.execv(command[0], [*command, found])
    except OSError as error:
        say(f"can't run {command[0]}: {error}")
        os._exit(127)
