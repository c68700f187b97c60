"""Finding the runs that died without a goodbye, and that nobody filed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ._atomic import remove_leftovers
from ._errors import RecordError, warn
from ._layout import CLOCK_NAME, RECORD_NAME, RUNNING, STATUS_IN, finished_place, whereabouts
from ._life import life
from ._record import read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def reap(
    root: Path,
    *,
    registry: Path | None = None,
    force: bool = False,
    most: int | None = None,
    within: float | None = None,
) -> list[Path]:
    """File the ends of runs whose processes are dead.

    A run that had written its last record and died before the rename is moved where that says. A
    directory without a record is left alone.

    Parameters
    ----------
    root : Path
        The runs of every ``RUNNING`` directory below it are looked at.
    registry : Path, optional
        The registry to tell.
    force : bool
        Runs of other machines that are ``lost`` (their hearts have been silent for five beats) are
        filed, too, with the status ``lost``: only you can know that they are not suspended.
    most : int, optional
        Look at no more runs than this, and only at those of `root` itself, the ``<script>_out`` of
        one script: what a run may do for others at its end.
    within : float, optional
        Begin with no further run after so many seconds.

    Returns
    -------
    list of Path
        Where the reaped runs are now. Runs of other machines, and those whose life can't be told,
        are left alone.
    """
    deadline = None if within is None else time.monotonic() + within
    reaped = []
    for run_dir in _runs_below(root) if most is None else _some(_runs_in(root), most):
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            status = _to_be_filed_as(run_dir, force=force)
            if status is not None:
                from ._crash import end  # nearly always, there is nothing to file

                reaped.append(end(run_dir, None, status, registry))
        except RecordError:
            continue  # no run of ours
        except OSError as error:
            warn(f"the crash of {run_dir} could not be filed: {error}")
    return reaped


def _to_be_filed_as(run_dir: Path, *, force: bool) -> str | None:
    """Return ``crashed``, or ``lost`` where that is enough; None where it is to be left alone."""
    if whereabouts(run_dir) != run_dir:
        return None  # moved by another, or a late child made the directory anew
    record = read_record(run_dir)
    status = str(record.get("status"))
    if status != "running" and (finished_place(run_dir, status) / RECORD_NAME).exists():
        return None  # a source that was kept on purpose when its copy was made
    found = life(record.get("process"), run_dir)
    return found if found == "crashed" or (force and found == "lost") else None


def _runs_below(root: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(root, onerror=_skipped):
        if RUNNING in names:
            yield from _runs_in(Path(folder))
            # What lies in the directories of runs is the users'.
            names[:] = [name for name in names if name != RUNNING and name not in STATUS_IN]


def _runs_in(out_dir: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(out_dir / RUNNING))
    except OSError:
        return []
    remove_leftovers(out_dir / CLOCK_NAME)
    return [out_dir / RUNNING / name for name in names]


def _some(run_dirs: list[Path], most: int) -> list[Path]:
    if len(run_dirs) <= most:
        return run_dirs
    # From anywhere: always from the first, eight runs of other machines would hide all the others.
    first = int.from_bytes(os.urandom(4), "big") % len(run_dirs)
    return (run_dirs[first:] + run_dirs[:first])[:most]


def _skipped(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # which went away in the meantime
        warn(f"runs below {error.filename} are left as they are: {error.strerror}")
