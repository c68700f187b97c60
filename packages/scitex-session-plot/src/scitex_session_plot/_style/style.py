"""A style as an object, in force in a `with` block, in a function, or until it is restored; `plt`.

This is what a run imports before it draws anything: the rcParams (`rc`) and the changes in
matplotlib (`changes`) are imported when matplotlib is.
"""

from __future__ import annotations

import sys
from _thread import RLock

from scitex_session_plot._errors import StyleTypeError, flag, shorten
from scitex_session_plot._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType, TracebackType
    from typing import Any, ParamSpec, Self, TypeVar

    from matplotlib import pyplot  # noqa: ICN001  # an alias would not be exported

    from scitex_session_plot._colors.colormaps import NamedColormaps

    from .changes import AggBackend, Silence
    from .figures import KeptParams
    from .methods import Methods
    from .tight_box import TightBoxRemark

    Change = NamedColormaps | AggBackend | Silence | KeptParams | Methods | TightBoxRemark

    P = ParamSpec("P")
    R = TypeVar("R")

# The bits of a code object that say generator, coroutine and asynchronous generator.
SUSPENDING = 0x20 | 0x80 | 0x200
PYPLOT = "matplotlib.pyplot"

# Reentrant: a signal handler may restore the style that its thread is applying.
_lock = RLock()
# The styles in force or waiting for matplotlib, the newest last.
_stack: list[Application] = []


class LazyPyplot(type(sys)):  # type: ignore[misc]
    """matplotlib.pyplot, loaded at the first use: what is read, set or deleted here is so there.

    The naive way, `importlib.util.LazyLoader`, puts the unloaded module into `sys.modules`, where
    every other import of pyplot meets it: submodules break and threads race. This one stands
    beside `sys.modules` and only looks there. Its name is pyplot's, so that tools which pickle a
    module by its name find pyplot.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(_pyplot(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_pyplot(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_pyplot(), name)

    def __dir__(self) -> list[str]:
        return dir(_pyplot())

    def __repr__(self) -> str:
        state = "loaded" if PYPLOT in sys.modules else "loaded at first use"
        return f"<module {PYPLOT!r} ({state})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _lazy_pyplot, ()


def _pyplot() -> Any:
    if PYPLOT not in sys.modules:
        from .loading import load

        return load(PYPLOT)
    from importlib import import_module

    return import_module(PYPLOT)  # waits where another thread is importing it


def _lazy_pyplot() -> ModuleType:
    return plt


if TYPE_CHECKING:
    plt = pyplot
else:
    plt = LazyPyplot(PYPLOT, "matplotlib.pyplot, loaded at first use.")


class Style:
    """A matplotlib style that is applied, and restored without a trace.

    Making one checks the arguments and changes nothing; neither that nor `apply` imports
    matplotlib. Of several styles, the one applied last that has not been restored is in force, in
    whatever order they are restored; after the last, all is as it was found.

    Parameters
    ----------
    fig_size_mm, fig_scale, dpi_display, dpi_save, fontsize, autolayout, hide_top_right_spines, \
alpha, line_width
        As in `rc_params`.
    agg : bool
        Draw with Agg while the style is in force: pyplot opens no window, and `plt.show()` does
        nothing, without a warning. Afterwards the backend is what it was, also where none had
        been chosen, and figures opened under Agg and still open are closed. A backend that the
        caller asks for by name meanwhile is used. Without `agg`, the backend is left to the user,
        ``MPLBACKEND`` and the notebook.

    Raises
    ------
    StyleTypeError, StyleValueError, UnknownPresetError
        An argument is not what is allowed.

    Examples
    --------
    >>> with Style(fig_size_mm=(80, 50), agg=True) as style:
    ...     figure, axes = style.plt.subplots()
    ...     [f"{25.4 * side:.1f}" for side in figure.get_size_inches()]
    ['80.0', '50.0']
    """

    def __init__(
        self,
        fig_size_mm: Sequence[float | str] | str = (160, 100),
        fig_scale: float = 1.0,
        dpi_display: float = 100,
        dpi_save: float = 300,
        fontsize: str | float | Mapping[str, str | float] = "small",
        autolayout: bool = False,
        hide_top_right_spines: bool = True,
        alpha: float = 0.9,
        line_width: float = 1.0,
        *,
        agg: bool = False,
    ) -> None:
        self._arguments = {
            "fig_size_mm": fig_size_mm,
            "fig_scale": fig_scale,
            "dpi_display": dpi_display,
            "dpi_save": dpi_save,
            "fontsize": fontsize,
            "autolayout": autolayout,
            "hide_top_right_spines": hide_top_right_spines,
            "alpha": alpha,
            "line_width": line_width,
        }
        self._params: dict[str, object] | None = None
        # The defaults need no check, and a run that draws nothing needs no rcParams.
        if repr((*self._arguments.values(),)) != repr(Style.__init__.__defaults__):
            self._rc_params()
        self._agg = flag("agg", agg)
        self._application: Application | None = None

    def _rc_params(self) -> dict[str, object]:
        """Return the rcParams; a bad argument is refused the first time."""
        if self._params is None:
            from .rc import rc_params

            self._params = rc_params(**self._arguments)  # type: ignore[arg-type]
        return self._params

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments as plain values: ``Style(**style.as_dict())`` is the same style.

        They can be sent to another process, as JSON or pickled. So can the style itself, which is
        not in force there before it is applied.
        """
        return {
            **{name: _plain(value) for name, value in self._arguments.items()},
            "agg": self._agg,
        }

    def __reduce__(self) -> tuple[Callable[[], Style], tuple[()]]:
        from functools import partial

        return partial(type(self), **self.as_dict()), ()

    @property
    def plt(self) -> ModuleType:
        """matplotlib.pyplot, imported at the first use of one of its attributes.

        What is drawn with it has this style while this style is in force.
        """
        return plt

    def apply(self) -> None:
        """Apply the style: now if matplotlib is imported, else at the moment it is.

        Nothing happens if it is applied already.
        """
        if self._application is None:
            self._application = Application(self._rc_params, agg=self._agg)

    def close_figures(self) -> int:
        """Close the figures that were opened since `apply` and are still open.

        pyplot keeps every figure in memory until it is closed. Whoever holds one can still use
        and save it. A notebook that shows open figures at the end of each cell shows them now.

        Returns
        -------
        int
            How many there were; 0 if the style is not applied.
        """
        return self._application.close_figures() if self._application is not None else 0

    def restore(self) -> None:
        """Put back the rcParams and the backend that `apply` found, or stop waiting.

        Nothing happens if the style is not applied.
        """
        application, self._application = self._application, None
        if application is not None:
            application.restore()

    def __enter__(self) -> Self:
        self.apply()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.restore()

    def __call__(self, func: Callable[P, R]) -> Callable[P, R]:
        """Decorate `func` so that the style is in force during each of its calls.

        Raises
        ------
        StyleTypeError
            `func` is not callable, or suspends itself (a generator, a coroutine), so that the
            style would have ended before its body runs.
        """
        if not _runs_at_once(func):
            allowed = "a function that is neither a generator nor a coroutine"
            raise StyleTypeError("what Style decorates", shorten(func), allowed)

        from functools import wraps

        @wraps(func)
        def styled(*args: P.args, **kwargs: P.kwargs) -> R:
            # Its own application: a function that calls itself must not end the style early.
            application = Application(self._rc_params, agg=self._agg)
            try:
                return func(*args, **kwargs)
            finally:
                application.restore()

        return styled


def _plain(value: Any) -> Any:
    """Return an argument of a style without the types of numpy and the like."""
    if isinstance(value, (str, bool)):
        return value
    if hasattr(value, "keys"):
        return {key: _plain(item) for key, item in dict(value).items()}
    if hasattr(value, "__len__"):
        return [_plain(item) for item in value]
    return float(value)


def _runs_at_once(func: object) -> bool:
    """Return whether a call of `func` runs its whole body before it returns."""
    code = getattr(func, "__code__", None)
    return callable(func) and not getattr(code, "co_flags", 0) & SUSPENDING


class Application:
    """A style in force from now, or from the import of matplotlib, until `restore`.

    It waits for `matplotlib`, which `matplotlib.pyplot` imports: so figures made without pyplot
    have the style too, and what the user sets in rcParams afterwards wins, whether pyplot is
    imported yet or not.

    Several are restored in any order. The newest one left is in force: one that ends beneath
    another hands over to it what is to be put back in the end. Putting it back at once would end
    the newer one, and the newer one would then put the older back for good.

    Parameters
    ----------
    params : callable
        Returns the rcParams of the style.
    agg : bool
        Whether pyplot draws with the Agg backend, which opens no window, while in force.
    """

    __slots__ = ("_agg", "_changes", "_earlier_figures", "_hook", "_params")

    def __init__(self, params: Callable[[], dict[str, object]], *, agg: bool) -> None:
        self._params = params
        self._agg = agg
        self._changes: list[Change] = []
        self._earlier_figures = _open_managers()
        with _lock:
            _stack.append(self)
        self._hook = Hook("matplotlib", self._change)

    def _change(self, matplotlib: ModuleType) -> None:
        from scitex_session_plot._colors.colormaps import NamedColormaps

        from .changes import AggBackend, Silence
        from .figures import KeptParams
        from .methods import Methods
        from .tight_box import TightBoxRemark

        with _lock:
            if self not in _stack:
                return
            self._changes.append(NamedColormaps(matplotlib))
            if self._agg:
                self._changes.append(AggBackend(matplotlib))
                # Whoever chose Agg asked for a `plt.show()` that shows nothing: without a warning,
                # in which a script would end wherever there is a display.
                self._changes.append(Silence("FigureCanvasAgg is non-interactive"))
            self._changes.append(KeptParams(matplotlib.rcParams, self._params(), _lock))
            self._changes.append(Methods())
            self._changes.append(TightBoxRemark())

    def close_figures(self) -> int:
        """Close the figures of pyplot opened meanwhile and still open; return how many.

        Whoever holds one can still use it. A notebook that would have shown them at the end of
        the cell shows them now.
        """
        opened = [manager for manager in _open_managers() if manager not in self._earlier_figures]
        try:
            if opened and _shown_after_the_cell():
                for manager in opened:
                    sys.modules["IPython.display"].display(manager.canvas.figure)
        finally:
            for manager in opened:
                sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)
        return len(opened)

    def restore(self) -> None:
        """Put back what was found, or stop waiting. Nothing happens the second time.

        Under Agg, figures opened meanwhile can't be shown, and would stay in memory: they are
        closed, unless a newer style still has Agg in force, which then closes them.
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
                heir._earlier_figures = self._earlier_figures
            while self._changes:
                change = self._changes.pop()
                above = (item for other in newer for item in other._changes)
                change.undo(next((item for item in above if type(item) is type(change)), None))


def _open_managers() -> list[Any]:
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    return helpers.Gcf.get_all_fig_managers() if helpers else []


def _shown_after_the_cell() -> bool:
    """Return whether a notebook shows the figures that are open at the end of each cell."""
    matplotlib: Any = sys.modules["matplotlib"]
    # Those who turn the interactive mode off show their figures themselves.
    return "inline" in str(matplotlib.rcParams._get("backend")) and matplotlib.is_interactive()
