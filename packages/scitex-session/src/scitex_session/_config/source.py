"""A file of ``config/`` that was read, and what can be wrong in it."""

from __future__ import annotations

from scitex_session._errors import ConfigFileError
from scitex_session._suggest import suggest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from .tree import Located


class Source:
    """A file of ``config/``, read.

    Attributes
    ----------
    path : Path
        The file.
    root : Located
        What it holds.
    """

    __slots__ = ("path", "root")

    def __init__(self, path: Path, root: Located) -> None:
        self.path = path
        self.root = root

    @property
    def label(self) -> str:
        """The file as an origin names it: ``config/model.yaml``."""
        return f"{self.path.parent.name}/{self.path.name}"

    def error(self, at: Located, why: str) -> ConfigFileError:
        """Make the error that says what is wrong with a value."""
        return ConfigFileError(str(self.path), why, at.line)

    def unknown(
        self, at: Located, reference: str, part: str, keys: Iterable[Any]
    ) -> ConfigFileError:
        """Make the error that says that a part of a reference names none of `keys`."""
        names = [str(key) for key in keys]
        near = suggest(part, names)
        known = ", ".join(names) or "none, it is a single value"
        hint = f"there are: {known}" if near is None else f"did you mean {near!r}?"
        return self.error(at, f"${{{reference}}}: there is no {part!r}; {hint}")
