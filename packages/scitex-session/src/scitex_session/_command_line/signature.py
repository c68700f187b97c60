"""Inspect a function under its decorators: kind, name, parameters."""

from __future__ import annotations

import sys
from types import FunctionType

from scitex_session._names.injection import INJECTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VARIADIC_CODE = 0x04 | 0x08  # the flags of code that takes ``*args`` and ``**kwargs``
POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = range(5)
VARIADIC = (VAR_POSITIONAL, VAR_KEYWORD)  # the numbers are those of inspect
REQUIRED: Any = object()  # the default of a parameter that has none


class Parameter:
    """One parameter. The default of ``*args`` is an empty tuple, that of ``**kwargs`` a dict."""

    __slots__ = ("default", "injected", "kind", "name", "required")

    def __init__(self, name: str, default: Any, kind: int) -> None:
        self.name, self.kind = name, kind
        self.default = {VAR_POSITIONAL: (), VAR_KEYWORD: {}}.get(kind, default)
        self.required = self.default is REQUIRED
        self.injected = default is INJECTED


def parameters_of(func: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of a function, in the order of its signature."""
    wrapped = hasattr(func, "__wrapped__") or hasattr(func, "__signature__")
    code: Any = getattr(func, "__code__", None)
    if type(func) is not FunctionType or wrapped or code.co_flags & VARIADIC_CODE:
        import inspect  # takes 9 ms, which a plain function saves

        found = inspect.signature(func).parameters.values()
        defaults = [REQUIRED if p.default is p.empty else p.default for p in found]
        return [Parameter(p.name, d, int(p.kind)) for p, d in zip(found, defaults, strict=True)]
    names, count, first = code.co_varnames, code.co_argcount, code.co_posonlyargcount
    values = dict(zip(reversed(names[:count]), reversed(func.__defaults__ or ()), strict=False))
    values |= func.__kwdefaults__ or {}
    kinds = [POSITIONAL_ONLY] * first + [POSITIONAL_OR_KEYWORD] * (count - first)
    kinds += [KEYWORD_ONLY] * code.co_kwonlyargcount
    return [Parameter(n, values.get(n, REQUIRED), k) for n, k in zip(names, kinds, strict=False)]


def code_of(func: Any) -> Any:
    """Return the function whose code runs, under decorators, partials, methods and instances."""
    while not hasattr(func, "__globals__") or hasattr(func, "__wrapped__"):
        # The last is that of a command of click.
        names = ("__wrapped__", "__func__", "func", "callback")
        inner = [name for name in names if hasattr(func, name)]
        if not inner and not hasattr(type(func).__call__, "__globals__"):
            return func  # written in C
        func = getattr(func, inner[0]) if inner else type(func).__call__
    return func


def namespace_of(func: Any) -> dict[str, Any]:
    """Return the globals of the function whose code runs, or of `__main__` if it is in C."""
    namespace = getattr(code_of(func), "__globals__", None)
    return vars(sys.modules["__main__"]) if namespace is None else namespace


def name_of(func: Any) -> str:
    """Return the name of a function, of what a partial calls, or of the class of an instance."""
    while not hasattr(func, "__name__") and (hasattr(func, "func") or hasattr(func, "callback")):
        func = func.func if hasattr(func, "func") else func.callback
    return str(getattr(func, "__name__", type(func).__name__))


def variables_around(func: Any) -> dict[str, Any]:
    """Return the variables of enclosing functions that `func` uses and that have a value."""
    names = getattr(getattr(func, "__code__", None), "co_freevars", ())
    values = {}
    for name, cell in zip(names, getattr(func, "__closure__", None) or (), strict=False):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # no value yet
            continue
    return values
