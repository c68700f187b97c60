"""The decorator: a function becomes a script that runs as a session."""

from __future__ import annotations

import functools

from ._command_line.arguments import arguments_for
from ._command_line.signature import (
    check_function,
    check_no_method,
    is_coroutine_function,
    name_of,
    namespace_of,
    unveil,
)
from ._lifecycle.coroutines import Finished, in_event_loop, run_to_end
from ._lifecycle.execute import check_not_nested, execute, execute_async, is_disabled
from ._lifecycle.options import check_keywords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, Protocol, TypeVar, overload

    P = ParamSpec("P")
    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)

    from ._by_hand import close, start
    from ._lifecycle.execute import Ending
    from ._runner import run

    class SessionFunction(Protocol[P, R_co]):
        """A function that runs as a session when it is called without arguments."""

        @property
        def plain(self) -> Callable[P, R_co]:
            """The function itself: never a session, even without arguments."""

        @overload
        def __call__(self) -> R_co: ...
        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    class SessionDecorator:
        """The type of `session`."""

        run = staticmethod(run)
        start = staticmethod(start)
        close = staticmethod(close)

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
            **session_kwargs: Any,
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
        the command line as its signature wants it, starts a session, runs, closes the session, and
        returns what the function returns. Where it is the script's entry point (its module is
        ``__main__``), an integer other than 0 becomes the exit status of the process. Its ``plain``
        attribute is the function itself. An async function runs at the call, too, and what the call
        gives is to be awaited for the value (``asyncio.run(main())``); within an event loop it runs
        when it is awaited.

    Raises
    ------
    UnknownOptionError
        No such option.
    UnsuitableFunctionError
        The function can't be run as a session.

    Notes
    -----
    While the function runs, its module has the globals ``CONFIG``, ``plt``, ``COLORS``, ``rngg``
    and ``logger``; a parameter whose default is ``INJECTED`` gets the one of its name. This
    object is also the namespace of ``session.run``, ``session.start`` and ``session.close``.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def analyze(threshold: float = 0.5):
    ...     return 0
    """

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

    def __getattr__(self, name: str) -> Any:
        if name in ("run", "start", "close"):
            import scitex_session

            return getattr(scitex_session, name)
        raise AttributeError(f"session has no attribute {name!r}; it has run, start and close")

    def __repr__(self) -> str:
        return "<scitex_session.session: a decorator>"


session: SessionDecorator = _Session()  # type: ignore[assignment]
session.__doc__ = _Session.__doc__


def _wrapped(func: Callable[..., Any], keywords: dict[str, Any]) -> Any:
    if isinstance(func, staticmethod):
        return staticmethod(_wrapped(func.__func__, keywords))
    unveil(func)
    check_function(func)
    is_async = is_coroutine_function(func)
    module = namespace_of(func).get("__name__")

    @functools.wraps(func)
    def script(*args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            if len(args) == 1 and not kwargs:
                check_no_method(func, script, args[0])
            return func(*args, **kwargs)
        if is_async and in_event_loop():
            return in_loop()
        check_not_nested(func)
        arguments = arguments_for(func)
        # A spawned worker imports the script again: it is no script of its own, and without a guard
        # (if __name__ == "__main__") each would start a session, whose workers start others.
        if is_disabled() or module == "__mp_main__":
            result = run_to_end(arguments.call(func, None))
        else:
            call = functools.partial(arguments.call, func)
            result = given_back(execute(func, call, keywords, arguments))
        return Finished(result) if is_async else result

    async def in_loop() -> Any:
        check_not_nested(func)
        arguments = arguments_for(func)
        if is_disabled() or module == "__mp_main__":
            return await arguments.call(func, None)
        call = functools.partial(arguments.call, func)
        return given_back(await execute_async(func, call, keywords, arguments))

    def given_back(ending: Ending) -> Any:
        if ending.error is not None:
            raise ending.error
        status = ending.exit_status
        if status != 0 and module == "__main__":
            raise SystemExit(status if 1 <= status <= 255 else 1)
        return ending.result

    script.__name__ = name_of(func)
    script.plain = func  # type: ignore[attr-defined]
    return script
