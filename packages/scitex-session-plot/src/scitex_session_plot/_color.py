"""A colour as matplotlib accepts it wherever it takes one."""

from __future__ import annotations

from ._errors import StyleTypeError, StyleValueError
from ._validation import opacity, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    >>> Color("#0946ac").with_alpha(0.5)
    Color('#0946ac80')
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

    def _repr_html_(self) -> str:
        return swatch(self, str(self))


def swatch(color: Color, text: str) -> str:
    """Give HTML for a notebook: a patch of the colour, and a text beside it."""
    patch = f"display:inline-block;width:2.5em;height:1.2em;margin-right:.5em;background:{color}"
    frame = "border:1px solid #8888;vertical-align:text-bottom"  # else white is not to be seen
    return f'<span style="white-space:nowrap"><span style="{patch};{frame}"></span>{text}</span>'
