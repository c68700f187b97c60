"""`session` and `run`: a function becomes a script that runs as a session."""

from __future__ import annotations

import functools
import os
import sys

from scitex_session_core import InvalidTypeError, NotResumableError

from ._command_line.arguments import (
    arguments_for,
    given_arguments,
    refuse,
)
from ._command_line.session_options import NO, YES
from ._command_line.signature import (
    copy_signature_of_wrapped,
    is_coroutine_function,
    is_generator_function,
    name_of,
    namespace_of,
    parameters_of,
)
from ._config.script import is_interactive
from ._errors import ConfigFileError, NoSessionError, UnsuitableFunctionError, UsageError
from ._lifecycle.execute import (
    check_not_nested,
    execute,
    execute_async,
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
    copy_signature_of_wrapped(func)
    _check_function(func)
    if parse_args is not None and not callable(parse_args):
        raise InvalidTypeError("parse_args", parse_args, "a function, such as parser.parse_args")

    def find() -> Found:
        if parse_args is None and not _wants_bare_args(func):
            return _from_command_line(func, session_kwargs)
        from ._command_line.foreign import no_arguments, read_by

        args, arguments = read_by(parse_args or no_arguments)
        session_kwargs.setdefault("args", args)
        return arguments, functools.partial(arguments.call, functools.partial(func, args))

    result: R = _in_session(func, find, session_kwargs, plain=_is_disabled)
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


def _in_session(
    func: Callable[..., Any],
    find: Callable[[], Found],
    keywords: Mapping[str, Any],
    *,
    plain: Callable[[], bool],
    exits: bool = False,
) -> Any:
    """Call a function within a session, or as a plain function; return or raise what it does.

    Within an event loop, return what does so for an async function when it is awaited.
    """
    if is_coroutine_function(func):
        from ._lifecycle.coroutines import in_event_loop

        if in_event_loop():
            return _in_loop(func, find, keywords, plain=plain, exits=exits)
    check_not_nested(func)
    arguments, call = find()
    if plain():
        return _plain_result(func, call)
    try:
        ending = execute(func, call, keywords, arguments)
    except (ConfigFileError, NotResumableError) as wrong:
        refuse(wrong)
    return ending.return_or_raise(exits=exits)


async def _in_loop(
    func: Callable[..., Any],
    find: Callable[[], Found],
    keywords: Mapping[str, Any],
    *,
    plain: Callable[[], bool],
    exits: bool,
) -> Any:
    check_not_nested(func)
    arguments, call = find()
    if plain():
        return await call(None)
    try:
        ending = await execute_async(func, call, keywords, arguments)
    except (ConfigFileError, NotResumableError) as wrong:
        refuse(wrong)
    return ending.return_or_raise(exits=exits)


def _plain_result(func: Callable[..., Any], call: Callable[[Any], Any]) -> Any:
    """Call a function without a session. If that is why it fails, a note to the error says so."""
    from ._lifecycle.coroutines import run_to_end

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
    copy_signature_of_wrapped(func)
    _check_function(func)
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
        result = _in_session(func, find, keywords, plain=runs_plain, exits=exits)
        if not is_coroutine_function(func):
            return result
        from ._lifecycle.coroutines import Finished, in_event_loop

        return result if in_event_loop() else Finished(result)

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
    if is_generator_function(func):
        why = "a generator function does nothing when called; a session needs one that runs"
        raise UnsuitableFunctionError(name, why)
    check_injected(name, [p.name for p in parameters if p.injected])


def _refuse_method_call(func: Any, script: object, first: object) -> None:
    """Refuse ``obj.method()`` on a decorated method: its `self` would pass for an argument."""
    name = name_of(func)
    if any(vars(base).get(name) is script for base in type(first).__mro__):
        raise UnsuitableFunctionError(f"{type(first).__qualname__}.{name}", _NO_METHOD)
