"""Files what scitex-session 0.3.1 left in ``RUNNING``: directories without a record."""

from __future__ import annotations

import os
import time

from scitex_session_core._death.post_mortem import crashed_record
from scitex_session_core._errors import warn
from scitex_session_core._paths import DirectoryLock
from scitex_session_core._process import LOST_AFTER_S
from scitex_session_core._record.record import write_record
from scitex_session_core._registry.journal import append, record_event
from scitex_session_core._registry.reindex import legacy_record

from .directory import move_to_finished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def file_legacy(run_dir: Path, registry: Path | None) -> Path | None:
    """File a run of scitex-session 0.3.1 as ``lost``, and write it a record.

    Such a run has no heartbeat, and nothing says which process it was. One whose files a process of
    this machine holds open, or that has written within the last minutes, is left alone.

    Parameters
    ----------
    run_dir : Path
        A directory in ``RUNNING``.
    registry : Path or None
        The registry in which the run is registered. If it can't be written, a warning says so.

    Returns
    -------
    Path or None
        Where the run is now; None if it was left alone.

    Raises
    ------
    OSError
        The record could not be written.
    """
    with DirectoryLock(run_dir):
        record = legacy_record(run_dir)
        if record is None or _has_just_written(run_dir) or _is_held_open(run_dir):
            return None
        record = crashed_record({"schema": 1, **record}, run_dir, status="lost")
        write_record(run_dir, record)
        moved = move_to_finished(run_dir, "lost")
    try:
        if registry is not None:
            append(registry, record_event(record, moved))
    except OSError as error:
        warn(f"the end of {moved} could not be registered in {registry}: {error}")
    return moved


def _has_just_written(run_dir: Path) -> bool:
    return any(time.time() - changed < LOST_AFTER_S for changed in _changes(run_dir))


def _changes(run_dir: Path) -> Iterator[float]:
    for folder, _, names in os.walk(run_dir):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            try:
                yield os.lstat(path).st_mtime
            except OSError:  # it went meanwhile
                continue


def _is_held_open(run_dir: Path) -> bool:
    """Tell whether a process of this machine has a file of the run open: 0.3.1 has its logs so.

    Only Linux tells, and only of processes that this user may look at.
    """
    inside = os.path.join(os.path.realpath(run_dir), "")
    return any(path.startswith(inside) for path in _open_files())


def _open_files() -> Iterator[str]:
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for pid in pids:
        try:
            for number in os.listdir(f"/proc/{pid}/fd"):
                yield os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:  # another user's, or it has ended
            continue
