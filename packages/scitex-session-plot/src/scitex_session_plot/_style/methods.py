"""The methods of matplotlib that are replaced while a style is in force.

No setting does what they do: figures get our layout when they are made, animations keep the layout
of their first frame, and an axis on the right or at the top has its line.
"""

from __future__ import annotations

from functools import wraps

from scitex_session_plot._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from matplotlib.figure import Figure

    Method = Callable[..., Any]


class Methods:
    """The replaced methods, as a change of a style: of several styles, the first makes it.

    The last one undoes it. A method that somebody has replaced over ours stays, and calls ours,
    which then does only what matplotlib's does.
    """

    __slots__ = ()

    def __init__(self) -> None:
        _styles.append(self)
        if len(_styles) == 1:
            _hooks[:] = [Hook(module, _replacer(holder, names)) for module, holder, names in PLACES]

    def undo(self, newer: Any) -> None:  # noqa: ARG002  # counted instead
        """Restore matplotlib's methods, if this was the last style."""
        _styles.remove(self)
        if not _styles:
            while _hooks:
                _hooks.pop().cancel()
            while _replaced:
                holder, name, own, ours = _replaced.pop()
                if getattr(holder, name) is ours:
                    setattr(holder, name, own)


_styles: list[Methods] = []
_hooks: list[Hook] = []
_replaced: list[tuple[type, str, Method, Method]] = []


def _replacer(
    holder: str, names: Mapping[str, Callable[[Method], Method]]
) -> Callable[[ModuleType], None]:
    def replace(module: ModuleType) -> None:
        place = getattr(module, holder)
        for name, around in names.items():
            own = getattr(place, name)
            ours = wraps(own)(around(own))
            setattr(place, name, ours)
            _replaced.append((place, name, own, ours))

    return replace


def _set_layout_engine(own: Method) -> Method:
    """Give a figure that is being made our layout, unless another is asked for."""
    from .layout import FitLayout  # needs matplotlib, which is importing the figure's module

    def set_layout_engine(figure: Any, layout: Any = None, **options: Any) -> None:
        found = figure.get_layout_engine()
        ours = found if isinstance(found, FitLayout) else None
        if ours is not None:
            # For the user, there is no layout where ours is: matplotlib would refuse to change one
            # after a colour bar was made, and tight layout starts from the margins of the figure.
            figure._layout_engine = None
            if layout not in (None, "none"):
                ours.take_back()
        try:
            own(figure, layout, **options)
        except BaseException:
            figure._layout_engine = found
            raise
        # A figure has no canvas yet while it is being made. Later, None stands for no layout where
        # a figure is saved: matplotlib takes the layout away, and restores what it found.
        if layout is None and figure.get_layout_engine() is None and _styles:
            figure._layout_engine = FitLayout(figure) if not hasattr(figure, "canvas") else ours

    return set_layout_engine


def _autofmt_xdate(own: Method) -> Method:
    """Let rotated dates be laid out: the margin that matplotlib guesses is no choice of a user."""

    def autofmt_xdate(figure: Any, *args: Any, **options: Any) -> None:
        engine = _our_layout(figure)
        guessed = engine is not None and not engine.has_users_margins()
        own(figure, *args, **options)
        if guessed:
            engine.accept_margins()

    return autofmt_xdate


def _hold_layout(own: Method) -> Method:
    """Hold the layout of a figure that is animated: the second argument of the method."""

    def animate(animation: Any, fig: Figure, *args: Any, **options: Any) -> Any:
        if (engine := _our_layout(fig)) is not None:
            engine.hold()
        return own(animation, fig, *args, **options)

    return animate


def _set_ticks_position(own: Method) -> Method:
    """Show the line of an axis that is on the right or at the top, as `twinx` has it.

    Only where the lines are as the style has left them: who hid them, hid them.
    """

    def set_ticks_position(axis: Any, position: str) -> None:
        own(axis, position)
        opposite = {"right": "left", "top": "bottom"}.get(position)
        spines = axis.axes.spines
        if _styles and opposite in spines and position in spines and spines[opposite].get_visible():
            spines[position].set_visible(True)

    return set_ticks_position


def _our_layout(figure: Any) -> Any:
    from .layout import FitLayout

    engine = figure.get_layout_engine()
    return engine if isinstance(engine, FitLayout) else None


PLACES = (
    ("matplotlib.figure", "Figure", {"set_layout_engine": _set_layout_engine}),
    ("matplotlib.figure", "FigureBase", {"autofmt_xdate": _autofmt_xdate}),
    ("matplotlib.animation", "Animation", {"__init__": _hold_layout}),
    ("matplotlib.animation", "AbstractMovieWriter", {"saving": _hold_layout}),
    ("matplotlib.axis", "XAxis", {"set_ticks_position": _set_ticks_position}),
    ("matplotlib.axis", "YAxis", {"set_ticks_position": _set_ticks_position}),
)
