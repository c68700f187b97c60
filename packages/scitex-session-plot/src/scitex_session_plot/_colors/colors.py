"""A colour, the colours by name, and their order in a figure."""

from __future__ import annotations

from _collections_abc import Mapping  # collections.abc would import the whole of collections

from scitex_session_plot._errors import (
    StyleTypeError,
    StyleValueError,
    UnknownColorError,
    opacity,
    shorten,
    similar,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self, SupportsIndex, overload

    from cycler import Cycler
    from matplotlib.colors import Colormap

FORM = "a text #rrggbb or #rrggbbaa"
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
# Five line styles, twice: more can't be told apart at a glance. Neighbours differ most.
PAIRS: dict[str, tuple[object, ...]] = {
    "linestyle": ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2))) * 2,
    "marker": ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*"),
}


class Color(str):
    """A colour: the text ``#rrggbb``, or ``#rrggbbaa`` where it is not opaque.

    A tuple of numbers, the naive choice, fails silently: in ``scatter(x, y, c=color)``,
    matplotlib takes a tuple that is as long as `x` for values, and maps them to other colours. A
    text is a colour everywhere, and can be written into a configuration or a record.

    An index gives red, green, blue and opacity from 0 to 1: ``color[0]`` to ``color[3]``,
    ``color[:3]``, ``color[:4]``. A slice that begins later, ends later or has no end gives text,
    since matplotlib and others read the digits of ``#rrggbb`` so. Length and iteration are those
    of the text, too: networkx takes a sequence of as many numbers as there are edges for values.

    Parameters
    ----------
    text : str
        ``#rrggbb`` or ``#rrggbbaa``.

    Raises
    ------
    StyleTypeError, StyleValueError
        `text` is no string, or has another form.

    Examples
    --------
    >>> Color("#0946ac").with_alpha(0.5)
    Color('#0946ac80')
    >>> [round(level, 2) for level in Color("#0946ac")[:3]]
    [0.04, 0.27, 0.67]
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not isinstance(text, str):
            raise StyleTypeError("a colour", shorten(text), FORM)
        if (
            len(text) not in {7, 9}
            or not text.startswith("#")
            or not HEX_DIGITS.issuperset(text[1:])
        ):
            raise StyleValueError("a colour", shorten(text), FORM)
        return super().__new__(cls, text.lower())

    @property
    def hex(self) -> str:
        """The colour as ``#rrggbb``, without its opacity."""
        return str(self)[:7]

    @property
    def rgb(self) -> tuple[float, float, float]:
        """Red, green and blue from 0 to 1."""
        red, green, blue, _ = self.rgba
        return red, green, blue

    @property
    def alpha(self) -> float:
        """Opacity, from 0 (invisible) to 1 (opaque), in steps of 1/255."""
        return self.rgba[3]

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        """Red, green, blue and opacity from 0 to 1."""
        red, green, blue, alpha = bytes.fromhex(f"{str(self)[1:]}ff")[:4]
        return red / 255, green / 255, blue / 255, alpha / 255

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __getitem__(self, key: SupportsIndex) -> float: ...
        @overload
        def __getitem__(self, key: slice) -> tuple[float, ...]: ...
        def __getitem__(self, key: Any) -> Any: ...
    else:

        def __getitem__(self, key: SupportsIndex | slice) -> float | tuple[float, ...] | str:
            rgba = self.rgba
            if isinstance(key, slice) and (key.start or key.stop is None or key.stop > len(rgba)):
                return str(self)[key]
            return rgba[key]

    def with_alpha(self, alpha: float) -> Color:
        """Return the same colour with another opacity.

        Raises
        ------
        StyleTypeError, StyleValueError
            `alpha` is not a number from 0 to 1.
        """
        level = round(255 * opacity("alpha", alpha))
        return Color(self.hex if level == 255 else f"{self.hex}{level:02x}")

    def __repr__(self) -> str:
        return f"Color({str(self)!r})"

    def _repr_html_(self) -> str:
        return swatch(self, str(self))


class ColorCycle(tuple[Color, ...]):
    """Colours in the order in which a figure takes them: a tuple that notebooks show."""

    __slots__ = ()

    def paired(self, *properties: str) -> Cycler[str, object]:
        """Return the colours for matplotlib, each with a line style or a marker of its own."""
        from cycler import cycler

        paired: Cycler[str, object] = cycler(color=self)
        for name in properties:
            allowed = f"one of {', '.join(map(repr, PAIRS))}"
            if not isinstance(name, str):
                raise StyleTypeError("what colours are paired with", shorten(name), allowed)
            if name not in PAIRS:
                raise StyleValueError("what colours are paired with", shorten(name), allowed)
            paired += cycler(name, PAIRS[name])
        return paired

    def _repr_html_(self) -> str:
        return " ".join(swatch(color, str(number)) for number, color in enumerate(self))


class CustomColors(Mapping[str, Color]):
    """The named colours, by attribute and by item, all of the same opacity.

    It is a read-only mapping. A name may have capitals, and a space, a hyphen or nothing for its
    underscore: ``COLORS["Light blue"]`` is ``COLORS.light_blue``. ``grey`` is ``gray``.

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
    table in ``_colors/palette.py``.

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

    __slots__ = ("_alpha", "_table")

    def __init__(self, alpha: float = 1.0) -> None:
        self._alpha = opacity("alpha", alpha)
        self._table: dict[str, Color] | None = None

    @property
    def _colors(self) -> dict[str, Color]:
        """The colours by name. They are made at the first use, since most runs use none."""
        if self._table is None:
            from .palette import PALETTE

            self._table = {n: Color(text).with_alpha(self._alpha) for n, text in PALETTE.items()}
        return self._table

    @property
    def alpha(self) -> float:
        """The opacity of every colour."""
        return self._alpha

    @property
    def cycle(self) -> ColorCycle:
        """The colours in the order in which a figure takes them, safe for colour-blind readers."""
        from .palette import CYCLE

        return ColorCycle(self._colors[name] for name in CYCLE)

    def cycler(self, *properties: str) -> Cycler[str, object]:
        """Return the cycle for matplotlib, paired with line styles or markers.

        Line styles and markers tell lines apart where there is no colour, as in print.

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
            Another property is asked for.

        Examples
        --------
        >>> COLORS.cycler("linestyle", "marker").keys == {"color", "linestyle", "marker"}
        True
        """
        return self.cycle.paired(*properties)

    @property
    def sequential(self) -> Colormap:
        """A colormap for values from low to high: from navy by teal to yellow.

        It is perceptually uniform (equal steps of CAM02-UCS). Its lightness rises from end to
        end, also in grey and for colour-blind readers. It is opaque, whatever `alpha` is: where
        the ground shows through an image, its colours are not those of its colour bar.

        While a style is in force, matplotlib knows it as ``"scitex_sequential"``, and reversed as
        ``"scitex_sequential_r"``; then `plt.set_cmap` takes it, too.
        """
        from .colormaps import colormap

        return colormap("sequential")

    @property
    def diverging(self) -> Colormap:
        """A colormap for values around a centre: from blue by a light grey to orange and brown.

        Each half is perceptually uniform, and both ends are equally dark. Colour-blind readers
        can tell blue from orange. In grey, only the distance from the centre is seen. It is opaque
        as `sequential` is, and matplotlib knows it as ``"scitex_diverging"``.
        """
        from .colormaps import colormap

        return colormap("diverging")

    def __getitem__(self, name: str) -> Color:
        key = _key(name)
        if key not in self._colors:
            raise _unknown(name, key)
        return self._colors[key]

    def __getattr__(self, name: str) -> Color:
        # copy and pickle ask for such names, at times before __init__. They are no colours, and
        # to look one up among the colours, which are not there yet, would come back here.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._colors)

    def __len__(self) -> int:
        return len(self._colors)

    def __dir__(self) -> list[str]:
        from .palette import ALIASES

        return [*super().__dir__(), *self._colors, *ALIASES]

    def __reduce__(self) -> tuple[type[CustomColors], tuple[float]]:
        return type(self), (self._alpha,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self._alpha:g})"

    def _repr_html_(self) -> str:
        cells = "".join(f"<div>{swatch(color, name)}</div>" for name, color in self.items())
        return f'<div style="columns:12em;max-width:48em">{cells}</div>'


def _key(name: object) -> str:
    """Return a name as the table has it, and the empty text for what is not a text."""
    if not isinstance(name, str):
        return ""
    from .palette import ALIASES, PALETTE

    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    key = ALIASES.get(key, key)
    return key if key in PALETTE else {n.replace("_", ""): n for n in PALETTE}.get(key, key)


def _unknown(name: object, key: str) -> UnknownColorError:
    from .palette import ALIASES, PALETTE

    known = (*PALETTE, *ALIASES)
    asked = name if isinstance(name, str) else shorten(name)
    return UnknownColorError(asked, similar(key, known), known)


def swatch(color: Color, text: str) -> str:
    """Return HTML for a notebook: a patch of the colour, and a text beside it."""
    patch = f"display:inline-block;width:2.5em;height:1.2em;margin-right:.5em;background:{color}"
    frame = "border:1px solid #8888;vertical-align:text-bottom"  # else white is not seen
    return f'<span style="white-space:nowrap"><span style="{patch};{frame}"></span>{text}</span>'


COLORS = CustomColors()
