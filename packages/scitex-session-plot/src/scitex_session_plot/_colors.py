"""Names to colours, their order in a figure, and colormaps."""

from __future__ import annotations

from _collections_abc import Mapping  # collections.abc would import the whole of collections

from ._color import Color, swatch
from ._cycle import ColorCycle
from ._errors import UnknownColorError
from ._palette import ALIASES, CYCLE, PALETTE
from ._validation import opacity, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cycler import Cycler
    from matplotlib.colors import Colormap


class CustomColors(Mapping[str, Color]):
    """The named colours, by attribute and by item, all of the same opacity.

    It is a read-only mapping. A name may be written with a space, a hyphen, in one word or with
    capitals, and ``grey`` is ``gray``: ``COLORS.light_blue == COLORS["Light blue"]``.

    Parameters
    ----------
    alpha : float
        Opacity of every colour, from 0 (invisible) to 1 (opaque).

    Raises
    ------
    StyleTypeError, StyleValueError
        `alpha` is not a number from 0 to 1.

    Notes
    -----
    The smallest CIEDE2000 distances of the cycle for readers with normal vision, deuteranopia,
    protanopia and tritanopia (Machado, Oliveira and Fernandes 2009, severity 100) stand with the
    table in ``_palette.py``.

    Examples
    --------
    >>> COLORS = CustomColors(alpha=0.9)
    >>> COLORS.black
    Color('#000000e6')
    >>> COLORS["white"].hex
    '#ffffff'
    >>> "teal" in COLORS
    False
    """

    __slots__ = ("_alpha", "_colors")

    def __init__(self, alpha: float = 1.0) -> None:
        self._alpha = opacity("alpha", alpha)
        self._colors = {name: Color(text).with_alpha(alpha) for name, text in PALETTE.items()}

    @property
    def alpha(self) -> float:
        """The opacity of every colour."""
        return self._alpha

    @property
    def cycle(self) -> ColorCycle:
        """The colours in the order in which a figure takes them, safe for colour-blind readers."""
        return ColorCycle(self._colors[name] for name in CYCLE)

    def cycler(self, *properties: str) -> Cycler[str, object]:
        """Give the cycle for matplotlib, with line styles or markers of their own.

        They tell lines apart where there is no colour: in print, and for every reader.

        Parameters
        ----------
        *properties : {"linestyle", "marker"}
            What each colour is paired with.

        Returns
        -------
        cycler.Cycler
            For ``axes.set_prop_cycle``, or ``plt.rc("axes", prop_cycle=...)`` for all figures.

        Raises
        ------
        StyleTypeError, StyleValueError
            Another property was asked for.

        Examples
        --------
        >>> COLORS.cycler("linestyle", "marker").keys == {"color", "linestyle", "marker"}
        True
        """
        return self.cycle.paired(*properties)

    @property
    def sequential(self) -> Colormap:
        """A colormap for values from low to high: from navy by teal to yellow.

        It is perceptually uniform (equal steps of CAM02-UCS), its lightness rises from end to
        end, also in grey and for colour-blind readers. Opaque, whatever `alpha` is: an image
        that lets its ground through has other colours than its colour bar.
        """
        from ._colormaps import sequential

        return sequential()

    @property
    def diverging(self) -> Colormap:
        """A colormap for values around a centre: from blue by a light grey to orange and brown.

        Each half is perceptually uniform, and both ends are equally dark; blue and orange are
        told apart by colour-blind readers. In grey, only the distance from the centre is seen.
        Opaque, as `sequential` is.
        """
        from ._colormaps import diverging

        return diverging()

    def __getitem__(self, name: str) -> Color:
        key = _key(name)
        if key not in self._colors:
            raise _unknown(name, key)
        return self._colors[key]

    def __getattr__(self, name: str) -> Color:
        # Names that begin so are asked for by copy, pickle and the like, at times before
        # __init__: they are no colours, and looking for one would come back here.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._colors)

    def __len__(self) -> int:
        return len(self._colors)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._colors, *ALIASES]

    def __reduce__(self) -> tuple[type[CustomColors], tuple[float]]:
        return type(self), (self._alpha,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self._alpha:g})"

    def _repr_html_(self) -> str:
        cells = "".join(f"<div>{swatch(color, name)}</div>" for name, color in self.items())
        return f'<div style="columns:12em;max-width:48em">{cells}</div>'


def _key(name: object) -> str:
    """Give a name as it stands in the table; the empty text for what is no name."""
    if not isinstance(name, str):
        return ""
    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    return ALIASES.get(key) or _IN_ONE_WORD.get(key, key)


def _unknown(name: object, key: str) -> UnknownColorError:
    from difflib import get_close_matches

    known = (*PALETTE, *ALIASES)
    near = get_close_matches(key, known, n=3)
    return UnknownColorError(name if isinstance(name, str) else shorten(name), tuple(near), known)


_IN_ONE_WORD = {name.replace("_", ""): name for name in PALETTE}
COLORS = CustomColors()
