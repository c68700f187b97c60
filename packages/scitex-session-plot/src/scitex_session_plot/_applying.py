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

# Reentrant: a signal handler may restore what its thread puts on.
_lock = RLock()
# Those in force or waiting for matplotlib, the newest last.
_stack: list[Application] = []


class Application:
    """A style in force from now, or from the import of matplotlib, until `restore`.

    It waits for `matplotlib` and not for `matplotlib.pyplot`, which imports it: so figures made
    without pyplot have the style too, and what the user sets in rcParams afterwards wins,
    whether pyplot is there yet or not.

    Several are restored in any order. In force is always the newest that is still there: one that
    goes from beneath another leaves to it what is to be given back in the end. Giving it back at
    once would end the newer one, and the newer one would then put the older back for good.

    Parameters
    ----------
    params : dict
        The rcParams of the style.
    agg : bool
        Whether pyplot draws with the Agg backend, which opens no window, while in force.
    """

    __slots__ = ("_agg", "_borrowed", "_found", "_hook", "_params")

    def __init__(self, params: dict[str, object], *, agg: bool) -> None:
        self._params = params
        self._agg = agg
        self._borrowed: list[_Params | _Backend | _Silence] = []
        self._found = _open_managers()
        with _lock:
            _stack.append(self)
        self._hook = Hook("matplotlib", self._put)

    def _put(self, matplotlib: ModuleType) -> None:
        with _lock:
            if self not in _stack:
                return
            if self._agg:
                self._borrowed.append(_Backend(matplotlib))
                self._borrowed.append(_Silence())
            self._borrowed.append(_Params(matplotlib.rcParams, self._params))

    def close_figures(self) -> int:
        """Close the figures of pyplot opened meanwhile and still open; return how many.

        They remain usable for those who hold them. A notebook that would have shown them at the
        end of the cell does so now.
        """
        opened = [manager for manager in _open_managers() if manager not in self._found]
        try:
            if opened and _shown_after_the_cell():
                for manager in opened:
                    sys.modules["IPython.display"].display(manager.canvas.figure)
        finally:
            for manager in opened:
                sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)
        return len(opened)

    def restore(self) -> None:
        """Put back what was found, or wait no longer. Nothing happens the second time.

        Under Agg, figures opened meanwhile can't be shown, and would stay in memory: they are
        closed, unless a newer one still has Agg in force, which then closes them.
        """
        self._hook.cancel()
        with _lock:
            if self not in _stack:
                return
            newer = _stack[_stack.index(self) + 1 :]
            _stack.remove(self)
            if (heir := next((other for other in newer if other._agg), None)) is None:
                if self._agg:
                    self.close_figures()
            elif self._agg:
                heir._found = self._found
            while self._borrowed:
                borrowed = self._borrowed.pop()
                above = (item for other in newer for item in other._borrowed)
                borrowed.leave_to(next((i for i in above if type(i) is type(borrowed)), None))


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

    def leave_to(self, newer: Any) -> None:
        """Put back what was found, or have the next newer one do that."""
        for key, value in self._found.items():
            if newer is not None and key in newer._found:
                newer._found[key] = value
            else:
                self._target._set(key, value)


class _Backend:
    """Agg in the place of the backend in use, or of the choice that has not been made yet.

    `pyplot.switch_backend` would choose one in order to leave it again, and matplotlib before
    3.10 closes the user's figures there. So pyplot's own note of the backend is taken away
    instead: it makes a new one from rcParams at the next figure.
    """

    __slots__ = ("_loaded", "_names", "_params")

    def __init__(self, matplotlib: ModuleType) -> None:
        # Loading a backend writes its name into the defaults too.
        self._params = matplotlib.rcParams, matplotlib.rcParamsDefault
        self._names = [params._get("backend") for params in self._params]
        self._loaded = _exchange_loaded(None)
        matplotlib.rcParams["backend"] = "agg"

    def leave_to(self, newer: Any) -> None:
        """Put back the backend that was found, or have the next newer one do that."""
        if newer is not None:
            newer._names, newer._loaded = self._names, self._loaded
            return
        for params, name in zip(self._params, self._names, strict=True):
            params._set("backend", name)
        _exchange_loaded(self._loaded)


class _Silence:
    """No warning of `plt.show()` that Agg shows nothing: it was asked for by whoever chose Agg.

    A script that ends in `plt.show()` would end in that warning wherever there is a display, or
    in an error under ``-W error``.
    """

    __slots__ = ("_filter",)

    def __init__(self) -> None:
        from re import compile as pattern

        message = pattern("FigureCanvasAgg is non-interactive")
        self._filter = ("ignore", message, UserWarning, None, 0)
        # `filterwarnings` would move an equal one, of an outer style, rather than add one.
        _warning_filters().insert(0, self._filter)

    def leave_to(self, newer: Any) -> None:  # noqa: ARG002  # which has a filter of its own
        """Take the filter out."""
        filters = _warning_filters()
        filters[:] = [item for item in filters if item is not self._filter]


def _warning_filters() -> list[Any]:
    return warnings.filters  # type: ignore[return-value]


def _exchange_loaded(backend: Any) -> Any:
    """Set which backend pyplot has loaded, and give the one before; None is none yet."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return None
    before = getattr(pyplot, "_backend_mod", None)  # absent while another thread imports pyplot
    pyplot._backend_mod = backend
    return before


def _shown_after_the_cell() -> bool:
    """Tell whether a notebook shows the figures that are open at the end of each cell."""
    matplotlib: Any = sys.modules["matplotlib"]
    # Those who turn the interactive mode off show their figures themselves.
    return "inline" in str(matplotlib.rcParams._get("backend")) and matplotlib.is_interactive()


def _open_managers() -> list[Any]:
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    return helpers.Gcf.get_all_fig_managers() if helpers else []
