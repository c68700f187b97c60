"""Putting rcParams and the Agg backend in, and giving back what was found."""

from __future__ import annotations

import sys
import warnings
from _thread import RLock

from ._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Application:
    """A style in force from now, or from the import of matplotlib, until `restore`.

    It waits for `matplotlib` and not for `matplotlib.pyplot`, which imports it: so figures made
    without pyplot have the style too, and what the user sets in rcParams afterwards wins,
    whether pyplot is there yet or not.

    Parameters
    ----------
    params : dict
        The rcParams of the style.
    agg : bool
        Whether pyplot draws with the Agg backend, which opens no window, while in force.
    """

    __slots__ = ("_agg", "_borrowed", "_hook", "_lock", "_over", "_params")

    def __init__(self, params: dict[str, object], *, agg: bool) -> None:
        self._params = params
        self._agg = agg
        self._borrowed: list[_Params | _Backend] = []
        self._over = False
        self._lock = RLock()  # reentrant: a signal handler may restore what its thread puts on
        self._hook = Hook("matplotlib", self._put)

    def _put(self, matplotlib: ModuleType) -> None:
        with self._lock:
            if self._over:
                return
            if self._agg:
                self._borrowed.append(_Backend(matplotlib))
            self._borrowed.append(_Params(matplotlib.rcParams, self._params))

    def restore(self) -> None:
        """Put back what was found, or wait no longer. Nothing happens the second time."""
        self._hook.cancel()
        with self._lock:
            self._over = True
            while self._borrowed:
                self._borrowed.pop().restore()


class _Params:
    """The rcParams of a style in the place of those found.

    `_get` and `_set` are matplotlib's own, with a promise of stability: values go back as they
    were, not as the validators would have them.
    """

    __slots__ = ("_found", "_target")

    def __init__(self, target: Any, params: dict[str, object]) -> None:
        self._target = target
        self._found: dict[str, object] = {}
        refused = []
        for key, value in params.items():
            try:
                found = target._get(key)
                target[key] = value
            except (KeyError, ValueError):
                refused.append(key)
            else:
                self._found[key] = found
        if refused:  # a matplotlib to come: its import must not fail because of a style
            message = f"this matplotlib does not take the style's {', '.join(refused)}"
            warnings.warn(message, stacklevel=2)

    def restore(self) -> None:
        for key, value in self._found.items():
            self._target._set(key, value)


class _Backend:
    """Agg in the place of the backend in use, or of the choice that has not been made yet.

    `pyplot.switch_backend` would choose one in order to leave it again, and matplotlib before
    3.10 closes the user's figures there. So pyplot's own note of the backend is taken away
    instead: it makes a new one from rcParams at the next figure.

    A figure opened meanwhile and still open can't be shown, and would stay in memory: it is
    closed, and remains usable for those who hold it.
    """

    __slots__ = ("_loaded", "_managers", "_names", "_params")

    def __init__(self, matplotlib: ModuleType) -> None:
        self._managers = _open_managers()
        # Loading a backend writes its name into the defaults too.
        self._params = matplotlib.rcParams, matplotlib.rcParamsDefault
        self._names = [params._get("backend") for params in self._params]
        self._loaded = _exchange_loaded(None)
        matplotlib.rcParams["backend"] = "agg"

    def restore(self) -> None:
        for params, name in zip(self._params, self._names, strict=True):
            params._set("backend", name)
        _exchange_loaded(self._loaded)
        for manager in _open_managers():
            if manager not in self._managers:
                sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)


def _exchange_loaded(backend: Any) -> Any:
    """Set which backend pyplot has loaded, and give the one before; None is none yet."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return None
    before = getattr(pyplot, "_backend_mod", None)  # absent while another thread imports pyplot
    pyplot._backend_mod = backend
    return before


def _open_managers() -> list[Any]:
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    return helpers.Gcf.get_all_fig_managers() if helpers else []
