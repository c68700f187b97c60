"""COLUMNS and LINES, for who can't ask the terminal because the descriptor is a log."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._descriptors import Kept


class TerminalSize:
    """The size of the first terminal among `descriptors`, in the environment until `end`.

    tqdm, rich and `shutil.get_terminal_size` ask these variables first. Those that the user has
    set stay.
    """

    __slots__ = ("_set",)

    def __init__(self, descriptors: Iterable[Kept | None]) -> None:
        self._set: dict[str, str] = {}
        for kept in descriptors:
            if kept is not None and os.isatty(kept.number):
                columns, lines = os.get_terminal_size(kept.number)
                size = {"COLUMNS": columns, "LINES": lines}
                # A terminal nobody has given a size says 0.
                self._set = {n: str(v) for n, v in size.items() if v and n not in os.environ}
                break
        os.environ.update(self._set)

    def end(self) -> None:
        """Take out what was put in, unless the user has changed it."""
        for name, value in self._set.items():
            if os.environ.get(name) == value:
                del os.environ[name]
