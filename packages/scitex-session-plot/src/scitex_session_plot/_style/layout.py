"""The layout of a style's figures: nothing is cut off, and what a user placed by hand stays.

matplotlib's own margins are fractions of the figure, whatever its labels need: in 80 x 50 mm they
cut off the labels on the left, and of a second axis on the right. Its constrained layout measures
the labels; but for all figures (`figure.constrained_layout.use`), it warns or moves what was placed
in a quarter of matplotlib's gallery. `FitLayout` uses it where it holds, and steps aside elsewhere.
"""

from __future__ import annotations

from copy import deepcopy
from types import FunctionType

from matplotlib import layout_engine
from matplotlib.layout_engine import (
    ConstrainedLayoutEngine,
    PlaceHolderLayoutEngine,
    TightLayoutEngine,
)

from .changes import Silence
from .margins import UNTOUCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpecBase, SubplotSpec

# What both layouts say of a figure that is too small for its labels: it is drawn as it is.
NOT_APPLIED = "constrained_layout not applied|[Tt]ight.layout not applied|This figure includes Axes"
SAME = 0.01  # a move that is not worth a different figure at its next save, as a fraction of it


# Constrained to pandas, which then leaves the margins alone; a placeholder to `tight_layout()`,
# which then does not warn that it replaces a layout.
class FitLayout(ConstrainedLayoutEngine, PlaceHolderLayoutEngine):
    """Lays out one figure at each drawing, so that its labels are within it and apart.

    Constrained layout where it holds; tight layout where panels touch, have dividers or colour
    bars, or where grids are mixed or say where their sides are; nothing where margins or axes are
    placed by hand.

    Parameters
    ----------
    figure : Figure
        The figure; no axes need be there yet.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(adjust_compatible=True, colorbar_gridspec=True)
        self._figure = figure
        self._margins = [dict(UNTOUCHED)]  # as found, and as fitted
        self._laid_out = self._held = False
        self._size: tuple[float, ...] | None = None

    @property
    def colorbar_gridspec(self) -> bool:
        """Whether the next colour bar takes a part of its panel's place in the grid.

        As without a layout, so that `subplots_adjust` moves both. Constrained layout, which is the
        one for figures within a figure, makes room for such a bar twice.
        """
        return not self._figure.subfigs

    def hold(self) -> None:
        """Keep the layout of the next drawing for as long as the figure has the same size.

        The frames of an animation would otherwise jump whenever a label grows by a digit.
        """
        self._held, self._size = True, None

    def has_users_margins(self) -> bool:
        """Return whether somebody chose them: by `subplots_adjust`, or in the rcParams."""
        return margins(self._figure) not in self._margins

    def accept_margins(self) -> None:
        """Take the present margins for not chosen by the user."""
        self._margins = [margins(self._figure)]

    def take_back(self) -> None:
        """Put the axes where they would be without this layout."""
        if self._laid_out and not self.has_users_margins():
            self._figure.subplots_adjust(**self._margins[0])
            self._laid_out = False

    def execute(self, fig: Figure) -> None:
        """Lay out the figure. matplotlib calls this at each drawing."""
        size = tuple(fig.get_size_inches())
        if self._held and size == self._size:
            return
        engine = self.choose()
        silence = Silence(NOT_APPLIED)
        try:
            if engine is TightLayoutEngine:
                self._fit_tightly()
            elif engine is ConstrainedLayoutEngine:
                _tell_grids_their_figures(fig)
                super().execute(fig)
                if any(_is_inset(ax) for ax in fig.axes):
                    self._make_room()
        finally:
            silence.undo()
        self._laid_out |= engine is not None
        self._size = size

    def _make_room(self) -> None:
        """Move the grid inwards by what reaches beyond the figure.

        Constrained layout does not see an inset of `mpl_toolkits`, which may lie beside its panel.
        """
        drawn, (width, height) = self._figure.get_tightbbox(), self._figure.get_size_inches()
        left, bottom = max(-drawn.x0, 0) / width, max(-drawn.y0, 0) / height
        right, top = max(drawn.x1 / width - 1, 0), max(drawn.y1 / height - 1, 0)
        if left + right + bottom + top:
            self.set(rect=(left, bottom, 1 - left - right, 1 - bottom - top))
            try:
                super().execute(self._figure)
            finally:
                self.set(rect=(0, 0, 1, 1))

    def _fit_tightly(self) -> None:
        """Run tight layout as if images filled their places.

        It would share out what an image of a fixed aspect leaves free, and the image would change
        with the margins: a figure that is saved twice would be two different ones.
        """
        figure = self._figure
        images: list[tuple[Any, Any, Any]] = [
            (ax, ax.get_aspect(), ax.get_box_aspect())
            for ax in figure.axes
            # The bars of images have a fixed aspect, too, but no more than the room they need.
            if not hasattr(ax, "_colorbar_info") and ax.name != "3d"
        ]
        try:
            for image, _, _ in images:
                image._aspect, image._box_aspect = "auto", None  # without marking it as changed
            before, corners = margins(figure), _corners(figure)
            TightLayoutEngine().execute(figure)
            moved = max(abs(a - b) for a, b in zip(corners, _corners(figure), strict=True))
            if self._laid_out and moved < SAME:
                figure.subplots_adjust(**before)
        finally:
            for image, aspect, box_aspect in images:
                image._aspect, image._box_aspect = aspect, box_aspect
        self._margins[1:] = [margins(figure)]

    def choose(self) -> type[ConstrainedLayoutEngine | TightLayoutEngine] | None:
        """Return the engine that can lay out the figure as it is now; None if none may."""
        figure = self._figure
        places: dict[GridSpecBase, set[SubplotSpec]] = {}
        shapes: dict[object, set[tuple[int, int]]] = {}
        shared_bars = tight = False
        for ax in figure.axes:
            spec, locator = ax.get_subplotspec(), _locator(ax)
            is_bar = hasattr(ax, "_colorbar_info")
            if not ax.get_in_layout():  # since `set_position`
                return None
            if spec is not None:
                tight |= is_bar or locator is not None  # a divider's
                for above in _upwards(spec):
                    places.setdefault(above.get_gridspec(), set()).add(above)
                shape = above.get_gridspec().get_geometry()
                shapes.setdefault(ax.figure, set()).add(shape)
            elif is_bar:
                shared_bars = True
            elif locator is None:
                return None
        if not places or self.has_users_margins():
            return None
        if (
            tight
            or any(len(of_one) > 1 for of_one in shapes.values())
            or any(_is_given(grid, len(taken), figure) for grid, taken in places.items())
        ):
            # Tight layout knows neither figures within the figure, nor a colour bar of several.
            return None if shared_bars or figure.subfigs else TightLayoutEngine
        return ConstrainedLayoutEngine

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave a layout of matplotlib's, since a pickled figure is opened without us, too."""
        if self.choose() is ConstrainedLayoutEngine:
            return ConstrainedLayoutEngine, (), {"_params": self.get()}
        return PlaceHolderLayoutEngine, (True, True)

    def __deepcopy__(self, memo: dict[int, Any]) -> FitLayout:
        """Return the layout of the copy of its figure."""
        copied = type(self)(deepcopy(self._figure, memo))
        copied._margins = [*self._margins]
        copied._laid_out, copied._held, copied._size = self._laid_out, self._held, self._size
        return copied


def margins(figure: Figure) -> dict[str, float]:
    """Return the margins of a figure and the gaps between its panels."""
    return {name: getattr(figure.subplotpars, name) for name in UNTOUCHED}


def _corners(figure: Figure) -> list[float]:
    return [side for ax in figure.axes for side in ax.get_position(original=True).extents]


def _upwards(spec: SubplotSpec) -> Iterator[SubplotSpec]:
    """Yield a place in a grid, that of the grid within another, and so on."""
    above: SubplotSpec | None = spec
    while above is not None:
        yield above
        above = getattr(above.get_gridspec(), "_subplot_spec", None)


def _is_given(grid: GridSpecBase, places: int, figure: Figure) -> bool:
    """Return whether a grid says where its sides are, or that its panels touch or overlap."""
    if any(getattr(grid, side, None) is not None for side in ("left", "right", "bottom", "top")):
        return True
    gaps = grid.get_subplot_params(figure)
    return places > 1 and min(gaps.wspace, gaps.hspace) <= 0


def _locator(ax: Axes) -> Any:
    """Return what places the axes at each drawing, None if nothing does.

    That of a colour bar only adds the room for its pointed ends to another one, if there is one.
    """
    locator = ax.get_axes_locator()
    return getattr(locator, "_orig_locator", locator)


def _is_inset(ax: Axes) -> bool:
    """Return whether axes are placed by a locator, but not by a divider's."""
    locator = _locator(ax)
    return locator is not None and not hasattr(locator, "get_subplotspec")


def _tell_grids_their_figures(figure: Figure) -> None:
    """Name the figure in grids made without: constrained layout passes over those."""
    for ax in figure.axes:
        if (spec := ax.get_subplotspec()) is not None:
            for above in _upwards(spec):
                grid: Any = above.get_gridspec()
                if grid.figure is None:
                    grid.figure = ax.figure


def _pass_over(function: FunctionType) -> FunctionType:
    """Return a function whose frame matplotlib takes for its own when it locates a warning.

    It looks for the first frame outside of itself: until Python 3.11 by the name of the module,
    since then by the file. A sign that no font has would otherwise be reported in this module, and
    no more than once, since the text is measured here first.
    """
    code = function.__code__.replace(
        co_filename=f"{layout_engine.__file__} (by scitex_session_plot)"
    )
    scope = {**function.__globals__, "__name__": layout_engine.__name__}
    return FunctionType(code, scope, function.__name__, None, function.__closure__)


for _method in ("execute", "_make_room", "_fit_tightly"):
    setattr(FitLayout, _method, _pass_over(getattr(FitLayout, _method)))
