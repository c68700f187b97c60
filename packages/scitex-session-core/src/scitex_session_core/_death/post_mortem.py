"""What a death that nobody announced puts into the record of a run."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from scitex_session_core._errors import RecordError
from scitex_session_core._paths import (
    EVENTS_NAME,
    HEARTBEAT_NAME,
    LOG_NAMES,
    RECORD_NAME,
    whereabouts,
)
from scitex_session_core._process import liveness
from scitex_session_core._record.masker import without_secrets
from scitex_session_core._record.record import (
    ended_record,
    read_events,
    read_record,
    utc_now,
    write_record,
)

from .memory import out_of_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def crashed_record(
    record: dict[str, Any],
    run_dir: Path,
    seen: Mapping[str, Any] | None = None,
    *,
    status: str = "crashed",
) -> dict[str, Any]:
    """Return `record` of a run whose process died without a goodbye.

    Parameters
    ----------
    record : dict
        As it was. What an earlier witness told of the same death is kept.
    run_dir : Path
        Where the run is.
    seen : mapping, optional
        What is known of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    status : {"crashed", "lost"}
        ``lost`` where its death is not known, and only its silence is.
    """
    seen = seen or {}
    earlier = record.get("reason")
    reason = {
        "kind": status,
        **{name: seen[name] for name in ("signal", "exit_status") if seen.get(name) is not None},
    }
    if out_of_memory(process if isinstance(process := record.get("process"), dict) else {}, seen):
        reason["out_of_memory"] = True
    if isinstance(earlier, dict):
        reason = {**earlier, **reason}
    return ended_record(
        record,
        exit_status=None,
        reason={**reason, **last_words(run_dir)},
        status=status,
        ended=seen.get("seen") or record.get("ended") or last_sign_of_life(run_dir),
    )


def last_sign_of_life(run_dir: Path) -> str:
    """Return when a run last wrote to one of its files: the best guess at when it died."""
    times = []
    for name in (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, *LOG_NAMES):
        try:
            times.append((run_dir / name).stat().st_mtime)
        except OSError:
            continue
    if not times:
        return utc_now()
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="microseconds")


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


def write_crash(
    run_dir: Path, seen: Mapping[str, Any] | None, status: str
) -> tuple[Path, dict[str, Any]] | None:
    """Give where a dead run is, and its record, ended; None where nobody died."""
    run_dir = whereabouts(run_dir)
    try:
        if liveness(read_record(run_dir).get("process")) == "alive":
            return None  # someone else's by now: the next run in the same sdir
        # Read after that look: its last record may be younger than the first reading.
        record = read_record(run_dir)
    except RecordError:
        return None
    known = record.get("status")
    if known != "running" and (known not in ("crashed", "lost") or not seen):
        return run_dir, record  # it ended as it says, or all that is known of its crash was filed
    record = crashed_record(record, run_dir, seen, status=status)
    write_record(run_dir, record)
    return run_dir, record
