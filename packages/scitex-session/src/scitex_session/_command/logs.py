"""`logs`: what a run printed."""

from __future__ import annotations

import os
import re
import sys
from json import dumps

from scitex_session_core import InvalidTypeError, InvalidValueError, current_status

from .facts import how_it_ended
from .log_files import STREAMS, pieces
from .names import named_run
from .output import OK, PROGRAM, printable, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .log_files import Piece, Stream

_LONGEST_LINE = 1 << 16
# What a terminal may take for a command, other than line ends and tabs; C1 in UTF-8 as well.
_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


def logs(
    run: str | os.PathLike[str],
    *,
    stream: Stream | None = None,
    raw: bool = False,
    follow: bool = False,
    tail: int | None = None,
) -> Iterator[str]:
    """Iterate over the lines that a run printed.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.
    stream : {"stdout", "stderr"}, optional
        One of the two. By default both, in the order in which they were written; where that is not
        known (they went to different places), all of stdout, then all of stderr.
    raw : bool
        Return the bytes of the logs as they are, not as `scitex_session.io.render` shows them: with
        terminal codes, and with each state of a progress bar.
    follow : bool
        Go on with what the run writes, to its end.
    tail : int, optional
        Only that many lines from the end of each log, and what follows.

    Yields
    ------
    str
        A line with its line end. One of more than 64 KiB comes in parts. What is no UTF-8 is
        escaped, see `errors="surrogateescape"` of `bytes.decode`.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError
        No run is known by this name, several are, or its record can't be read.
    InvalidValueError
        There is no such stream, or `tail` is negative.
    OSError
        A log can't be read.

    Notes
    -----
    Memory does not grow with the log. What stood in a log before a program truncated it
    (``stdout.1.log``) comes first. The order of the two is that of Python's writes, as a run keeps
    it while one terminal, file or pipe shows both, for its first 50,000 turns or so.
    """
    if stream is not None and stream not in STREAMS:
        raise InvalidValueError("stream", stream, "'stdout', 'stderr' or None")
    _check_tail(tail)
    chosen = STREAMS if stream is None else (stream,)
    together = stream is None and not follow
    found = pieces(named_run(run), chosen, raw=raw, follow=follow, tail=tail, together=together)
    return (line for _, line in _lines(found))


def _check_tail(tail: object) -> None:
    allowed = "a number of lines, 0 or more"
    if tail is not None and (isinstance(tail, bool) or not isinstance(tail, int)):
        raise InvalidTypeError("tail", tail, allowed)
    if tail is not None and tail < 0:
        raise InvalidValueError("tail", tail, allowed)


def _lines(found: Iterator[Piece]) -> Iterator[tuple[Stream, str]]:
    rests = dict.fromkeys(STREAMS, b"")
    for stream, data, _, ends in found:
        *lines, rest = (rests[stream] + data).split(b"\n")
        for line in lines:
            yield stream, _text(line) + "\n"
        while len(rest) > _LONGEST_LINE:
            yield stream, _text(rest[:_LONGEST_LINE])
            rest = rest[_LONGEST_LINE:]
        rests[stream] = rest
        if ends and rest:
            yield stream, _text(rests.pop(stream))
    for stream, rest in rests.items():
        if rest:
            yield stream, _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def logs_command(
    run: str,
    /,
    *,
    follow: bool = False,
    stderr: bool = False,
    raw: bool = False,
    tail: int | None = None,
    json: bool = False,
) -> int:
    """Print what a run printed: its stdout to stdout, its stderr to stderr.

    Where one terminal or file gets both, they come in the order in which they were written, if the
    run has kept it: it does while one terminal, file or pipe shows both. Progress bars are shown in
    their last state, without terminal codes. What a run is writing now is shown with -f, which ends
    with the run and says how it ended.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    follow : bool
        Go on with what the run writes, to its end. The short form is -f.
    stderr : bool
        Print only its stderr, and to stdout.
    raw : bool
        Print the bytes as they are, with terminal codes and each state of progress bars.
    tail : int
        Only that many lines from the end of each log.
    json : bool
        Print a JSON object a line, with the stream and its text.
    """
    _check_tail(tail)
    found = named_run(run)
    streams: tuple[Stream, ...] = ("stderr",) if stderr else STREAMS
    together = not (json or stderr or follow) and _one_place()
    output = pieces(found, streams, raw=raw, follow=follow, tail=tail, together=together)
    if json:
        for stream, line in _lines(output):
            text = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            say(dumps({"stream": stream, "text": text}))
            if follow:
                sys.stdout.flush()
    else:
        screen = _Screen(raw=raw, both=not stderr)
        for piece in output:
            screen.show(piece)
        screen.close()
    if follow:
        record = found.record()
        ending = how_it_ended(record, current_status(record, found.place))
        say(printable(f"{PROGRAM}: {found.id}: {ending}"), sys.stderr)
    return OK


def _one_place() -> bool:
    """Tell whether stdout and stderr go to the same terminal, file or pipe."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or of a test
        return False


class _Screen:
    """Where the output goes: bytes as they are, except for what would command a terminal."""

    def __init__(self, *, raw: bool, both: bool) -> None:
        out, err = sys.stdout, sys.stderr if both else sys.stdout
        self._streams = {"stdout": out, "stderr": err}
        # The line that is being written is shown where it can be taken back.
        self._live = not raw and out.isatty() and err.isatty()
        self._is_safe = {s: raw or not f.isatty() for s, f in self._streams.items()}
        self._held = {"stdout": b"", "stderr": b""}
        self._unfinished = b""
        self._at_start = True
        # A terminal that nobody gave a size has 0 columns.
        self._columns = os.get_terminal_size(out.fileno()).columns or 80 if self._live else 0

    def show(self, piece: Piece) -> None:
        self._erase()
        self._write(piece.stream, piece.data)
        if self._live and piece.unfinished:
            text = _CONTROLS.sub(b"", piece.unfinished).decode("utf-8", "replace")
            # A wrapped line can't be taken back, and a letter may be two columns wide.
            room = (self._columns - 1) // (1 if text.isascii() else 2)
            self._unfinished = text[: max(1, room)].encode()
            self._write("stdout", self._unfinished, plain=True)

    def close(self) -> None:
        self._erase()
        if self._live and not self._at_start:  # what is said next has a line of its own
            self._write("stdout", b"\n", plain=True)

    def _erase(self) -> None:
        if self._unfinished:
            self._unfinished = b""
            self._write("stdout", b"\r\x1b[K", plain=True)

    def _write(self, stream: str, data: bytes, *, plain: bool = False) -> None:
        if not plain and not self._is_safe[stream]:
            data = self._held[stream] + data
            # The first byte of a letter, or of a control character.
            held = data[-1:] if data.endswith(b"\xc2") else b""
            self._held[stream] = held
            data = _CONTROLS.sub(b"", data[: len(data) - len(held)])
        if data:
            self._at_start = data.endswith((b"\n", b"\x1b[K"))
            self._streams[stream].flush()
            self._streams[stream].buffer.write(data)
            self._streams[stream].buffer.flush()
