"""Puts the files of an attempt away before the next one begins, and back if that never did."""

from __future__ import annotations

import os

from scitex_session_core._atomic import OpenDirectory, remove_leftovers
from scitex_session_core._paths import (
    ATTEMPTS,
    CONFIG_NAME,
    DIFF_NAME,
    EVENTS_NAME,
    LOG_NAMES,
    RECORD_NAME,
    is_rank_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# What belongs to one attempt: file by file, since users may keep files in these folders, too.
_OF_ONE_ATTEMPT = (EVENTS_NAME, CONFIG_NAME, *LOG_NAMES, os.path.dirname(DIFF_NAME))


def _folders(run_dir: Path) -> list[str]:
    """Return where the ranks of a run write, relative to it: rank 0 at the root."""
    return [*(f"{name}/" for name in os.listdir(run_dir) if is_rank_name(name)), ""]


def _names(folders: list[str]) -> list[str]:
    """Return what belongs to one attempt: of the other ranks, the record, too."""
    return [
        f"{folder}{name}"
        for folder in folders
        for name in (*_OF_ONE_ATTEMPT, *([RECORD_NAME] if folder else []))
    ]


def put_away(directory: OpenDirectory, number: int) -> None:
    """Move what belongs to attempt `number` of a run to ``attempts/<number>/``.

    Raises
    ------
    OSError
        Something can't be moved.
    """
    put_back(directory.path, number)
    for name in _names(_folders(directory.path)):
        try:
            directory.stat(name)
        except FileNotFoundError:
            continue
        directory.rename(name, f"{ATTEMPTS}/{number}/{name}")


def put_back(run_dir: Path, number: int) -> None:
    """Put back what a resume had put away that was killed before the next attempt began.

    Parameters
    ----------
    run_dir : Path
        Where the run is; its record tells of attempt `number`.
    number : int
        The number of the attempt.
    """
    kept = f"{ATTEMPTS}/{number}"
    if not os.path.isdir(run_dir / kept):
        return
    with OpenDirectory(run_dir, follow=False) as directory:
        folders = _folders(run_dir / kept)
        for name in _names(folders):
            if not os.path.lexists(run_dir / kept / name):
                continue
            if os.path.basename(name) == EVENTS_NAME and os.path.lexists(run_dir / name):
                # A tag that was added meanwhile comes after what happened before.
                directory.append(f"{kept}/{name}", (run_dir / name).read_bytes())
            directory.rename(f"{kept}/{name}", name)
        directory.unlink(f"{kept}/{RECORD_NAME}", missing_ok=True)
    remove_leftovers(run_dir / kept / RECORD_NAME)
    for place in [f"{f}{each}" for f in folders for each in ("logs", "CONFIGS", "code", ".")]:
        try:
            os.rmdir(os.path.normpath(run_dir / kept / place))
        except OSError:  # there is none, or somebody has put something there
            continue
