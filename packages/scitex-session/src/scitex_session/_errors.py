"""What can be wrong with the use of the facade."""

from __future__ import annotations


class FacadeError(Exception):
    """Base of the errors of this package; their arguments are kept, so that they can be pickled."""


class NestedSessionError(FacadeError, RuntimeError):
    """A session function called without arguments while another session runs in this process.

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


class UnsuitableFunctionError(FacadeError, TypeError):
    """A function that can't be a session, or a parameter of it that can't be an option.

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


class UnknownOptionError(FacadeError, TypeError):
    """A keyword that neither `start` nor `close` knows.

    Attributes
    ----------
    name : str
        The keyword.
    near : tuple of str
        Known keywords of a similar name.
    allowed : tuple of str
        All known keywords.
    """

    def __init__(self, name: str, near: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        super().__init__(name, near, allowed)
        self.name = name
        self.near = near
        self.allowed = allowed

    def __str__(self) -> str:
        hint = f"did you mean {self.near[0]!r}? " if self.near else ""
        return f"no session option {self.name!r}; {hint}the options are {', '.join(self.allowed)}"


class ConfigFileError(FacadeError, ValueError):
    """A file of ``config/`` that can't be taken.

    Attributes
    ----------
    path : str
        The file.
    why : str
        What is wrong with it.
    line : int or None
        Where, from 1.
    """

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        super().__init__(path, why, line)
        self.path = path
        self.why = why
        self.line = line

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{self.path}: {where}{self.why}"


class ReadOnlyKeyError(FacadeError, AttributeError, TypeError):
    """A key of `CONFIG` that is the run's own was to be changed.

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


class NoSessionError(FacadeError, RuntimeError, AttributeError):
    """What only a running session has was used without one.

    Attributes
    ----------
    name : str
        What was used.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"{self.name} belongs to a running session, and none runs here: call the function "
            "decorated with @session without arguments, or begin one with start()"
        )


class UsageError(FacadeError, ValueError):
    """A command line, or a file or variable that stands for one, that can't be taken.

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
