"""What is done to the user's streams without ever failing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ._descriptors import Kept

    class SupportsFlush(Protocol):
        """A stream."""

        def flush(self) -> None:
            """Write out what it holds."""


def flush(stream: SupportsFlush | None) -> None:
    """Flush a Python stream, whatever has become of it."""
    if stream is None:
        return
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):  # replaced by anything, a broken pipe, closed
        return


def say(message: str, out: Kept | None, *, new_line: bool = False) -> None:
    """Put one line of ours before the user: on `out`, or where that is gone on `sys.stderr`.

    With `new_line`, what stands there is not at a line's end.

    Not a Python warning: under ``-W error`` that would be an exception in the middle of the
    user's `print`.
    """
    line = "\n" * new_line + f"scitex-session: {message}\n"
    try:
        if out is not None and out.valid:
            os.write(out.number, line.encode())
        elif sys.stderr is not None:
            sys.stderr.write(line)
    except (OSError, ValueError):  # full or closed as well: there is nowhere left to say it
        return
