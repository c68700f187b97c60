"""What a run that died did and said last."""

from __future__ import annotations

import os
import re

from ._events import read_events
from ._secrets import without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_TAIL = 8192
_LONGEST = 300
# What moves a cursor or sets a colour (ECMA-48), and titles of windows.
_ESCAPE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"


def last_words(run_dir: Path) -> dict[str, Any]:
    """Return the last event of a run and the last line of each of its logs, where there are any.

    They are made safe to show on a terminal, short, and free of what looks like a secret.

    Returns
    -------
    dict
        ``last_event``, as it was appended; ``last_output`` by stream, ``stdout`` and ``stderr``.
    """
    found: dict[str, Any] = {}
    try:
        events = read_events(run_dir)
    except OSError:
        events = []
    if events:
        found["last_event"] = {
            name: _shown(value) if isinstance(value, str) else value
            for name, value in events[-1].items()
            if isinstance(value, str | int | float | None)
        }
    output = {name: _last_line(run_dir / "logs" / f"{name}.log") for name in ("stdout", "stderr")}
    if any(output.values()):
        found["last_output"] = {name: line for name, line in output.items() if line}
    return found


def _last_line(log: Path) -> str:
    try:
        with open(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
    if size > _TAIL:
        # Not from the middle of a line: half a secret is no longer known for one.
        tail = re.sub(r"\A[^\r\n]*", "", tail)
    # Before the lines are told apart, since a private key has many. A carriage return begins a line
    # anew, too: progress bars redraw themselves.
    lines = re.split(r"[\r\n]", without_secrets(re.sub(_ESCAPE, "", tail)))
    return next((shown for line in reversed(lines) if (shown := _shown(line))), "")


def _shown(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text).strip()
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
