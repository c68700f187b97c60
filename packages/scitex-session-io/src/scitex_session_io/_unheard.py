"""The end of a child of ours, which no handler of the user's is to hear of."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Unheard:
    """A time in which one child begins and ends, without SIGCHLD.

    Why: a handler that reaps all there is (`waitpid(-1)`) would take the child for one of its own.
    Where none is set, and on systems without `sigtimedwait`, nothing is done. A handler in a
    process of several threads may still hear of it: the signal goes to any of them.

    Attributes
    ----------
    child : int
        Its number, to be set within.
    """

    __slots__ = ("_mask", "child")

    def __init__(self) -> None:
        self.child = 0
        self._mask: set[int] | None = None

    def __enter__(self) -> Self:
        silent = (_signal.SIG_DFL, _signal.SIG_IGN)
        if hasattr(_signal, "sigtimedwait") and _signal.getsignal(_signal.SIGCHLD) not in silent:
            self._mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGCHLD,))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._mask is None:
            return
        heard = _signal.sigtimedwait((_signal.SIGCHLD,), 0)
        # The ends of others meanwhile may stand behind this one signal.
        if heard and (heard.si_pid != self.child or _others()):
            os.kill(os.getpid(), _signal.SIGCHLD)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)


def _others() -> bool:
    """Tell whether a child that has ended waits to be reaped; it goes on waiting."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False
