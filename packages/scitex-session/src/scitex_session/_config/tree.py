"""A document as a tree of values that know their lines; the same tree for YAML, TOML and JSON."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Located:
    """A value of a file, and where it stands.

    Attributes
    ----------
    value : object
        A scalar, a set of scalars, a list of `Located`, or a dict of `Located` whose keys are
        scalars of any type.
    line : int or None
        Its line, from 1; None where it is not known.
    plain : bool
        Whether it is a scalar without quotes.
    text : str or None
        What the file says for a plain scalar: ``3.10`` for the number 3.1. None for other values.
    """

    __slots__ = ("line", "plain", "text", "value")

    def __init__(
        self, value: Any, line: int | None, *, plain: bool = False, text: str | None = None
    ) -> None:
        self.value = value
        self.line = line
        self.plain = plain
        self.text = text

    def bare(self) -> Any:
        """Return the value without the lines."""
        if isinstance(self.value, dict):
            return {key: item.bare() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.bare() for item in self.value]
        return self.value
