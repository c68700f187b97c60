"""The errors that this package raises, and the one way it warns."""

from __future__ import annotations

import errno
import sys
import warnings
from io import FileIO, TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO


class SessionError(Exception):
    """Base of every error that this package raises.

    Each keeps its arguments in ``args``, so that it can be pickled and sent between processes.
    """


class InvalidSessionIdError(SessionError, ValueError):
    """A session ID that can't name a session.

    Attributes
    ----------
    session_id : object
        The value that was given.
    why : str
        What is wrong with it.
    """

    def __init__(self, session_id: object, why: str) -> None:
        super().__init__(session_id, why)
        self.session_id = session_id
        self.why = why

    def __str__(self) -> str:
        return (
            f"session ID {self.session_id!r} {self.why}; an ID is one to 200 characters "
            "without '/', '\\' or control characters, and does not begin with a dot"
        )


class DuplicateSessionError(SessionError, ValueError):
    """A session ID that the registry already holds.

    Attributes
    ----------
    session_id : str
        The ID that was given.
    registry : str
        The registry that holds it.
    """

    def __init__(self, session_id: str, registry: str) -> None:
        super().__init__(session_id, registry)
        self.session_id = session_id
        self.registry = registry

    def __str__(self) -> str:
        return f"session {self.session_id!r} is already in the registry {self.registry}"


class InvalidValueError(SessionError, ValueError):
    """An argument with a value that is not allowed.

    Attributes
    ----------
    name : str
        The argument.
    value : object
        The value that was given.
    allowed : str
        The values that are allowed.
    near : str or None
        The value that was probably meant.
    """

    def __init__(self, name: str, value: object, allowed: str, near: str | None = None) -> None:
        super().__init__(name, value, allowed, near)
        self.name = name
        self.value = value
        self.allowed = allowed
        self.near = near

    def __str__(self) -> str:
        guess = "" if self.near is None else f"; did you mean {self.near!r}?"
        return f"{self.name} must be {self.allowed}, not {self.value!r}{guess}"


class InvalidTypeError(InvalidValueError, TypeError):
    """An argument of a type that is not allowed; it has the attributes of `InvalidValueError`."""


class _PathError(SessionError):
    """An error about what lies at a path.

    Attributes
    ----------
    path : str
        The path.
    why : str
        What is wrong, as a sentence without its full stop.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


class RecordError(_PathError, ValueError):
    """A ``session.json`` that is missing or can't be read; `path` is the file, `why` says more."""


class ArchiveError(_PathError, ValueError):
    """An archive of runs that is damaged, or that holds what no archive of ours does.

    `path` is the archive, and `why` says what is wrong with it.
    """

    def __str__(self) -> str:
        return f"{self.path} can't be used as an archive: {self.why}"


class RunKeptError(_PathError, RuntimeError):
    """A run that is not removed, archived or restored. It stays as it is.

    `path` is where it is, and `why` says why it stays.
    """

    def __str__(self) -> str:
        return f"{self.path} stays as it is: {self.why}"


class NotResumableError(SessionError, RuntimeError):
    """A run that can't be resumed. It stays as it is.

    Attributes
    ----------
    run : str
        The run, as it was named.
    why : str
        Why it can't: a sentence without its full stop.
    """

    def __init__(self, run: str, why: str) -> None:
        super().__init__(run, why)
        self.run = run
        self.why = why

    def __str__(self) -> str:
        return f"{self.run} can't be resumed: {self.why}"


class RunDirectoryBusyError(SessionError, FileExistsError):
    """A run directory that another run writes to, or may write to.

    Attributes
    ----------
    path : str
        The directory.
    session_id : str
        The run that holds it.
    status : str
        What is known of that run: ``running``; for a run of another machine ``lost`` if its
        heartbeat stopped, and ``unknown`` if there is none to be read.
    """

    def __init__(self, path: str, session_id: str, status: str = "running") -> None:
        super().__init__(errno.EEXIST, "belongs to another run", path)
        self.path = path
        self.session_id = session_id
        self.status = status

    # OSError would pass errno and strerror to __init__.
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.session_id, self.status)

    def __str__(self) -> str:
        state = (
            "which is still running"
            if self.status == "running"
            else "and whether that still runs can't be told from this machine: give another sdir, "
            "or delete its session.json if you know that it has ended"
        )
        return f"sdir {self.path} belongs to the run {self.session_id}, {state}"


class SessionWarning(UserWarning):
    """Trouble of our own (disk, network, index). The run goes on without what failed."""


def warn(message: str) -> None:
    """Warn with `SessionWarning`, at the line of user code that led here. Never raise.

    Under ``python -W error`` a warning is an exception, and one that is raised between a record
    and its rename would end the user's run. So would an error of a `warnings.showwarning` or a
    ``sys.stderr`` of the user's own. The message goes to stderr then, and to Python's own where
    that fails. Where both are closed, or on a full disk, nobody can be told.
    """
    settled = [stream for stream in (sys.stderr, sys.__stderr__) if _is_settled(stream)]
    try:
        warnings.warn(message, SessionWarning, stacklevel=_stacklevel())
    except (Exception, SystemExit):  # noqa: BLE001  # whatever the user's code raises
        any(_printed(f"SessionWarning: {message}", on) for on in (sys.stderr, sys.__stderr__))
    for stream in settled:
        _drop_rest(stream)


def some_of(names: Sequence[object], most: int = 5) -> str:
    """Return the first names for a message, and how many more there are."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more:,} more" if more > 0 else "")


def say(message: str) -> None:
    """Print a message of ours on stderr, if it can be printed. Never raise."""
    settled = _is_settled(sys.stderr)
    _printed(f"scitex-session: {message}", sys.stderr)
    if settled:
        _drop_rest(sys.stderr)


def _printed(text: str, stream: TextIO | None) -> bool:
    try:
        if stream is not None:  # print would take stdout for None
            print(text, file=stream)
    except (Exception, SystemExit):  # noqa: BLE001  # as above
        return False
    return stream is not None


def _is_settled(stream: object) -> bool:
    """Tell whether a stream of Python's own has nothing left to write."""
    if type(stream) is not TextIOWrapper:
        return False
    try:
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _drop_rest(stream: Any) -> None:
    """Drop what we have printed and can't be written: a full disk, or a closed descriptor.

    What is left in the buffer would make the interpreter fail at its very end, with status 120,
    though the run did not.
    """
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if _is_settled(stream) or type(raw) is not FileIO:
        return
    layer = vars(raw)
    found = layer.get("write")
    layer["write"] = len  # as if it had taken all
    _is_settled(stream)
    if found is None:
        del layer["write"]
    else:
        layer["write"] = found


def _stacklevel() -> int:
    """Count the frames from `warn` up to the first that is not ours."""
    frame, level = sys._getframe(1), 1
    while frame.f_globals.get("__name__", "").startswith("scitex_session") and frame.f_back:
        frame, level = frame.f_back, level + 1
    return level
