"""Mode "fd": descriptors 1 and 2 become the log files."""

from __future__ import annotations

import _thread
import errno
import io
import os
import sys

from .descriptors import (
    C_VARIABLES,
    NUMBERS,
    Kept,
    buffer_lines,
    can_redirect,
    claim,
    flush,
    identity,
    plain_stream,
    say,
)
from .terminal import TerminalFunctions, TerminalInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _ctypes
    from collections.abc import Callable
    from typing import Any, Literal, TextIO

    from .capture import Opener

    # What `io.FileIO.write` takes and gives; collections.abc.Buffer came with Python 3.12.
    Write = Callable[[memoryview], int | None]

_LONGEST_HEAD = 64  # of a log, to tell it from another
_IOFBF, _IOLBF = 0, 1  # of <stdio.h>; the same on Linux (glibc, musl), macOS and the BSDs


def obstacle() -> str | None:
    """Return the name of a Python stream that does not write to its descriptor, if there is one."""
    if not can_redirect("stdout"):
        return "stdout"
    return None if can_redirect("stderr") else "stderr"


class Redirection:
    """The redirection of stdout and stderr into their logs.

    Parameters
    ----------
    paths : pair of str
        The logs.
    on_failure : callable
        Called with path and error before a descriptor turns to the terminal because its log can't
        be written.
    show : callable
        Returns when everything printed has been shown; called before the user is asked something.
    opener : callable
        Opens a log.

    Attributes
    ----------
    marks : Marks or None
        The order of writes to the two, where one terminal shows both.

    Raises
    ------
    OSError
        A log can't be opened. Nothing has been changed.
    """

    def __init__(
        self,
        paths: tuple[str, str],
        on_failure: Callable[[str, OSError], None],
        show: Callable[[], None],
        opener: Opener,
    ) -> None:
        self._stdout = LoggedStream("stdout", paths[0], on_failure, opener)
        try:
            self._stderr = LoggedStream("stderr", paths[1], on_failure, opener)
        except OSError:
            self._stdout.close()
            raise
        self._both = (self._stdout, self._stderr)
        self.marks: Marks | None = None
        pairs = self.echoes
        outs = [out.identity for _, out in pairs if out]
        if len(outs) == 2 and outs[0] == outs[1]:
            self.marks = Marks(pairs[0][0], pairs[1][0])
            self._stdout.marks = self._stderr.marks = self.marks
        self._show = show
        self._c_stdout = CStdout()

    @property
    def stdout(self) -> TextIO:
        """The stream that is `sys.stdout` during the capture."""
        return self._stdout.stream

    @property
    def stderr(self) -> TextIO:
        """The stream that is `sys.stderr` during the capture."""
        return self._stderr.stream

    @property
    def terminals(self) -> tuple[Kept | None, Kept | None]:
        """What stood on the descriptors before."""
        return self._stdout.behind, self._stderr.behind

    @property
    def echoes(self) -> list[tuple[Kept, Kept | None]]:
        """Each log, and the descriptor that shows it, if one does."""
        pairs: list[tuple[Kept, Kept | None]] = []
        logs = [stream.log.identity for stream in self._both]
        for stream in self._both:
            # A log shown into a log (`script.py > stdout.log`) would be shown again, for ever.
            # And a log of both streams is shown once.
            out = stream.behind if stream.behind and stream.behind.identity not in logs else None
            if stream.log.identity not in [log.identity for log, _ in pairs]:
                pairs.append((stream.log, out))
        return pairs

    @property
    def deleted(self) -> list[str]:
        """The paths of the logs that have no name any more."""
        return [stream.path for stream in self._both if stream.deleted]

    @property
    def lost(self) -> list[str]:
        """The paths of the logs that were truncated before anything of them was seen."""
        return [stream.path for stream in self._both if stream.lost]

    def say_once(self, message: str) -> None:
        """Print a message on the terminal, once among this process and its forks."""
        if claim(self._stdout.log):
            last = self.marks.last if self.marks else None
            shown = last if isinstance(last, LoggedStream) else self._stderr
            say(message, self._stderr.behind, new_line=shown.within_line)

    def begin(self) -> None:
        """Turn descriptors and streams to the logs."""
        self._c_stdout.flush()
        for stream in self._both:
            stream.begin()
        self._c_stdout.by_line(yes=True)
        behind = {1: self._stdout.behind, 2: self._stderr.behind}
        self._functions = TerminalFunctions(behind, self._show)
        self._input = TerminalInput(self.stdout, self._stdout.behind, self._show)

    def flush(self) -> None:
        """Write out what Python and C have buffered for the logs."""
        for stream in self._both:
            stream.flush()
        self._c_stdout.flush()
        for stream in self._both:
            stream.look_for_loss()

    def end(self) -> None:
        """Put back what was found."""
        self.flush()
        for stream in self._both:
            stream.end()
        self._c_stdout.by_line(yes=self._stdout.terminal)
        self._input.end()
        self._functions.end()

    def close(self) -> None:
        """Close the logs."""
        for stream in self._both:
            stream.close()
        if self.marks is not None:
            self.marks.close()


class LoggedStream:
    """One of the two streams, redirected into its log.

    Parameters
    ----------
    name : {"stdout", "stderr"}
        The stream.
    path : str
        Its log, appended to; made where it is missing.
    on_failure : callable
        Called with path and error when the log can't be written any more, before the descriptor
        turns to the terminal.
    opener : callable
        Opens the log.

    Attributes
    ----------
    log : Kept
        The log opened for reading. Its position tells how far it has been shown: it begins at the
        end of what is there, and the companion moves it (processes share an open file's position).
    behind : Kept or None
        What stood on the descriptor; None if it was closed.
    stream : TextIO
        The stream that is `sys.stdout` (or stderr) from `begin` on.
    marks : Marks or None
        Where turns between the streams are marked, if that matters; set before `begin`.

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
        opener: Opener,
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
        self.marks: Marks | None = None
        append = Kept.taking(opener(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        try:
            self.log = Kept.taking(opener(path, os.O_RDONLY))
            os.lseek(self.log.number, 0, os.SEEK_END)
            if identity(self._number) is not None:
                self._inheritable = os.get_inheritable(self._number)
                self.behind = Kept.copy_of(self._number)
        except OSError:
            append.close()
            raise
        self._append = append
        self._unseen_from = os.lseek(self.log.number, 0, os.SEEK_CUR)
        self._unseen = True  # the companion has just begun, and may not have looked at the log
        self._head = b""
        self._truncated = False
        self._turning = _thread.RLock()  # a signal's handler may print, and fail, in between
        self._turned = False
        self._hooked: list[tuple[dict[str, Any], str, Any]] = []

    def begin(self) -> None:
        """Turn the descriptor and Python's stream to the log."""
        # Who kept the old object, such as a logging handler, goes on writing through it. This comes
        # before the descriptor turns: a block of another thread would be cut within a line.
        buffer_lines(self._plain, yes=True)
        for stream in (self._found, self._plain):
            flush(stream)
        os.dup2(self._append.number, self._number)
        self._append.close()
        # The object stays: logging handlers and progress bars know a console stream by identity.
        # A wrapper of the user's, such as colorama's, writes to whatever stands on the descriptor.
        self.stream: TextIO = self._new_stream() if self._found is None else self._found
        self._adopt(self._plain)
        setattr(sys, self.name, self.stream)

    def flush(self) -> None:
        """Flush every Python stream that may have something buffered for the log."""
        for stream in (getattr(sys, self.name), self.stream, self._found, self._plain):
            flush(stream)

    @property
    def deleted(self) -> bool:
        """Whether the log has no name any more."""
        return self.log.valid and os.fstat(self.log.number).st_nlink == 0

    @property
    def lost(self) -> bool:
        """Whether what stood in the log was truncated before the companion could keep it."""
        if not self._truncated:
            return False
        name, suffix = os.path.splitext(self.path)  # as the companion names what it has kept
        return not os.path.lexists(f"{name}.1{suffix}")

    def look_for_loss(self) -> None:
        """Notice that the log was truncated, as long as the companion has seen nothing of it.

        The companion knows a truncated log by what it has seen there before. In the first
        milliseconds that is nothing. So this process looks before each of its writes: no log that
        only grew begins otherwise than after the last one, or is shorter than what was written
        last through our descriptor, whose position is the end of that.
        """
        if not self._unseen:
            return
        try:
            # In this order, since others write meanwhile, or turn the descriptor back.
            head, written = self._head, os.lseek(self._number, 0, os.SEEK_CUR)
            if identity(self._number) != self.log.identity:
                return
            found = os.pread(self.log.number, len(head), self._unseen_from)
            is_shorter = written > os.fstat(self.log.number).st_size
            seen = os.lseek(self.log.number, 0, os.SEEK_CUR) != self._unseen_from
            # What the companion has seen it may also have made shorter: the limit of a log's length
            # takes out its middle, and leaves its begin.
            self._truncated = found != head or (is_shorter and not seen)
        except OSError:  # a log that can't be looked at can't be written either, as the write finds
            return
        self._unseen = not seen and not self._truncated

    def _note_head(self) -> None:
        """Remember how the log begins now, for `look_for_loss`."""
        try:
            if self.log.valid and len(self._head) < _LONGEST_HEAD:
                self._head = os.pread(self.log.number, _LONGEST_HEAD, self._unseen_from)
        except OSError:
            pass  # so the loss is known by the length only

    @property
    def within_line(self) -> bool:
        """Whether the log ends within a line."""
        size = os.fstat(self.log.number).st_size if self.log.valid else 0
        return size > 0 and os.pread(self.log.number, 1, size - 1) != b"\n"

    def end(self) -> None:
        """Put back descriptor and stream, unless the user has replaced them since."""
        if identity(self._number) in (None, self.log.identity):
            if self.behind is None:
                Kept(self._number).close()
            elif self.behind.valid:
                os.dup2(self.behind.number, self._number, inheritable=self._inheritable)
        if getattr(sys, self.name) is self.stream:
            setattr(sys, self.name, self._found)

    def close(self) -> None:
        """Close our descriptors; those of the user stay as they are."""
        # Who kept the stream has a plain one from here on. The list is emptied first, so that
        # threads within a flush see it.
        hooked, self._hooked = self._hooked, []
        for layer, name, found in reversed(hooked):
            _put_back(layer, name, found)
        # Not before what the log holds has been shown: blocks of other threads would cut its lines.
        buffer_lines(self._plain, yes=self._found_by_line)
        for kept in (self._append, self.log, self.behind):
            if kept is not None:
                kept.close()

    def _new_stream(self) -> TextIO:
        """Make a text stream on a descriptor that was closed, and had none."""
        raw = io.FileIO(self._number, "w", closefd=False)
        vars(raw)["name"] = f"<{self.name}>"
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding="utf-8",
            errors="backslashreplace",
            newline="\n",
            line_buffering=True,
        )
        vars(stream)["mode"] = "w"  # as Python has it on its own
        self._adopt(stream)
        return stream

    def _adopt(self, stream: io.TextIOWrapper | None) -> None:
        """Make Python's own stream answer for the terminal, and turn to it, until `close`.

        The differences stand in the instances of its layers. As subclasses of FileIO or
        TextIOWrapper they would cost 13 % of a printed line, since C takes its fast paths for the
        exact types only; and the stream would be another object.
        """
        buffer: Any = stream and stream.buffer
        raw = getattr(buffer, "raw", buffer)
        if type(buffer) in (io.BufferedWriter, io.FileIO) and type(raw) is io.FileIO:
            self._hook(raw, buffer)

    def _put(self, layer: dict[str, Any], name: str, value: object) -> None:
        self._hooked.append((layer, name, layer.get(name)))
        layer[name] = value

    def _hook(self, raw: io.FileIO, buffer: io.BufferedWriter | io.FileIO) -> None:
        """Make `raw` and `buffer` turn to the terminal when the log can't be written.

        Why not by the raw's ``write`` alone, through which everything goes: BufferedWriter calls
        it with its lock held, and a tracer or debugger that prints from within Python code there
        dies of a reentrant call. So each line goes to the log by a flush that catches its failure
        outside of the lock; Python code stands below it only for what no buffer takes whole. Why
        not by the buffer's ``write``: TextIOWrapper has dropped its line by then, and an exception
        of a signal's handler at the entry of Python code would lose it.
        """
        write = raw.write
        found = vars(raw).get("write")
        marks = self.marks

        def write_or_turn(data: memoryview) -> int | None:
            if marks is not None and marks.last is not self:
                marks.turn_to(self)
            if self._unseen:
                self.look_for_loss()
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
            if marks is not None and marks.last is not self:
                marks.turn_to(self)
            if self._unseen:
                self.look_for_loss()
            layers["write"] = write
            try:
                write_out()
            except OSError as error:
                self._turn(error)
                write_out()  # what the log did not take is still there
            finally:
                if self._unseen:
                    self._note_head()
                if self._hooked:
                    layers["write"] = write_or_turn
                else:  # another thread has ended the capture meanwhile
                    _put_back(layers, "write", found)

        self._put(vars(buffer), "flush", flush_or_turn)

    def _turn(self, error: OSError) -> None:
        """Turn to the terminal, if not done yet; raise an error that is not the log's."""
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


class Marks:
    """Marks for the companion: the length of both logs when Python turned to the other stream.

    Why: tqdm clears its bar on stderr, prints a line on stdout, and draws the bar anew, all within
    microseconds; two files alone don't tell in which order. What children and C code write stands
    between two marks, in the order of each stream.

    Attributes
    ----------
    pipe : Kept
        The companion reads the marks here: 16 hexadecimal digits for each log.
    last : object
        The stream that Python has written to last.
    """

    __slots__ = ("_logs", "_write_end", "last", "pipe")

    def __init__(self, stdout: Kept, stderr: Kept) -> None:
        self._logs = (stdout, stderr)
        self.last: object = None
        # Both ends stay here: a dead companion then means a full pipe, and no SIGPIPE.
        self.pipe, self._write_end = Kept.pipe()
        os.set_blocking(self.pipe.number, False)
        os.set_blocking(self._write_end.number, False)

    def turn_to(self, stream: object) -> None:
        """Mark that Python writes to `stream` from here on."""
        self.last = stream
        if not self._write_end.valid:
            return
        try:
            sizes = [os.fstat(log.number).st_size for log in self._logs]
            os.write(self._write_end.number, b"%016x%016x" % tuple(sizes))
        except OSError:  # full: nobody sees the order of thousands of turns within a tick
            return

    def close(self) -> None:
        """Close the pipe; may be called twice."""
        self.pipe.close()
        self._write_end.close()


class CStdout:
    """The output buffer of C's ``stdout`` in this process, which extension modules print to.

    It is flushed, and set to lines while it goes to a log. Why: C chooses 4 KiB blocks for what is
    no terminal, and a killed run would lose the last one. Without `_ctypes`, or without such a
    symbol, C keeps its blocks and nothing else changes. ``stderr`` is never buffered.
    """

    __slots__ = ("_library", "_stream")

    def __init__(self) -> None:
        self._stream: _ctypes._SimpleCData[int | None] | None = None
        try:
            import _ctypes  # `ctypes` would cost every run 1 ms more

            class Pointer(_ctypes._SimpleCData):  # type: ignore[type-arg]  # as `ctypes.c_void_p`
                _type_ = "P"

            self._library = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]
        except (ImportError, OSError):
            return
        for name in C_VARIABLES["stdout"]:
            try:
                self._stream = Pointer.from_address(_ctypes.dlsym(self._library, name))
            except OSError:  # not defined under this name
                continue
            break

    def flush(self) -> None:
        """Write out what it has buffered.

        This stream only: flushing all of them (NULL) waits for a thread that reads C's stdin.
        """
        self._call("fflush")

    def by_line(self, *, yes: bool) -> None:
        """Choose between buffering lines and blocks; the buffer must be empty."""
        self._call("setvbuf", None, _IOLBF if yes else _IOFBF, 0)

    def _call(self, function: str, *rest: int | None) -> None:
        if self._stream is not None:
            import _ctypes

            address = _ctypes.dlsym(self._library, function)
            _ctypes.call_cdeclfunction(address, (self._stream, *rest))


def _put_back(layer: dict[str, Any], name: str, found: object) -> None:
    if found is None:
        layer.pop(name, None)
    else:
        layer[name] = found


def _whole(write: Write) -> Write:
    """Make a write that goes on where one stopped short, as happens when a disk gets full.

    Without a buffer nothing above does that: TextIOWrapper drops the rest.
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
