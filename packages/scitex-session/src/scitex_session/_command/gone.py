"""The sessions of the registry whose directories are gone."""

from __future__ import annotations

import os
import platform
from contextlib import suppress

from scitex_session_core import SessionManager, locate_run

from .names import named_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

_STATES = ("RUNNING", "FINISHED", "FINISHED_SUCCESS", "FINISHED_ERROR")


def gone_sessions(manager: SessionManager) -> Iterator[tuple[str, str]]:
    """Yield the sessions whose directories are gone, each with the folder that it lay in.

    One that still runs, one in an archive, and one that never had a directory are not among them,
    nor is one of another machine, unless the folder of its script is here, too: that machine may
    have it on a disk of its own.
    """
    listed: dict[Path, set[str]] = {}
    for session_id, place in manager.directories().items():
        if place.parent not in listed:  # one look at a folder serves all of its runs
            with suppress(OSError):
                listed[place.parent] = set(os.listdir(place.parent))
        if place.name in listed.get(place.parent, ()) or os.path.isdir(locate_run(place)):
            continue
        run = named_run(session_id, manager)
        folder = place.parent.parent if place.parent.name in _STATES else place.parent
        if run.place is None and _could_be_seen(run.session, folder):
            yield session_id, str(folder)


def _could_be_seen(session: dict[str, Any], folder: Path) -> bool:
    """Tell whether the directory of a session would be here if it were anywhere."""
    if session["status"] == "running":
        return False
    machine = (session["process"] or {}).get("host")
    return machine in (None, platform.node()) or os.path.isdir(folder)
