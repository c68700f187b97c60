"""A pseudo-terminal with a script on it; by itself, since Windows can't import this."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from typing import TYPE_CHECKING

from support._processes import write_script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self


class Terminal:
    """A script on a terminal of its own, and what it has shown there.

    Parameters
    ----------
    source : str or Path
        The script.
    *args : str
        Its arguments.
    columns, lines : int
        The terminal's size; 0 columns for one that nobody gave a size.
    argv : sequence of str, optional
        Another command than Python with this script.
    """

    def __init__(
        self,
        source: str | Path,
        *args: str,
        columns: int = 0,
        lines: int = 43,
        argv: Sequence[str] | None = None,
    ) -> None:
        command = list(argv) if argv else [sys.executable, os.fspath(write_script(source)), *args]
        self._seen = b""
        self.pid, self.number = pty.fork()
        if self.pid == 0:
            self._set_size(0, columns, lines)
            # With this environment: readline has put COLUMNS into that of C.
            os.execve(command[0], command, {**os.environ, "TERM": "xterm"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.number >= 0:
            os.kill(self.pid, signal.SIGKILL)
            self.close()

    @staticmethod
    def _set_size(number: int, columns: int, lines: int) -> None:
        fcntl.ioctl(number, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size, which the system tells the script (SIGWINCH)."""
        self._set_size(self.number, columns, lines)

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self.number, keys)

    def read(self, until: bytes | None = None, timeout: float = 30) -> bytes:
        """Read up to and with `until`, or to the end, as it was shown."""
        deadline = time.monotonic() + timeout
        while until is None or until not in self._seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.number], [], [], left)[0]:
                raise AssertionError(f"no {until!r} within {timeout} s; shown: {self._seen!r}")
            try:
                self._seen += os.read(self.number, 65536)
            except OSError as error:  # nobody holds the other side any more
                if until is not None:
                    raise AssertionError(f"no {until!r} in {self._seen!r}") from error
                break
        ends = len(self._seen) if until is None else self._seen.find(until) + len(until)
        shown, self._seen = self._seen[:ends], self._seen[ends:]
        return shown

    def close(self) -> int:
        """Wait for the end; return the exit code."""
        os.close(self.number)
        self.number = -1
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
