"""Mode "sys": `sys.stdout` and `sys.stderr` write to a log as well."""

from __future__ import annotations

import io
import os
import sys
from typing import cast

from .descriptors import flush, hide_from_debugger, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, TextIO

    from scitex_session_io._companion.cap import Cap

    from .capture import Opener

    OnFailure = Callable[[str, OSError], None]


class Log:
    """The log of a tee: every write reaches the file at once; after a failure, none does."""

    __slots__ = ("_cap", "_file", "_most", "_on_failure", "_opener", "_owner", "path")

    def __init__(self, path: str, on_failure: OnFailure, most: int, opener: Opener) -> None:
        self.path = path
        self._most = most
        self._owner = os.getpid()
        self._cap: Cap | None = None
        self._on_failure = on_failure
        self._opener = opener
        self._file: io.FileIO | None = io.FileIO(path, "a", opener=opener)

    def write(self, data: bytes) -> None:
        """Append `data`."""
        if self._file is None:
            return
        try:
            while data:
                data = data[self._file.write(data) :]
            if 0 < self._most < self._file.tell() and self._owner == os.getpid():
                self._trim(self._file.tell())
        except OSError as error:
            self.close()
            self._on_failure(self.path, error)

    @property
    def deleted(self) -> bool:
        """Whether the log has no name any more."""
        return self._file is not None and os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._file is not None:
            self._file.close()
        self._file = None
        if self._cap is not None:
            self._cap.close()
        self._cap = None

    def _trim(self, size: int) -> None:
        """Drop the middle of a log that is too long."""
        from scitex_session_io._companion.cap import Cap

        try:
            self._cap = self._cap or Cap(self.path, self._most, self._opener)
            self._cap.trim(size)
        except OSError as error:
            self._most = 0
            say(f"max_bytes has no effect on {self.path}: {error.strerror}", None)


class BinaryTee(io.BufferedIOBase):
    """The binary stream below a `TextTee`."""

    def __init__(self, behind: BinaryIO, log: Log) -> None:
        self._behind = behind
        self._log = log

    def write(self, data: Any) -> int:
        """Write to the log, then to what is behind."""
        self._log.write(bytes(data))
        return self._behind.write(data)

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return whether a terminal is behind."""
        return self._behind.isatty()

    def fileno(self) -> int:
        """Return the descriptor of what is behind."""
        return self._behind.fileno()

    def flush(self) -> None:
        """Flush what is behind; the log has nothing to flush."""
        self._behind.flush()

    def __del__(self) -> None:
        """Do nothing: what is behind may be closed by now, and is not ours to flush."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class TextTee(io.TextIOBase):
    """The stream in the place of `sys.stdout`: what it replaces, with a log.

    After the end of the capture it goes on without the log.
    """

    def __init__(self, behind: TextIO | None, log: Log) -> None:
        self._behind = behind
        self._log = log

    def write(self, text: str) -> int:
        """Write to the log, then to what is behind."""
        if sys.gettrace() is not None:
            hide_from_debugger()
        # What a notebook can show must not fail here, such as a lone surrogate.
        self._log.write(text.encode(self.encoding or "utf-8", "backslashreplace"))
        return len(text) if self._behind is None else self._behind.write(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Flush what is behind; the log has nothing to flush."""
        if self._behind is not None:
            self._behind.flush()

    def __del__(self) -> None:
        """Do nothing: what is behind may be closed by now, and is not ours to flush."""

    def isatty(self) -> bool:
        """Return whether a terminal is behind."""
        return self._behind is not None and self._behind.isatty()

    def fileno(self) -> int:
        """Return the descriptor of what is behind."""
        return super().fileno() if self._behind is None else self._behind.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of what is behind."""
        return getattr(self._behind, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The error handler of what is behind."""
        return getattr(self._behind, "errors", None)

    @property
    def buffer(self) -> BinaryTee:
        """The binary stream below, where what is behind has one."""
        if self._behind is None:
            raise AttributeError("buffer")
        return BinaryTee(self._behind.buffer, self._log)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class Tees:
    """The tees of stdout and stderr.

    Parameters
    ----------
    paths : pair of str
        The logs, appended to; made where they are missing.
    on_failure : callable
        Called with path and error when a log can't be written any more.
    most : int
        The largest size of a log in bytes; 0 for no limit.
    opener : callable
        Opens a log.

    Raises
    ------
    OSError
        A log can't be opened. Nothing has been changed.
    """

    def __init__(
        self, paths: tuple[str, str], on_failure: OnFailure, most: int, opener: Opener
    ) -> None:
        self._found = (sys.stdout, sys.stderr)
        out = Log(paths[0], on_failure, most, opener)
        try:
            err = Log(paths[1], on_failure, most, opener)
        except OSError:
            out.close()
            raise
        self._logs = (out, err)
        self._tees = (TextTee(sys.stdout, out), TextTee(sys.stderr, err))

    @property
    def stdout(self) -> TextIO:
        """The stream that is `sys.stdout` during the capture."""
        return cast("TextIO", self._tees[0])

    @property
    def stderr(self) -> TextIO:
        """The stream that is `sys.stderr` during the capture."""
        return cast("TextIO", self._tees[1])

    @property
    def deleted(self) -> list[str]:
        """The paths of the logs that have no name any more."""
        return [log.path for log in self._logs if log.deleted]

    @property
    def lost(self) -> list[str]:
        """The paths of truncated logs: none, since ``/dev/stderr`` is no log here."""
        return []

    def say_once(self, message: str) -> None:
        """Print a message on the user's stderr, not in a log that can't be written."""
        say(message, None)

    def begin(self) -> None:
        """Put the tees in the place of the streams."""
        sys.stdout, sys.stderr = self.stdout, self.stderr

    def flush(self) -> None:
        """Flush what is behind; the logs have nothing to flush."""
        for stream in self._found:
            flush(stream)

    def end(self) -> None:
        """Put back the streams found, unless the user has replaced them since."""
        if sys.stdout is self._tees[0]:
            sys.stdout = self._found[0]
        if sys.stderr is self._tees[1]:
            sys.stderr = self._found[1]

    def close(self) -> None:
        """Close the logs."""
        for log in self._logs:
            log.close()
