"""The parameters of a session function, without importing `inspect` (9 ms) where they are plain."""

from __future__ import annotations

from types import FunctionType

from scitex_session._names.injection import INJECTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_VARARGS, _VARKEYWORDS = 0x04, 0x08  # inspect.CO_*

EITHER, POSITIONAL_ONLY, KEYWORD_ONLY, VALUES, OPTIONS = (
    "by name or place",
    "by place",
    "by name",
    "*",
    "**",
)


class Parameter:
    """One parameter of a session function.

    Attributes
    ----------
    name : str
    default : object
        `REQUIRED` where it has none; an empty tuple or dict for ``*args`` and ``**kwargs``.
    kind : str
        How it is passed: `EITHER`, `POSITIONAL_ONLY`, `KEYWORD_ONLY`, `VALUES` (``*args``) or
        `OPTIONS` (``**kwargs``).
    """

    __slots__ = ("default", "kind", "name")

    def __init__(self, name: str, default: Any, kind: str = EITHER) -> None:
        self.name = name
        self.default = default
        self.kind = kind

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
    """Return the parameters of `func`, in the order of its signature."""
    if (
        type(func) is not FunctionType
        or hasattr(func, "__wrapped__")
        or hasattr(func, "__signature__")
    ):
        return _by_inspect(func)
    code = func.__code__
    names = iter(code.co_varnames)
    positional = [next(names) for _ in range(code.co_argcount)]
    keyword = [next(names) for _ in range(code.co_kwonlyargcount)]
    defaults = func.__defaults__ or ()
    values = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    values.update(func.__kwdefaults__ or {})
    found = [
        Parameter(
            name,
            values.get(name, REQUIRED),
            POSITIONAL_ONLY if i < code.co_posonlyargcount else EITHER,
        )
        for i, name in enumerate(positional)
    ]
    if code.co_flags & _VARARGS:
        found.append(Parameter(next(names), (), VALUES))
    found += [Parameter(name, values.get(name, REQUIRED), KEYWORD_ONLY) for name in keyword]
    if code.co_flags & _VARKEYWORDS:
        found.append(Parameter(next(names), {}, OPTIONS))
    return found


def _by_inspect(func: Callable[..., Any]) -> list[Parameter]:
    import inspect

    kinds = (POSITIONAL_ONLY, EITHER, VALUES, KEYWORD_ONLY, OPTIONS)  # as inspect numbers them
    empty: dict[str, Any] = {VALUES: (), OPTIONS: {}}
    return [
        Parameter(
            p.name,
            empty.get(kinds[p.kind], REQUIRED if p.default is p.empty else p.default),
            kinds[p.kind],
        )
        for p in inspect.signature(func).parameters.values()
    ]
