"""Run directories that scitex-session 0.3.1 left: no record, but a CONFIG.yaml at a normal end."""

from __future__ import annotations

import re
from datetime import datetime

from ._layout import RUNNING, STATUS_IN
from ._outcome import status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_CONFIG = "CONFIGS/CONFIG.yaml"
# Its IDs: local time, and four characters.
_NAME = re.compile(
    r"((?:DEBUG_)?(\d{4})Y-(\d\d)M-(\d\d)D-(\d\d)h(\d\d)m(\d\d)s_[A-Za-z0-9]{4})(?:-.*)?\Z"
)
# What it adds to the user's configuration.
_OWN = {
    *("ID", "PID", "START_DATETIME", "END_DATETIME", "RUN_DURATION", "FILE", "ARGS", "SDIR"),
    *("SDIR_OUT", "SDIR_RUN", "EXIT_STATUS", "DEBUG"),
}


def legacy_record(run_dir: Path) -> dict[str, Any] | None:
    """Return what a record would say of a run of scitex-session 0.3.1; None if it is none.

    Its pickles are never opened. Arguments and configuration are told only where PyYAML is
    installed, as it is beside `scitex-session`. A run that never wrote its configuration did not
    end well, and how it ended nobody knows: its status is ``unknown``.
    """
    named = _NAME.match(run_dir.name)
    state = run_dir.parent.name
    if named is None or (state != RUNNING and state not in STATUS_IN):
        return None
    if not (run_dir / "logs").is_dir() and not (run_dir / _CONFIG).is_file():
        return None
    told = _read(run_dir / _CONFIG)
    exit_status = told.get("EXIT_STATUS")
    ended = state in STATUS_IN
    return {
        "id": named[1],
        "status": _status(state, exit_status) if ended else "unknown",
        "exit_status": exit_status if ended else None,
        "started": _local(told.get("START_DATETIME")) or _from_name(named),
        "ended": _local(told.get("END_DATETIME")) if ended else None,
        "script": str(told["FILE"]) if told.get("FILE") else None,
        "arguments": told["ARGS"] if isinstance(told.get("ARGS"), dict) else {},
        "config": {name: value for name, value in told.items() if name not in _OWN},
        "process": None,
    }


def _status(state: str, exit_status: object) -> str:
    return status_of(exit_status) if isinstance(exit_status, int) else STATUS_IN[state]


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    try:
        import yaml
    except ImportError:
        return _top_level(text)
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # a tag of Python's, which is never obeyed
        return _top_level(text)
    return {str(name): value for name, value in told.items()} if isinstance(told, dict) else {}


def _top_level(text: str) -> dict[str, Any]:
    """Read the plain values at the top level, of the few names that are 0.3.1's own."""
    told: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name in _OWN and (value := value.strip().strip("'\"")):
            told[name] = int(value) if re.fullmatch(r"-?\d{1,9}", value) else value
    return told


def _local(time: object) -> str | None:
    try:
        found = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
        return found.astimezone().isoformat()
    except (ValueError, OverflowError):
        return None


def _from_name(named: re.Match[str]) -> str | None:
    try:
        return datetime(*map(int, named.groups()[1:])).astimezone().isoformat()  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
