"""Signals during a session: clean up, then die of the signal, as the process would without us."""

from __future__ import annotations

import _thread
import os
import sys
import time

from scitex_session_core import outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    from scitex_session._cluster.stopping import Stop

    Handler = Callable[[int, FrameType | None], Any] | int | None
else:  # without the enumerations, which take half a millisecond to make
    import _signal as signal

# The dispositions that Python starts with, and so those that we may replace.
_DEFAULTS = (
    ("SIGINT", signal.default_int_handler),
    ("SIGTERM", signal.SIG_DFL),
    ("SIGHUP", signal.SIG_DFL),
)
# Handlers that we know not to raise, or that are ours: asyncio hears of a signal by other ways.
_NOT_HELD = ("asyncio.", "scitex_session.", "signal", "_signal")
_LONGEST_CHAIN = 100
_MOST_INTERRUPTIONS = 10
_HELD_IN_FORK = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
_FORK_S = 0.01
# Those of the sessions of this process, innermost last.
_guards: list[SignalGuard] = []
# What each thread that is forking blocked before.
_blocked: dict[int, set[int]] = {}
_holds_in_forks = False


class Terminated(SystemExit):
    """Raised in the main thread by SIGTERM and SIGHUP while a session runs.

    It is a `SystemExit`, so that `finally` blocks run, and libraries let it through as they let
    other exits through.

    Attributes
    ----------
    signum : int
        The signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum

    def __str__(self) -> str:  # in the log of the run
        return f"by {outcome(signum=self.signum)[1]['name']}"


class SignalGuard:
    """Install the signal handlers of a session, and remember which signal ended it.

    Only default dispositions are replaced: a handler of the user's stays, and so does an inherited
    "ignore" (nohup). The first signal counts: it ends the function, is on record, and the process
    dies of it. Others wait until the run is filed, since a terminal that closes sends two, and a
    scheduler one to each process and one to the group. Only a second Ctrl-C hurries the end.

    While the session opens and closes, the first signal waits too: a session that is half open
    would leave litter, and one that is half closed a false record. While it closes, so does any
    signal for which the script has a handler: that may raise, in the middle of a step.

    Attributes
    ----------
    ended_by : int or None
        The signal that ended the session.
    interrupted : bool
        Whether another handler than ours took a Ctrl-C (`watch_interrupts`).
    left_to_python : bool
        Whether the interpreter, or an event loop, is to die of it: once it is told of the Ctrl-C.
    stop : Stop or None
        In a job of a scheduler, what takes a SIGTERM if the script asks for it.
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self.interrupted = False
        self._owner = os.getpid()
        self._over = False
        self._found: dict[int, Handler] = {}
        self._end: Callable[[int], object] = lambda _signum: None
        # Signals that came while the function was ending by a Ctrl-C, of which Python's own handler
        # tells nobody.
        self._waiting: list[int] = []
        # The handlers of the script's own that wait for the end of the clean-up, and their signals.
        self._held: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._to_deliver: list[int] = []
        self._interrupts = 0
        # The error that the caller handles while it runs the session: it does not end the function.
        self._outer: BaseException | None = None
        self.left_to_python = False
        self.stop: Stop | None = None

    def begin_opening(self) -> None:
        """Let the first signal wait from now on. Do nothing outside the main thread."""
        _guards.append(self)
        self._defer_all()

    def begin_run(self) -> None:
        """Let signals end the function from now on; one that has waited does so at once.

        Raises
        ------
        Terminated, KeyboardInterrupt
            A signal came while the session opened.
        """
        self._outer = sys.exception()
        _hold_signals_in_forks()
        for signum, found in list(self._found.items()):
            if signal.getsignal(signum) == self._defer:
                signal.signal(signum, found if signum == signal.SIGINT else self._raise)
        if self.ended_by is not None:
            raise KeyboardInterrupt if self.ended_by == signal.SIGINT else Terminated(self.ended_by)

    def watch_interrupts(self) -> Callable[[], None]:
        """Note each Ctrl-C that another handler takes, and return what ends the watch.

        An event loop turns Ctrl-C into a cancellation of its main task, which does not tell why.
        """
        found = signal.getsignal(signal.SIGINT)
        ours = (signal.default_int_handler, self._defer, self._raise)
        if not callable(found) or found in ours:
            return lambda: None

        def noting(signum: int, frame: FrameType | None) -> None:
            self.interrupted = True
            found(signum, frame)

        try:
            signal.signal(signal.SIGINT, noting)
        except ValueError:  # not in the main thread, where alone Python allows it
            return lambda: None

        def restore() -> None:
            if signal.getsignal(signal.SIGINT) is noting:
                signal.signal(signal.SIGINT, found)

        return restore

    def begin_cleanup(self, error: BaseException | None = None) -> None:
        """Let signals wait for the end of the clean-up from now on.

        Parameters
        ----------
        error : BaseException, optional
            What ended the function.
        """
        self._defer_all()
        self._hold_others()
        if isinstance(error, KeyboardInterrupt):
            self._interrupts = max(self._interrupts, 1)
            self.left_to_python = self.ended_by in (None, signal.SIGINT)
        if self.ended_by is None and self._waiting:
            first = signal.SIGINT if self._stems(error, KeyboardInterrupt) else self._waiting[0]
            self.ended_by = int(first)

    def insist_on_cleanup(self, error: BaseException | None = None) -> BaseException | None:
        """Begin the clean-up, though handlers may raise: nothing would be filed else.

        Returns
        -------
        BaseException or None
            What ended the function: `error`, or else what was raised meanwhile.
        """
        for _ in range(_MOST_INTERRUPTIONS):
            try:
                self.begin_cleanup(error)
                break
            except BaseException as raised:  # noqa: BLE001
                error = error or raised
        return error

    def begin_lingering(self, end: Callable[[int], object]) -> None:
        """Let a signal end the process at once from now on, by calling `end` and then dying of it.

        The function has returned, and only its threads still run. Ctrl-C is the interpreter's own
        again, which gives up waiting for them.
        """
        self._end = end
        for signum, found in list(self._found.items()):
            if signal.getsignal(signum) == self._defer:
                signal.signal(signum, found if signum == signal.SIGINT else self._end_by)

    def release(self) -> None:
        """Put back the handlers as `restore` does, unless the process is about to `die`."""
        if self.ended_by is None or self.left_to_python:
            self.restore()

    def restore(self) -> None:
        """Put back the handlers that were found, where nobody else has set one since.

        A session that began within this one, and still runs, found ours: it gets its own now. In a
        thread beside the main one Python allows neither, so the first signal does it.
        """
        self._over = True
        if self in _guards:
            _guards.remove(self)
        heir = next((each for each in reversed(_guards) if each._owner == os.getpid()), None)
        for signum, found in list(self._found.items()):
            if signal.getsignal(signum) in (self._raise, self._defer, self._end_by):
                taker = None if signum == signal.SIGINT else heir
                try:
                    signal.signal(signum, taker._raise if taker else found)
                except ValueError:
                    return
                if taker:
                    taker._found[signum] = found
            del self._found[signum]
        self.restore_held()

    def restore_held(self) -> None:
        """Put back the handlers of the script's own; may be called twice."""
        while self._held:
            signum, found = self._held.popitem()
            if signal.getsignal(signum) == self._hold:
                signal.signal(signum, found)

    def die(self) -> None:
        """Die of the signal that ended the session, or deliver what waited for the script.

        Of a Ctrl-C that ended the function as `KeyboardInterrupt`, the interpreter itself dies,
        once it has printed its traceback.
        """
        if os.getpid() != self._owner:
            return
        if self.ended_by is not None and not self.left_to_python:
            _die_of(self.ended_by)
        while self._to_deliver:
            signal.raise_signal(self._to_deliver.pop(0))

    def _defer_all(self) -> None:
        for name, default in _DEFAULTS:
            signum = getattr(signal, name, None)  # Windows has no SIGHUP
            if signum is not None and signal.getsignal(signum) in (
                default,
                self._raise,
                self._end_by,
            ):
                is_new = signum not in self._found
                self._found[signum] = default
                try:
                    signal.signal(signum, self._defer)
                except ValueError:  # not in the main thread, where alone Python allows it
                    if is_new:
                        del self._found[signum]
                    return

    def _hold_others(self) -> None:
        """Let the signals wait for which the script has handlers of its own."""
        for signum in range(1, signal.NSIG):
            if (found := _handler_of_script(signum)) is None:
                continue
            try:
                signal.signal(signum, self._hold)
            except ValueError:
                return  # not in the main thread, where alone Python allows it
            self._held[signum] = found

    def _put_back_at_last(self, signum: int) -> None:
        self.restore()
        signal.raise_signal(signum)

    def _raise(self, signum: int, frame: FrameType | None) -> None:
        if self._over:
            self._put_back_at_last(signum)
            return
        if _is_forking(frame):  # what is raised during a fork is dropped
            _send_again(signum)
            return
        if os.getpid() != self._owner:
            _die_of(signum)
        if signum == signal.SIGTERM and self.stop is not None and self.stop.takes(signum):
            return
        ending = sys.exception()
        if signum == signal.SIGINT:
            self._interrupts += 1
            # One that the function has caught, and gone on, does not make it wait for ever.
            if self._interrupts > 1 or not self._is_ending(ending, frame):
                raise KeyboardInterrupt
        elif self.ended_by is not None:
            if not self._is_ending(ending, frame):
                raise Terminated(signum)
        elif signum not in self._waiting and (
            self._stems(ending, KeyboardInterrupt) or _bottom(frame).startswith("scitex_session")
        ):
            self._waiting.append(signum)
        else:
            self.ended_by = self._waiting[0] if self._waiting else signum
            self._hold_interrupts()
            raise Terminated(signum)

    def _is_ending(self, ending: BaseException | None, frame: FrameType | None) -> bool:
        """Tell whether the interrupted code runs because an earlier signal ends the function."""
        return self._stems(ending, Terminated) or _bottom(frame) != "__main__"

    def _stems(self, error: BaseException | None, kind: type[BaseException]) -> bool:
        """Tell whether an error is of that kind, or was raised while one of that kind was handled.

        One that the caller handles, such as the Ctrl-C after which it begins anew, does not count.
        """
        for _ in range(_LONGEST_CHAIN):
            if error is None or error is self._outer:
                return False
            if isinstance(error, kind):
                return True
            error = error.__context__
        return False

    def _hold_interrupts(self) -> None:
        """Let a Ctrl-C wait, too, now that another signal ends the function."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        try:
            signal.signal(signal.SIGINT, self._raise)
        except KeyboardInterrupt:  # it came a moment later: `signal` first runs what is due
            signal.signal(signal.SIGINT, self._raise)
            self._interrupts += 1
        except ValueError:
            pass  # not in the main thread

    def _end_by(self, signum: int, _frame: FrameType | None) -> None:
        if self._over:
            self._put_back_at_last(signum)
            return
        if os.getpid() == self._owner:
            self._end(signum)
        _end_by_now(signum)

    def _hold(self, signum: int, frame: FrameType | None) -> None:
        found = self._held.get(signum)
        # As with `_defer`, a second Ctrl-C waits no more.
        again = signum == signal.SIGINT and signum in self._to_deliver
        if found is not None and (again or os.getpid() != self._owner):
            found(signum, frame)
        elif signum not in self._to_deliver:
            self._to_deliver.append(signum)

    def _defer(self, signum: int, _frame: FrameType | None) -> None:
        if self._over:
            self._put_back_at_last(signum)
            return
        if os.getpid() != self._owner:
            _die_of(signum)
        if self.ended_by is None:
            self.ended_by = signum
        if signum == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts > 1:
                _end_by_now(self.ended_by)


def _handler_of_script(signum: int) -> Callable[[int, FrameType | None], Any] | None:
    """Return the handler that the script itself has for a signal."""
    found = signal.getsignal(signum)
    if not callable(found) or str(getattr(found, "__module__", "")).startswith(_NOT_HELD):
        return None
    return found


def _bottom(frame: FrameType | None) -> str:
    """Return the module whose code is outermost: no more ``__main__`` once the script has ended."""
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    if frame is None or frame.f_code.co_name == "_run_module_as_main":  # of `python -m`
        return "__main__"
    return str(frame.f_globals.get("__name__", ""))


def _die_of(signum: int) -> None:
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _end_by_now(signum: int) -> None:
    _die_of(signum)
    os._exit(128 + signum)  # the init of a container (PID 1), which no signal of its own kills


def _block_before_fork() -> None:
    # During a fork, Python drops what handlers raise in this process, and forgets which signals the
    # child got: Ctrl-C would do nothing, and a pool that ends at once would wait for ever for a
    # worker that it has terminated. So signals wait for the end of the fork.
    if _guards:
        _blocked[_thread.get_ident()] = _change_mask(signal.SIG_BLOCK, ())
        _change_mask(signal.SIG_BLOCK, _HELD_IN_FORK)


def _block_again() -> None:
    # A Ctrl-C may end `_block_before_fork` before it has blocked anything, since Python looks for
    # signals as a function begins. Or it was an error of a handler of the script's own.
    if _guards and not {*_HELD_IN_FORK} <= _change_mask(signal.SIG_BLOCK, ()):
        _block_before_fork()
        if not any(map(_handler_of_script, range(1, signal.NSIG))):
            _send_again(signal.SIGINT)


def _is_forking(frame: FrameType | None) -> bool:
    """Tell whether this thread is forking; `frame` is where it was interrupted."""
    if _thread.get_ident() in _blocked:
        return True
    hooks = (_block_before_fork.__code__, _block_again.__code__)
    while frame is not None and frame.f_code not in hooks and frame.f_globals is globals():
        frame = frame.f_back
    return frame is not None and frame.f_code in hooks


def _unblock_after_fork() -> None:
    if (found := _blocked.get(_thread.get_ident())) is not None:
        _change_mask(signal.SIG_SETMASK, found)
        del _blocked[_thread.get_ident()]


def _restore_in_child() -> None:
    # A forked worker is terminated by its pool with SIGTERM, and must die of it, not unwind
    # through code that believes it is the parent.
    for guard in _guards[::-1]:
        guard.restore()


def _hold_signals_in_forks() -> None:
    """Let signals wait for the end of each fork: from now on, once for all sessions."""
    global _holds_in_forks
    if _holds_in_forks or not hasattr(os, "register_at_fork"):
        return
    _holds_in_forks = True
    # What others do before and after a fork, as the random generators, is within what was
    # registered last.
    os.register_at_fork(before=_block_again)  # the last one to be registered is called first
    os.register_at_fork(
        before=_block_before_fork,
        after_in_parent=_unblock_after_fork,
        after_in_child=_unblock_after_fork,
    )


def _change_mask(how: int, signums: Iterable[int]) -> set[int]:
    """Change which signals this thread blocks, and return those that it blocked before."""
    while True:
        try:
            found: set[int] = signal.pthread_sigmask(how, signums)
        except KeyboardInterrupt:  # Python runs here the handlers that are due
            _send_again(signal.SIGINT)
        else:
            return found


def _send_again(signum: int) -> None:
    """Send this process a signal once more in a moment, when a fork is over."""

    def send() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_IN_FORK)  # it is for the main thread
        time.sleep(_FORK_S)
        os.kill(os.getpid(), signum)

    _thread.start_new_thread(send, ())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_in_child)
