"""What was written first, where two logs are shown on one terminal."""

from __future__ import annotations

import os

from ._descriptors import Kept


class Order:
    """Marks for the companion: how long both logs were when Python turned to the other stream.

    Why: tqdm clears its bar on stderr, prints a line on stdout, and draws the bar anew, all within
    microseconds; two files alone don't tell in which order. What children and C code write is
    between two marks, in the order of each stream.

    Attributes
    ----------
    marks : Kept
        Where the companion reads them: 16 hexadecimal digits for each log.
    last : object
        The stream that Python has written to last.
    """

    __slots__ = ("_logs", "_pen", "last", "marks")

    def __init__(self, stdout: Kept, stderr: Kept) -> None:
        self._logs = (stdout, stderr)
        self.last: object = None
        # Both ends stay here: a companion that is dead is no SIGPIPE then, but a full pipe.
        self.marks, self._pen = Kept.pipe()
        os.set_blocking(self.marks.number, False)
        os.set_blocking(self._pen.number, False)

    def turn(self, stream: object) -> None:
        """Mark that `stream` is written to from here on."""
        self.last = stream
        if not self._pen.valid:
            return
        try:
            sizes = [os.fstat(log.number).st_size for log in self._logs]
            os.write(self._pen.number, b"%016x%016x" % tuple(sizes))
        except OSError:  # thousands of turns within a tick: the eye can't tell their order either
            return

    def close(self) -> None:
        """Close the pipe; may be called twice."""
        self.marks.close()
        self._pen.close()
