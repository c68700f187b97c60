"""A figure keeps the style that it was made under, and is saved with it after the style's end.

matplotlib reads much of a style only at a save: the resolution, the type of embedded fonts, the
list of fonts behind "sans-serif", the length of ticks that have not been drawn yet. So the style of
the figure is put in force again for the time of a save, unless another one is.
"""

from __future__ import annotations

from _thread import RLock
from functools import partial
from weakref import WeakKeyDictionary

from scitex_session_plot._colors.colors import Color
from scitex_session_plot._import_hook import Hook
from scitex_session_plot._interception import Call, Interception

from .changes import RcParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from matplotlib.figure import Figure

    from scitex_session_plot._colors.postscript import ColorsOnPaper

_POSTSCRIPT = "matplotlib.backends.backend_ps"
# The styles in force, the newest last.
_in_force: list[KeptParams] = []
# The style that has ended and is in force again for a save; its thread holds the lock of styles.
_for_a_save: list[KeptParams] = []
_style_of: WeakKeyDictionary[Figure, KeptParams] = WeakKeyDictionary()
# The rcParams that styles set, as the last style left them: another value is the user's.
_left: dict[str, object] = {}


class KeptParams(RcParams):
    """The rcParams of a style, which the figures made under it keep.

    Parameters
    ----------
    target : matplotlib.RcParams
        Those of matplotlib.
    params : dict
        Those of the style.
    lock : RLock
        Held while styles are put in force or taken back, so that a save does not meet one halfway.
    """

    __slots__ = ("__weakref__", "_lock", "_values")

    def __init__(self, target: Any, params: dict[str, object], lock: RLock) -> None:
        super().__init__(target, params)
        self._lock = lock
        self._values = {key: params[key] for key in self._earlier}
        if "axes.prop_cycle" in self._earlier:
            cycle = target._get("axes.prop_cycle").by_key()["color"]
            _opacities.add(Color(cycle[0]).alpha)
        _in_force.append(self)
        _intercept()

    def undo(self, newer: Any) -> None:
        """Restore the earlier values. Keep those in force, which the user may have changed."""
        if newer is None:  # else those in force are the newer style's
            self._values = {key: self._target._get(key) for key in self._earlier}
        super().undo(newer)
        _left.update({key: self._target._get(key) for key in self._earlier})
        _in_force.remove(self)
        _leave_unless_needed()

    def save(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Save | None:
        """Put the style in force for a save with these arguments; None if a style is."""
        self._lock.acquire()  # for the whole save: rcParams are the process's
        try:
            if not (_in_force or _for_a_save) and (values := self._values_for(args)):
                save = Save(RcParams(self._target, values), self._end_save, args, kwargs)
                _for_a_save.append(self)
                return save
        except BaseException:
            self._lock.release()
            raise
        self._lock.release()
        return None

    def _end_save(self) -> None:
        _for_a_save.remove(self)
        self._lock.release()

    def _values_for(self, args: tuple[Any, ...]) -> dict[str, object]:
        """Return the values for a save; those that the user has set since stay theirs."""
        # A PDF of many pages embeds its fonts when it is closed, in the types of that time.
        pages = any(type(argument).__name__ == "PdfPages" for argument in args)
        return {
            key: value
            for key, value in self._values.items()
            if self._target._get(key) == _left[key] and not (pages and key.startswith("pdf."))
        }


class Save(Call):
    """A save of a figure, during which its style is in force."""

    def __init__(
        self,
        params: RcParams,
        end: Callable[[], None],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(args, kwargs)
        self._params = params
        self._end = end
        self._hook = Hook(_POSTSCRIPT, _postscript_arrived)

    def end(self) -> None:
        """Take the style back."""
        self._hook.cancel()
        try:
            self._params.undo(None)
        finally:
            self._end()


class NewFigure(Call):
    """A figure that is being made."""

    def done(self) -> None:
        """Note the style that it is made under."""
        if _in_force:
            _style_of[self.args[0]] = _in_force[-1]


def _begin_figure(*args: Any, **kwargs: Any) -> NewFigure:
    _leave_unless_needed()
    return NewFigure(args, kwargs)


def _save_of(figure_of: Callable[[Any], Any]) -> Callable[..., Save | None]:
    """Return what begins a call that saves the figure of its first argument."""

    def begin(*args: Any, **kwargs: Any) -> Save | None:
        figure = figure_of(args[0]) if args else None
        style = _style_of.get(figure) if figure is not None else None
        return style.save(args, kwargs) if style is not None else None

    return begin


def _animated(animation: Any) -> Any:
    return getattr(animation, "_fig", None)  # of a subclass that did not call its base, none


_INTERCEPTED: tuple[tuple[str, str, str, Callable[..., Call | None]], ...] = (
    ("matplotlib.figure", "Figure", "__init__", _begin_figure),
    ("matplotlib.figure", "Figure", "savefig", _save_of(lambda figure: figure)),
    (
        "matplotlib.backend_bases",
        "FigureCanvasBase",
        "print_figure",
        _save_of(lambda c: c.figure),
    ),
    ("matplotlib.animation", "Animation", "save", _save_of(_animated)),
)
# Guards what follows. No hook takes it when it fires: whoever waits for an import may hold it.
_lock = RLock()
_opacities: set[float] = set()  # of the styles in force and of those that figures keep
_hooks: list[Hook] = []
_interceptions: dict[tuple[str, str] | str, Interception | ColorsOnPaper] = {}


def _intercept() -> None:
    """Intercept the functions, now or when their modules are imported under a style."""
    with _lock:
        if _hooks:
            return
        for module, holder, name, begin in _INTERCEPTED:
            if (holder, name) not in _interceptions:
                _hooks.append(Hook(module, partial(_arrived, holder, name, begin)))
        _hooks.append(Hook(_POSTSCRIPT, _postscript_arrived))


def _arrived(holder: str, name: str, begin: Callable[..., Call | None], module: ModuleType) -> None:
    _interceptions[holder, name] = Interception(module, holder, name, begin)


def _postscript_arrived(backend: ModuleType) -> None:
    # Imported late: it imports matplotlib's backends.
    from scitex_session_plot._colors.postscript import ColorsOnPaper

    if _POSTSCRIPT not in _interceptions:
        _interceptions[_POSTSCRIPT] = ColorsOnPaper(backend, _opacities)


def _leave_unless_needed() -> None:
    """Restore matplotlib's functions, if no style is in force and no figure keeps one.

    A figure that goes later is noticed when the next one is made: to act at the moment that it
    is collected, in the middle of any other code, would be harder to get right.
    """
    with _lock:
        if _in_force:
            return
        while _hooks:
            _hooks.pop().cancel()
        if not _style_of:
            _opacities.clear()
            while _interceptions:
                _interceptions.popitem()[1].cancel()
