"""`capture` and its `Capture`: begin, end, and put everything back."""

from __future__ import annotations

import os
import sys
import time

from .descriptors import open_path, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Literal, Self, TextIO

    from .client import Companion
    from .redirect import Redirection
    from .tee import Tees

    Mode = Literal["fd", "sys", "none"]
    StrPath = str | os.PathLike[str]
    Opener = Callable[[str, int], int]

MODES = ("fd", "sys", "none")
MOST_PASSED = 3  # descriptors of an errand
LEAST_BYTES = 1 << 16

# How long we wait for the terminal before `input()` asks, or before a message; seconds.
_SHOW_S = 1.0
# They replace the standard streams by themselves.
_CAPTURERS = {"ipykernel", "pytest"}
_LESS = "what C code and subprocesses print is not in the log"

# Open captures, innermost last.
_open: list[Capture] = []


def capture(
    stdout: StrPath | None = None,
    stderr: StrPath | None = None,
    *,
    mode: Mode = "fd",
    heartbeat: StrPath | None = None,
    on_death: Sequence[str] | None = None,
    on_death_code: StrPath | None = None,
    errand: Sequence[str] | None = None,
    errand_descriptors: Sequence[int] = (),
    max_bytes: int | None = None,
    companion: Companion | None = None,
    opener: Opener | None = None,
) -> Capture:
    """Write what this process prints to log files, and show it where it was shown before.

    In mode "fd" the log files *are* the descriptors 1 and 2: what Python, C code, subprocesses and
    forked workers print is in the log as soon as ``write(2)`` returns, even if the process dies
    then. A companion process copies what is appended to the terminal within about 20 ms.

    The naive ways lose output. A tee of Python's streams never sees what C code and subprocesses
    print. A pipe loses what is in it when its reader dies, and blocks its writers.

    Parameters
    ----------
    stdout, stderr : path, optional
        The log files. They are appended to; they and their directories are made where they are
        missing. Both may be the same file, which is then shown on stdout alone. Required unless
        `mode` is "none".
    mode : {"fd", "sys", "none"}
        "fd": as above. "sys": a tee of Python's streams. It is chosen instead of "fd" where
        `sys.stdout` has been replaced (with a message on stderr, except under Jupyter and pytest),
        where no companion can be started (with a message), and on Windows. "none": nothing is
        captured; a companion runs only for `heartbeat` and `on_death`.
    heartbeat : path, optional
        A file that the companion touches at its start and every 30 s. It does so through a
        descriptor, so neither a rename of the directory nor C code that holds the GIL stops it.
        With a heartbeat, where one terminal, file or pipe shows both streams, the companion also
        keeps the order in which they are written, in ``order.txt`` beside the log of stdout.
    on_death : sequence of str, optional
        The command that the companion runs when this process dies without `Capture.stop` or
        `Capture.dismiss`. The program is an absolute path; it runs in the directory ``/``, with
        an empty stdin, and the terminal as stdout and stderr; SIGTERM, SIGINT, SIGHUP and SIGQUIT
        are ignored. It gets one more argument, a JSON object:
        ``{"seen": "2026-11-22T05:09:48.123456+00:00", "signal": 9, "exit_status": null}``.
        Signal and exit status are null if they can't be known: Linux 6.15 and later tells them,
        earlier kernels only until the parent has reaped the process.
    on_death_code : path, optional
        A folder of Python code that the command imports. A long run may outlive it: an upgrade
        replaces it, or removes it. So the companion reads it when the run has gone on for a moment,
        and the command gets it as its stdin, for each file a line with its path within the folder,
        a line with its length in bytes, and its content. Linux only; elsewhere stdin is empty.
    errand : sequence of str, optional
        A command that the companion starts when the capture begins, and that nobody waits for. The
        program is an absolute path; it runs with the lowest priority, in the directory ``/`` and a
        session of its own, with ``/dev/null`` as its standard streams. It outlives this process
        and, like the companion, a polite request to end; after 60 s it gets SIGALRM. Where there is
        no companion it is not started.
    errand_descriptors : sequence of int
        At most three descriptors, which the errand gets as 3, 4 and 5. They are copied when the
        capture begins, and stay open here.
    max_bytes : int, optional
        The largest size of each log, at least 65536 (64 KiB); by default there is none. A log that
        grows larger keeps its beginning and its end, together at least half as much, and between
        them stands ``[scitex-session: 123456 bytes dropped here]``. The terminal still shows
        everything, except what it has not shown when it lags by more than 64 MiB.
    companion : Companion, optional
        A companion that `start_companion` has started. By default, and if that one has ended, the
        capture starts one when it begins. A capture that needs none releases it.
    opener : callable, optional
        Opens the logs and the heartbeat, and makes their directories: as the `opener` of the
        built-in `open`, it gets an absolute path and flags, and returns a descriptor. With it, the
        caller decides how links are followed on the way to a file.

    Returns
    -------
    Capture
        Use it in a ``with`` statement, or call its `Capture.start`.

    Raises
    ------
    ValueError
        `mode` is unknown, a path or a word has a NUL, `on_death` or `errand` is empty, there are
        more than three `errand_descriptors`, or `max_bytes` is below 65536.
    TypeError
        A log is missing or not a path, `on_death` or `errand` is not a sequence of strings,
        `max_bytes` is not an integer, or `companion` is not a companion.

    Notes
    -----
    Python's streams and C's stdout are line-buffered during the capture. `sys.stdout` stays a text
    stream with its encoding and error handler. `isatty` answers for the terminal behind it, as do
    `os.isatty`, `os.get_terminal_size` and `fcntl.ioctl` for 1 and 2, and `input` edits its line
    there. Child processes see a file (`ls --color=auto` prints no colours), and in COLUMNS and
    LINES the size of the terminal at the beginning. At the end the capture puts back what it found
    (stream objects, descriptors, variables), except what the script has replaced itself.

    When a log can't be written any more (a full disk), Python's streams turn to the terminal, with
    one message. When nobody reads the terminal's end any more (``| head -1``), showing stops and
    the log goes on.

    A program that opens ``/dev/stdout`` or ``/dev/stderr`` for writing (``echo x > /dev/stderr`` in
    a shell) truncates the log. The companion keeps the last mebibyte of each log that it has seen,
    and appends it to an earlier part beside the log (``e.1.log`` of ``e.log``), which `render` puts
    first. What was printed within the milliseconds before is lost, which is said.

    With `max_bytes`, the file system takes blocks out of the log where it can (ext4, XFS). Others
    (tmpfs, Btrfs) punch a hole: the file keeps its length, the hole takes no room and reads as
    NULs, which `render` leaves out. Where neither works, and on systems other than Linux, one
    message says so and the logs are kept whole. The size is checked every 20 ms, so a log may be
    larger in between; after the end nobody checks what child processes still write.

    The companion ignores SIGTERM, SIGINT, SIGHUP and SIGQUIT until the run has said goodbye or its
    death is filed: whoever sends them to every process of a job means the run.

    In a process that adopts orphans (PID 1 of a container without ``--init``) the companion does
    become a child that `os.wait` meets. With PID 1 every other process ends, so `Capture.dismiss`
    waits there until everything is shown, as a plain `print` would.

    Tested on Linux. macOS takes the same code path, without a pidfd, and has not been tried.

    Examples
    --------
    >>> with capture("logs/stdout.log", "logs/stderr.log"):
    ...     print("on disk, and on the terminal")
    on disk, and on the terminal
    """
    if mode not in MODES:
        raise _invalid_value("mode", mode, "one of " + ", ".join(map(repr, MODES)))
    paths = None
    if mode != "none":
        if stdout is None or stderr is None:
            missing = "stdout" if stdout is None else "stderr"
            raise _invalid_type(missing, "None", f"the path of a log with mode={mode!r}")
        paths = _checked_path("stdout", stdout), _checked_path("stderr", stderr)
    command = () if on_death is None else _checked_command("on_death", on_death)
    beside = () if errand is None else _checked_command("errand", errand)
    if len(errand_descriptors) > MOST_PASSED:
        allowed = f"at most {MOST_PASSED} descriptors"
        raise _invalid_value("errand_descriptors", errand_descriptors, allowed)
    most = 0 if max_bytes is None else _checked_bytes(max_bytes)
    beat = None if heartbeat is None else _checked_path("heartbeat", heartbeat)
    code = "" if on_death_code is None else _checked_path("on_death_code", on_death_code)
    if companion is not None and not hasattr(companion, "accompany"):
        raise _invalid_type("companion", type(companion).__name__, "from start_companion()")
    opener = opener or open_path
    passed = tuple(errand_descriptors)
    return Capture(paths, mode, beat, (code, *command), (beside, passed), most, companion, opener)


class Capture:
    """A capture of stdout and stderr into log files; `capture` makes it.

    It is used once: `start` or ``with`` begins it, `stop` ends it. Captures share one stack for all
    threads. Ending an outer capture also ends the inner ones, with a message. Only the process that
    began a capture ends it: in a forked child its methods do nothing, and what the child prints
    still goes to the log.

    Attributes
    ----------
    mode : {"fd", "sys", "none"}
        The mode asked for; after `start`, the mode chosen.
    """

    def __init__(
        self,
        paths: tuple[str, str] | None,
        mode: Mode,
        heartbeat: str | None,
        on_death: tuple[str, ...],
        errand: tuple[tuple[str, ...], tuple[int, ...]],
        most: int,
        companion: Companion | None,
        opener: Opener,
    ) -> None:
        self.mode: Mode = mode
        self._opener = opener
        self._most = most
        self._paths = paths
        self._heartbeat = heartbeat
        self._on_death = on_death
        self._errand = errand
        self._unwatched = heartbeat is not None or len(on_death) > 1 or bool(errand[0])
        self._owner: int | None = None
        self._streams: Redirection | Tees | None = None
        self._early = companion
        self._companion: Companion | None = None
        self._failed = False
        self._ended = False

    @property
    def stdout(self) -> TextIO:
        """The text stream for stdout; it stays usable, and writes to the terminal after the end."""
        return self._streams.stdout if self._streams else sys.stdout

    @property
    def stderr(self) -> TextIO:
        """The text stream for stderr; it stays usable, and writes to the terminal after the end."""
        return self._streams.stderr if self._streams else sys.stderr

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Begin to capture; a second call before the end does nothing.

        Returns
        -------
        Capture
            Itself.

        Raises
        ------
        IsADirectoryError
            A log's path is a directory. Any other trouble gives a message on stderr, and the run
            goes on: with a tee where no companion can be started, with mode "none" where a log
            can't be opened.
        UsedCaptureError
            The capture has ended before.
        """
        if self._ended:
            from scitex_session_io._errors import UsedCaptureError

            raise UsedCaptureError(self._paths or ())
        if self._owner is not None:
            return self
        self._owner = os.getpid()
        try:
            if self._paths is not None:
                self._streams = self._opened(self._paths)
        except IsADirectoryError:
            self._release_early()
            raise
        except OSError as error:
            say(f"the output is not logged: {error}", None)
            self.mode = "none"
        if self._unwatched:
            self._accompany(None, "a crash will not be noticed")
        self._release_early()
        if self._streams is not None:
            _open.append(self)
            self._streams.begin()
        return self

    def finish(self, timeout: float = 5.0) -> None:
        """End the capture and put back what it found; the companion still watches over the run.

        Parameters
        ----------
        timeout : float
            Seconds to wait until everything printed has been shown. The companion goes on showing
            what a slow terminal has not taken by then; the logs are whole in any case.

        Notes
        -----
        A child process that still holds a log's descriptor isn't waited for. What it writes later
        goes to the log only.
        """
        if self._owner != os.getpid():
            return
        self._ended = True
        if self._streams is None or self not in _open:
            return
        inner = _open[_open.index(self) + 1 :]
        for capture in reversed(inner):
            capture.finish(timeout)
        _open.remove(self)
        deadline = time.monotonic() + timeout
        try:
            self._streams.flush()
            self._drain(deadline)
        finally:  # whatever interrupts the waiting, Ctrl-C for one
            self._streams.end()
            self._drain(deadline, last=True)  # what other threads have printed meanwhile
            deleted, lost = self._streams.deleted, self._streams.lost
            self._streams.close()
        if deleted:
            say(f"deleted during the capture, and so lost: {', '.join(deleted)}", None)
        if lost:
            names = ", ".join(map(os.path.basename, lost))
            say(
                f"truncated, as by '> /dev/stderr', before anything of it could be kept: {names}; "
                "what was printed in the first milliseconds is lost",
                None,
            )
        for capture in inner:
            if capture._paths:
                logs = " and ".join(capture._paths)
                say(f"the capture to {logs} has ended with the one around it", None)

    def dismiss(self) -> None:
        """Tell the companion that the run is over; a capture still open is ended first."""
        if self._owner != os.getpid():
            return
        self.finish()
        if self._companion is not None:
            self._companion.dismiss()
            self._companion = None

    def stop(self, timeout: float = 5.0) -> None:
        """End the capture as `finish` does, and dismiss the companion."""
        self.finish(timeout)
        self.dismiss()

    def _opened(self, paths: tuple[str, str]) -> Redirection | Tees:
        """Open the logs: as descriptors where a companion can show them, else for a tee."""
        if self._opener is open_path:
            for path in paths:
                os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.mode == "fd" and os.name == "posix":
            from .redirect import Redirection, obstacle

            if name := obstacle():
                # Jupyter and pytest: expected there, and no message for each test or cell.
                if not sys.modules.keys() & _CAPTURERS:
                    kind = type(getattr(sys, name)).__name__
                    say(f"sys.{name} ({kind}) does not write to its descriptor: {_LESS}", None)
            else:
                redirection = Redirection(paths, self._report_failure, self._show, self._opener)
                if self._accompany(redirection, _LESS):
                    return redirection
                redirection.close()
        from .tee import Tees

        self.mode = "sys"
        return Tees(paths, self._report_failure, self._most, self._opener)

    def _accompany(self, redirection: Redirection | None, consequence: str) -> bool:
        """Give a companion its task, or print what is missing without one."""
        self._unwatched = False
        try:
            if os.name != "posix":
                raise OSError("not written for this system yet")
            from .client import Companion

            early = self._early
            companion = early if early is not None and early.waiting else Companion()
            beat = None if self._heartbeat is None else (self._heartbeat, self._opener)
            companion.accompany(redirection, self._most, beat, self._on_death, self._errand)
            self._companion = companion
        except OSError as error:
            terminal = redirection.terminals[1] if redirection else None
            say(f"no companion process ({error}): {consequence}", terminal)
        return self._companion is not None

    def _release_early(self) -> None:
        if self._early is not None:
            self._early.release()

    def _drain(self, deadline: float, *, last: bool = False) -> None:
        if self._companion is not None:
            self._companion.drain(deadline, last=last)

    def _show(self) -> None:
        """Wait until everything printed is shown; only the owner may ask its companion."""
        if self._owner == os.getpid():
            self._drain(time.monotonic() + _SHOW_S)

    def _report_failure(self, path: str, error: OSError) -> None:
        """Say once that a log can't be written; show what it holds before what follows it."""
        self._show()
        if self._failed or self._streams is None:
            return
        self._failed = True
        message = f"can't write to {path} any more ({error.strerror}): the rest is only shown"
        self._streams.say_once(message)


def _checked_path(name: str, path: StrPath) -> str:
    try:
        absolute = os.path.abspath(os.fsdecode(path))
    except TypeError:
        raise _invalid_type(name, type(path).__name__, "a path") from None
    if "\0" in absolute:
        raise _invalid_value(name, path, "a path, which has no NUL")
    return absolute


def _checked_command(name: str, command: Sequence[str]) -> tuple[str, ...]:
    try:
        words = tuple(command)
    except TypeError:
        words = None
    if words is None or isinstance(command, str) or not all(isinstance(w, str) for w in words):
        raise _invalid_type(name, repr(command), "a sequence of strings")
    if not words:
        raise _invalid_value(name, command, "a command of at least one word")
    if any("\0" in word for word in words):
        raise _invalid_value(name, command, "words without a NUL")
    return words


def _checked_bytes(most: int) -> int:
    if isinstance(most, bool) or not hasattr(most, "__index__"):
        raise _invalid_type("max_bytes", type(most).__name__, "an integer or None")
    if most < LEAST_BYTES:
        raise _invalid_value("max_bytes", most, f"at least {LEAST_BYTES}")
    return most.__index__()


# Imported late: a run whose arguments are right doesn't pay for the errors.
def _invalid_value(name: str, value: object, allowed: str) -> Exception:
    from scitex_session_io._errors import InvalidValueError

    return InvalidValueError(name, value, allowed)


def _invalid_type(name: str, type_name: str, allowed: str) -> Exception:
    from scitex_session_io._errors import InvalidTypeError

    return InvalidTypeError(name, type_name, allowed)
