"""From ``RUNNING`` to ``FINISHED_*``: one rename, or a verified copy where a rename can't be."""

from __future__ import annotations

import errno
import os

from ._errors import warn
from ._layout import RECORD_NAME, finished_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def move_to_finished(
    run_dir: Path,
    status: str,
    *,
    remove_src_dir: bool = True,
    max_wait: float = 60,
) -> Path:
    """Move a run to the directory that its status names.

    Parameters
    ----------
    run_dir : Path
        ``<out>/RUNNING/<name>``. A directory that lies elsewhere (an explicit `sdir`, a run that
        was moved before) stays where it is.
    status : str
        ``success`` and ``finished`` have directories of their own, everything else is
        ``FINISHED_ERROR``.
    remove_src_dir : bool
        False keeps the source, and so copies.
    max_wait : float
        The most seconds a copy may take; a rename takes none.

    Returns
    -------
    Path
        Where the run is now: `run_dir` itself where it could not be moved, which a warning says.
        A run that stands there already (another process was quicker, or the source was kept) is
        left as it is.

    Notes
    -----
    A rename is atomic, and as quick for 100 GB as for nothing. Where it is impossible (another
    file system is mounted there), files are copied under a temporary name, compared, synced and
    only then renamed, so that nothing half-made ever stands under the final name.
    """
    target = finished_place(run_dir, status)
    if target == run_dir:
        return run_dir
    try:
        if _stands(target):
            return target
        target.parent.mkdir(exist_ok=True)
        if remove_src_dir and _renamed(run_dir, target):
            return target
        from ._copy import OutOfTimeError, copy_verified, remove_tree

        try:
            copy_verified(run_dir, target, max_wait)
        except OutOfTimeError:
            warn(f"{run_dir} was not copied to {target} within {max_wait} s: it stays whole")
            return run_dir
        if remove_src_dir:
            remove_tree(run_dir, target)
        return target
    except OSError as error:
        if _stands(target):
            return target
        warn(f"{run_dir} could not be moved to {target}: {error}; it stays where it is")
        return run_dir


def _stands(target: Path) -> bool:
    return os.path.exists(target / RECORD_NAME)


def _renamed(run_dir: Path, target: Path) -> bool:
    try:
        os.rename(run_dir, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True
