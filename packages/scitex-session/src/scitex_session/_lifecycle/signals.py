"""Signals while a session runs: clean up, then die of the signal, as one would without us."""

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

    A `SystemExit`, so that `finally` blocks run and libraries that let exits through let this one
    through.

    Attributes
    ----------
    signum : int
        The signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum


class SignalGuard:
    """Holds the handlers of a session, and knows which signal ended it.

    Only dispositions that are still the default are touched: a handler of the user's is theirs to
    keep, and an inherited "ignore" (nohup) stays. While the session opens and closes, a signal
    waits until that is done, and only a second one does not: a session half open would leave
    litter, one half closed a lie.

    Attributes
    ----------
    ended_by : int or None
        The signal that ended the session.
    interrupted : bool
        Whether a Ctrl-C came that a handler of others' saw to (`watch_interrupts`).
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self.interrupted = False
        self._owner = os.getpid()
        self._found: dict[int, Handler] = {}

    def begin_opening(self) -> None:
        """From now on, the first signal waits. Does nothing outside the main thread."""
        _guards.append(self)
        self._defer_all()

    def begin_run(self) -> None:
        """From now on, signals end the function; one that waited does so at once.

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
        """Note each Ctrl-C that a handler of others' sees to, and return what ends the watch.

        An event loop makes of it the cancellation of its main task, which alone does not tell.
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
        """From now on, the first signal waits for the end of the clean-up."""
        self._defer_all()

    def restore(self) -> None:
        """Put back what was found, where nobody else has put something since."""
        if self in _guards:
            _guards.remove(self)
        for signum, found in self._found.items():
            if signal.getsignal(signum) in (self._raise, self._defer):
                signal.signal(signum, found)
        self._found.clear()

    def die(self) -> None:
        """Die of the signal that ended the session, if one did. Returns if none did."""
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


# What Python does by itself, and so what we may replace.
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
