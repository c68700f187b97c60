"""Line editing by the C library of the module `readline`, on another terminal than descriptor 1."""

from __future__ import annotations

import ctypes
import os
import sys

from .descriptors import C_VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Self

_POINTER = ctypes.c_void_p
_FDOPEN = ctypes.CFUNCTYPE(_POINTER, ctypes.c_int, ctypes.c_char_p)
_READ = ctypes.PYFUNCTYPE(_POINTER, _POINTER, _POINTER, ctypes.c_char_p)(
    ("PyOS_Readline", ctypes.pythonapi)
)
_FREE = ctypes.PYFUNCTYPE(None, _POINTER)(("PyMem_Free", ctypes.pythonapi))


class LineEditor:
    """GNU readline or libedit, as `import readline` has loaded it; a context for one line.

    Parameters
    ----------
    terminal : int
        The descriptor to edit on.

    Raises
    ------
    ValueError
        Its variables can't be reached: the interpreter has it built in, without their names.
    OSError
        It can't be loaded.
    """

    __slots__ = (
        *("_editor", "_in", "_libc", "_open", "_out", "_prompted"),
        *("_stdin", "_stdout", "_terminal"),
    )

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._open: list[int] = []  # one, or more where a signal's handler asks as well
        self._editor = ctypes.CDLL(getattr(sys.modules["readline"], "__file__", None))
        self._prompted = ctypes.c_int.in_dll(self._editor, "rl_already_prompted")
        self._in = _POINTER.in_dll(self._editor, "rl_instream")
        self._out = _POINTER.in_dll(self._editor, "rl_outstream")
        self._libc = ctypes.CDLL(None)
        self._stdin = _stream(self._libc, "stdin")
        self._stdout = _stream(self._libc, "stdout")

    def __enter__(self) -> Self:
        """Turn to the terminal, and turn its echo off: now the prompt may be shown."""
        number = os.dup(self._terminal)
        stream = _FDOPEN(("fdopen", self._libc))(number, b"w")
        if not stream:
            os.close(number)
            raise MemoryError
        self._open.append(stream)
        self._in.value = self._stdin.value
        self._out.value = stream
        self._editor.rl_prep_terminal(1)
        self._prompted.value = 1
        return self

    def __exit__(self, *exc: object) -> None:
        self._editor.rl_deprep_terminal()
        self._prompted.value = 0
        self._out.value = self._stdout.value
        self._libc.fclose(_POINTER(self._open.pop()))

    def read(self, prompt: bytes) -> bytes:
        """Read a line behind a prompt that the terminal already shows.

        Parameters
        ----------
        prompt : bytes
            One line. What takes no column, such as a colour, stands between the bytes 1 and 2, as
            GNU readline wants it. Readline can't take such a prompt as shown (it would count the
            codes too), and draws it again over itself.

        Returns
        -------
        bytes
            The line with its newline; nothing at the end of the input.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C.
        """
        if b"\1" in prompt:
            self._prompted.value = 0
            visible = b"".join(part.rpartition(b"\2")[2] for part in (b"\2" + prompt).split(b"\1"))
            if width := len(visible.decode(errors="replace")):
                os.write(self._terminal, b"\x1b[%dD" % width)  # to where it begins
        line = _READ(self._stdin, self._open[-1], prompt)
        if line is None:
            raise KeyboardInterrupt
        try:
            # `ctypes.string_at` is Python code, which pdb would step into.
            return ctypes.c_char_p(line).value or b""
        finally:
            _FREE(line)


def _stream(libc: ctypes.CDLL, name: Literal["stdin", "stdout"]) -> ctypes.c_void_p:
    names = C_VARIABLES[name]
    try:
        return ctypes.c_void_p.in_dll(libc, names[0])
    except ValueError:
        return ctypes.c_void_p.in_dll(libc, names[1])
