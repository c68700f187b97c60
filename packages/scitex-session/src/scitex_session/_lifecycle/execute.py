"""Run a function as a session: start, give it what it asks for, file the end as it was.

What a session needs is imported when one starts: a function that is decorated and then called as a
plain function costs next to nothing.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` takes half a ms more
import functools
import os
import sys
from collections.abc import Coroutine, Mapping

from scitex_session._command_line.signature import name_of, namespace_of
from scitex_session._config.script import is_interactive, script_of
from scitex_session._errors import NestedSessionError
from scitex_session._names.injection import inject_globals
from scitex_session._uncollected import uncollected
from scitex_session_core import outcome, warn

from .options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from scitex_session._command_line.arguments import Arguments

    from .run import Run

_OUR_FOLDER = os.path.dirname(os.path.dirname(__file__)) + os.sep

# The sessions of this process, from the beginning of their opening to the end of their clean-up,
# innermost last.
_present: list[Run] = []
# Those whose function has ended, and of which threads still run; and what ends them.
_lingering: dict[Run, Callable[..., None]] = {}
# What is to be said of sessions that an error ended, below what Python prints of it.
_after_error: list[Callable[[], None]] = []


def enter(run: Run, *, alone: bool = False) -> None:
    """Count a session that is about to open among those of this process, until it has ended.

    Parameters
    ----------
    run : Run
        The session.
    alone : bool
        Whether to refuse it where another session is there, even one that another thread is just
        starting or cleaning up: two would take each other's output and globals.

    Raises
    ------
    NestedSessionError
        Another session is there.
    """
    _end_lingering()
    _say_after_error()  # the script has caught the errors of earlier sessions
    # Appended before the look, so that of two threads only one is the first.
    _present.append(run)
    first = next(each for each in _present if each.owned)
    if alone and first is not run:
        _present.remove(run)
        raise NestedSessionError(run.function or "start", first.id)
    run.at_close("leaving the process", lambda: _present.remove(run))


def check_not_nested(func: Callable[..., Any]) -> None:
    """Refuse a session inside a session.

    Raises
    ------
    NestedSessionError
        A session runs in this process.
    """
    _end_lingering()
    running = next((run for run in reversed(_present) if run.owned), None)
    if running is not None:
        raise NestedSessionError(name_of(func), running.id)


class Ending:
    """How a function ended, once its session is closed.

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

    def return_or_raise(self, *, exits: bool) -> Any:
        """Return or raise what the function did.

        Parameters
        ----------
        exits : bool
            Whether an exit status other than 0 ends the process.
        """
        if self.error is not None:
            raise self.error
        if exits and self.exit_status != 0:
            raise SystemExit(self.exit_status)
        return self.result


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
        Session options, their names checked.
    arguments : Arguments
        The values it is called with, and what is asked of the session from outside the script.

    Returns
    -------
    Ending
        How it ended.

    Raises
    ------
    Exception
        The session could not be started: an option has a value that is not allowed, or a file of
        ``config/`` can't be used. What `func` raises is in the `Ending`.

    Notes
    -----
    If a signal ended the session, the process dies of that signal when all is in order. Only Ctrl-C
    is left to the interpreter, which prints a traceback before it dies of it.
    """
    run = _opened(func, keywords, arguments)
    result, error = None, None
    try:
        try:
            run.guard.begin_run()
            result = call(_injected(run, func))
            if isinstance(result, Coroutine):
                from .coroutines import run_to_end

                result = run_to_end(result)
        except BaseException as raised:  # noqa: BLE001  # raised by `return_or_raise`
            error = raised
        error = run.guard.insist_on_cleanup(error)
    except BaseException as raised:  # noqa: BLE001  # of a second signal, between the two above
        error = error or raised
        run.guard.insist_on_cleanup(error)
    waits = error is None or _exits_silently(error)
    namespace = namespace_of(func)
    if error is not None:
        shorten_traceback(namespace)
    return end(run, result, error, lingers=waits and _is_script(namespace))


async def execute_async(
    func: Callable[..., Any],
    call: Callable[[dict[str, Any]], Any],
    keywords: Mapping[str, Any],
    arguments: Arguments,
) -> Ending:
    """Call an async function within a session and the running event loop; else as `execute`."""
    run = _opened(func, keywords, arguments)
    run.at_close("the watch for Ctrl-C", run.guard.watch_interrupts())
    result, error = None, None
    try:
        try:
            run.guard.begin_run()
            result = call(_injected(run, func))
            if isinstance(result, Coroutine):
                result = await result
        except BaseException as raised:  # noqa: BLE001  # as in `execute`
            error = raised
        error = run.guard.insist_on_cleanup(error)
    except BaseException as raised:  # noqa: BLE001
        error = error or raised
        run.guard.insist_on_cleanup(error)
    if error is not None:
        shorten_traceback(namespace_of(func))
    return end(run, result, error)


def _opened(func: Callable[..., Any], keywords: Mapping[str, Any], arguments: Arguments) -> Run:
    try:
        options = Options(keywords, arguments.session.with_origins(), arguments.origins)
        from scitex_session_io import starting_companion

        # First of all: Python takes 12 ms to start in it, which pass beside our imports then.
        with uncollected():
            with _uninterrupted(), starting_companion() as companion:
                from .run import Run

                run = Run(
                    options,
                    script_of(namespace_of(func), options.file),
                    companion,
                    function=name_of(func),
                    arguments=arguments.values,
                )
            enter(run, alone=True)
            run.open()
    except Exception as error:
        if type(error).__module__.startswith("scitex_session"):
            error.__traceback__ = None  # what was wrong is the user's, not our frames
            raise error from None
        raise
    return run


class _uninterrupted:  # noqa: N801  # read as a word of the `with` statement
    """Let a Ctrl-C wait for the end of the block.

    Python drops one that comes within a callback of its imports, after a message: the script would
    go on to its end. Where there are other threads, it may come all the same.
    """

    __slots__ = ("_found",)

    def __enter__(self) -> None:
        if hasattr(_signal, "pthread_sigmask"):
            self._found = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGINT,))

    def __exit__(self, *_exc: object) -> None:
        if hasattr(_signal, "pthread_sigmask"):
            _signal.pthread_sigmask(_signal.SIG_SETMASK, self._found)


def _injected(run: Run, func: Callable[..., Any]) -> dict[str, Any]:
    """Put the names of the session into the globals of `func`, and return them."""
    injected = {**run.names, "logger": run.names["logger"].ready()}
    run.at_close("putting back globals", inject_globals(namespace_of(func), injected))
    run.announce()
    return injected


def _is_script(namespace: Mapping[str, Any]) -> bool:
    """Tell whether globals are the script's own, so that an end there is near the process's."""
    return namespace.get("__name__") == "__main__" and not is_interactive()


def _exits_silently(error: BaseException) -> bool:
    """Tell whether an error ends the process without a word. What is printed would be logged."""
    return type(error) is SystemExit and (error.code is None or isinstance(error.code, int))


def end(
    run: Run,
    result: Any,
    error: BaseException | None,
    *,
    lingers: bool = False,
    block: Mapping[str, Any] | None = None,
) -> Ending:
    """End a session whose function has ended.

    Parameters
    ----------
    run : Run
        The session, whose clean-up has begun.
    result : object
        What the function returned.
    error : BaseException or None
        What it raised.
    lingers : bool
        Whether the session lasts as long as the threads that the function has left.
    block : mapping, optional
        The globals of the block that the session was, if it was one.

    Notes
    -----
    If a signal ended the session, the process dies of it.
    """
    if error is not None:
        error = _without_our_frames(error)
    # An event loop turns Ctrl-C into a cancellation, and itself dies of it in the end.
    cancelled = run.guard.interrupted and type(error).__name__ == "CancelledError"
    if cancelled:
        run.guard.left_to_python = True
    signum = _signal.SIGINT if cancelled else run.guard.ended_by
    stopped = run.guard.stop.signum if run.guard.stop is not None else None
    exit_status, reason = outcome(result, error, signum, stopped)
    if reason["kind"] == "stopped" and error is not None:  # sys.exit(0)
        error = SystemExit(exit_status).with_traceback(error.__traceback__)
    ending = Ending(result, error, exit_status)
    if not run.owned:  # a forked child that fell through: the session is its parent's
        return ending
    if exit_status == 0 and reason.get("code"):
        warn(f"sys.exit({reason['code']}) exits with status 0, so this run counts as a success")
    if error is None and isinstance(result, Mapping):
        run.add_results(result)
    default = ":)" if exit_status == 0 else ":("
    message = default if run.options.message is None else run.options.message

    def finish(signum: int | None = None) -> None:
        if signum is None:
            run.close(exit_status, reason, message=message, error=error)
        else:
            run.close(*outcome(signum=signum), message=":(")
        if error is not None and block is not None:
            # Only now: a block has a hook of its own, which the close has put back.
            shorten_traceback(block)
        _conclude(run, message, error)
        # This does not wait: several addresses need threads, which can't start at the very end.
        if run.options.notify:
            run.notify(message)

    threads = run.threads_left() if signum is None else []
    if threads and lingers and run.guard.ended_by is None:
        _linger(run, finish)
    else:
        _say_left(threads)
        finish()
        run.guard.die()
    return ending


def _conclude(run: Run, message: str, error: BaseException | None) -> None:
    """Print how a session ended: now, or below what Python prints of its error."""
    conclude = functools.partial(run.conclude, message, verbose=run.options.verbose, failure=True)
    dies_now = run.guard.ended_by is not None and not run.guard.left_to_python
    if _is_printed_by_python(error) and not dies_now:
        _after_error.append(conclude)
    else:
        conclude()


def _linger(run: Run, finish: Callable[[int | None], None]) -> None:
    """Have a session end when the threads do that its function has left, as the process does.

    Its output is logged until then. Why not wait for them here: what comes after the call may be
    what ends them, such as the shutdown of a pool.
    """
    import atexit

    def finish_once(signum: int | None = None) -> None:
        atexit.unregister(finish_once)
        if _lingering.pop(run, None) is not None and run.owned:
            finish(signum)
            run.guard.die()

    _lingering[run] = finish_once
    atexit.register(finish_once)  # which Python calls when it has waited for all threads
    run.guard.begin_lingering(finish_once)


def _end_lingering() -> None:
    """End a session whose threads still run, since another one is about to begin."""
    for run, finish in list(_lingering.items()):
        if run.owned:
            _say_left(run.threads_left())
            finish()


def _say_left(threads: list[Any]) -> None:
    pools = sys.modules.get("concurrent.futures.thread")
    workers = getattr(pools, "_threads_queues", ())  # which do nothing unless they are told to
    names = [each.name for each in threads if each not in workers]
    if names:
        warn(
            f"threads of the session still run ({', '.join(names)}): "
            "what they print from now on is not in its log"
        )


def _without_our_frames(error: BaseException) -> BaseException:
    """Take the frames of this package off the top of an error's traceback.

    Who reads a traceback looks for their own line, and not for the frames of a decorator above it,
    nor for our signal handler at its end. An error that is ours from top to bottom keeps its
    frames.
    """
    from .signals import Terminated

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OUR_FOLDER):
        trace = trace.tb_next
    if trace is None:
        return error
    if isinstance(error, Terminated):
        last = entry = trace
        while entry.tb_next is not None:
            entry = entry.tb_next
            if not entry.tb_frame.f_code.co_filename.startswith(_OUR_FOLDER):
                last = entry
        last.tb_next = None
    return error.with_traceback(trace)


def shorten_traceback(namespace: Mapping[str, Any]) -> None:
    """Have the error of a script printed without our frames, unless others have set a hook.

    Parameters
    ----------
    namespace : mapping
        The globals of the code that raises it.
    """
    if _is_script(namespace) and sys.excepthook is sys.__excepthook__:
        import atexit

        sys.excepthook = _print_without_our_frames
        # The hook is not called for the text of `sys.exit`, nor where the script catches the error.
        atexit.register(_say_after_error)


def _is_printed_by_python(error: BaseException | None) -> bool:
    """Tell whether Python prints a traceback, or a text of `sys.exit`, if nobody catches it."""
    ours = sys.excepthook is _print_without_our_frames
    return ours and error is not None and not _exits_silently(error)


def _say_after_error() -> None:
    while _after_error:
        _after_error.pop(0)()


def _print_without_our_frames(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an error that nobody caught as if it had not passed through this package.

    Raising it again, as the decorated function must, puts our frames above it. They are cut only
    here, where the process ends: a debugger, or a hook of the user's, sees all. An error that was
    raised in this package keeps its frames.
    """
    sys.excepthook = sys.__excepthook__
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    others = [e for e in entries if not e.tb_frame.f_code.co_filename.startswith(_OUR_FOLDER)]
    if others and others[-1] is entries[-1]:
        for entry in reversed(others):
            trace = type(entry)(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
        error.__traceback__ = trace
    sys.__excepthook__(kind, error, error.__traceback__)
    _say_after_error()
