"""The order of colours in a figure, and what they are paired with."""

from __future__ import annotations

from ._color import Color, swatch
from ._errors import StyleTypeError, StyleValueError
from ._validation import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cycler import Cycler

# Neighbours of the cycle differ most; after five, line styles can't be told apart at a glance.
PAIRS: dict[str, tuple[object, ...]] = {
    "linestyle": ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2))) * 2,
    "marker": ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*"),
}


class ColorCycle(tuple[Color, ...]):
    """Colours in the order in which a figure takes them; a tuple that a notebook shows."""

    __slots__ = ()

    def paired(self, *properties: str) -> Cycler[str, object]:
        """Give the colours, each with a line style or a marker of its own, for matplotlib."""
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
