"""What `scitex-session whence` prints."""

from __future__ import annotations

import json
from datetime import datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .whence import Origin

_BY = {
    "stamp": "the stamp in the file",
    "content": "its content: the run saved a file that is the same to the byte",
    "directory": "the directory that it lies in",
    "itself": "its record: it is the directory of a run",
}
_LONGEST = 200


def report(origin: Origin) -> str:
    """Return the lines that tell of an origin, without a newline at the end."""
    rows = [(name, value) for name, value in _rows(origin) if value]
    width = max(len(name) for name, _ in rows) + 2
    title = f"{origin.file}: {origin.member}" if origin.member else origin.file
    return "\n".join([printable(title), *(f"  {n:<{width}}{printable(v)}" for n, v in rows)])


def printable(text: str) -> str:
    """Return text without what would command a terminal: a stamp may be anybody's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _rows(origin: Origin) -> list[tuple[str, str]]:
    run, stamp = origin.run, origin.stamp
    rows = [("run", origin.id), ("found by", _BY[origin.by])]
    if origin.artifact is not None:
        rows.append(("saved as", origin.artifact))
    if stamp is not None and stamp.time is not None:
        rows.append(("saved", _local(stamp.time)))
    rows += [
        ("script", _script(run, stamp.script if stamp else None)),
        ("arguments", _arguments(run.get("arguments"))),
        ("commit", _commit(run.get("git"), stamp.commit if stamp else None)),
        ("started", _started(run)),
        ("status", _status(run)),
        ("directory", _directory(origin)),
    ]
    if origin.same:
        shown = ", ".join(origin.same[:3])
        rows.append(("the same from", f"{shown}{', …' if len(origin.same) > 3 else ''}"))
    return rows


def _script(run: dict[str, Any], stamped: str | None) -> str:
    script = run.get("script") or stamped
    function = run.get("function")
    return f"{script}, function {function}" if script and function else str(script or "")


def _arguments(arguments: object) -> str:
    if not isinstance(arguments, dict):
        return ""
    return ", ".join(f"{name}={_value(value)}" for name, value in arguments.items())


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _commit(git: object, stamped: str | None) -> str:
    if not isinstance(git, dict):
        return stamped or ""
    commit = git.get("commit") or stamped
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changes = ", with changes that are not in it" if git.get("dirty") else ""
    return f"{commit}{branch}{changes}" if commit else ""


def _started(run: dict[str, Any]) -> str:
    try:
        begin = datetime.fromisoformat(str(run.get("started")))
    except ValueError:
        return ""
    duration = run.get("duration_s")
    took = f", took {_duration(duration)}" if isinstance(duration, int | float) else ""
    return f"{_local(begin)}{took}"


def _local(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _status(run: dict[str, Any]) -> str:
    status = run.get("status")
    code = run.get("exit_status")
    return f"{status} (exit status {code})" if status and code else str(status or "")


def _directory(origin: Origin) -> str:
    if origin.directory is not None:
        return str(origin.directory)
    if origin.last_seen is not None:
        return f"not where it was, {origin.last_seen} (scitex_session_core.reindex finds it again)"
    return "not known: neither here nor in the registry of this machine"
