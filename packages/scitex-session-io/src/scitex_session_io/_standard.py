"""Python's own streams, and whether they stand on their descriptors."""

from __future__ import annotations

import io
import sys

from ._descriptors import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TextIO

NUMBERS = {"stdout": 1, "stderr": 2}


def possible(name: Literal["stdout", "stderr"]) -> bool:
    """Tell whether `sys.stdout` (or stderr) is what stands on its descriptor."""
    stream = getattr(sys, name)
    if stream is None:  # started with it closed (`>&-`); a file of the user may have its number
        return identity(NUMBERS[name]) is None
    return _stands_on(stream, NUMBERS[name])


def _stands_on(stream: TextIO, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):  # replaced by what has no descriptor, or closed
        return False


def plain_stream(name: Literal["stdout", "stderr"]) -> io.TextIOWrapper | None:
    """Give Python's own stream: `sys.stdout`, or what a wrapper in its place writes to."""
    for stream in (getattr(sys, name), getattr(sys, f"__{name}__")):
        if type(stream) is io.TextIOWrapper and _stands_on(stream, NUMBERS[name]):
            return stream
    return None


def buffer_lines(stream: io.TextIOWrapper | None, *, yes: bool) -> None:
    """Have a stream of Python's own write line by line, or (`yes` false) as it likes."""
    if stream is None:
        return
    try:
        stream.reconfigure(line_buffering=yes)
    except (OSError, ValueError):  # it can't flush what it holds, or is closed
        return
