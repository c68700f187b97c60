"""Printing under capture, to a file, a pipe and a terminal, beside what else keeps a log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

LINES = 200_000


def printing(at: Workplace, how: str, to: str) -> Variant:
    """Make a variant: LINES lines printed by `how`, to a file, a pipe, a terminal or tee."""
    command = [sys.executable, "print_lines.py", how, str(LINES)]
    if to == "tee":
        words = " ".join([*command, "| tee tee.log > shown"])
        command = ["/bin/sh", "-c", words]

    def run() -> float:
        master, slave = pty.openpty() if to == "terminal" else os.pipe()
        reader = threading.Thread(target=drain, args=(master,))
        with open(at.repository / "shown", "wb") as file:
            out = file.fileno() if to == "file" else slave
            reader.start()
            began = time.perf_counter()
            process = subprocess.Popen(command, cwd=at.repository, env=at.environment, stdout=out)
            os.close(slave)
            status = process.wait()
            took = time.perf_counter() - began
        reader.join()
        os.close(master)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {status}")
        return took

    return run


def drain(number: int) -> None:
    """Read to the end, as a terminal's window or the next command does."""
    try:
        while os.read(number, 1 << 16):
            pass
    except OSError:  # the other side of a terminal is closed
        return


def row(
    how: str, to: str, plain: str, plain_to: str
) -> Callable[[Workplace], tuple[Variant, Variant]]:
    """Make a row."""
    return lambda at: (printing(at, how, to), printing(at, plain, plain_to))


ROWS = {
    **{f"print-{to}": row("fd", to, "line", to) for to in ("file", "pipe", "terminal")},
    **{f"print-{to}-block": row("fd", to, "block", to) for to in ("file", "pipe", "terminal")},
    "print-tee": row("fd", "file", "line", "tee"),
    "print-sys": row("fd", "file", "sys", "file"),
}
