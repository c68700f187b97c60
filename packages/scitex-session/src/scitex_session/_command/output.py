"""What commands print, and the words in which they say times, durations and sizes."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from json import dumps, loads
from math import isfinite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from rich.progress import Progress

PROGRAM = "scitex-session"
OK, DIFFERENT, FAILED = 0, 1, 2
"""The exit statuses: as asked, something else than asked (see each command), a mistake."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_REDRAWN_PER_S = 4
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, to standard output by default.

    A letter that the stream's encoding lacks must not keep the rest from being printed.
    """
    stream = sys.stdout if stream is None else stream
    print(_with_letters_of(stream, text), file=stream)


def _with_letters_of(stream: TextIO, text: str) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def say_json(value: object) -> None:
    """Print a value as JSON, with times in ISO 8601 and nothing that JSON does not know.

    A record that another program wrote may have NaN, which many readers of JSON refuse.
    """
    try:
        text = dumps(value, indent=2, default=_plain, allow_nan=False)
    except ValueError:
        text = dumps(finite(loads(dumps(value, default=_plain))), indent=2)
    say(text)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def finite(value: Any) -> Any:
    """Return numbers that JSON does not know as the texts that results have for them."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return value if not isinstance(value, float) or isfinite(value) else dumps(value)


def refuse(why: str, *, usage: str = "") -> int:
    """Print why a command can't do what it was asked to, and return the exit status of that.

    Of the command that is named as `usage`, the help tells more.
    """
    why = "\n".join(map(printable, why.split("\n")))
    hint = f" (try {PROGRAM} {usage} --help)" if usage else ""
    say(f"{PROGRAM}: error: {why}{hint}", sys.stderr)
    return FAILED


def printable(text: str) -> str:
    """Return text without codes that command a terminal: anybody may have written it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def short(text: str, most: int = 200) -> str:
    """Return a text, or its beginning."""
    return text if len(text) <= most else f"{text[:most]}…"


def runs_in_words(count: int) -> str:
    """Return ``1 run`` or ``2 runs``."""
    return "1 run" if count == 1 else f"{count:,} runs"


def shown(text: str) -> str:
    """Return text that anybody may have written so that any terminal can show it.

    `say` sees to letters that the encoding lacks; rich does not.
    """
    return _with_letters_of(sys.stdout, printable(text))


def encodable(sign: str) -> bool:
    """Tell whether standard output has the letters of a sign."""
    try:
        sign.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def on_terminal() -> bool:
    """Tell whether rich is to draw: on a terminal, or where FORCE_COLOR asks for it."""
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def bars() -> Progress:
    """Return the bars of progress on standard error, which vanish at their end."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False, markup=False, emoji=False),
        transient=True,
        refresh_per_second=_REDRAWN_PER_S,
    )


def local_time(time: datetime) -> str:
    """Return a time in the zone of this machine, to the second, with that zone."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def parsed_time(text: object) -> datetime | None:
    """Return the time of a record; None if it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def duration(seconds: float) -> str:
    """Return a duration in at most two units."""
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < _MINUTE:
        return f"{seconds:.3g} s"
    minutes, seconds = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        days, hours = divmod(hours, 24)
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def brief_duration(seconds: float) -> str:
    """Return a duration in one unit, in at most seven letters."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    size, unit = _unit_of(seconds)
    count = seconds / size
    return f"{count:.0f} {unit}" if count >= 9.95 else f"{count:.1f} {unit}"


def ago(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, in one unit."""
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    if seconds < 0:
        return "in the future"
    size, unit = _unit_of(seconds)
    return f"{int(seconds // size)} {unit} ago"


def _unit_of(seconds: float) -> tuple[int, str]:
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"))
    return next(((size, unit) for size, unit in units if seconds >= size), (1, "s"))


def size(count: float) -> str:
    """Return a number of bytes in the unit that needs the fewest digits."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.3g} {unit}" if count < 1000 else f"{count:.0f} {unit}"
