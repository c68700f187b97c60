"""The journal: every event of every session, one line each, appended and never changed.

Writers only append: no lock, no database, nothing that could hang on the file system of a cluster
or slow down with the number of sessions.
"""

from __future__ import annotations

import os
import time as _time

from ._atomic import append_line
from ._events import utc_now
from ._jsonable import dumps
from ._process import boot_id, host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

JOURNAL_NAME = "journal"


def journal_create(
    registry: Path,
    session_id: str,
    config: Mapping[str, Any],
    *,
    script_path: str | None,
    process: Mapping[str, Any] | None,
    run_dir: Path | None = None,
) -> str:
    """Tell the registry that a session began.

    Returns
    -------
    str
        What tells this line from any other that would create the same session.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    line = os.urandom(8).hex()
    _append(
        registry,
        {
            "event": "create",
            "id": session_id,
            "time": utc_now(),
            "line": line,
            "config": config,
            "script_path": script_path,
            "process": process,
            "run_dir": run_dir,
        },
    )
    return line


def journal_close(
    registry: Path,
    session_id: str,
    status: str,
    exit_code: int | None,
    *,
    run_dir: Path | None = None,
    time: str | None = None,
) -> None:
    """Tell the registry that a session ended.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    _append(
        registry,
        {
            "event": "close",
            "id": session_id,
            "time": time or utc_now(),
            "status": status,
            "exit_code": exit_code,
            "run_dir": run_dir,
        },
    )


def journal_files(registry: Path) -> list[Path]:
    """Return the files of the journal."""
    folder = registry / JOURNAL_NAME
    try:
        names = os.listdir(folder)  # Path.glob takes ten times as long
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names) if name.endswith(".jsonl")]


def _append(registry: Path, event: Mapping[str, Any]) -> None:
    # A file per machine, boot and month: on a network file system, appends of two machines to one
    # file may overwrite each other.
    machine = f"{host()}-{(boot_id() or 'noboot')[:8]}".replace(os.sep, "_")
    name = f"{machine}-{_time.strftime('%Y-%m', _time.gmtime())}.jsonl"
    path = registry / JOURNAL_NAME / name
    line = dumps(event)
    try:
        append_line(path, line)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        append_line(path, line)
