"""What can be a session: functions, and what is called as one, below what wraps them."""

from __future__ import annotations

import sys
from types import FunctionType

from scitex_session._errors import UnsuitableFunctionError
from scitex_session._names.injection import check_injected

from .signature import parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_*
_ANY = 0x04 | 0x08  # *args and **kwargs
_NO_METHOD = (
    "a method can't be a script, since its object would count as an argument; decorate a function "
    "that makes the object and calls the method, or wrap the method of an object: "
    "main = session(object.method)"
)


def check_function(func: Any) -> None:
    """Refuse what can't be run as a session.

    Raises
    ------
    UnsuitableFunctionError
        It can't be called, its calls return generators that nobody would run, or a parameter asks
        for an injected value that there is not.
    """
    if isinstance(func, type):
        raise UnsuitableFunctionError(
            func.__name__,
            "a class can't be a session, which needs something to run; decorate a function that "
            "makes the object, or wrap an object whose class has __call__",
        )
    if isinstance(func, classmethod):
        raise UnsuitableFunctionError(
            getattr(func, "__qualname__", "a classmethod"),
            "a classmethod can't be a session before its class is there; "
            "wrap it afterwards: main = session(Class.method)",
        )
    if not callable(func):
        raise UnsuitableFunctionError(repr(func), "a session wraps a function")
    name = name_of(func)
    home, _, _ = getattr(func, "__qualname__", name).rpartition(".")
    if home and not home.endswith("<locals>") and _takes_an_object(func):
        raise UnsuitableFunctionError(f"{home}.{name}", _NO_METHOD)
    if _flags(func) & (_GENERATOR | _ASYNC_GENERATOR):
        raise UnsuitableFunctionError(
            name,
            "a generator function does nothing when called; a session needs one that runs",
        )
    check_injected(name, [p.name for p in parameters_of(func) if p.injected])


def check_no_method(func: Any, script: object, first: object) -> None:
    """Refuse to run a method as a plain function, which its call without arguments looks like.

    Parameters
    ----------
    func : callable
        What was decorated; only what its first parameter is called told whether it is a method.
    script : object
        What the decorator made of it.
    first : object
        The only argument of the call.

    Raises
    ------
    UnsuitableFunctionError
        `script` stands in the class of `first`, and is no staticmethod there.
    """
    name = name_of(func)
    if any(vars(base).get(name) is script for base in type(first).__mro__):
        raise UnsuitableFunctionError(f"{type(first).__qualname__}.{name}", _NO_METHOD)


def is_coroutine_function(func: Any) -> bool:
    """Tell whether `func`, below what wraps it, was written with ``async def``."""
    return bool(getattr(getattr(code_of(func), "__code__", None), "co_flags", 0) & _COROUTINE)


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


def namespace_of(func: Any) -> dict[str, Any]:
    """Return the globals of the function whose code runs; of the script where that is C."""
    found = getattr(code_of(func), "__globals__", None)
    return vars(sys.modules["__main__"]) if found is None else found


def name_of(func: Any) -> str:
    """Return the name of a function, of what a partial calls, or of the class of an instance."""
    while not hasattr(func, "__name__") and hasattr(func, "func"):
        func = func.func
    return str(getattr(func, "__name__", type(func).__name__))


def unveil(func: Any) -> None:
    """Give a wrapper made without `functools.wraps` the name and signature of its function.

    Otherwise a decorator from a library would hide the parameters of the function, and globals
    would be injected into that library. A wrapper is what takes ``*args, **kwargs`` alone and holds
    one function, which is not from where itself was written.
    """
    call = func if type(func) is FunctionType else type(func).__call__
    code = getattr(call, "__code__", None)
    if code is None or hasattr(func, "__wrapped__") or hasattr(func, "__self__"):
        return
    own = 0 if call is func else 1
    if code.co_argcount != own or code.co_kwonlyargcount or code.co_flags & _ANY != _ANY:
        return
    held = [item for item in _held_by(func) if type(item) is FunctionType]
    enclosing = call.__qualname__.rpartition(".")[0]
    if len(held) == 1 and not held[0].__qualname__.startswith(f"{enclosing}."):
        import functools

        functools.update_wrapper(func, held[0])


def _held_by(func: Any) -> list[Any]:
    if type(func) is not FunctionType:
        return list(getattr(func, "__dict__", {}).values())
    found = []
    for cell in func.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue
    return found


def _takes_an_object(func: Any) -> bool:
    if hasattr(func, "__self__"):
        return False
    parameters = parameters_of(func)
    return bool(parameters) and parameters[0].name in ("self", "cls")


def _flags(func: Any) -> int:
    while not hasattr(func, "__code__") and hasattr(func, "func"):
        func = func.func
    code = getattr(func, "__code__", None) or getattr(type(func).__call__, "__code__", None)
    return int(getattr(code, "co_flags", 0))
