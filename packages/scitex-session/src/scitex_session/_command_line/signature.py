"""Inspect a function under its decorators: what it is, its name, its parameters."""

from __future__ import annotations

import functools
import sys
from types import FunctionType

from scitex_session._names.injection import INJECTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Flags of code.
_VARIADIC_CODE = 0x04 | 0x08  # it takes ``*args`` and ``**kwargs``
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
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
    if type(func) is not FunctionType or wrapped or code.co_flags & _VARIADIC_CODE:
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


def is_coroutine_function(func: Any) -> bool:
    """Tell whether `func`, under its decorators, was written with ``async def``."""
    return bool(_flags_of(code_of(func)) & _COROUTINE)


def is_generator_function(func: Any) -> bool:
    """Tell whether a call of `func` makes a generator; a decorator may run that of its function."""
    return bool(_flags_of(func) & (_GENERATOR | _ASYNC_GENERATOR))


def _flags_of(func: Any) -> int:
    while not hasattr(func, "__code__") and hasattr(func, "func"):
        func = func.func
    code = getattr(func, "__code__", None) or getattr(type(func).__call__, "__code__", None)
    return int(getattr(code, "co_flags", 0))


def copy_signature_of_wrapped(func: Any) -> None:
    """Give a wrapper made without `functools.wraps` the name and signature of its function.

    Otherwise its parameters are hidden, and we would inject globals into the decorator's module.
    Such a wrapper takes only ``*args, **kwargs`` and holds one function, which it does not define.
    """
    call = func if type(func) is FunctionType else type(func).__call__
    code = getattr(call, "__code__", None)
    if code is None or hasattr(func, "__wrapped__") or hasattr(func, "__self__"):
        return
    own, both = 0 if call is func else 1, _VARIADIC_CODE
    if code.co_argcount != own or code.co_kwonlyargcount or code.co_flags & both != both:
        return
    around = variables_around(func) if call is func else getattr(func, "__dict__", {})
    held = [item for item in around.values() if type(item) is FunctionType]
    enclosing = call.__qualname__.rpartition(".")[0]
    if len(held) == 1 and not held[0].__qualname__.startswith(f"{enclosing}."):
        functools.update_wrapper(func, held[0])
