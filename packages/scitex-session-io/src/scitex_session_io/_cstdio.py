"""The output buffer of C's own ``stdout`` in this process, which extension modules print to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

_IOFBF, _IOLBF = 0, 1  # of <stdio.h>; the same on Linux (glibc, musl), macOS and the BSDs
_NAMES = ("stdout", "__stdoutp")  # the second on macOS and the BSDs


class CStdout:
    """C's ``stdout``: flushed, and buffered by the line while it goes to a log.

    Why: C chooses 4 KiB blocks for what is no terminal, and a killed run would lose the last one.
    This costs 1.3 ms for the import of ctypes (CPython 3.11), which numpy imports as well. Where
    there is no ctypes, or no such symbol, C keeps its block and nothing else changes.
    ``stderr`` is never buffered.
    """

    __slots__ = ("_library", "_stream")

    def __init__(self) -> None:
        self._stream: ctypes.c_void_p | None = None
        try:
            import ctypes

            self._library = ctypes.CDLL(None)
        except (ImportError, OSError):
            return
        for name in _NAMES:
            try:
                self._stream = ctypes.c_void_p.in_dll(self._library, name)
            except ValueError:  # not defined under this name
                continue
            break

    def flush(self) -> None:
        """Write out what it holds.

        That stream alone: flushing all of them (NULL) waits for a thread that reads C's stdin.
        """
        if self._stream is not None:
            self._library.fflush(self._stream)

    def by_line(self, *, yes: bool) -> None:
        """Choose between buffering lines and blocks; the buffer must be flushed."""
        if self._stream is not None:
            self._library.setvbuf(self._stream, None, _IOLBF if yes else _IOFBF, 0)
