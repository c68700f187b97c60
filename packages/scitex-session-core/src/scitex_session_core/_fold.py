"""From journal lines to sessions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ._errors import RecordError, warn
from ._events import parse_line
from ._journal import journal_files
from ._layout import whereabouts
from ._process import liveness
from ._record import read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class JournalFold:
    """The sessions that a journal tells of, kept up with it.

    Parameters
    ----------
    registry : Path
        The registry.

    Attributes
    ----------
    sessions : dict
        By ID, in the order of creation where one file tells of them.
    lines : dict
        By ID, what tells the line that created it from every other.
    """

    def __init__(self, registry: Path) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, object] = {}
        self._registry = registry
        self._read_up_to: dict[Path, int] = {}
        self._closed_before_created: dict[str, list[dict[str, Any]]] = {}
        self._unreadable: set[Path] = set()

    def refresh(self) -> None:
        """Fold what was appended since the last time; a file that can't be read is warned about."""
        for path in journal_files(self._registry):
            try:
                self._read(path)
            except OSError as error:
                if path not in self._unreadable:
                    self._unreadable.add(path)
                    warn(f"a part of the registry can't be read: {error}")

    def _read(self, path: Path) -> None:
        with open(path, "rb") as file:
            file.seek(self._read_up_to.get(path, 0))
            new = file.read()
        # A line without its newline may still be on its way.
        complete = new.rfind(b"\n") + 1
        self._read_up_to[path] = self._read_up_to.get(path, 0) + complete
        for line in new[:complete].split(b"\n"):
            event = parse_line(line)
            if event is not None and isinstance(event.get("id"), str):
                self._fold(event)

    def _fold(self, event: dict[str, Any]) -> None:
        session_id = event["id"]
        if event.get("event") == "create":
            if session_id not in self.sessions:
                self.sessions[session_id] = _created(event)
                self.lines[session_id] = event.get("line")
                for closing in self._closed_before_created.pop(session_id, ()):
                    self._fold(closing)
        elif event.get("event") == "close":
            session = self.sessions.get(session_id)
            if session is None:
                # Another machine's file may be read before the one that tells of the start.
                self._closed_before_created.setdefault(session_id, []).append(event)
            else:
                _close(session, event)


def seen_now(session: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a session with the status it has at this moment."""
    from copy import deepcopy

    now = deepcopy(session)
    if now["status"] != "running":
        return now
    record = _record_of(now)
    if record is not None and record.get("status") != "running":
        # The record is the truth: its run was killed, or the disk full, before the journal heard.
        _close(now, {**record, "time": record.get("ended"), "exit_code": record.get("exit_status")})
        now["run_dir"] = str(whereabouts(Path(now["run_dir"])))
    elif now["process"] is not None:
        life = liveness(now["process"])
        if life != "alive":
            now["status"] = "crashed" if life == "dead" else "unknown"
    return now


def _record_of(session: dict[str, Any]) -> dict[str, Any] | None:
    if session["run_dir"] is None:
        return None
    try:
        record = read_record(Path(session["run_dir"]))
    except RecordError:
        return None
    return record if record["id"] == session["id"] else None  # an sdir that was used again


def _created(event: dict[str, Any]) -> dict[str, Any]:
    config, process = event.get("config"), event.get("process")
    return {
        "id": event["id"],
        "config": config if isinstance(config, dict) else {},
        "status": "running",
        "start_time": _time(event.get("time")),
        "end_time": None,
        "exit_code": None,
        "script_path": event.get("script_path"),
        "run_dir": _text(event.get("run_dir")),
        "process": process if isinstance(process, dict) else None,
    }


def _close(session: dict[str, Any], event: dict[str, Any]) -> None:
    session["run_dir"] = _text(event.get("run_dir")) or session["run_dir"]
    # What a session says of its own end outweighs a crash that others believed to see, in
    # whichever order the two are read; otherwise the first end is the end.
    if session["status"] in ("running", "crashed"):
        session["status"] = str(event.get("status"))
        session["exit_code"] = event.get("exit_code")
        session["end_time"] = _time(event.get("time"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
