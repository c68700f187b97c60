"""The parameters of a session function, without importing `inspect` (9 ms) where they are plain."""

from __future__ import annotations

from types import FunctionType

from ._injection import INJECTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


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
