"""Names to colours, each of which matplotlib accepts wherever it takes a colour."""

from __future__ import annotations

from _collections_abc import Mapping  # collections.abc would import the whole of collections

from ._errors import StyleTypeError, StyleValueError, UnknownColorError
from ._palette import ALIASES, CYCLE, PALETTE
from ._validation import opacity, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

FORM = "a text #rrggbb or #rrggbbaa"
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


class Color(str):
    """A colour: the text ``#rrggbb``, or ``#rrggbbaa`` where it is not opaque.

    A tuple of numbers would be the naive choice, and fails without a word: for
    ``scatter(x, y, c=color)`` matplotlib takes a tuple as long as `x` for values to be mapped.
    A text is a colour everywhere, and can stand in a configuration or a record.

    Parameters
    ----------
    text : str
        ``#rrggbb`` or ``#rrggbbaa``.

    Raises
    ------
    StyleTypeError, StyleValueError
        `text` is no string, or none of that form.

    Examples
    --------
    >>> Color("#3647b9").with_alpha(0.5)
    Color('#3647b980')
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not isinstance(text, str):
            raise StyleTypeError("a colour", shorten(text), FORM)
        if len(text) not in {7, 9} or text[0] != "#" or not HEX_DIGITS.issuperset(text[1:]):
            raise StyleValueError("a colour", shorten(text), FORM)
        return super().__new__(cls, text.lower())

    @property
    def hex(self) -> str:
        """The colour as ``#rrggbb``, without its opacity."""
        return str(self)[:7]

    @property
    def rgb(self) -> tuple[float, float, float]:
        """Red, green and blue from 0 to 1."""
        return self._channel(1), self._channel(3), self._channel(5)

    @property
    def alpha(self) -> float:
        """Opacity, from 0 (invisible) to 1 (opaque), in steps of 1/255."""
        return self._channel(7) if len(self) == 9 else 1.0

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        """Red, green, blue and opacity from 0 to 1."""
        return *self.rgb, self.alpha

    def with_alpha(self, alpha: float) -> Color:
        """Give the same colour with another opacity.

        Raises
        ------
        StyleTypeError, StyleValueError
            `alpha` is not a number from 0 to 1.
        """
        level = round(255 * opacity("alpha", alpha))
        return Color(self.hex if level == 255 else f"{self.hex}{level:02x}")

    def _channel(self, start: int) -> float:
        return int(self[start : start + 2], 16) / 255

    def __repr__(self) -> str:
        return f"Color({str(self)!r})"


class CustomColors(Mapping[str, Color]):
    """The named colours, by attribute and by item, all of the same opacity.

    It is a read-only mapping. A name may be written with a space, a hyphen or capitals, and
    ``grey`` is ``gray``: ``COLORS.light_blue == COLORS["Light blue"]``.

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
    def cycle(self) -> tuple[Color, ...]:
        """The colours in the order in which a figure takes them, safe for colour-blind readers."""
        return tuple(self._colors[name] for name in CYCLE)

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


def _key(name: object) -> str:
    """Give a name as it stands in the table; the empty text for what is no name."""
    key = name.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(name, str) else ""
    return ALIASES.get(key, key)


def _unknown(name: object, key: str) -> UnknownColorError:
    from difflib import get_close_matches

    known = (*PALETTE, *ALIASES)
    near = get_close_matches(key, known, n=3)
    return UnknownColorError(name if isinstance(name, str) else shorten(name), tuple(near), known)


COLORS = CustomColors()
