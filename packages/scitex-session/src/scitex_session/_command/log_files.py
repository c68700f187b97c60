"""The log files of a run: read whole, from near the end, in order, or while they grow."""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from scitex_session_core import current_status, identify
from scitex_session_io import render

from .output import PROGRAM, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal

    from .names import Run

    Stream = Literal["stdout", "stderr"]

STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
_ORDER = "logs/order.txt"  # the lengths of both logs at each turn from one to the other
_LONGEST_ORDER = 1 << 21
_CHUNK = 1 << 20
_BLOCK = 1 << 16
# While a log is followed: how often it is looked at, and how often the run is.
_LOOK_S = 0.05
_QUIET_LOOK_S = 0.25
_STATUS_S = 0.5
# The status of a run of another machine comes from its file server, which is to be left in peace.
_FOREIGN_STATUS_S = 5.0
# How long a dead run may take to be filed.
_FILING_S = 5.0


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
    ends : bool
        Whether this stream has ended.
    """

    stream: Stream
    data: bytes
    unfinished: bytes = b""
    ends: bool = False


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
        yield Piece(stream, b"", ends=True)
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


def merged(run: Run, tail: int | None) -> Iterator[bytes] | None:
    """Iterate over the bytes of both logs in the order of their writing; None if it is not known.

    Rendered together they are what the terminal showed: a bar on stderr that was cleared for a line
    on stdout, and drawn again.
    """
    marks = _Order(run).new()
    return _in_order(run, marks, tail) if marks else None


def _in_order(run: Run, marks: list[tuple[int, int]], tail: int | None) -> Iterator[bytes]:
    files = [_opened(run, _names(stream)[1]) for stream in STREAMS]
    try:
        for file in files:
            if file is not None and tail is not None:
                _seek_lines(file, file.seek(0, os.SEEK_END), tail)
        for mark in (*marks, (None, None)):
            for file, end in zip(files, mark, strict=True):
                while file is not None:
                    count = _CHUNK if end is None else min(_CHUNK, end - file.tell())
                    data = file.read(count) if count > 0 else b""
                    if not data:
                        break
                    yield data
    finally:
        for file in files:
            if file is not None:
                file.close()


def _opened(run: Run, name: str) -> BinaryIO | None:
    try:
        return run.open(name)
    except (FileNotFoundError, NotADirectoryError):
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


class _Order:
    """The marks of a run: the lengths of both logs at each turn from one to the other."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._position = 0
        # Where a log was truncated, the lengths are those of what is gone.
        earlier = [_opened(run, _names(stream)[0]) for stream in STREAMS]
        self.known = not any(earlier)
        for file in earlier:
            if file is not None:
                file.close()

    def new(self) -> list[tuple[int, int]]:
        """Return the marks since the last call; `known` is whether there may be more."""
        file = _opened(self._run, _ORDER) if self.known else None
        if file is None:
            return []
        with file:
            size = file.seek(0, os.SEEK_END)
            if size < self._position or size > _LONGEST_ORDER:
                self.known = False
                return []
            file.seek(self._position)
            whole, _, _ = file.read(size).rpartition(b"\n")
        self._position += len(whole) + 1 if whole else 0
        words = (line.split() for line in whole.split(b"\n"))
        found = [each for each in words if len(each) == 2 and all(w.isdigit() for w in each)]
        return [(int(stdout[:18]), int(stderr[:18])) for stdout, stderr in found]


class _Growth:
    """What is appended to a log while its run goes on, ends, and moves."""

    def __init__(self, run: Run, stream: Stream) -> None:
        self._run = run
        self._name = _names(stream)[1]
        self._seen = b""  # the last of what was read
        self.position = 0

    def read(self, end: int | None = None) -> bytes:
        """Return what is new, at most a chunk, and not what comes after `end`.

        The log is opened each time: the client of a network file system asks its server for the
        length only then, and where a run can't be renamed at its end the log is another file.
        """
        if end is not None and end <= self.position:
            return b""
        file = _opened(self._run, self._name)
        if file is None:
            return b""
        with file:
            self._look(file)
            file.seek(self.position)
            data = file.read(_CHUNK if end is None else max(0, min(_CHUNK, end - self.position)))
        self.position += len(data)
        self._seen = (self._seen + data)[-256:]
        return data

    def look(self) -> int:
        """Return how long the log is."""
        file = _opened(self._run, self._name)
        if file is None:
            return 0
        with file:
            return self._look(file)

    def _look(self, file: BinaryIO) -> int:
        size = file.seek(0, os.SEEK_END)
        if size < self.position:
            self.position = self._after_what_was_seen(file, size)
        return size

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
        for data in _earlier(run, stream, tail, growths[stream]):
            yield shown(stream, data)
    order = _Order(run) if streams == STREAMS else None
    ends = _Ending(run)
    pause = _LOOK_S
    held: dict[Stream, int] = {}
    while True:
        # Whether the run has ended is found out before the look: nothing is written after that.
        record = ends.look()
        sizes = {stream: growth.look() for stream, growth in growths.items()}
        news = False
        for mark in order.new() if order else ():
            for stream, end_of_turn in zip(STREAMS, mark, strict=True):
                while data := growths[stream].read(end_of_turn):
                    news = True
                    yield shown(stream, data)
        # What was written since the last look may still get its mark.
        limits = held if held and order and order.known else sizes
        for stream, growth in growths.items():
            while data := growth.read(None if record else limits[stream]):
                news = True
                yield shown(stream, data)
        if record is not None:
            break
        held = sizes
        news = news or any(sizes[stream] > growths[stream].position for stream in streams)
        pause = _LOOK_S if news else min(pause * 1.5, _QUIET_LOOK_S)
        time.sleep(pause)
    for stream in streams:
        if rest := rows[stream].unfinished:
            yield Piece(stream, rest)
    if end is not None:
        end.append(record)


def _earlier(run: Run, stream: Stream, tail: int | None, growth: _Growth) -> Iterator[bytes]:
    """Iterate over what stood in a log before it was truncated; let `growth` begin at the tail."""
    earlier, log = (_opened(run, each) for each in _names(stream))
    if log is not None:
        with log:
            if tail is not None:
                tail = _seek_lines(log, log.seek(0, os.SEEK_END), tail)
                growth.position = log.tell()
    if earlier is not None:
        with earlier:
            if tail is not None:
                _seek_lines(earlier, earlier.seek(0, os.SEEK_END), tail)
            while data := earlier.read(_CHUNK):
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
