"""``stdout.txt`` and ``stderr.txt``: the logs as the terminal showed them in the end."""

from __future__ import annotations

import os

from scitex_session_core import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# What is rendered in some tenths of a second: the end of a run is not the time for more, and
# `render` is there whenever a longer log is read.
LARGEST = 4 << 20


def render_logs(run_dir: Path) -> None:
    """Write the rendering of each log beside it, where it helps a reader.

    That is where a log is small and has terminal codes. The log itself stays as it is: a child
    that outlives the run may still be writing to it.

    Raises
    ------
    OSError
        A rendering can't be written.
    """
    for name in ("stdout", "stderr"):
        log = run_dir / "logs" / f"{name}.log"
        try:
            if os.path.getsize(log) > LARGEST:
                continue
            data = log.read_bytes()
        except FileNotFoundError:  # nothing was captured, or the script has removed it
            continue
        if _has_codes(data):
            from scitex_session_io import render

            write_atomic(log.with_suffix(".txt"), b"".join(render(data)))


def _has_codes(data: bytes) -> bool:
    # Plain searches: a regular expression would take 50 ms for 4 MiB, at the end of every run.
    if b"\x1b" in data or b"\x08" in data:
        return True
    return b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
