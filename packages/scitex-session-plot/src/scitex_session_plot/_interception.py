"""Intercept the calls of a function of matplotlib's: see the arguments before, and the end after.

A function is replaced once, however many intercept it, and the original is restored after the
last of them has left. Were each to replace the function by itself, one that leaves first would be
called for as long as the process lives by the one that stays.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Begin = Callable[..., "Call | None"]

# Reentrant: a signal handler may end a run while its thread holds it.
_lock = RLock()
# By module, holder in it (empty: the module itself) and name.
_replaced: dict[tuple[str, str, str], _Replaced] = {}

# The replacement is compiled as a file of matplotlib's and run as one of its modules. matplotlib
# locates a warning at the first caller outside of itself (until Python 3.11 by the name of the
# caller's module, since then by its file), and Python shows a warning once per location: with an
# ordinary wrapper, every warning of a run would be located in the wrapper, all but the first would
# be lost, and filters by the user's module would not match. No such file exists, so that a
# traceback shows no line of it, and names us.
_FILE = "<scitex_session_plot>"
_SOURCE = """\
def replacement(*args, **kwargs):
    return within(replaced.begins, args, kwargs)

def within(begins, args, kwargs):
    if not begins:
        return replaced.own(*args, **kwargs)
    *outer, begin = begins
    call = begin(*args, **kwargs)
    if call is None:
        return within(outer, args, kwargs)
    try:
        while True:
            try:
                result = within(outer, call.args, call.kwargs)
                break
            except Exception as error:
                if not call.again(error):
                    raise
    finally:
        call.end()
    call.done()
    return result
"""


class Call:
    """One intercepted call.

    Attributes
    ----------
    args, kwargs : tuple, dict
        The arguments that matplotlib's function is called with.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs

    def again(self, error: Exception) -> bool:  # noqa: ARG002  # for those who override it
        """Return whether the function is to be called again, after an error."""
        return False

    def end(self) -> None:
        """Undo what was prepared for this call, also after an error."""

    def done(self) -> None:
        """Act on a call that has succeeded."""


class Interception:
    """Intercept each call of a function until `cancel`; of several, the newest sees a call first.

    Parameters
    ----------
    module : module
        A module of matplotlib's.
    holder, name : str
        The class in it (empty for the module itself), and the function.
    begin : callable
        Called with the arguments of each call. Returns a `Call`, or None to leave this one alone.
    """

    def __init__(self, module: ModuleType, holder: str, name: str, begin: Begin) -> None:
        self._key = module.__name__, holder, name
        self._begin = begin
        place = getattr(module, holder) if holder else module
        with _lock:
            replaced = _replaced.get(self._key)
            if replaced is None or replaced.place is not place:  # another after a reload
                replaced = _replaced[self._key] = _Replaced(module, place, name)
            replaced.begins = (*replaced.begins, begin)

    def cancel(self) -> None:
        """Intercept no more calls. Calling it twice does no harm."""
        with _lock:
            if (replaced := _replaced.get(self._key)) is not None:
                replaced.remove(self._begin)
                if replaced.restored():
                    del _replaced[self._key]


class _Replaced:
    """A function of matplotlib's that is replaced, and those who intercept it, the newest last."""

    def __init__(self, module: ModuleType, place: Any, name: str) -> None:
        self.place = place
        self.name = name
        self.own = getattr(place, name)
        self.begins: tuple[Begin, ...] = ()  # replaced, never changed: other threads read it
        self._ours = self._replacement(module.__name__)
        setattr(place, name, self._ours)

    def remove(self, begin: Begin) -> None:
        self.begins = tuple(other for other in self.begins if other is not begin)

    def restored(self) -> bool:
        """Restore matplotlib's function if nobody intercepts it, and return whether it is so.

        If somebody has patched over ours, theirs goes on calling it: it stays, and calls
        matplotlib's.
        """
        if self.begins or getattr(self.place, self.name) is not self._ours:
            return False
        setattr(self.place, self.name, self.own)
        return True

    def _replacement(self, module: str) -> Callable[..., Any]:
        from functools import wraps

        package = getattr(sys.modules["matplotlib"], "__file__", None) or "matplotlib"
        code = compile(_SOURCE, os.path.join(os.path.dirname(package), _FILE), "exec")
        namespace: dict[str, Any] = {"__name__": module, "replaced": self}
        exec(code, namespace)  # noqa: S102  # no other way to give a function its file and module
        replacement: Callable[..., Any] = wraps(self.own)(namespace["replacement"])
        return replacement
