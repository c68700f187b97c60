"""Signals during a session: clean up, then die of the signal, as the process would without us."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    Handler = Callable[[int, FrameType | None], Any] | int | None


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


class SignalGuard:
    """Install the signal handlers of a session, and remember which signal ended it.

    Only default dispositions are replaced: a handler of the user's stays, and so does an inherited
    "ignore" (nohup). While the session opens and closes, the first signal waits until that is done
    and a second one ends the process at once: a session that is half open would leave litter, and
    one that is half closed a false record.

    Attributes
    ----------
    ended_by : int or None
        The signal that ended the session.
    interrupted : bool
        Whether another handler than ours took a Ctrl-C (`watch_interrupts`).
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self.interrupted = False
        self._owner = os.getpid()
        self._found: dict[int, Handler] = {}

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
        if not callable(found) or found in (signal.default_int_handler, self._defer):
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

    def begin_cleanup(self) -> None:
        """Let the first signal wait for the end of the clean-up from now on."""
        self._defer_all()

    def restore(self) -> None:
        """Put back the handlers that were found, where nobody else has set one since."""
        if self in _guards:
            _guards.remove(self)
        for signum, found in self._found.items():
            if signal.getsignal(signum) in (self._raise, self._defer):
                signal.signal(signum, found)
        self._found.clear()

    def die(self) -> None:
        """Die of the signal that ended the session; return if none did."""
        if self.ended_by is not None and os.getpid() == self._owner:
            _die_of(self.ended_by)

    def _defer_all(self) -> None:
        for name, default in _DEFAULTS:
            signum = getattr(signal, name, None)  # Windows has no SIGHUP
            if signum is not None and signal.getsignal(signum) in (default, self._raise):
                try:
                    self._found.setdefault(signum, default)
                    signal.signal(signum, self._defer)
                except ValueError:
                    del self._found[signum]
                    return  # not in the main thread, where alone Python allows it

    def _raise(self, signum: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            _die_of(signum)
        self.ended_by = signum
        raise Terminated(signum)

    def _defer(self, signum: int, _frame: FrameType | None) -> None:
        if self.ended_by is not None or os.getpid() != self._owner:
            _die_of(signum)
        self.ended_by = signum


# The dispositions that Python starts with, and so those that we may replace.
_DEFAULTS = (
    ("SIGINT", signal.default_int_handler),
    ("SIGTERM", signal.SIG_DFL),
    ("SIGHUP", signal.SIG_DFL),
)
_guards: list[SignalGuard] = []


def _die_of(signum: int) -> None:
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _restore_in_child() -> None:
    # A forked worker is terminated by its pool with SIGTERM, and must die of it, not unwind
    # through code that believes it is the parent.
    for guard in _guards[::-1]:
        guard.restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore_in_child)
