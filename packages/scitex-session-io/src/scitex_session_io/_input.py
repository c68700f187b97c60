"""`input()` while descriptor 1 is a log: with the line editing that C ties to a terminal there."""

from __future__ import annotations

import builtins
import os
import sys

from ._debugger import hide
from ._quiet import flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from ._descriptors import Kept
    from ._readline import Readline


class Questions:
    """The `input` of the time of a capture.

    Why: Python lets readline edit a line (cursor keys, history, completion in pdb) only if C's
    stdout is a terminal; with a log there, the keys' codes would stand in the answer. So the
    question is written to the log, shown, and readline told that it has been.

    Parameters
    ----------
    stdout : TextIO
        The captured stream.
    terminal : Kept or None
        What was found on its descriptor.
    show : callable
        Returns when everything printed has been shown.
    """

    __slots__ = ("_editor", "_found", "_ours", "_show", "_stdout", "_terminal")

    def __init__(self, stdout: TextIO, terminal: Kept | None, show: Callable[[], None]) -> None:
        self._stdout = stdout
        self._terminal = terminal
        self._show = show
        self._editor: Readline | None = None
        self._found = builtins.input
        self._ours = builtins.input = self._ask

    def end(self) -> None:
        """Put back what was found, unless the user has put something else in its place since."""
        if builtins.input is self._ours:
            builtins.input = self._found

    def _ask(self, prompt: object = "", /) -> str:
        hide()
        if not (self._edits() and (editor := self._editor or self._load())):
            return self._found(prompt)
        sys.audit("builtins.input", prompt)
        text = str(prompt)
        encoded = text.encode(self._stdout.encoding, self._stdout.errors or "strict")
        if b"\0" in encoded:
            raise ValueError("input: prompt string cannot contain null characters")
        flush(sys.stderr)
        with editor:
            self._stdout.write(text.replace("\1", "").replace("\2", ""))
            self._stdout.flush()
            self._show()
            # Of the lines above the last one it would count the columns, and draw them once more.
            line = editor.read(encoded.rpartition(b"\n")[2])
        if not line:
            raise EOFError
        answer = line.removesuffix(b"\n").decode(sys.stdin.encoding, sys.stdin.errors or "strict")
        sys.audit("builtins.input/result", answer)
        return answer

    def _load(self) -> Readline | None:
        """Give the editor, once and for all: imports in `_ask` would be stepped into by pdb."""
        from ._readline import Readline

        try:
            self._editor = Readline(self._terminal.number if self._terminal else -1)
        except (OSError, ValueError):  # one whose variables can't be reached
            return None
        return self._editor

    def _edits(self) -> bool:
        """Tell whether readline would edit this line without us."""
        try:
            return (
                "readline" in sys.modules
                and sys.stdout is self._stdout
                and self._terminal is not None
                and self._terminal.valid
                and os.isatty(self._terminal.number)
                and sys.stdin.fileno() == 0
                and os.isatty(0)
            )
        except (AttributeError, OSError, ValueError):  # stdin replaced or closed
            return False
