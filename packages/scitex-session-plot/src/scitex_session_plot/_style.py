"""A style as an object: in force in a `with` block, in a function, or until told otherwise."""

from __future__ import annotations

from ._applying import Application
from ._errors import StyleTypeError
from ._lazy_pyplot import LazyPyplot, plt
from ._rc import rc_params
from ._validation import flag, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import ParamSpec, Self, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

# The bits of a code object that say generator, coroutine and asynchronous generator.
SUSPENDING = 0x20 | 0x80 | 0x200


class Style:
    """A matplotlib style that is put on, and taken off without a trace.

    Making one checks the arguments and changes nothing; matplotlib is not imported, neither by
    making it nor by `apply`. Of several styles, the one put on last that is still on is in force,
    in whatever order they are restored; after the last, all is as it was found.

    Parameters
    ----------
    fig_size_mm, fig_scale, dpi_display, dpi_save, fontsize, autolayout, hide_top_right_spines, \
alpha, line_width
        As in `rc_params`.
    agg : bool
        Draw with Agg while the style is in force: pyplot opens no window, and `plt.show()` does
        nothing, without a warning. The backend is given back as it was found, also where none had
        been chosen, and figures opened under Agg and still open are closed. A backend that is
        asked for by name while the style is in force is the caller's own. Without `agg`, the
        backend is left to the user, ``MPLBACKEND`` and the notebook.

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
        self._params = rc_params(
            fig_size_mm=fig_size_mm,
            fig_scale=fig_scale,
            dpi_display=dpi_display,
            dpi_save=dpi_save,
            fontsize=fontsize,
            autolayout=autolayout,
            hide_top_right_spines=hide_top_right_spines,
            alpha=alpha,
            line_width=line_width,
        )
        self._agg = flag("agg", agg)
        self._application: Application | None = None

    @property
    def plt(self) -> LazyPyplot:
        """matplotlib.pyplot, imported at the first use of one of its attributes.

        What is drawn with it has this style while this style is in force.
        """
        return plt

    def apply(self) -> None:
        """Put the style on: now if matplotlib is imported, else at the moment it is.

        Nothing happens if it is on already.
        """
        if self._application is None:
            self._application = Application(self._params, agg=self._agg)

    def close_figures(self) -> int:
        """Close the figures that were opened since `apply` and are still open.

        pyplot keeps every figure in memory until it is closed. Those who hold one can go on with
        it, and save it. A notebook that shows open figures at the end of each cell shows them now.

        Returns
        -------
        int
            How many there were; 0 if the style is not on.
        """
        return self._application.close_figures() if self._application is not None else 0

    def restore(self) -> None:
        """Give back the rcParams that `apply` touched and the backend, or wait no longer.

        Nothing happens if the style is not on.
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
            style would be off before its body runs.
        """
        if not _runs_at_once(func):
            allowed = "a function that is neither a generator nor a coroutine"
            raise StyleTypeError("what Style decorates", shorten(func), allowed)

        from functools import wraps

        @wraps(func)
        def styled(*args: P.args, **kwargs: P.kwargs) -> R:
            # Its own application: a function that calls itself must not take the style off early.
            application = Application(self._params, agg=self._agg)
            try:
                return func(*args, **kwargs)
            finally:
                application.restore()

        return styled


def _runs_at_once(func: object) -> bool:
    """Whether a call of `func` runs its whole body before it returns."""
    code = getattr(func, "__code__", None)
    return callable(func) and not getattr(code, "co_flags", 0) & SUSPENDING
