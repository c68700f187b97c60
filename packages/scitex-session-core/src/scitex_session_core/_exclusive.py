"""One at a time, for the milliseconds in which a run directory changes hands."""

from __future__ import annotations

import os
import time

from ._layout import whereabouts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_PATIENCE_S = 1.0
_PAUSE_S = 0.005


class Exclusive:
    """Holds a run directory against others that file a crash in it, claim it or follow its move.

    Parameters
    ----------
    run_dir : Path
        The directory, wherever it is by now; where it is gone, there is nothing to hold.

    Notes
    -----
    A run itself never holds it. The lock (flock(2), on the directory, so that no file is left) ends
    with its process, and nobody waits longer than a second for it: where a file system has no such
    lock, or lies about it, the callers still do the right thing in all but a race of microseconds.
    """

    __slots__ = ("_descriptor", "_run_dir")

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            import fcntl

            self._descriptor = self._open()
        except (ImportError, OSError):  # Windows; a directory that is gone
            return self
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            except OSError:
                return self
            else:
                return self
        return self

    def _open(self) -> int:
        try:
            return os.open(whereabouts(self._run_dir), os.O_RDONLY)
        except FileNotFoundError:  # it moved between the look and the opening, and moves once
            return os.open(whereabouts(self._run_dir), os.O_RDONLY)

    def __exit__(self, *_exc: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
