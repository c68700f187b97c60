"""The names that a session gives its script: injected globals, and stand-ins to import.

A session puts ``CONFIG``, ``plt``, ``COLORS``, ``rngg`` and ``logger`` into the globals of its
function while it runs, and into parameters whose default is `INJECTED`. Linters and type checkers
can't know such globals, and other modules don't have them. For these there are stand-ins of the
same names: each looks up what the running session has, at each use.
"""

from __future__ import annotations

import sys

from scitex_session._errors import NoSessionError, UnsuitableFunctionError
from scitex_session_core import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session_core import RunDir
    from scitex_session_plot import CustomColors
    from scitex_session_repro import RandomStateManager

    from .config_object import Config
    from .logger import BorrowedLogger, Logger

GLOBALS = ("CONFIG", "plt", "COLORS", "rngg", "logger")
_PARAMETERS = (*GLOBALS, "rng")
# Modules are imported where a type is asked for.
_TYPES = {
    "CONFIG": ("scitex_session_core", "DotDict"),
    "COLORS": ("scitex_session_plot", "CustomColors"),
    "rngg": ("scitex_session_repro", "RandomStateManager"),
    "logger": ("logging", "Logger"),
    "checkpoint_dir": ("pathlib", "Path"),
}

# The names of the sessions that run, innermost last. Each session provides its own.
_provided: list[Mapping[str, Any]] = []


def provide(names: Mapping[str, Any], directory: RunDir) -> Callable[[], None]:
    """Let the stand-ins of this package mean these objects.

    Parameters
    ----------
    names : mapping
        The objects of a session, by their names.
    directory : RunDir
        Its directory, for `directory_for`.

    Returns
    -------
    callable
        Withdraws them.
    """
    given = {**names, "directory": directory}
    _provided.append(given)

    def withdraw() -> None:
        _provided[:] = [each for each in _provided if each is not given]

    return withdraw


def directory_for(user: str) -> RunDir:
    """Return the directory of the running session.

    Parameters
    ----------
    user : str
        What needs it, for the message.

    Raises
    ------
    NoSessionError
        None runs.
    """
    if not _provided:
        raise NoSessionError(user)
    directory: RunDir = _provided[-1]["directory"]
    return directory


def resumed() -> int:
    """Return the number of the attempt, if the running session goes on with an earlier run.

    Returns
    -------
    int
        2 or more; 0 in a first attempt, and where no session runs.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def train(epochs: int = 10):
    ...     path = stx.checkpoint_dir / "model.npz"
    ...     if stx.resumed() and path.exists():
    ...         ...  # load it
    """
    attempt: int = _provided[-1]["directory"].attempt if _provided else 1
    return attempt if attempt > 1 else 0


def in_session() -> bool:
    """Tell whether a session runs in this process, or started it as a worker."""
    return bool(_provided)


def inject_globals(namespace: dict[str, Any], values: Mapping[str, Any]) -> Callable[[], None]:
    """Put the names of a session into the globals of its function.

    Parameters
    ----------
    namespace : dict
        The globals of the function.
    values : mapping
        The objects of the session, by the names of `GLOBALS`.

    Returns
    -------
    callable
        Puts back what the names meant before, and removes those that meant nothing.

    Notes
    -----
    A `logger` of the user's stays, and so does ``plt`` where it is pyplot itself. Other names of
    the user's are replaced while the session runs, with one warning. Stand-ins and the colours of
    scitex-session-plot are replaced without a warning, since they mean the same.
    """
    from scitex_session_plot import COLORS

    pyplot = sys.modules.get("matplotlib.pyplot")
    found = {name: namespace[name] for name in values if name in namespace}
    ours = {
        name
        for name, value in found.items()
        if _is_stand_in(value) or value is values[name] or value is COLORS
    }
    theirs = {n for n, v in found.items() if n == "logger" or (n == "plt" and v is pyplot)}
    given = {name: value for name, value in values.items() if name not in theirs - ours}
    hidden = [name for name in given if name in found and name not in ours]
    if hidden:
        warn(
            f"while the session runs, {', '.join(hidden)} in {namespace.get('__name__')} "
            "is the session's; the value it had is put back at the end"
        )
    namespace.update(given)

    def restore() -> None:
        for name, value in given.items():
            if namespace.get(name) is not value:
                continue  # the script has put something of its own there
            if name in found:
                namespace[name] = found[name]
            else:
                del namespace[name]

    return restore


class _Injected:
    """The type of `INJECTED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "INJECTED"

    def __reduce__(self) -> str:
        return "INJECTED"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"no {name!r}: this parameter is filled when its function runs as a session; "
            "called as a plain function, it must be given"
        )


INJECTED: Any = _Injected()
"""Default of a parameter that the session fills: ``CONFIG``, ``plt``, ``COLORS``, ``rngg`` (also
as ``rng``) or ``logger``."""


def check_injected(function: str, names: Iterable[str]) -> None:
    """Refuse a parameter whose default is `INJECTED` and whose name no session gives.

    Raises
    ------
    UnsuitableFunctionError
        There is such a parameter.
    """
    for name in names:
        if name not in _PARAMETERS:
            raise UnsuitableFunctionError(
                function, f"nothing is injected as {name!r}; what is: {', '.join(_PARAMETERS)}"
            )


class SessionLogger:
    """Stand for the logger of one session until it is used; only then `logging` is imported.

    Parameters
    ----------
    name : str
        The name of the logger.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._borrowed: BorrowedLogger | None = None

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._real(), attribute)

    def __repr__(self) -> str:
        return f"<logger {self._name!r} of the session>"

    # So that isinstance(logger, logging.Logger) holds.
    __class__ = property(lambda self: type(self._real()))

    def ready(self) -> Any:
        """Return the logger itself where `logging` is imported already, else this stand-in."""
        return self._real() if "logging" in sys.modules else self

    def restore(self) -> None:
        """Put the logger of that name back as it was, if it was used."""
        if self._borrowed is not None:
            self._borrowed.restore()

    def _real(self) -> Logger:
        if self._borrowed is None:
            from .logger import BorrowedLogger

            self._borrowed = BorrowedLogger(self._name)
        return self._borrowed.logger


class _StandIn:
    """Stand for an object of the running session.

    Parameters
    ----------
    name : str
        The name of the object.
    """

    __slots__ = ("_name",)
    _name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_current(self._name), attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(_current(self._name), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_current(self._name), attribute)

    def __dir__(self) -> list[str]:
        return dir(_current(self._name) if _provided else _type(self._name))

    def __repr__(self) -> str:
        if not _provided:
            return f"<{self._name} of the session that runs; none does>"
        return repr(_current(self._name))

    def __reduce__(self) -> str:
        return self._name  # pickled as a name of this module

    # So that isinstance(CONFIG, DotDict) holds, outside of a session too.
    __class__ = property(lambda self: _type(self._name))


class _MappingStandIn(_StandIn):
    """Stand for a mapping."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return _current(self._name)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        _current(self._name)[key] = value

    def __delitem__(self, key: Any) -> None:
        del _current(self._name)[key]

    def __contains__(self, key: object) -> bool:
        return key in _current(self._name)

    def __iter__(self) -> Iterator[Any]:
        return iter(_current(self._name))

    def __len__(self) -> int:
        return len(_current(self._name))

    def __eq__(self, other: object) -> bool:
        return self is other or bool(_current(self._name) == other)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return _current(self._name) | other

    def __ror__(self, other: Any) -> Any:
        return other | _current(self._name)


class _CallableStandIn(_StandIn):
    """Stand for a callable."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _current(self._name)(*args, **kwargs)


class _PathStandIn(_StandIn):
    """Stand for a path."""

    __slots__ = ()

    def __fspath__(self) -> str:
        return str(_current(self._name))

    def __str__(self) -> str:
        return str(_current(self._name))

    def __truediv__(self, other: Any) -> Any:
        return _current(self._name) / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / _current(self._name)

    def __eq__(self, other: object) -> bool:
        return self is other or bool(_current(self._name) == other)

    __hash__ = None  # type: ignore[assignment]


CONFIG: Config = _MappingStandIn("CONFIG")  # type: ignore[assignment]
"""`CONFIG` of the running session; without one, using it raises `NoSessionError`."""

COLORS: CustomColors = _MappingStandIn("COLORS")  # type: ignore[assignment]
"""`COLORS` of the running session; without one, those of scitex-session-plot."""

rngg: RandomStateManager = _CallableStandIn("rngg")  # type: ignore[assignment]
"""`rngg` of the running session; without one, using it raises `NoSessionError`."""

logger: Logger = _StandIn("logger")  # type: ignore[assignment]
"""`logger` of the running session; without one, the logger ``scitex_session``."""


checkpoint_dir: Path = _PathStandIn("checkpoint_dir")  # type: ignore[assignment]
"""The folder ``checkpoints`` of the running session, made at its first use. It stays when the run
is resumed. Without a session, using it raises `NoSessionError`."""


def _is_stand_in(value: object) -> bool:
    """Tell whether `value` is a stand-in."""
    return issubclass(type(value), _StandIn)


def stood_for(value: Any) -> Any:
    """Return the object that a stand-in stands for, and anything else itself."""
    return _current(value._name) if _is_stand_in(value) else value


def _current(name: str) -> Any:
    if _provided:
        if name == "checkpoint_dir":
            folder = _provided[-1]["directory"].path / "checkpoints"
            folder.mkdir(exist_ok=True)
            return folder
        value = _provided[-1][name]
        return value.ready() if name == "logger" else value
    if name == "COLORS":
        import scitex_session_plot

        return scitex_session_plot.COLORS
    if name == "logger":
        import logging

        return logging.getLogger("scitex_session")
    raise NoSessionError(name)


def _type(name: str) -> Any:
    module, kind = _TYPES[name]
    return getattr(__import__(module), kind)
