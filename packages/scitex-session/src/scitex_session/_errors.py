"""The errors that the facade raises, and how it goes on after trouble of its own.

What a caller did, or gave, that can't be, raises. Each error derives from the builtin that Python
itself would raise, and from `SessionError`, the base of the errors of scitex-session-core. The data
are attributes; ``args`` holds them too, so that every error can be pickled.
"""

from __future__ import annotations

from scitex_session_core import SessionError, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any


class tolerated:  # noqa: N801  # read as a word of the `with` statement, as contextlib.suppress is
    """Warn about an error in the block and go on: our trouble must not end the user's run.

    Parameters
    ----------
    what : str
        What the block does, for the warning.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        warn(f"{self._what} failed: {type(error).__name__}: {error}")
        return True


class NestedSessionError(SessionError, RuntimeError):
    """A session was to start while another one runs in this process.

    Attributes
    ----------
    function : str
        The function called.
    running : str
        The ID of the session that runs.
    """

    def __init__(self, function: str, running: str) -> None:
        super().__init__(function, running)
        self.function = function
        self.running = running

    def __str__(self) -> str:
        return (
            f"{self.function}() would start a session inside the session {self.running}: "
            f"call it with arguments, or as {self.function}.plain(), to run it as a plain function"
        )


class NoSessionError(SessionError, RuntimeError, AttributeError):
    """A name of the running session was used while none runs.

    Attributes
    ----------
    name : str
        The name, such as ``CONFIG``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        # AttributeError has `name` in a slot, which tblib (of Dask) does not copy by itself.
        return type(self), self.args, vars(self)

    def __str__(self) -> str:
        return (
            f"{self.name} belongs to a running session, and none runs here: call the function "
            "decorated with @session without arguments, or its .run(...) with arguments, "
            "or begin one with start()"
        )


class ReadOnlyKeyError(SessionError, AttributeError, TypeError):
    """A key of `CONFIG` that only the run itself may change was to be changed.

    Attributes
    ----------
    key : str
        The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return (
            f"CONFIG.{self.key} is the run's own and can't be changed or removed; "
            "keep values of yours under other keys, or in a copy (CONFIG.copy())"
        )


class UnsuitableFunctionError(SessionError, TypeError):
    """A function can't run as a session, or a parameter of it can't be an option.

    Attributes
    ----------
    function : str
        The function.
    why : str
        What is wrong with it.
    """

    def __init__(self, function: str, why: str) -> None:
        super().__init__(function, why)
        self.function = function
        self.why = why

    def __str__(self) -> str:
        return f"{self.function}: {self.why}"


class UnknownOptionError(SessionError, TypeError):
    """`session` or `run` was given a keyword that no session has.

    Attributes
    ----------
    name : str
        The keyword.
    near : str or None
        The known keyword that was probably meant.
    allowed : tuple of str
        All known keywords.
    """

    def __init__(self, name: str, near: str | None, allowed: tuple[str, ...]) -> None:
        super().__init__(name, near, allowed)
        self.name = name
        self.near = near
        self.allowed = allowed

    def __str__(self) -> str:
        hint = "" if self.near is None else f"did you mean {self.near!r}? "
        return f"no session option {self.name!r}; {hint}the options are {', '.join(self.allowed)}"


class ConfigFileError(SessionError, ValueError):
    """A file of ``config/``, or one given by ``--config``, can't be used.

    Attributes
    ----------
    path : str
        The file.
    why : str
        What is wrong with it.
    line : int or None
        The line, starting at 1.
    """

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        super().__init__(path, why, line)
        self.path = path
        self.why = why
        self.line = line

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{self.path}: {where}{self.why}"


class UsageError(SessionError, ValueError):
    """A command line or an environment variable can't be understood.

    Attributes
    ----------
    why : str
        What is wrong, where, and what is allowed: a sentence without its full stop.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class QueryError(SessionError, ValueError):
    """A query can't be understood.

    Attributes
    ----------
    query : str
        The query.
    column : int
        The place of the mistake, starting at 1; behind the end, if something is missing there.
    why : str
        What is wrong there, and what is allowed.
    """

    def __init__(self, query: str, column: int, why: str) -> None:
        super().__init__(query, column, why)
        self.query = query
        self.column = column
        self.why = why

    def __str__(self) -> str:
        # One character for each, so that the mark stands below its place.
        line = "".join(c if c.isprintable() else " " for c in self.query)
        return f"{self.why}\n  {line}\n  {' ' * (self.column - 1)}^"


class UnknownRunError(SessionError, LookupError):
    """No run is known by a name, or it is not there any more.

    Attributes
    ----------
    name : str
        The name.
    why : str
        What was looked for.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return f"no run {self.name!r}: {self.why}"


class AmbiguousRunError(SessionError, LookupError):
    """Several runs are known by a name.

    Attributes
    ----------
    name : str
        The name.
    candidates : tuple of str
        Their IDs.
    described : tuple of str
        What is said of each.
    """

    def __init__(
        self, name: str, candidates: tuple[str, ...], described: tuple[str, ...] = ()
    ) -> None:
        super().__init__(name, candidates, described)
        self.name = name
        self.candidates = candidates
        self.described = described or candidates

    def __str__(self) -> str:
        shown = ", ".join(self.described[:5])
        more = " and others" if len(self.described) > 5 else ""
        return f"{self.name!r} could be any of several runs: {shown}{more}"


class UnstoppableRunError(SessionError, RuntimeError):
    """A run can't be stopped from here.

    Attributes
    ----------
    id : str
        The ID of the run.
    why : str
        Why not.
    """

    def __init__(self, id: str, why: str) -> None:  # noqa: A002  # as the attribute is called
        super().__init__(id, why)
        self.id = id
        self.why = why

    def __str__(self) -> str:
        return f"{self.id} can't be stopped: {self.why}"
