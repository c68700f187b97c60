"""Running a function as a session: start, give it what it asks for, and end as it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Coroutine
from pathlib import Path

from scitex_session._command_line.arguments import refuse
from scitex_session._command_line.session_options import NO, YES
from scitex_session._command_line.signature import name_of, namespace_of
from scitex_session._config.script import script_of
from scitex_session._errors import ConfigFileError, FacadeError, NestedSessionError, UsageError
from scitex_session._names.injection import inject_globals
from scitex_session_core import SessionError, outcome
from scitex_session_plot import PlotError
from scitex_session_repro import ReproError

from .coroutines import run_to_end
from .options import Options, make_style
from .run import Run, active_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scitex_session._command_line.arguments import Arguments


def check_not_nested(func: Callable[..., Any]) -> None:
    """Refuse a session inside a session.

    Raises
    ------
    NestedSessionError
    """
    running = active_run()
    if running is not None:
        raise NestedSessionError(name_of(func), running.id)


def is_disabled() -> bool:
    """Tell whether ``$SCITEX_SESSION_DISABLE`` asks for plain functions.

    Raises
    ------
    SystemExit
        With 2, after one line on stderr, where it says neither yes nor no.
    """
    said = os.environ.get("SCITEX_SESSION_DISABLE", "")
    if said and said.lower() not in YES + NO:
        allowed = f"one of {', '.join(YES)}, or {', '.join(NO)}"
        refuse(UsageError(f"SCITEX_SESSION_DISABLE must be {allowed}, not {said!r}"))
    return said.lower() in YES


class Ending:
    """How a function ended, after its session was closed.

    Attributes
    ----------
    result : object
        What it returned.
    error : BaseException or None
        What it raised, without our frames in its traceback.
    exit_status : int
        What that means for the process.
    """

    __slots__ = ("error", "exit_status", "result")

    def __init__(self, result: Any, error: BaseException | None, exit_status: int) -> None:
        self.result = result
        self.error = error
        self.exit_status = exit_status


def execute(
    func: Callable[..., Any],
    call: Callable[[dict[str, Any]], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
) -> Ending:
    """Call a function within a session.

    Parameters
    ----------
    func : callable
        The function the session belongs to: its file, its globals, its name.
    call : callable
        Calls it, given what can be injected, by name.
    keywords : mapping
        Session options, checked before.
    arguments : Arguments
        The values it is called with, and what is asked of the session from outside the script.

    Returns
    -------
    Ending

    Raises
    ------
    Exception
        The session could not be started: an option has a value that can't be.
    SystemExit
        With 2, after one line on stderr, where a file of ``config/`` can't be taken.

    Notes
    -----
    A signal that ended the session ends the process, of that very signal, once all is in order.
    Ctrl-C alone is left to the interpreter, which prints a traceback before it dies of it.
    """
    keywords = _asked(keywords, arguments)
    session = _opened(func, keywords, arguments)
    result, error = None, None
    try:
        result = run_to_end(call(_injected(session, func, keywords)))
        session.guard.begin_cleanup()
    except BaseException as raised:  # noqa: BLE001  # told by `outcome`, raised again by the caller
        session.guard.begin_cleanup()
        error = raised
    return _ended(session, keywords, result, error)


async def execute_async(
    func: Callable[..., Any],
    call: Callable[[dict[str, Any]], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
) -> Ending:
    """Call an async function within a session and within the event loop that runs: as `execute`."""
    keywords = _asked(keywords, arguments)
    session = _opened(func, keywords, arguments)
    session.at_close("the watch for Ctrl-C", session.guard.watch_interrupts())
    result, error = None, None
    try:
        result = call(_injected(session, func, keywords))
        if isinstance(result, Coroutine):
            result = await result
        session.guard.begin_cleanup()
    except BaseException as raised:  # noqa: BLE001  # told by `outcome`, raised again by the caller
        session.guard.begin_cleanup()
        error = raised
    return _ended(session, keywords, result, error)


def _asked(keywords: Mapping[str, Any], arguments: Arguments) -> Mapping[str, Any]:
    """Lay what the command line and the environment ask of the session over the script's words."""
    return {**keywords, **arguments.session.keywords}


def _opened(func: Callable[..., Any], keywords: Mapping[str, Any], arguments: Arguments) -> Run:
    file = keywords.get("file")
    try:
        session = Run(
            _options(keywords, arguments),
            make_style(keywords),
            Path(file).absolute() if file is not None else script_of(namespace_of(func)),
            function=name_of(func),
            arguments=arguments.values,
        )
        session.open(alone=True)
    except ConfigFileError as wrong:
        refuse(wrong)
    except (FacadeError, SessionError, PlotError, ReproError) as refused:
        raise refused.with_traceback(None) from None  # what was wrong is the user's, not our frames
    return session


def _injected(
    session: Run, func: Callable[..., Any], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Put what is injected into the globals of `func`, and return it by name."""
    injected = {
        "CONFIG": session.config,
        "plt": session.style.plt,
        "COLORS": session.colors,
        "rngg": session.rng,
        "logger": session.logger.ready(),
    }
    session.at_close("putting back globals", inject_globals(namespace_of(func), injected))
    verbose, flow = (bool(keywords.get(name)) for name in ("verbose", "show_execution_flow"))
    session.announce(verbose=verbose, flow=flow)
    return injected


def _ended(
    session: Run, keywords: Mapping[str, Any], result: Any, error: BaseException | None
) -> Ending:
    if error is not None:
        from .traceback import without_our_frames

        error = without_our_frames(error)
    # An event loop turns Ctrl-C into a cancellation, and itself dies of it in the end.
    cancelled = session.guard.interrupted and type(error).__name__ == "CancelledError"
    signum = signal.SIGINT if cancelled else session.guard.ended_by
    exit_status, reason = outcome(result, error, signum)
    _close(session, keywords, exit_status, reason, error)
    if not (cancelled or isinstance(error, KeyboardInterrupt)):
        session.guard.die()
    return Ending(result, error, exit_status)


def _close(
    session: Run,
    keywords: Mapping[str, Any],
    exit_status: int,
    reason: Mapping[str, Any],
    error: BaseException | None = None,
) -> None:
    if not session.owned:
        return  # a forked child that fell through: the session is its parent's
    message = keywords.get("message", ":)" if exit_status == 0 else ":(")
    session.close(exit_status, reason, message=message, error=error)
    verbose, notify = (bool(keywords.get(name)) for name in ("verbose", "notify"))
    session.conclude(message, verbose=verbose, notify=notify)


def _options(keywords: Mapping[str, Any], arguments: Arguments) -> Options:
    modules = (keywords.get(name) for name in ("random", "np", "torch"))
    return Options(
        origins=arguments.origins,
        asked=arguments.session.told(),
        seed_modules=[module for module in modules if module is not None],
        **{name: keywords[name] for name in Options.FROM_KEYWORDS if name in keywords},
    )
