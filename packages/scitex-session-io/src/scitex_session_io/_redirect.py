"""Mode "fd": a standard stream's descriptor becomes its log file."""

from __future__ import annotations

import _thread
import errno
import io
import os
import sys

from ._descriptors import Kept, identity
from ._quiet import flush
from ._standard import NUMBERS, buffer_lines, plain_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TextIO

    from ._order import Order

    # What `io.FileIO.write` takes and gives; collections.abc.Buffer came with Python 3.12.
    Write = Callable[[memoryview], int | None]


class Redirected:
    """One of the two streams, to be written to its log.

    Parameters
    ----------
    name : {"stdout", "stderr"}
        Which.
    path : str
        Its log, appended to; made where it is missing.
    on_failure : callable
        Called with the error when the log can't be written any more, before the descriptor
        turns to the terminal.

    Attributes
    ----------
    log : Kept
        The log opened for reading. Its position is where the echo has come to: begun at the end
        of what is there, moved by the companion (an open file is shared, its position too).
    behind : Kept or None
        What stood on the descriptor; None if it was closed.
    stream : TextIO
        What is `sys.stdout` from `begin` on.
    order : Order or None
        To be told when this stream is written to, where that matters; set before `begin`.

    Raises
    ------
    OSError
        The log can't be opened. Nothing has been changed.
    """

    def __init__(
        self,
        name: Literal["stdout", "stderr"],
        path: str,
        on_failure: Callable[[str, OSError], None],
    ) -> None:
        self.name = name
        self.path = path
        self._on_failure = on_failure
        self._number = NUMBERS[name]
        self._found: TextIO | None = getattr(sys, name)
        self.terminal = hasattr(self._found, "isatty") and bool(self._found.isatty())
        self._plain = plain_stream(name)
        self._found_by_line = self._plain is None or self._plain.line_buffering
        self._inheritable = True
        self.behind: Kept | None = None
        self.order: Order | None = None
        append = Kept.taking(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666))
        try:
            self.log = Kept.taking(os.open(path, os.O_RDONLY))
            os.lseek(self.log.number, 0, os.SEEK_END)
            if identity(self._number) is not None:
                self._inheritable = os.get_inheritable(self._number)
                self.behind = Kept.copy_of(self._number)
        except OSError:
            append.close()
            raise
        self._append = append
        self._turning = _thread.RLock()  # a signal's handler may print, and fail, in between
        self._turned = False
        self._hooked: list[tuple[dict[str, Any], str, Any]] = []

    def begin(self) -> None:
        """Turn the descriptor and Python's stream to the log."""
        # Whoever kept the old object, a logging handler for one, goes on writing through it. Before
        # the descriptor turns: a block of another thread's would be cut within a line.
        buffer_lines(self._plain, yes=True)
        for stream in (self._found, self._plain):
            flush(stream)
        os.dup2(self._append.number, self._number)
        self._append.close()
        # A wrapper of the user's, colorama's say, writes to the descriptor whatever stands on it.
        found = self._found
        wrapper = found is not None and type(found) is not io.TextIOWrapper
        self.stream: TextIO = found if found and wrapper else self._new_stream()
        self._adopt(self._plain)
        setattr(sys, self.name, self.stream)

    def flush(self) -> None:
        """Flush every Python stream that may hold something for the log."""
        for stream in (getattr(sys, self.name), self.stream, self._found, self._plain):
            flush(stream)

    @property
    def deleted(self) -> bool:
        """Whether the log has no name any more."""
        return self.log.valid and os.fstat(self.log.number).st_nlink == 0

    @property
    def within_line(self) -> bool:
        """Whether the log ends within a line."""
        size = os.fstat(self.log.number).st_size if self.log.valid else 0
        return size > 0 and os.pread(self.log.number, 1, size - 1) != b"\n"

    def end(self) -> None:
        """Put back what was found, unless the user has put something else in its place since."""
        if identity(self._number) in (None, self.log.identity):
            if self.behind is None:
                Kept(self._number).close()
            elif self.behind.valid:
                os.dup2(self.behind.number, self._number, inheritable=self._inheritable)
        if getattr(sys, self.name) is self.stream:
            setattr(sys, self.name, self._found)

    def close(self) -> None:
        """Let go of our descriptors; those of the user stay as they are."""
        # Whoever kept the stream has a plain one from here on. The list is emptied first, for the
        # threads that are within a flush to see.
        hooked, self._hooked = self._hooked, []
        for layer, name, found in reversed(hooked):
            _put_back(layer, name, found)
        # Not before what the log holds has been shown: blocks of other threads would cut its lines.
        buffer_lines(self._plain, yes=self._found_by_line)
        for kept in (self._append, self.log, self.behind):
            if kept is not None:
                kept.close()

    def _new_stream(self) -> TextIO:
        """Make a text stream on the descriptor that is like the one found.

        Its differences stand in the instances of its layers: as subclasses of FileIO or
        TextIOWrapper they would cost 13 % of a printed line, since C takes its short ways for the
        exact types only.
        """
        found = self._found
        raw = io.FileIO(self._number, "w", closefd=False)
        buffered = found is None or not isinstance(found.buffer, io.RawIOBase)  # python -u
        vars(raw)["name"] = getattr(found, "name", f"<{self.name}>")
        buffer: io.BufferedWriter | io.FileIO = io.BufferedWriter(raw) if buffered else raw
        self._hook(raw, buffer)
        stream = io.TextIOWrapper(
            buffer,
            encoding=found.encoding if found else "utf-8",
            errors=found.errors if found else "backslashreplace",
            newline="\n",
            line_buffering=True,
            write_through=not buffered,
        )
        vars(stream)["mode"] = "w"  # as Python has it on its own
        return stream

    def _adopt(self, stream: io.TextIOWrapper | None) -> None:
        """Give Python's own stream the differences of a new one, until `close`.

        For those that have it: wrappers, logging handlers, enlighten, which asks `sys.__stdout__`
        whether it is a terminal.
        """
        buffer: Any = stream and stream.buffer
        if type(buffer) in (io.BufferedWriter, io.FileIO):
            self._hook(getattr(buffer, "raw", buffer), buffer)

    def _put(self, layer: dict[str, Any], name: str, value: object) -> None:
        self._hooked.append((layer, name, layer.get(name)))
        layer[name] = value

    def _hook(self, raw: io.FileIO, buffer: io.BufferedWriter | io.FileIO) -> None:
        """Have `raw` and `buffer` turn to the terminal when the log takes no more.

        Why not the raw's ``write`` alone, through which all goes: BufferedWriter calls it with its
        lock held, and a tracer or debugger that prints from within Python code there dies of a
        reentrant call. So each line goes to the log by a flush that catches its failure outside of
        the lock; Python code stands below it only for what no buffer takes whole. And why not the
        buffer's ``write``: TextIOWrapper has let go of a line by then, which an exception of a
        signal's handler at the entry of Python code would lose.
        """
        write = raw.write
        found = vars(raw).get("write")
        order = self.order

        def write_or_turn(data: memoryview) -> int | None:
            if order is not None and order.last is not self:
                order.turn(self)
            try:
                # Not a call: after one, a signal's handler may raise, and BufferedWriter would
                # write once more what is written.
                (taken,) = map(write, (data,))
            except OSError as error:
                self._turn(error)
                (taken,) = map(write, (data,))
            return taken

        layers = vars(raw)
        self._put(layers, "isatty", self.terminal.__bool__)
        self._put(layers, "write", write_or_turn if buffer is not raw else _whole(write_or_turn))
        if buffer is raw:
            return
        write_out = buffer.flush

        def flush_or_turn() -> None:
            if order is not None and order.last is not self:
                order.turn(self)
            layers["write"] = write
            try:
                write_out()
            except OSError as error:
                self._turn(error)
                write_out()  # what the log did not take is still there
            finally:
                if self._hooked:
                    layers["write"] = write_or_turn
                else:  # another thread has ended the capture meanwhile
                    _put_back(layers, "write", found)

        self._put(vars(buffer), "flush", flush_or_turn)

    def _turn(self, error: OSError) -> None:
        """Turn to the terminal, unless that has been done; raise what is not the log's failure."""
        with self._turning:  # threads may find out at the same time
            if self._turned:
                return
            if error.errno == errno.EBADF or identity(self._number) != self.log.identity:
                raise error
            self._on_failure(self.path, error)
            if self.behind is not None and self.behind.valid:
                os.dup2(self.behind.number, self._number)
            else:
                with Kept.taking(os.open(os.devnull, os.O_WRONLY)) as null:
                    os.dup2(null.number, self._number)
            self._turned = True


def _put_back(layer: dict[str, Any], name: str, found: object) -> None:
    if found is None:
        layer.pop(name, None)
    else:
        layer[name] = found


def _whole(write: Write) -> Write:
    """Make a write that goes on where one stopped short, as it does on a disk getting full.

    Without a buffer, nothing above it does that: TextIOWrapper drops the rest.
    """

    def write_whole(data: memoryview) -> int | None:
        done = 0
        while done < len(data):
            written = write(data[done:])
            if written is None:  # a terminal that blocks no one takes no more for now
                return done or None
            done += written
        return done

    return write_whole
