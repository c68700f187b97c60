"""`session` and `run`: a function becomes a script that runs as a session."""

from __future__ import annotations

import functools
import os
import sys
from types import FunctionType

from scitex_session_core import InvalidTypeError, NotResumableError

from ._command_line.arguments import (
    arguments_for,
    given_arguments,
    refuse,
)
from ._command_line.session_options import NO, YES
from ._command_line.signature import (
    VARIADIC_CODE,
    code_of,
    name_of,
    namespace_of,
    parameters_of,
    variables_around,
)
from ._config.script import is_interactive
from ._errors import ConfigFileError, NoSessionError, UnsuitableFunctionError, UsageError
from ._lifecycle.execute import (
    Finished,
    check_not_nested,
    execute,
    execute_async,
    in_event_loop,
    run_to_end,
    shorten_traceback,
)
from ._lifecycle.options import RUN_VARIABLE, check_keywords, trial_of_sweep
from ._names.injection import GLOBALS, INJECTED, check_injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, overload

    from scitex_session_core import SessionManager

    from ._by_hand import close, running2finished, start
    from ._command_line.arguments import Arguments
    from ._lifecycle.options import Keywords, RunKeywords
    from ._sweep.python import Sweep

    # The arguments of a function, and what calls it with them, given what can be injected.
    Found = tuple[Arguments, Callable[[Any], Any]]
    P = ParamSpec("P")
    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # flags of code
_NO_METHOD = """a method can't be a script, since its object would be an argument; decorate a \
function that makes the object and calls it, or wrap it: main = session(object.method)"""


def run(
    func: Callable[..., R],
    parse_args: Callable[[], Any] | None = None,
    **session_kwargs: Unpack[RunKeywords],
) -> R:
    """Run a function as a session.

    Parameters
    ----------
    func : callable
        The function. While it runs, its module has the globals that `session` injects. One that
        `session` decorated keeps the options it was decorated with.
    parse_args : callable, optional
        Reads the command line; `func` is called with what it returns. It may be a command of click,
        which does not end the process then. Without it, the signature of `func` makes the command
        line, as with `session`; a function whose only parameter is a bare ``args`` is called with
        an empty `argparse.Namespace`.
    **session_kwargs
        Options of the session, as `session` takes them.

    Returns
    -------
    object
        What `func` returns. Within an event loop, an async `func` runs when this is awaited.

    Raises
    ------
    UnknownOptionError
        There is no such option.
    InvalidTypeError
        `parse_args` can't be called.
    UnsuitableFunctionError
        `func` can't run as a session.
    NestedSessionError
        A session is running in this process.
    BaseException
        What `func` raised, after the session was closed.
    """
    check_keywords(session_kwargs)
    if hasattr(func, "plain") and hasattr(func, "options"):  # decorated by `session`
        session_kwargs = {**func.options, **session_kwargs}
        func = func.plain
    _copy_signature_of_wrapped(func)
    _check_function(func)
    if parse_args is not None and not callable(parse_args):
        raise InvalidTypeError("parse_args", parse_args, "a function, such as parser.parse_args")
    check_not_nested(func)
    if parse_args is not None or _wants_bare_args(func):
        from ._command_line.foreign import no_arguments, read_by

        args, arguments = read_by(parse_args or no_arguments)
        call: Callable[[Any], Any] = functools.partial(
            arguments.call, functools.partial(func, args)
        )
        session_kwargs.setdefault("args", args)
    else:
        arguments, call = _from_command_line(func, session_kwargs)
    plain = _is_disabled()
    if _is_coroutine_function(func) and in_event_loop():
        return _result_in_loop(func, call, session_kwargs, arguments, plain=plain)  # type: ignore[return-value]
    result: R = _result(func, call, session_kwargs, arguments, plain=plain)
    return result


def _from_command_line(func: Callable[..., Any], keywords: Mapping[str, Any]) -> Found:
    """Return the arguments that the command line gives, and what calls `func` with them."""
    if _is_click_command(func):
        from ._command_line.foreign import read_by_click

        return read_by_click(func)
    arguments = arguments_for(func, keywords)
    return arguments, functools.partial(arguments.call, func)


def _is_click_command(func: object) -> bool:
    click = sys.modules.get("click")
    return click is not None and isinstance(func, click.Command)


def _result(
    func: Callable[..., Any],
    call: Callable[[Any], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
    *,
    plain: bool,
    exits: bool = False,
) -> Any:
    if plain:
        return _plain_result(func, call)
    try:
        ending = execute(func, call, keywords, arguments)
    except (ConfigFileError, NotResumableError) as wrong:
        refuse(wrong)
    return ending.return_or_raise(exits=exits)


def _plain_result(func: Callable[..., Any], call: Callable[[Any], Any]) -> Any:
    """Call a function without a session; an error says so if it comes of that."""
    try:
        return run_to_end(call(None))
    except BaseException as error:
        missing = error.name if isinstance(error, (NameError, NoSessionError)) else None
        if _is_disabled() and (missing in GLOBALS or isinstance(error, NoSessionError)):
            error.add_note(
                f"SCITEX_SESSION_DISABLE={os.environ['SCITEX_SESSION_DISABLE']} runs "
                f"{name_of(func)} as a plain function, which has no {missing}"
            )
        shorten_traceback(namespace_of(func))
        raise


async def _result_in_loop(
    func: Callable[..., Any],
    call: Callable[[Any], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
    *,
    plain: bool,
    exits: bool = False,
) -> Any:
    if plain:
        return await call(None)
    try:
        ending = await execute_async(func, call, keywords, arguments)
    except (ConfigFileError, NotResumableError) as wrong:
        refuse(wrong)
    return ending.return_or_raise(exits=exits)


def _is_disabled() -> bool:
    """Tell whether ``$SCITEX_SESSION_DISABLE`` asks for plain functions.

    Raises
    ------
    SystemExit
        The variable says neither yes nor no. The exit status is 2, after one line on stderr.
    """
    said = os.environ.get("SCITEX_SESSION_DISABLE", "")
    if said and said.lower() not in YES + NO:
        allowed = f"one of {', '.join(YES)}, or {', '.join(NO)}"
        refuse(UsageError(f"SCITEX_SESSION_DISABLE must be {allowed}, not {said!r}"))
    return said.lower() in YES


def _wants_bare_args(func: Callable[..., Any]) -> bool:
    parameters = parameters_of(func)
    return (
        [p.name for p in parameters] == ["args"]
        and parameters[0].required
        and "args" not in getattr(func, "__annotations__", {})
    )


if TYPE_CHECKING:

    class SessionFunction(Protocol[P, R_co]):
        """A function that runs as a session when it is called without arguments."""

        @property
        def plain(self) -> Callable[P, R_co]:
            """The function itself: never a session, even without arguments."""

        @property
        def options(self) -> Mapping[str, Any]:
            """The options of the session, as they were given to the decorator."""

        def run(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
            """Run a session with these arguments, and return what the function returns."""

        def sweep(
            self,
            parameters: Mapping[str, Any] | None = None,
            /,
            *,
            jobs: int = 1,
            memory: str | int | None = None,
            zip: Sequence[str] | Sequence[Sequence[str]] = (),  # noqa: A002
            missing: bool = False,
            **more: Any,
        ) -> Sweep:
            """Run the script once for each combination of values, each as a session."""

        @overload
        def __call__(self) -> R_co: ...
        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    class SessionDecorator:
        """The type of `session`."""

        INJECTED: Any
        SessionManager = SessionManager
        run = staticmethod(run)
        start = staticmethod(start)
        close = staticmethod(close)
        running2finished = staticmethod(running2finished)

        @overload
        def __call__(self, func: Callable[P, R]) -> SessionFunction[P, R]: ...
        @overload
        def __call__(
            self,
            func: None = None,
            *,
            verbose: bool = False,
            agg: bool = True,
            notify: bool = False,
            sdir_suffix: str | None = None,
            **session_kwargs: Unpack[Keywords],
        ) -> Callable[[Callable[P, R]], SessionFunction[P, R]]: ...
        def __call__(self, func: Any = None, **options: Any) -> Any: ...


class _Session:
    """Make a function run as a session when it is called without arguments.

    Parameters
    ----------
    func : callable
        The function (set by the decorator).
    verbose : bool
        Print what the session is and where its files are.
    agg : bool
        Draw without windows: ``plt.show()`` does nothing. (`start` has False by default.)
    notify : bool
        Send a notice at the end to the addresses in ``$SCITEX_SESSION_NOTIFY``.
    sdir_suffix : str, optional
        Appended to the name of the run directory.
    **session_kwargs
        Further options of `start`: ``sdir``, ``seed``, ``fig_size_mm`` and so on, and ``message``.

    Returns
    -------
    callable
        Called with arguments, it is the plain function. Called without, it is a script: it reads
        the command line as its signature says, starts a session, runs the function, closes the
        session and returns what the function returned. If its module is ``__main__``, an integer
        other than 0 becomes the exit status of the process, but in a notebook or a REPL.
        ``run(...)`` is a session with the arguments that it is given: in a loop, a notebook, a
        worker. ``sweep(lr=[0.1, 0.2], jobs=2)`` runs the script once for each combination of
        values. ``plain`` is the function itself, ``options`` what it was decorated with. An async
        function runs at the call, too, and its value is awaited
        (``asyncio.run(main())``); within an event loop it runs when it is awaited.

    Raises
    ------
    UnknownOptionError
        There is no such option.
    UnsuitableFunctionError
        The function can't run as a session.

    Notes
    -----
    While the function runs, its module has the globals ``CONFIG``, ``plt``, ``COLORS``, ``rngg``
    and ``logger``; a parameter whose default is ``INJECTED`` gets the one of its name. This
    object is also the namespace of ``session.run``, ``session.start``, ``session.close``,
    ``session.running2finished``, ``session.SessionManager`` and ``session.INJECTED``.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def analyze(threshold: float = 0.5):
    ...     return 0
    """

    run = staticmethod(run)

    def __call__(
        self,
        func: Callable[..., Any] | None = None,
        *,
        verbose: bool = False,
        agg: bool = True,
        notify: bool = False,
        sdir_suffix: str | None = None,
        **session_kwargs: Any,
    ) -> Any:
        keywords = {
            "verbose": verbose,
            "agg": agg,
            "notify": notify,
            "sdir_suffix": sdir_suffix,
            **session_kwargs,
        }
        check_keywords(keywords)
        if func is None:
            return functools.partial(_wrapped, keywords=keywords)
        return _wrapped(func, keywords)

    INJECTED = INJECTED

    def __getattr__(self, name: str) -> Any:
        if name == "SessionManager":
            from scitex_session_core import SessionManager

            return SessionManager
        if name in ("start", "close", "running2finished"):
            from . import _by_hand

            return getattr(_by_hand, name)
        names = "run, start, close, running2finished, SessionManager and INJECTED"
        raise AttributeError(f"session has no attribute {name!r}; it has {names}")

    def __repr__(self) -> str:
        return "<scitex_session.session: a decorator>"


session: SessionDecorator = _Session()  # type: ignore[assignment]
session.__doc__ = _Session.__doc__


def _wrapped(func: Callable[..., Any], keywords: dict[str, Any]) -> Any:
    if isinstance(func, staticmethod):
        return staticmethod(_wrapped(func.__func__, keywords))
    _copy_signature_of_wrapped(func)
    _check_function(func)
    is_async = _is_coroutine_function(func)
    namespace = namespace_of(func)
    module = namespace.get("__name__")
    is_main = module in ("__main__", "__mp_main__")
    if module == "__mp_main__" and RUN_VARIABLE in os.environ:
        from ._lifecycle.worker import expect_run

        expect_run(namespace)

    def runs_plain() -> bool:
        # A spawned worker imports the script again. Without a guard (if __name__ == "__main__") it
        # would start a session then, whose workers would start others.
        importing = module == "__mp_main__" and vars(sys.modules[module]) is namespace
        return _is_disabled() or importing

    def in_session(find: Callable[[], Found], *, exits: bool) -> Any:
        if is_async and in_event_loop():
            return in_loop(find, exits=exits)
        check_not_nested(func)
        arguments, call = find()
        result = _result(func, call, keywords, arguments, plain=runs_plain(), exits=exits)
        return Finished(result) if is_async else result

    async def in_loop(find: Callable[[], Found], *, exits: bool) -> Any:
        check_not_nested(func)
        arguments, call = find()
        return await _result_in_loop(
            func, call, keywords, arguments, plain=runs_plain(), exits=exits
        )

    @functools.wraps(func)
    def script(*args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            # Where somebody types, the number is the answer, and must not end the process.
            return in_session(
                lambda: _from_command_line(func, keywords), exits=is_main and not is_interactive()
            )
        if len(args) == 1 and not kwargs:
            _refuse_method_call(func, script, args[0])
        try:
            return func(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, NameError) and error.name in GLOBALS:
                error.add_note(
                    f"{name_of(func)}() with arguments is the plain function, which has no "
                    f"{error.name}; {name_of(func)}.run() is a session with these arguments"
                )
            shorten_traceback(namespace)
            raise

    @functools.wraps(func)
    def run_with(*args: Any, **kwargs: Any) -> Any:
        def given() -> Found:
            plain = getattr(func, "callback", func) if _is_click_command(func) else func
            arguments = given_arguments(plain, args, kwargs)
            return arguments, functools.partial(arguments.call, plain)

        return in_session(given, exits=False)

    @functools.wraps(func)
    def sweep_over(*args: Any, **kwargs: Any) -> Any:
        if module == "__mp_main__":  # each sweep of a worker would start other workers
            why = "a worker imports its script: sweep() belongs below if __name__ == '__main__'"
            raise UnsuitableFunctionError(name_of(func), why)
        if is_main and trial_of_sweep() is not None:
            # A trial runs the same script: here it does its part, and never begins a sweep itself.
            in_session(lambda: _from_command_line(func, keywords), exits=True)
            raise SystemExit
        from ._sweep.python import sweep

        return sweep(func, *args, **kwargs)

    script.__name__ = name_of(func)
    script.plain = func  # type: ignore[attr-defined]
    script.run = run_with  # type: ignore[attr-defined]
    script.sweep = sweep_over  # type: ignore[attr-defined]
    script.options = keywords  # type: ignore[attr-defined]
    # Pickled by this name, for the workers of a pool.
    run_with.__qualname__ = f"{script.__qualname__}.run"
    return script


def _check_function(func: Any) -> None:
    """Raise UnsuitableFunctionError for what can't be run as a session."""
    name = name_of(func)
    home, _, _ = getattr(func, "__qualname__", name).rpartition(".")
    if isinstance(func, type):
        why = "a class can't be a session; decorate a function that makes the object, or wrap the"
        raise UnsuitableFunctionError(name, f"{why} object where its class has __call__")
    if isinstance(func, classmethod):
        why = "a classmethod can't be decorated inside its class; wrap it afterwards:"
        raise UnsuitableFunctionError(name, f"{why} main = session(Class.method)")
    if not callable(func):
        raise UnsuitableFunctionError(repr(func), "a session wraps a function")
    if _is_click_command(func):
        from ._command_line.foreign import check_click_command

        check_click_command(func)
        return
    parameters = parameters_of(func)
    of_object = parameters[:1] and parameters[0].name in ("self", "cls")
    if home and not home.endswith("<locals>") and of_object and not hasattr(func, "__self__"):
        raise UnsuitableFunctionError(f"{home}.{name}", _NO_METHOD)
    if _flags_of(func) & (_GENERATOR | _ASYNC_GENERATOR):
        why = "a generator function does nothing when called; a session needs one that runs"
        raise UnsuitableFunctionError(name, why)
    check_injected(name, [p.name for p in parameters if p.injected])


def _refuse_method_call(func: Any, script: object, first: object) -> None:
    """Refuse ``obj.method()`` on a decorated method: its `self` would pass for an argument."""
    name = name_of(func)
    if any(vars(base).get(name) is script for base in type(first).__mro__):
        raise UnsuitableFunctionError(f"{type(first).__qualname__}.{name}", _NO_METHOD)


def _is_coroutine_function(func: Any) -> bool:
    """Tell whether `func`, under its decorators, was written with ``async def``."""
    return bool(_flags_of(code_of(func)) & _COROUTINE)


def _copy_signature_of_wrapped(func: Any) -> None:
    """Give a wrapper made without `functools.wraps` the name and signature of its function.

    Otherwise its parameters are hidden, and we would inject globals into the decorator's module.
    Such a wrapper takes only ``*args, **kwargs`` and holds one function, which it does not define.
    """
    call = func if type(func) is FunctionType else type(func).__call__
    code = getattr(call, "__code__", None)
    if code is None or hasattr(func, "__wrapped__") or hasattr(func, "__self__"):
        return
    own, both = 0 if call is func else 1, VARIADIC_CODE
    if code.co_argcount != own or code.co_kwonlyargcount or code.co_flags & both != both:
        return
    around = variables_around(func) if call is func else getattr(func, "__dict__", {})
    held = [item for item in around.values() if type(item) is FunctionType]
    enclosing = call.__qualname__.rpartition(".")[0]
    if len(held) == 1 and not held[0].__qualname__.startswith(f"{enclosing}."):
        functools.update_wrapper(func, held[0])


def _flags_of(func: Any) -> int:
    while not hasattr(func, "__code__") and hasattr(func, "func"):
        func = func.func
    code = getattr(func, "__code__", None) or getattr(type(func).__call__, "__code__", None)
    return int(getattr(code, "co_flags", 0))
