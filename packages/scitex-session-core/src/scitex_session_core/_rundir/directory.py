"""The directory of a run: where it is made, and how it is claimed."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path

from scitex_session_core._atomic import remove_leftovers
from scitex_session_core._errors import (
    InvalidTypeError,
    InvalidValueError,
    RecordError,
    warn,
)
from scitex_session_core._paths import (
    CLOCK_NAME,
    CONFIG_NAME,
    HEARTBEAT_NAME,
    RECORD_NAME,
    RUNNING,
    STATUS_IN,
    Exclusive,
    absolute,
    finished_place,
    half_made_copy,
    new_id,
    out_dir_for,
    out_dir_name,
    state_dir,
    whereabouts,
)
from scitex_session_core._process import life
from scitex_session_core._record.record import read_record
from scitex_session_core._registry.journal import tell_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_LONGEST_SUFFIX = 100


class RunDir:
    """A claimed run directory.

    Attributes
    ----------
    id : str
        The ID of the run.
    path : Path
        The directory, ``<out>/RUNNING/<ID>[-<suffix>]`` or the `sdir` asked for.
    out_dir : Path
        What holds the runs of the script; with an explicit `sdir`, that directory.
    """

    __slots__ = ("id", "out_dir", "path")

    def __init__(self, session_id: str, path: Path, out_dir: Path) -> None:
        self.id = session_id
        self.path = path
        self.out_dir = out_dir


def make_run_dir(
    script: Path | None = None,
    *,
    sdir: str | os.PathLike[str] | None = None,
    suffix: str | None = None,
    clear: bool = False,
    debug: bool = False,
    out: str | os.PathLike[str] | None = None,
) -> RunDir:
    """Claim a directory for a run that begins now.

    Parameters
    ----------
    script : Path, optional
        The script whose run it is; without one, the directory lies in the user's state directory.
    sdir : path-like, optional
        The run directory itself: made if missing, never moved. It holds a first record from now
        on, so that no other run can claim it.
    suffix : str, optional
        Appended to the name of the directory.
    clear : bool
        What an earlier run left in `sdir` (record, events, logs) is deleted; otherwise it is kept
        there under ``previous/<ID>/``. Nobody else's files are touched.
    debug : bool
        Whether the run is for debugging: ``DEBUG_`` stands before its ID then.
    out : path-like, optional
        The folder for ``<script>_out``; by default ``$SCITEX_SESSION_OUT_DIR``, or else the
        script's own.

    Returns
    -------
    RunDir

    Raises
    ------
    InvalidValueError
        `suffix` can't be part of a file name, or `sdir` lies where runs are moved from.
    RunDirectoryBusyError
        Another run is writing to `sdir`, or may be.
    OSError
        `sdir` can't be made or written to.

    Notes
    -----
    The directory is claimed with an exclusive ``mkdir``: of a thousand runs that start in the same
    second, no two can share one. A folder that can't be written is no reason not to run: the
    directory is then made in the user's state directory or, at the very last, in the temporary
    one, and a warning says so.
    """
    _check_suffix(suffix)
    if sdir is not None:
        from .claim import claim_sdir

        directory = absolute(sdir)
        return RunDir(claim_sdir(directory, clear=clear, debug=debug), directory, directory)
    out_dir = out_dir_for(script, out)
    try:
        return _claim(out_dir, suffix, debug=debug)
    except OSError as error:
        trouble = error
    for refuge in (_in_state_dir, _in_temporary_dir):
        try:
            claimed = _claim(refuge() / out_dir_name(script), suffix, debug=debug)
        except OSError:
            continue
        warn(f"can't write to {out_dir} ({trouble.strerror}): this run is kept in {claimed.path}")
        return claimed
    raise trouble


def _claim(out_dir: Path, suffix: str | None, *, debug: bool) -> RunDir:
    running = out_dir / RUNNING
    running.mkdir(parents=True, exist_ok=True)
    _ignore_in_git(out_dir)
    while True:
        session_id = new_id(debug=debug)
        path = running / (f"{session_id}-{suffix}" if suffix else session_id)
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return RunDir(session_id, path, out_dir)


def _in_state_dir() -> Path:
    return state_dir() / "runs"


def _in_temporary_dir() -> Path:
    import tempfile

    # A fresh one that only this user can enter: a name that can be guessed, in a directory that
    # all users share, may be someone else's.
    return Path(tempfile.mkdtemp(prefix="scitex-session-"))


def _ignore_in_git(out_dir: Path) -> None:
    try:
        with open(out_dir / ".gitignore", "xb") as file:
            file.write(b"*\n")
    except FileExistsError:
        pass  # written by an earlier run, or the user's own


def _check_suffix(suffix: object) -> None:
    if suffix is None:
        return
    allowed = f"a text of at most {_LONGEST_SUFFIX} bytes that can be part of a file name"
    if not isinstance(suffix, str):
        raise InvalidTypeError("sdir_suffix", suffix, allowed)
    if not suffix.isprintable() or any(c in suffix for c in '/\\\\:*?"<>|'):
        raise InvalidValueError("sdir_suffix", suffix, allowed)
    if len(suffix.encode()) > _LONGEST_SUFFIX:
        raise InvalidValueError("sdir_suffix", suffix, allowed)


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
        from .copy import OutOfTimeError, copy_verified, remove_tree

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


def crash_command(run_dir: Path, registry: Path | None) -> list[str]:
    """Return the command that files the crash of a run, for who watches over it.

    Parameters
    ----------
    run_dir : Path
        The run.
    registry : Path or None
        The registry to tell.

    Returns
    -------
    list of str
        To be run with one more argument: a JSON object of what was seen (``seen``, a time;
        ``signal``; ``exit_status``), each of which may be null.

    Notes
    -----
    It runs isolated and without site-packages (``-I -S``), so that it starts in milliseconds and
    nothing in the user's working directory or environment can break it.
    """
    # The directory above this package, so that it is found however the user's Python found it.
    package_parent = str(Path(__file__).absolute().parents[2])
    start = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from scitex_session_core._rundir.directory import main; sys.exit(main(sys.argv[2:]))"
    )
    told = [package_parent, str(run_dir), str(registry or "")]
    return [sys.executable, "-I", "-S", "-c", start, *told]


def main(argv: list[str]) -> int:
    """File the crash that `crash_command` describes."""
    run_dir, registry, seen = argv
    try:
        file_crash(Path(run_dir), json.loads(seen), registry=Path(registry) if registry else None)
    except OSError as error:
        warn(f"the crash of {run_dir} could not be filed: {error}; the next run of it tries again")
        return 1
    return 0


def file_crash(
    run_dir: Path, seen: Mapping[str, Any] | None = None, *, registry: Path | None = None
) -> Path:
    """Write the end of a dead run into its record, and move it to ``FINISHED_ERROR``.

    A run that had written its last record and died before the rename did end as it says: it is
    moved where that says. A directory without a record, and a run whose process is alive, are left
    alone. Several may file the same crash at once: what only one of them saw is kept.

    Parameters
    ----------
    run_dir : Path
        The run, where it was when it began.
    seen : mapping, optional
        What is known of the death: ``seen``, ``signal``, ``exit_status``.
    registry : Path, optional
        The registry to tell. One that can't be written is warned about.

    Returns
    -------
    Path
        Where the run is now.

    Raises
    ------
    OSError
        The record could not be written: the run stays where it is, to be filed by someone else.
    """
    return end(run_dir, seen, "crashed", registry)


def end(run_dir: Path, seen: Mapping[str, Any] | None, status: str, registry: Path | None) -> Path:
    """File an end as `file_crash` does; `status` may also be ``lost``."""
    from scitex_session_core._death.post_mortem import write_crash  # no run that ends well needs it

    with Exclusive(run_dir):
        try:
            found = write_crash(run_dir, seen, status)
        except FileNotFoundError:  # where locks are none, another filer moves it under our hands
            found = write_crash(run_dir, seen, status)
        if found is None:
            return whereabouts(run_dir)
        run_dir, record = found
        moved = move_to_finished(run_dir, str(record["status"]))
        _tidy(moved)
    if registry is not None:
        _tell(registry, record, moved)
    return moved


def _tidy(run_dir: Path) -> None:
    for name in (RECORD_NAME, CONFIG_NAME, CLOCK_NAME):
        remove_leftovers(run_dir / name)
    if os.path.exists(half_made := half_made_copy(run_dir)):  # the run died while it was copied
        import shutil

        shutil.rmtree(half_made, ignore_errors=True)
    try:
        # Its last beat stands in the record.
        os.unlink(run_dir / HEARTBEAT_NAME)
    except OSError:
        pass  # there was none, or the directory is read-only: it harms nobody


def _tell(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    try:
        tell_end(registry, record, run_dir)
    except OSError as error:
        warn(f"the registry {registry} could not be told of {run_dir}: {error}")
