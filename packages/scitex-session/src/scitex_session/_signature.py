"""The parameters of a session function, without importing `inspect` (9 ms) where they are plain."""

from __future__ import annotations

from types import FunctionType

from ._errors import UnsuitableFunctionError
from ._injection import INJECTED, check_injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_*


class Parameter:
    """One parameter that becomes an option.

    Attributes
    ----------
    name : str
    default : object
        `REQUIRED` where it has none.
    positional_only : bool
    """

    __slots__ = ("default", "name", "positional_only")

    def __init__(self, name: str, default: Any, *, positional_only: bool = False) -> None:
        self.name = name
        self.default = default
        self.positional_only = positional_only

    @property
    def required(self) -> bool:
        """Whether the command line must give it."""
        return self.default is REQUIRED

    @property
    def injected(self) -> bool:
        """Whether the session gives it."""
        return self.default is INJECTED


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


def check_function(func: Any) -> None:
    """Refuse what can't be run as a session.

    Raises
    ------
    UnsuitableFunctionError
        It can't be called, its calls return generators that nobody would run, or a parameter asks
        for an injected value that there is not.
    """
    if not callable(func):
        raise UnsuitableFunctionError(repr(func), "a session wraps a function")
    name = getattr(func, "__name__", repr(func))
    home, _, _ = getattr(func, "__qualname__", name).rpartition(".")
    if home and not home.endswith("<locals>") and not hasattr(func, "__self__"):
        raise UnsuitableFunctionError(
            f"{home}.{name}",
            "a method can't be a script, since its object would count as an argument; decorate a "
            "function that makes the object and calls the method",
        )
    flags = getattr(getattr(func, "__code__", None), "co_flags", 0)
    if flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise UnsuitableFunctionError(
            name,
            "a generator function does nothing when called; a session needs one that runs",
        )
    check_injected(name, [p.name for p in parameters_of(func) if p.injected])


def is_coroutine_function(func: Any) -> bool:
    """Tell whether `func` was written with ``async def``."""
    return bool(getattr(getattr(func, "__code__", None), "co_flags", 0) & _COROUTINE)


def code_of(func: Any) -> Any:
    """Return the function whose code runs: below decorators, partials, methods and instances."""
    while not hasattr(func, "__globals__") or hasattr(func, "__wrapped__"):
        for inner in ("__wrapped__", "__func__", "func"):
            if hasattr(func, inner):
                func = getattr(func, inner)
                break
        else:
            if not hasattr(type(func).__call__, "__globals__"):
                return func  # written in C
            func = type(func).__call__
    return func


def parameters_of(func: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of `func`, without ``*args`` and ``**kwargs``, which stay empty."""
    if (
        type(func) is not FunctionType
        or hasattr(func, "__wrapped__")
        or hasattr(func, "__signature__")
    ):
        return _by_inspect(func)
    code = func.__code__
    positional = code.co_varnames[: code.co_argcount]
    keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = func.__defaults__ or ()
    values = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    values.update(func.__kwdefaults__ or {})
    return [
        Parameter(name, values.get(name, REQUIRED), positional_only=i < code.co_posonlyargcount)
        for i, name in enumerate((*positional, *keyword))
    ]


def _by_inspect(func: Callable[..., Any]) -> list[Parameter]:
    import inspect

    return [
        Parameter(
            p.name,
            REQUIRED if p.default is p.empty else p.default,
            positional_only=p.kind is p.POSITIONAL_ONLY,
        )
        for p in inspect.signature(func).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
