"""How far a long fold of the journal has come."""

from __future__ import annotations

import sys
import time

_SILENT_S = 1.0


class Progress:
    """Says on a terminal how far a fold has come, once it takes longer than a moment."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._read = 0
        self._began = time.monotonic()
        self._shown = False

    def show(self, read: int) -> None:
        """Note how much more was read."""
        self._read += read
        stream = sys.stderr
        if time.monotonic() - self._began < _SILENT_S or stream is None or not stream.isatty():
            return
        self._shown = True
        stream.write(f"\rfolding the registry's journal: {100 * self._read // self._total} % ")
        stream.flush()

    def done(self) -> None:
        """Take away what was shown."""
        if self._shown:
            sys.stderr.write("\r" + " " * 48 + "\r")
            sys.stderr.flush()
