"""What removes, archives and restores runs, to be killed anywhere: ``removing_lives.py LIFE DIR``.

Nothing but the core is imported, so that hundreds of lives are lived in a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scitex_session_core import (
    SessionManager,
    Trash,
    archive_runs,
    find_place,
    removed_runs,
    restore_archived,
)


def places(directory: Path) -> list[Path]:
    """Give where the runs are, as the registry and the file system have it."""
    sessions = SessionManager(directory / "registry").select(sort="id")
    return [place for s in sessions if (place := find_place(s["run_dir"])) is not None]


def main(life: str, directory: Path) -> None:
    """Live one of the lives."""
    out_dir, registry = directory / "fit_out", directory / "registry"
    runs = sorted((out_dir / "FINISHED_SUCCESS").glob("2*"))
    if life == "remove":
        with Trash(out_dir, registry) as trash:
            for run in runs:
                trash.put(run, run.name)
    elif life == "archive":
        archive_runs(out_dir, runs, registry)
    elif life == "restore":
        for place in removed_runs(registry).values():
            with Trash(out_dir, registry) as trash:
                trash.take_back(place)
    elif life == "unpack":
        for path in (out_dir / "ARCHIVE").glob("2*.zip"):
            for run_id in sys.argv[3:]:
                restore_archived(path / run_id, registry)
    elif life == "empty":
        from datetime import UTC, datetime, timedelta

        with Trash(out_dir, registry) as trash:
            trash.empty(datetime.now(UTC) + timedelta(days=1))
    print("done")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
