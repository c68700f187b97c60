"""`render`: a log as its terminal showed it in the end."""

from __future__ import annotations

import os
import re

from scitex_session_io._companion.tail import earlier_part
from scitex_session_io._errors import InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Any

    Pieces = Iterable[bytes] | Iterable[str]
    Log = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | IO[str] | Pieces

CHUNK = 1 << 20
# A few bytes of code can stand for a thousand blanks: such pieces are rendered in smaller ones.
_SMALL = 1 << 16
# So many NULs are a hole: `capture(max_bytes=...)` has capped the file, or a machine has lost its
# power. Fewer are output.
HOLE = 4096
_INNER_HOLE = re.compile(rb"\0{%d,}" % HOLE)
_ALLOWED = "a path, bytes, an open file, or an iterable of bytes or str"


def render(log: Log) -> Iterator[bytes]:
    r"""Render a log as its terminal showed it in the end: no codes, every progress bar once.

    Colours, titles and all other escape sequences are left out. What was redrawn (by a carriage
    return, by backspaces, by moving the cursor up, as tqdm's nested bars and rich's live displays
    do) appears in its last state. Everything else stays byte for byte: the rendering of a log
    without codes is that log, with its invalid UTF-8 and its line ends.

    The naive way, a regular expression that deletes escape sequences, leaves every state of every
    bar, one behind the other: the deleted codes had put them on top of each other.

    Parameters
    ----------
    log : path, bytes, file or iterable
        A path, of which an earlier part beside it comes first (``o.1.log`` of ``o.log``: what stood
        there before a program truncated the log); the bytes of a log themselves; a file open for
        reading, binary or text, read from where it stands; or pieces of bytes or text, cut
        anywhere. Text counts as UTF-8.

    Returns
    -------
    iterator of bytes
        The rendering, in pieces cut anywhere: ``b"".join(render(path))``, or
        ``file.writelines(render(path))``.

    Raises
    ------
    TypeError
        `log`, or a piece of it, is none of these.
    OSError
        The file can't be read. It is raised with the first piece.

    Notes
    -----
    It takes one pass, and memory that does not grow with the log: it holds the rows that can still
    be redrawn, the last 256, each up to 8 KiB long.

    The codes are those of ECMA-48 and the VT100, in their 7-bit form; in UTF-8, the bytes of the
    8-bit form are parts of letters. Unicode's Annex 11 gives the width of characters. A log doesn't
    know the size of its terminal. So nothing is wrapped: a bar wider than its terminal is one row
    here, and is redrawn as one. Where a program cleared the screen or placed the cursor absolutely,
    the text goes on below. What was drawn on the alternate screen (`less`, editors) is left out, as
    it left the terminal. So are 4096 and more NULs in a row: a hole in the file, as `capture` with
    `max_bytes` can make one.

    Examples
    --------
    >>> b"".join(render(b"  0%\r 50%\r100%\n\x1b[32mdone\x1b[0m\n"))
    b'100%\ndone\n'
    """
    return _rendered(_pieces(log))


def _rendered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    from .codes import WITHOUT_TRACE, unfinished_code, unfinished_text
    from .screen import Screen

    screen = Screen()
    code = text = b""
    for piece in _small(_without_holes(pieces)):
        data = code + piece
        cut = unfinished_code(data)
        data, code = data[:cut], data[cut:]
        if b"\x1b" in data:
            data = WITHOUT_TRACE.sub(b"", data)
        data = text + data
        cut = unfinished_text(data)
        data, text = data[:cut], data[cut:]
        screen.feed(data)
        yield from filter(None, screen.out)
        screen.out.clear()
    # A code that the death of the program cut short was never shown.
    screen.feed(text + WITHOUT_TRACE.sub(b"", code))
    screen.finish()
    yield from filter(None, screen.out)


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut large pieces that have codes."""
    for piece in pieces:
        if len(piece) > _SMALL and (b"\x1b" in piece or b"\r" in piece or b"\x08" in piece):
            yield from (piece[i : i + _SMALL] for i in range(0, len(piece), _SMALL))
        else:
            yield piece


def _without_holes(pieces: Iterable[bytes]) -> Iterator[bytes]:
    nuls = 0
    for piece in pieces:
        if not nuls and b"\0" not in piece:
            yield piece
            continue
        rest = piece.lstrip(b"\0")
        nuls += len(piece) - len(rest)
        if not rest:
            continue
        if nuls < HOLE:
            yield bytes(nuls)
        inner = rest.rstrip(b"\0")
        nuls = len(rest) - len(inner)
        yield _INNER_HOLE.sub(b"", inner)
    if nuls < HOLE:
        yield bytes(nuls)


def _pieces(log: Log) -> Iterator[bytes]:
    """Return the bytes of a log, piece by piece."""
    if isinstance(log, (str, os.PathLike)):
        return _file_pieces(os.fsdecode(log))
    if isinstance(log, (bytes, bytearray, memoryview)):
        view = memoryview(log).cast("B")
        return (bytes(view[i : i + CHUNK]) for i in range(0, len(view), CHUNK))
    if hasattr(log, "read"):
        return map(_as_bytes, _stream_pieces(log))
    try:
        return map(_as_bytes, iter(log))
    except TypeError:
        raise InvalidTypeError("log", type(log).__name__, _ALLOWED) from None


def _file_pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:
        if os.path.isfile(earlier := earlier_part(path)):
            with open(earlier, "rb", buffering=0) as part:
                yield from _stream_pieces(part)
        yield from _stream_pieces(file)


def _stream_pieces(stream: Any) -> Iterator[Any]:
    while piece := stream.read(CHUNK):
        yield piece


def _as_bytes(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode("utf-8", "surrogateescape")
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    raise InvalidTypeError("a piece of log", type(piece).__name__, "bytes or str")
