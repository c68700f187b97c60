"""List runs again each second, on a screen of their own."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import warnings
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from .ls import cut_line, drawn
from .output import OK, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from .ls import Wanted

_BETWEEN_S = 1.0
_OTHER_LINES = 3  # the titles, what was left out, and how to end
_RESIZED, _STOPPED = "SIGWINCH", "SIGTSTP"
_HEARD = ("SIGTERM", "SIGHUP", _STOPPED, _RESIZED)


def watch_runs(wanted: Wanted) -> int:
    """Show runs until ``q``, Ctrl-C or a signal that ends this process.

    They stand on the second screen of the terminal, so that it shows afterwards what it showed
    before. Each redraw is one write over the last: nothing is cleared first, so nothing flickers.
    """
    with _signals() as woken:
        while (why := _watch(wanted, woken)) == _STOPPED:
            os.kill(os.getpid(), signal.SIGSTOP)  # here until the shell's `fg`
    if why:
        os.kill(os.getpid(), getattr(signal, why))  # ends as it would have without us
    return OK


def _watch(wanted: Wanted, woken: socket.socket) -> str | None:
    """Show runs; return the name of the signal that was heard, or None for ``q``."""
    console = Console(highlight=False, markup=False, emoji=False)
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False)
    with _keys() as keys, live:
        while True:
            due = time.monotonic() + _BETWEEN_S
            live.update(_screen(wanted, console), refresh=True)
            while (left := due - time.monotonic()) > 0:
                ready, _, _ = select.select([woken.fileno(), *keys], [], [], left)
                if woken.fileno() in ready:
                    numbers = {*woken.recv(64)}
                    names = [name for name in _HEARD if getattr(signal, name, None) in numbers]
                    if names and names[0] != _RESIZED:
                        return names[0]
                    break
                if ready and (not (typed := os.read(keys[0], 64)) or b"q" in typed.lower()):
                    return None


def _screen(wanted: Wanted, console: Console) -> RenderableType:
    lines = max(console.height - _OTHER_LINES, 1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found, more = wanted.find(limit=lines)
    end = f"{time.strftime('%H:%M:%S')}, q ends."
    if more:
        end += f" {cut_line(len(found), wanted)}" if len(found) < lines else " More are below."
    if told:
        end = f"warning: {told[-1].message}"
    parts = (
        drawn(found, console.width, wanted.sort) if found else [Text(shown(wanted.nothing_found()))]
    )
    return Group(*parts, Text(shown(end), "dim", no_wrap=True, overflow="ellipsis"))


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Hear of signals by a socket, at which one can wait together with the keyboard."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    numbers = [getattr(signal, name) for name in _HEARD if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    waker = signal.set_wakeup_fd(told.fileno())
    try:
        with heard, told:
            yield heard
    finally:
        signal.set_wakeup_fd(waker)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _keys() -> Iterator[list[int]]:
    """Give the descriptor at which single keys arrive, without an echo; none if there is none."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield []
        return
    try:
        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
    except (AttributeError, OSError, ValueError, termios.error):  # closed, or no terminal
        yield []
        return
    try:
        tty.setcbreak(number)
        yield [number]
    finally:
        termios.tcsetattr(number, termios.TCSAFLUSH, before)
