"""The logs of a run: read whole, from near the end, or while they grow."""

from __future__ import annotations

import os
import re
import sys
import time
from json import dumps
from typing import NamedTuple

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    current_status,
    identify,
)
from scitex_session_io import render

from .ending import how_it_ended
from .names import named_run
from .output import OK, PROGRAM, printable, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal

    from .names import Run

    Stream = Literal["stdout", "stderr"]

STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 16
_BLOCK = 1 << 16
# While a log is followed: how often it is looked at, and how often the run is.
_LOOK_S = 0.05
_QUIET_LOOK_S = 0.25
_STATUS_S = 0.5
# The status of a run of another machine comes from its file server, which is to be left in peace.
_FOREIGN_STATUS_S = 5.0
# How long a dead run may take to be filed.
_FILING_S = 5.0
# What a terminal may take for a command, other than line ends and tabs; C1 in UTF-8 as well.
_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


class Piece(NamedTuple):
    """A piece of output.

    Attributes
    ----------
    stream : {"stdout", "stderr"}
        Where the run wrote it.
    data : bytes
        The output, cut anywhere.
    unfinished : bytes
        The line that is being written, as far as it has come and not in `data`: only of a log
        that is followed and rendered.
    """

    stream: Stream
    data: bytes
    unfinished: bytes = b""


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
        One of the two. By default both: all of stdout, then all of stderr, as they are two files;
        with `follow`, as they are written.
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
    (``stdout.1.log``) comes first.
    """
    chosen = _streams(stream)
    _check_tail(tail)
    found = pieces(named_run(run), chosen, raw=raw, follow=follow, tail=tail)
    return (line for _, line in _lines(found))


def _streams(stream: object) -> tuple[Stream, ...]:
    if stream is None:
        return STREAMS
    for each in STREAMS:
        if stream == each:
            return (each,)
    raise InvalidValueError("stream", stream, "'stdout', 'stderr' or None")


def _check_tail(tail: object) -> None:
    allowed = "a number of lines, 0 or more"
    if tail is not None and (isinstance(tail, bool) or not isinstance(tail, int)):
        raise InvalidTypeError("tail", tail, allowed)
    if tail is not None and tail < 0:
        raise InvalidValueError("tail", tail, allowed)


def _lines(found: Iterator[Piece]) -> Iterator[tuple[Stream, str]]:
    rests = dict.fromkeys(STREAMS, b"")
    for stream, data, _ in found:
        *lines, rest = (rests[stream] + data).split(b"\n")
        for line in lines:
            yield stream, _text(line) + "\n"
        while len(rest) > _LONGEST_LINE:
            yield stream, _text(rest[:_LONGEST_LINE])
            rest = rest[_LONGEST_LINE:]
        rests[stream] = rest
    for stream, rest in rests.items():
        if rest:
            yield stream, _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def pieces(
    run: Run,
    streams: tuple[Stream, ...] = STREAMS,
    *,
    raw: bool = False,
    follow: bool = False,
    tail: int | None = None,
    end: list[dict[str, Any]] | None = None,
) -> Iterator[Piece]:
    """Iterate over the output of a run, see `logs`.

    Parameters
    ----------
    run, streams, raw, follow, tail
        See `logs`.
    end : list, optional
        Where the record of the ended run is put, of a run that is followed.
    """
    record = run.record()  # a run without a directory, or with a broken record, is told of first
    if follow and record.get("status") == "running":
        yield from _followed(run, streams, raw, tail, end)
        return
    for stream in streams:
        bytes_read = _read(run, stream, tail)
        for data in bytes_read if raw else render(bytes_read):
            yield Piece(stream, data)
    if end is not None:
        end.append(record)


def _names(stream: Stream) -> tuple[str, str]:
    """Return the files of a log: what stood there before it was truncated, and the log itself."""
    return f"logs/{stream}.1.log", f"logs/{stream}.log"


def _read(run: Run, stream: Stream, tail: int | None) -> Iterator[bytes]:
    """Iterate over the bytes of a log and its earlier part, from `tail` lines before the end."""
    files = [file for name in _names(stream) if (file := _opened(run, name)) is not None]
    try:
        missing = tail
        for file in reversed(files):
            if missing is not None:
                missing = _seek_lines(file, file.seek(0, os.SEEK_END), missing)
        for file in files:
            while data := file.read(_CHUNK):
                yield data
    finally:
        for file in files:
            file.close()


def _opened(run: Run, name: str) -> BinaryIO | None:
    try:
        return run.open(name)
    except (FileNotFoundError, NotADirectoryError, KeyError):
        return None


def _seek_lines(file: BinaryIO, end: int, lines: int) -> int:
    """Seek to so many lines before `end`; return how many lines are missing before the file."""
    if not lines or not end:
        file.seek(end)
        return lines
    # The line end of the last line does not begin another one.
    file.seek(end - 1)
    position = end - 1 if file.read(1) == b"\n" else end
    while position:
        start = max(0, position - _BLOCK)
        file.seek(start)
        block = file.read(position - start)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            lines -= 1
            if not lines:
                file.seek(start + at + 1)
                return 0
        position = start
    file.seek(0)
    return lines - 1


class _Growth:
    """What is appended to a log while its run goes on, ends, and moves."""

    def __init__(self, run: Run, stream: Stream) -> None:
        self._run = run
        self._name = _names(stream)[1]
        self._seen = b""  # the last of what was read
        self.position = 0

    def read(self) -> bytes:
        """Return what is new, at most a chunk.

        The log is opened each time: the client of a network file system asks its server for the
        length only then, and where a run can't be renamed at its end the log is another file.
        """
        file = _opened(self._run, self._name)
        if file is None:
            return b""
        with file:
            size = file.seek(0, os.SEEK_END)
            if size < self.position:
                self.position = self._after_what_was_seen(file, size)
            file.seek(self.position)
            data = file.read(_CHUNK)
        self.advance(data)
        return data

    def advance(self, data: bytes) -> None:
        """Note that this was read."""
        self.position += len(data)
        self._seen = (self._seen + data)[-256:]

    def _after_what_was_seen(self, file: BinaryIO, size: int) -> int:
        """Return where a log that became shorter goes on: it was truncated, or its middle cut."""
        start = max(0, size - _CHUNK)
        file.seek(start)
        at = file.read(_CHUNK).rfind(self._seen)
        return start + at + len(self._seen) if at >= 0 and self._seen else 0


class _Lines:
    """Renders a log that grows: line by line, since what comes next is not known."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the lines that are whole now."""
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > _CHUNK:
            cut = len(data)
        self._rest = data[cut:]
        return b"".join(render(data[:cut]))

    @property
    def unfinished(self) -> bytes:
        """The line that is being written, as it is shown now."""
        return b"".join(render(self._rest))


def _followed(
    run: Run,
    streams: tuple[Stream, ...],
    raw: bool,
    tail: int | None,
    end: list[dict[str, Any]] | None,
) -> Iterator[Piece]:
    growths = {stream: _Growth(run, stream) for stream in streams}
    rows = {stream: _Lines() for stream in streams}

    def shown(stream: Stream, data: bytes) -> Piece:
        if raw:
            return Piece(stream, data)
        return Piece(stream, rows[stream].feed(data), rows[stream].unfinished)

    for stream in streams:
        for data in _backlog(run, stream, tail, growths[stream]):
            yield shown(stream, data)
    ends = _Ending(run)
    pause = _LOOK_S
    while True:
        # Whether the run has ended is found out before the look: nothing is written after that.
        record = ends.look()
        news = False
        for stream, growth in growths.items():
            while data := growth.read():
                news = True
                yield shown(stream, data)
        if record is not None:
            break
        pause = _LOOK_S if news else min(pause * 1.5, _QUIET_LOOK_S)
        time.sleep(pause)
    for stream in streams:
        if rest := rows[stream].unfinished:
            yield Piece(stream, rest)
    if end is not None:
        end.append(record)


def _backlog(run: Run, stream: Stream, tail: int | None, growth: _Growth) -> Iterator[bytes]:
    """Iterate over what is there, and let `growth` go on after it."""
    earlier, name = (_opened(run, each) for each in _names(stream))
    missing = tail
    with_tail = tail is not None
    if name is not None:
        with name:
            size = name.seek(0, os.SEEK_END)
            if with_tail:
                missing = _seek_lines(name, size, tail or 0)
                growth.position = name.tell()
    if earlier is not None:
        with earlier:
            if with_tail:
                _seek_lines(earlier, earlier.seek(0, os.SEEK_END), missing or 0)
            while data := earlier.read(_CHUNK):
                yield data
    while data := growth.read():
        yield data


class _Ending:
    """Looks whether a run has ended, not too often."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next = 0.0
        self._dead_since: float | None = None
        self._said = False
        self._place: object = None

    def look(self) -> dict[str, Any] | None:
        """Return the record of the run if it has ended."""
        place = self._run.directory()
        now = time.monotonic()
        if now < self._next and place == self._place:
            return None
        self._place = place
        record = self._run.record()
        process = record.get("process")
        here = isinstance(process, dict) and process.get("host") == identify()["host"]
        self._next = now + (_STATUS_S if here else _FOREIGN_STATUS_S)
        if record.get("status") != "running":
            return record
        status = current_status(record, place)
        if status in ("lost", "unknown") and not self._said:
            self._said = True
            why = "its heartbeat stopped" if status == "lost" else "nobody can tell"
            say(f"{PROGRAM}: {why}: {self._run.id} may be dead; waiting for it", sys.stderr)
        if status != "crashed":
            self._dead_since = None
            return None
        # It is dead; its companion shows the rest of its output, and files the death.
        self._dead_since = self._dead_since or now
        self._next = now + _LOOK_S
        return {**record, "status": status} if now - self._dead_since > _FILING_S else None


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

    Progress bars are shown in their last state, without terminal codes. What a run is writing now
    is shown with -f, which ends with the run and says how it ended.

    Parameters
    ----------
    run : str
        The run: its ID or a part of one, its directory, a file it made, latest, latest:SCRIPT.
    follow : bool
        Go on with what the run writes, to its end.
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
    end: list[dict[str, Any]] = []
    output = pieces(found, streams, raw=raw, follow=follow, tail=tail, end=end)
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
    if follow and end:
        say(printable(f"{PROGRAM}: {found.id}: {how_it_ended(end[-1])}"), sys.stderr)
    return OK


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
        self._columns = os.get_terminal_size(out.fileno()).columns if self._live else 0

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
