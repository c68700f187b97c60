"""The changes of a style in matplotlib, each with its way back.

Creating the object makes the change. `undo` restores the earlier state or, if a newer style has
made the same change, hands that state over to it.
"""

from __future__ import annotations

import sys
import warnings

from scitex_session_plot._errors import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class RcParams:
    """The rcParams of a style instead of the earlier ones.

    `_get` and `_set` are matplotlib's own, and promised to be stable: they restore values exactly,
    without the changes that validators make.
    """

    __slots__ = ("_earlier", "_target")

    def __init__(self, target: Any, params: dict[str, object]) -> None:
        self._target = target
        self._earlier: dict[str, object] = {}
        refused = []
        for key, value in params.items():
            try:
                earlier = target._get(key)
                target[key] = value
            except (KeyError, ValueError):
                refused.append(key)
            else:
                self._earlier[key] = earlier
        if refused:  # a matplotlib to come: its import must not fail because of a style
            warn(f"this matplotlib does not take the style's {', '.join(refused)}")

    def undo(self, newer: Any) -> None:
        """Restore the earlier values, or have the next newer style do that."""
        for key, value in self._earlier.items():
            if newer is not None and key in newer._earlier:
                newer._earlier[key] = value
            else:
                self._target._set(key, value)


class AggBackend:
    """Agg instead of the backend in use, or of the choice that has not been made yet.

    `pyplot.switch_backend` would choose one in order to leave it again, and matplotlib before
    3.10 closes the user's figures there. So pyplot's reference to its backend is removed instead:
    pyplot loads the one of the rcParams at the next figure.
    """

    __slots__ = ("_loaded", "_names", "_params")

    def __init__(self, matplotlib: ModuleType) -> None:
        # Loading a backend writes its name into the defaults too.
        self._params = matplotlib.rcParams, matplotlib.rcParamsDefault
        self._names = [params._get("backend") for params in self._params]
        self._loaded = _exchange_loaded(None)
        matplotlib.rcParams["backend"] = "agg"

    def undo(self, newer: Any) -> None:
        """Restore the earlier backend, or have the next newer style do that."""
        if newer is not None:
            newer._names, newer._loaded = self._names, self._loaded
            return
        for params, name in zip(self._params, self._names, strict=True):
            params._set("backend", name)
        _exchange_loaded(self._loaded)


class Silence:
    """No warning with a message that matches.

    Not by `warnings.catch_warnings`, after which Python shows the warnings of a whole program again
    that it had shown once.

    Parameters
    ----------
    message : str
        A regular expression for its beginning.
    """

    __slots__ = ("_filter",)

    def __init__(self, message: str) -> None:
        from re import compile as pattern

        self._filter = ("ignore", pattern(message), Warning, None, 0)
        # `filterwarnings` would move an equal one, of an outer style, rather than add one.
        _warning_filters().insert(0, self._filter)

    def undo(self, newer: Any = None) -> None:  # noqa: ARG002  # it has a filter of its own
        """Take the filter out."""
        filters = _warning_filters()
        filters[:] = [item for item in filters if item is not self._filter]


def _warning_filters() -> list[Any]:
    return warnings.filters  # type: ignore[return-value]


def _exchange_loaded(backend: Any) -> Any:
    """Set the backend that pyplot has loaded, and return the earlier one; None if there is none."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return None
    before = getattr(pyplot, "_backend_mod", None)  # absent while another thread imports pyplot
    pyplot._backend_mod = backend
    return before
