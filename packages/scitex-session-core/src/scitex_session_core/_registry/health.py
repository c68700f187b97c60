"""Looks at the files of a registry: what is there, and what can't be read."""

from __future__ import annotations

import os
import time

from scitex_session_core._atomic import open_regular
from scitex_session_core._record.record import parse_line

from .index import index_path
from .journal import journal_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def registry_health(registry: Path, within: float = 1.0) -> dict[str, Any]:
    """Return what can be said of the files of a registry, which stay as they are.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    within : float
        Read no further line of the journal after this many seconds.

    Returns
    -------
    dict
        ``files`` (their number), ``bytes``, ``bytes_checked``, ``lines_broken`` (torn, or garbage),
        ``unreadable`` (from the path of a file to why), ``index_bytes`` (0 if there is no index).

    Raises
    ------
    OSError
        The journal can't be listed.
    """
    deadline = time.monotonic() + within
    total = checked = broken = 0
    unreadable: dict[str, str] = {}
    files = journal_files(registry)
    for path in files:
        try:
            with open(open_regular(path), "rb") as file:
                total += os.fstat(file.fileno()).st_size
                for line in file:
                    if time.monotonic() > deadline:
                        break
                    checked += len(line)
                    broken += bool(line.strip()) and not _is_event(line)
        except OSError as error:
            unreadable[str(path)] = error.strerror or str(error)
    return {
        "files": len(files),
        "bytes": total,
        "bytes_checked": checked,
        "lines_broken": broken,
        "unreadable": unreadable,
        "index_bytes": _size(index_path(registry)),
    }


def _is_event(line: bytes) -> bool:
    event = parse_line(line.strip())
    return event is not None and isinstance(event.get("id"), str) and "event" in event


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
