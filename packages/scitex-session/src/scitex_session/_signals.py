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
    keep, and an inherited "ignore" (nohup) stays.

    Attributes
    ----------
    ended_by : int or None
        The signal that ended the session.
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self._owner = os.getpid()
        self._found: dict[int, Handler] = {}

    def install(self) -> None:
        """Turn SIGTERM and SIGHUP into `Terminated`. Does nothing outside the main thread."""
        for name in ("SIGTERM", "SIGHUP"):
            signum = getattr(signal, name, None)  # Windows has no SIGHUP
            if signum is not None and signal.getsignal(signum) is signal.SIG_DFL:
                self._set(signum, self._raise)
        _guards.append(self)

    def begin_cleanup(self) -> None:
        """From now on the first signal waits for the end of the clean-up, the second does not."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._set(signal.SIGINT, self._defer)
        for signum in list(self._found):
            if signal.getsignal(signum) == self._raise:
                signal.signal(signum, self._defer)

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

    def _set(self, signum: int, handler: Handler) -> None:
        try:
            self._found.setdefault(signum, signal.signal(signum, handler))
        except ValueError:
            pass  # not in the main thread, where alone Python allows it

    def _raise(self, signum: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            _die_of(signum)
        self.ended_by = signum
        raise Terminated(signum)

    def _defer(self, signum: int, _frame: FrameType | None) -> None:
        if self.ended_by is not None or os.getpid() != self._owner:
            _die_of(signum)
        self.ended_by = signum


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
