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
    from typing import BinaryIO, Literal

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
    together: bool = False,
) -> Iterator[Piece]:
    """Iterate over the output of a run, see `logs`.

    With `together`, all is one stream if the order of writing is known. Rendered so, both are what
    the terminal showed: a bar on stderr that was cleared for a line on stdout, and drawn again.
    """
    record = run.record()  # a run without a directory, or with a broken record, is told of first
    if follow and record.get("status") == "running":
        yield from _followed(run, streams, raw, tail)
        return
    together = together and bool(_Order(run).new())
    for group in (streams,) if together else [(stream,) for stream in streams]:
        written = (data for _, data in _written(run, group, tail))
        for data in written if raw else render(written):
            yield Piece(group[0], data)
        yield Piece(group[0], b"", ends=True)


def _followed(
    run: Run, streams: tuple[Stream, ...], raw: bool, tail: int | None
) -> Iterator[Piece]:
    rows = {stream: _Lines() for stream in streams}
    for stream, data in _written(run, streams, tail, _Ending(run)):
        if raw:
            yield Piece(stream, data)
        else:
            yield Piece(stream, rows[stream].feed(data), rows[stream].unfinished)
    for stream in streams:
        if rest := rows[stream].unfinished:
            yield Piece(stream, rest)


def _written(
    run: Run, streams: tuple[Stream, ...], tail: int | None, ending: _Ending | None = None
) -> Iterator[tuple[Stream, bytes]]:
    """Iterate over the bytes of logs, those of both in the order of writing where it is known.

    A run that is followed is read to its `ending`, another one as far as it has come.
    """
    logs = {stream: _Log(run, stream) for stream in streams}
    order = _Order(run) if streams == STREAMS else None
    pause = _LOOK_S
    held: dict[Stream, int] = {}
    try:
        for stream, log in logs.items():
            for data in log.earlier(tail):
                yield stream, data
        while True:
            # Whether the run has ended is found out before the look: nothing is written after that.
            has_ended = ending is None or ending.look()
            sizes = {stream: log.look() for stream, log in logs.items()}
            news = False
            for mark in order.new() if order else ():
                for (stream, log), end_of_turn in zip(logs.items(), mark, strict=True):
                    for data in log.read(end_of_turn):
                        news = True
                        yield stream, data
            # What was written since the last look may still get its mark.
            limits = held if held and order and order.known else sizes
            for stream, log in logs.items():
                for data in log.read(None if has_ended else limits[stream]):
                    news = True
                    yield stream, data
            if has_ended:
                return
            held = sizes
            news = news or any(sizes[stream] > log.position for stream, log in logs.items())
            pause = _LOOK_S if news else min(pause * 1.5, _QUIET_LOOK_S)
            time.sleep(pause)
    finally:
        for log in logs.values():
            log.close()


class _Log:
    """A log, read on from where it was left while its run goes on, ends, and moves."""

    def __init__(self, run: Run, stream: Stream) -> None:
        self._run, self._name, self._earlier = run, f"logs/{stream}.log", _earlier(stream)
        self._file: BinaryIO | None = None
        self._seen = b""  # the last of what was read
        self.position = 0

    def look(self) -> int:
        """Open the log, and return how long it is.

        It is opened each time: the client of a network file system asks its server for the length
        only then, and where a run can't be renamed at its end the log is another file.
        """
        self.close()
        self._file = _opened(self._run, self._name)
        if self._file is None:
            return 0
        size = self._file.seek(0, os.SEEK_END)
        if size < self.position:  # it was truncated, or its middle cut
            start = max(0, size - _CHUNK)
            self._file.seek(start)
            at = self._file.read(_CHUNK).rfind(self._seen)
            self.position = start + at + len(self._seen) if at >= 0 and self._seen else 0
        self._file.seek(self.position)
        return size

    def earlier(self, tail: int | None) -> Iterator[bytes]:
        """Iterate over what was truncated; begin `tail` lines before the end."""
        size = self.look()
        if tail is not None and self._file is not None:
            tail = _seek_lines(self._file, size, tail)
            self.position = self._file.tell()
        if (earlier := _opened(self._run, self._earlier)) is not None:
            with earlier:
                if tail is not None:
                    _seek_lines(earlier, earlier.seek(0, os.SEEK_END), tail)
                while data := earlier.read(_CHUNK):
                    yield data

    def read(self, end: int | None) -> Iterator[bytes]:
        """Iterate over what is new, but for what comes after `end`."""
        while self._file is not None and (end is None or end > self.position):
            data = self._file.read(_CHUNK if end is None else min(_CHUNK, end - self.position))
            if not data:
                return
            self.position += len(data)
            self._seen = (self._seen + data)[-256:]
            yield data

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _earlier(stream: Stream) -> str:
    """Return the file of what stood in a log before it was truncated."""
    return f"logs/{stream}.1.log"


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
        earlier = [_opened(run, _earlier(stream)) for stream in STREAMS]
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


class _Ending:
    """Looks whether a run has ended, not too often."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next = 0.0
        self._dead_since: float | None = None
        self._said = False
        self._place: object = None

    def look(self) -> bool:
        place = self._run.directory()
        now = time.monotonic()
        if now < self._next and place == self._place:
            return False
        self._place = place
        record = self._run.record()
        process = record.get("process")
        here = isinstance(process, dict) and process.get("host") == identify()["host"]
        self._next = now + (_STATUS_S if here else _FOREIGN_STATUS_S)
        if record.get("status") != "running":
            return True
        status = current_status(record, place)
        if status in ("lost", "unknown") and not self._said:
            self._said = True
            why = "its heartbeat stopped" if status == "lost" else "nobody can tell"
            say(f"{PROGRAM}: {why}: {self._run.id} may be dead; waiting for it", sys.stderr)
        if status != "crashed":
            self._dead_since = None
            return False
        # It is dead; its companion shows the rest of its output, and files the death.
        self._dead_since = self._dead_since or now
        self._next = now + _LOOK_S
        return now - self._dead_since > _FILING_S
