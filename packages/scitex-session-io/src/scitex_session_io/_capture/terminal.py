"""Python's functions for the terminal, during a capture: they see the one behind the log."""

from __future__ import annotations

import builtins
import fcntl
import os
import sys

from .descriptors import flush, hide_from_debugger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any, TextIO

    from .descriptors import Kept
    from .line_editor import LineEditor

_SIZE = ("COLUMNS", "LINES")


class TerminalFunctions:
    """Replacements that answer for the terminals behind descriptors 1 and 2, until `end`.

    They replace `os.isatty`, `os.get_terminal_size`, `os.ttyname`, `os.device_encoding`,
    `fcntl.ioctl`, `termios.tcgetattr` and `termios.tcsetattr`; tqdm, rich, shutil, click and
    blessed each call one of these. So whoever asks again sees a resize, and no signal handler of
    ours stands in the way of the user's.

    Why not COLUMNS and LINES in `os.environ`: rich takes them as its width for ever, old versions
    of tqdm draw a column less, new ones ignore them. They are set for child processes only.

    Parameters
    ----------
    behind : mapping of int to (Kept or None)
        What stood on each descriptor.
    show : callable
        Returns when everything printed has been shown. Called before a terminal's settings change,
        as `getpass` does right before it asks on the terminal itself.
    """

    __slots__ = ("_put",)

    def __init__(self, behind: Mapping[int, Kept | None], show: Callable[[], None]) -> None:
        self._put: list[tuple[ModuleType, str, Any, Any]] = []
        terminals = {n: kept for n, kept in behind.items() if kept and os.isatty(kept.number)}
        if not terminals:
            return
        import termios

        names = {
            os: ("isatty", "get_terminal_size", "ttyname", "device_encoding"),
            fcntl: ("ioctl",),
            termios: ("tcgetattr", "tcsetattr"),
        }
        for module, name in [(where, name) for where in names for name in names[where]]:
            found = getattr(module, name)
            ours = _answer_for(found, terminals, show if name == "tcsetattr" else None)
            setattr(module, name, ours)
            self._put.append((module, name, found, ours))
        size = os.get_terminal_size(next(iter(terminals.values())).number)
        for name, value in zip(_SIZE, size, strict=True):
            if value and name not in os.environ:  # 0: nobody gave this terminal a size
                os.putenv(name, str(value))

    def end(self) -> None:
        """Put back the functions found, unless the user has replaced them since."""
        for module, name, found, ours in self._put:
            if getattr(module, name) is ours:
                setattr(module, name, found)
        if self._put:
            for name in _SIZE:
                if name not in os.environ:
                    os.unsetenv(name)
        self._put.clear()


def _answer_for(
    found: Callable[..., Any], terminals: Mapping[int, Kept], before: Callable[[], None] | None
) -> Callable[..., Any]:
    def ask(fd: Any = 1, /, *rest: Any) -> Any:
        if before is not None:
            before()
        number = fd if isinstance(fd, int) else getattr(fd, "fileno", int)()
        terminal = terminals.get(number)
        return found(terminal.number if terminal and terminal.valid else fd, *rest)

    ask.__name__ = found.__name__
    ask.__doc__ = found.__doc__
    return ask


class TerminalInput:
    """The replacement of `input` during a capture.

    Why: Python lets readline edit a line (cursor keys, history, completion in pdb) only if C's
    stdout is a terminal; with a log there, the keys' codes would stand in the answer. So this
    writes the prompt to the log, waits until it is shown, and tells readline that it has been.

    Parameters
    ----------
    stdout : TextIO
        The captured stream.
    terminal : Kept or None
        What stood on its descriptor.
    show : callable
        Returns when everything printed has been shown.
    """

    __slots__ = ("_editor", "_found", "_ours", "_show", "_stdout", "_terminal")

    def __init__(self, stdout: TextIO, terminal: Kept | None, show: Callable[[], None]) -> None:
        self._stdout = stdout
        self._terminal = terminal
        self._show = show
        self._editor: LineEditor | None = None
        self._found = builtins.input
        self._ours = builtins.input = self._ask

    def end(self) -> None:
        """Put back the `input` found, unless the user has replaced it since."""
        if builtins.input is self._ours:
            builtins.input = self._found

    def _ask(self, prompt: object = "", /) -> str:
        hide_from_debugger()
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
            # The last line only: of those above it would count the columns, and draw them again.
            line = editor.read(encoded.rpartition(b"\n")[2])
        if not line:
            raise EOFError
        answer = line.removesuffix(b"\n").decode(sys.stdin.encoding, sys.stdin.errors or "strict")
        sys.audit("builtins.input/result", answer)
        return answer

    def _load(self) -> LineEditor | None:
        """Load the editor once; pdb would step into imports in `_ask`."""
        from .line_editor import LineEditor

        try:
            self._editor = LineEditor(self._terminal.number if self._terminal else -1)
        except (OSError, ValueError):  # one whose variables can't be reached
            return None
        return self._editor

    def _edits(self) -> bool:
        """Return whether readline would edit this line without us."""
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
