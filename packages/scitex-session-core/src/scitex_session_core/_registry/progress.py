"""How far a long task has come, on a terminal."""

from __future__ import annotations

import sys
import time

_SILENT_S = 1.0
_REDRAWN_S = 0.1


class Progress:
    """Shows on a terminal how far a task has come, once it takes longer than a moment.

    Parameters
    ----------
    task : str
        What is done, in a few words.
    total : int, optional
        The amount to be done, if it is known: a percentage is shown then, else the amount so far.
    """

    def __init__(self, task: str, total: int | None = None) -> None:
        self._task = task
        self._total = total
        self._so_far = 0
        self._began = time.monotonic()
        self._drawn = self._began - _REDRAWN_S
        self._shown = 0

    def show(self, more: int) -> None:
        """Add to the amount that is done, and show the sum."""
        self._so_far += more
        now, stream = time.monotonic(), sys.stderr
        is_drawn = now - self._drawn < _REDRAWN_S and self._so_far != self._total
        if now - self._began < _SILENT_S or is_drawn:
            return
        self._drawn = now
        if stream is None or not stream.isatty():
            return
        amount = f"{100 * self._so_far // self._total} %" if self._total else f"{self._so_far:,}"
        text = f"{self._task}: {amount} "
        self._shown = max(self._shown, len(text))
        stream.write(f"\r{text}")
        stream.flush()

    def done(self) -> None:
        """Erase what was shown."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
