"""The door of capturing."""

from __future__ import annotations

import os

from ._capture import Capture
from ._errors import InvalidTypeError, InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._capture import Mode

    StrPath = str | os.PathLike[str]

MODES = ("fd", "sys", "none")
LEAST_BYTES = 1 << 16


def capture(
    stdout: StrPath | None = None,
    stderr: StrPath | None = None,
    *,
    mode: Mode = "fd",
    heartbeat: StrPath | None = None,
    on_death: Sequence[str] | None = None,
    max_bytes: int | None = None,
) -> Capture:
    """Write what this process prints to log files, and show it where it was shown before.

    In mode "fd" the log files *are* the descriptors 1 and 2: what Python, C code, subprocesses
    and forked workers print is on disk at the moment of ``write(2)``, however the process dies. A
    companion process copies what is appended to the terminal within about 20 ms.

    The naive ways lose output: a tee of Python's streams never sees what C code and subprocesses
    print, and a pipe loses what is in it when its reader dies, and blocks who writes to it.

    Parameters
    ----------
    stdout, stderr : path, optional
        The logs, appended to; they and their directories are made where they are missing. Both may
        be the same file, which is then shown on stdout alone. Needed unless `mode` is "none".
    mode : {"fd", "sys", "none"}
        "fd": as above. "sys": a tee of Python's streams, chosen by itself where descriptors can't
        be redirected: `sys.stdout` has been replaced (said on stderr, but for Jupyter and
        pytest), or no companion can be started (said on stderr); it is what Windows has so far.
        "none": nothing is captured; a companion runs only for `heartbeat` and `on_death`.
    heartbeat : path, optional
        A file that the companion touches at its start and every 30 s, through a descriptor: a
        rename of its directory, or C code that holds the GIL, doesn't stop it.
    on_death : sequence of str, optional
        A command, its program as an absolute path, run (by the companion, in the directory ``/``,
        stdin empty, stdout and stderr the terminal) when this process dies without `Capture.stop`
        or `Capture.dismiss`. One argument is added, a JSON object of what was seen:
        ``{"seen": "2026-11-22T05:09:48.123456+00:00", "signal": 9, "exit_status": null}``. Signal
        and status are null where they can't be known: the status of a process that is not one's
        child is told by Linux 6.15 and later alone, and by earlier ones if its parent is slow.
    max_bytes : int, optional
        How long each log may grow, at least 65536 (64 KiB); by default there is no limit. Of a
        log that grows longer the beginning and the end are kept, half as much or more, and in
        between stands ``[scitex-session: 123456 bytes dropped here]``. The terminal still shows
        everything, unless it lags by 64 MiB.

    Returns
    -------
    Capture
        To be used in a ``with`` statement, or begun by its `Capture.start`.

    Raises
    ------
    ValueError
        An unknown `mode`, a path with a NUL, an empty `on_death`, `max_bytes` below 65536.
    TypeError
        A log is missing, or no path; `on_death` is no sequence of strings; `max_bytes` no integer.

    Notes
    -----
    Python's streams are line-buffered during the capture, and C's stdout. `sys.stdout` stays a
    text stream with the encoding and error handler it had; `isatty` answers for the terminal
    behind it, as `os.isatty`, `os.get_terminal_size` and `fcntl.ioctl` do when asked about 1 and 2,
    and `input` edits its line there. Child processes see a file (`ls --color=auto` prints no
    colours), and COLUMNS and LINES as they are at the beginning. What was found (stream objects,
    descriptors, variables) is put back at the end, except where the script itself has replaced it
    meanwhile.

    When a log can't be written any more (a full disk), Python's streams turn to the terminal, which
    is said once. When nobody reads the terminal's end any more (``| head -1``), showing stops and
    the log goes on.

    With `max_bytes`, the file system takes blocks out of the log where it can (ext4, XFS). Others
    (tmpfs, Btrfs) punch a hole: the file keeps its length, takes no room there, and reads as NULs,
    which `render` leaves out. Where neither can be, and on systems other than Linux, that is said
    once and the logs are kept whole. Between two looks, 20 ms apart, a log may be longer; and what
    child processes write after the end is not looked after.

    In a process that adopts orphans (PID 1 of a container without ``--init``) the companion does
    become a child that `os.wait` meets.

    Run on Linux; macOS has the same code path, without a pidfd, and has not been tried.

    Examples
    --------
    >>> with capture("logs/stdout.log", "logs/stderr.log"):  # doctest: +SKIP
    ...     print("on disk, and on the terminal")
    """
    if mode not in MODES:
        raise InvalidValueError("mode", mode, "one of " + ", ".join(map(repr, MODES)))
    paths = None
    if mode != "none":
        if stdout is None or stderr is None:
            missing = "stdout" if stdout is None else "stderr"
            raise InvalidTypeError(missing, "None", f"the path of a log with mode={mode!r}")
        paths = _checked_path("stdout", stdout), _checked_path("stderr", stderr)
    command = () if on_death is None else _checked_command(on_death)
    most = 0 if max_bytes is None else _checked_bytes(max_bytes)
    beat = None if heartbeat is None else _checked_path("heartbeat", heartbeat)
    return Capture(paths, mode, beat, command, most)


def _checked_path(name: str, path: StrPath) -> str:
    try:
        absolute = os.path.abspath(os.fsdecode(path))
    except TypeError:
        raise InvalidTypeError(name, type(path).__name__, "a path") from None
    if "\0" in absolute:
        raise InvalidValueError(name, path, "a path, which has no NUL")
    return absolute


def _checked_command(command: Sequence[str]) -> tuple[str, ...]:
    try:
        words = tuple(command)
    except TypeError:
        words = None
    if words is None or isinstance(command, str) or not all(isinstance(w, str) for w in words):
        raise InvalidTypeError("on_death", repr(command), "a sequence of strings")
    if not words:
        raise InvalidValueError("on_death", command, "a command of at least one word")
    return words


def _checked_bytes(most: int) -> int:
    if isinstance(most, bool) or not hasattr(most, "__index__"):
        raise InvalidTypeError("max_bytes", type(most).__name__, "an integer or None")
    if most < LEAST_BYTES:
        raise InvalidValueError("max_bytes", most, f"at least {LEAST_BYTES}")
    return most.__index__()
