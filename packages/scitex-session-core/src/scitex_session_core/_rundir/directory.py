"""A run directory, made when a run begins and moved when it ends; and the link to the newest."""

from __future__ import annotations

import errno
import json
import os
import stat
from functools import cache
from pathlib import Path

from scitex_session_core._atomic import OpenDirectory, names_in, opened, read_regular
from scitex_session_core._errors import InvalidTypeError, InvalidValueError, say, warn
from scitex_session_core._paths import (
    LATEST_NAME,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    SUCCESSES,
    absolute,
    finished_dir,
    make_folders,
    new_id,
    out_dir_for,
    out_dir_name,
    state_dir,
)

_LONGEST_SUFFIX = 100
_MOST_MOVES = 3
_MOST_BYTES = 1 << 28  # of a record that may be ours
_LONGEST_TARGET = 1000  # bytes of a small file that stands for the link `latest`


class RunDir(OpenDirectory):
    """A claimed run directory, held open.

    Parameters
    ----------
    session_id : str
        The ID of the run.
    path : Path
        The directory, ``<out>/RUNNING/<ID>[-<suffix>]`` or the `sdir` that was given.
    out_dir : Path
        The directory that holds the runs of the script, or the `sdir`.
    attempt : int
        The number of the attempt, starting at 1.

    Attributes
    ----------
    id : str
        The ID of the run.
    attempt : int
        The number of the attempt.
    path : Path
        Where the directory is.
    out_dir : Path
        The directory that holds the runs of the script, or the `sdir`.

    Raises
    ------
    OSError
        The directory can't be opened.
    """

    __slots__ = ("attempt", "id", "out_dir")

    def __init__(self, session_id: str, path: Path, out_dir: Path, attempt: int = 1) -> None:
        self.id = session_id
        self.attempt = attempt
        self.out_dir = out_dir
        super().__init__(path, follow=path == out_dir, keep=True)

    def stands_for(self, other: OpenDirectory) -> bool:
        """Return whether another directory under our path is ours, made anew or copied.

        A script may remove its directory and make it again. A directory of another user is not
        ours, and neither is that of another run of this user, which somebody put there.
        """
        try:
            record = json.loads(other.read(RECORD_NAME, _MOST_BYTES))
        except FileNotFoundError:
            return other.is_own()
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(record, dict) and record.get("id") == self.id and other.is_own()


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
        The script that runs. Without one, the directory lies in the user's state directory.
    sdir : path-like, optional
        The run directory itself. It is made if missing, and never moved. A first record is written
        to it at once, so that no other run can claim it.
    suffix : str, optional
        A text to append to the name of the directory.
    clear : bool
        Delete what an earlier run left in `sdir` (record, events, logs), instead of keeping it
        there under ``previous/<ID>/``. Other files are never touched.
    debug : bool
        Put ``DEBUG_`` before the ID: it is a debug run.
    out : path-like, optional
        The folder for ``<script>_out``; by default ``$SCITEX_SESSION_OUT_DIR``, or else the folder
        of the script.

    Returns
    -------
    RunDir

    Raises
    ------
    InvalidValueError
        `suffix` can't be part of a file name, or `sdir` lies in a folder ``RUNNING``.
    RunDirectoryBusyError
        Another run writes to `sdir`, or may write to it.
    OSError
        `sdir` can't be made or written to; or there is no place at all where a run could be kept.

    Notes
    -----
    The directory is claimed with an exclusive ``mkdir``, so that no two runs can share it, however
    many start in the same second. Where the folder can't be written to, a warning says so, and the
    directory is made in the user's state directory or, if that fails too, in a temporary one.
    """
    _check_suffix(suffix)
    if sdir is not None:
        from .claim import claim_sdir, make_sdir

        directory = absolute(sdir)
        if directory.is_symlink():
            check_place(directory)
        make_sdir(directory)
        claimed = RunDir(new_id(debug=debug), directory, directory)
        claim_sdir(claimed, claimed.id, clear=clear)
        return claimed
    out_dir = None
    try:
        out_dir = out_dir_for(script, out)
        claimed = _claim(out_dir, suffix, debug=debug)
        if script is None and out_dir.parent == _in_state_dir():
            _say_once(f"no script: runs are kept in {out_dir}")
        return claimed
    except OSError as error:
        trouble = error
    for fallback in (_in_state_dir, _in_temporary_dir):
        try:
            claimed = _claim(fallback() / out_dir_name(script), suffix, debug=debug)
        except OSError:
            continue
        why = f"can't write to {out_dir} ({trouble.strerror})" if out_dir else trouble.strerror
        # Not its own directory, which is no longer in RUNNING once the run has ended.
        warn(f"{why}: this run is kept in {claimed.out_dir}")
        return claimed
    why = "and neither the user's state directory nor a temporary one can be written"
    raise OSError(trouble.errno, f"{trouble.strerror}, {why}", trouble.filename) from None


@cache
def _say_once(message: str) -> None:
    """Say something at most once in this process."""
    say(message)


def _claim(out_dir: Path, suffix: str | None, *, debug: bool) -> RunDir:
    running = out_dir / RUNNING
    check_place(out_dir)
    make_folders(running)  # in the user's state directory, closed to others
    for name in (RUNNING, *STATUS_OF_FOLDER):
        check_place(out_dir / name)
    if _ignore_in_git(out_dir):
        _warn_of_open_place(out_dir)
    while True:
        session_id = new_id(debug=debug)
        path = running / (f"{session_id}-{suffix}" if suffix else session_id)
        try:
            path.mkdir()
        except FileExistsError:
            continue
        claimed = RunDir(session_id, path, out_dir)
        # Who may write there may have put another directory in its place by now, or, while it was
        # made, a link in that of a folder above it.
        for place in (out_dir, running):
            check_place(place)
        if claimed.names() or not claimed.is_own() or claimed.locate() != path:
            raise PermissionError(errno.EPERM, "another user replaced it", str(path))
        return claimed


def check_place(place: Path) -> None:
    """Raise if another user made `place`, and can lead us astray there.

    Whoever owns a folder can replace all that is in it. That alone is no reason: a group may share
    the folder that one of them made. One that anyone may write to is a trap, or soon will be one.
    A link is as good as its owner, by the rule of Linux's ``fs.protected_symlinks``.

    Raises
    ------
    PermissionError
        It is a link, or a folder that anyone may write to, of a user who is not root.
    """
    if not hasattr(os, "geteuid"):
        return
    try:
        found = os.lstat(place)
    except OSError:  # there is none; or what comes next fails for the same reason, and says so
        return
    link = stat.S_ISLNK(found.st_mode)
    if found.st_uid in (0, os.geteuid()) or not (link or found.st_mode & stat.S_IWOTH):
        return
    with opened(place.parent if link else place) as folder:
        if folder.given_owner() == found.st_uid:  # as everybody is on this file system
            return
    why = "is a link of another user" if link else "is another user's, and anyone may write to it"
    raise PermissionError(errno.EPERM, f"{place.name} {why}", str(place))


def _warn_of_open_place(out_dir: Path) -> None:
    """Warn, when the first run is made in it, if others can move and replace runs."""
    for place in (out_dir.parent, out_dir, out_dir / RUNNING):
        mode = os.stat(place).st_mode
        if os.name == "posix" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            warn(f"anyone may write to {place}: other users can move and replace your runs there")
            return


def _in_state_dir() -> Path:
    return state_dir() / "runs"


def _in_temporary_dir() -> Path:
    import tempfile

    # A new directory that only this user can enter: in a folder that all users share, a directory
    # whose name can be guessed may be another user's.
    try:
        return Path(tempfile.mkdtemp(prefix="scitex-session-"))
    except OSError:  # all is read-only, as in hardened containers; shared memory seldom is
        return Path(tempfile.mkdtemp(prefix="scitex-session-", dir="/dev/shm"))


def _ignore_in_git(out_dir: Path) -> bool:
    """Write a ``.gitignore``, and return whether there was none: this is the first run here."""
    try:
        with open(out_dir / ".gitignore", "xb") as file:
            file.write(b"*\n")
    except FileExistsError:  # written by an earlier run, or the user's own
        return False
    return True


def _check_suffix(suffix: object) -> None:
    if suffix is None:
        return
    allowed = f"a text of at most {_LONGEST_SUFFIX} bytes that can be part of a file name"
    if not isinstance(suffix, str):
        raise InvalidTypeError("sdir_suffix", suffix, allowed)
    fits = suffix.isprintable() and len(suffix.encode()) <= _LONGEST_SUFFIX
    if not fits or any(c in suffix for c in '/\\:*?"<>|'):
        raise InvalidValueError("sdir_suffix", suffix, allowed)


def move_to_finished(
    run_dir: Path | RunDir,
    status: str,
    *,
    remove_src_dir: bool = True,
    max_wait: float = 60,
) -> Path:
    """Move a run to the directory that its status names.

    Parameters
    ----------
    run_dir : Path or RunDir
        ``<out>/RUNNING/<name>``. A directory that lies elsewhere (an explicit `sdir`, a run that
        was moved before) stays where it is. A `RunDir` is found where somebody has moved it, and
        has its new `path` afterwards.
    status : str
        The status of the run: ``success``, ``finished``, or any other for ``FINISHED_ERROR``.
    remove_src_dir : bool
        False copies the run and keeps the source.
    max_wait : float
        The most seconds that a copy may take. A rename takes none.

    Returns
    -------
    Path
        Where the run is now. It is `run_dir` if the run could not be moved, and a warning says so.
        A run that is already there (another process was quicker, or the source was kept) is left
        as it is.

    Notes
    -----
    A rename is atomic, and as quick for 100 GB as for an empty directory. Where it is impossible,
    since another file system is mounted there, the files are copied under a temporary name,
    compared, synced, and then renamed, so that nothing unfinished ever has the final name.
    """
    if not isinstance(run_dir, RunDir):
        return _moved(run_dir, finished_dir(run_dir, status), remove_src_dir, max_wait)
    named = run_dir.path
    trouble: OSError | None = None
    for _ in range(_MOST_MOVES):
        try:
            source = run_dir.locate()
        except OSError as error:
            trouble = trouble or error
            break
        target = finished_dir(source, status)
        if target != source:  # under its own name, whatever it was called meanwhile
            target = target.with_name(named.name)
        moved = _moved(source, target, remove_src_dir, max_wait)
        try:
            run_dir.move_to(moved)
            return moved
        except OSError as error:  # somebody replaced the directory right before the rename
            trouble = error
        try:
            os.rename(moved, source)
        except OSError:
            break
    warn(f"{named} is not the directory of this run any more: {trouble}")
    return run_dir.path


def _moved(run_dir: Path, target: Path, remove_src_dir: bool, max_wait: float) -> Path:
    if target == run_dir:
        return run_dir
    try:
        if _is_run(target):
            return target
        target.parent.mkdir(exist_ok=True)
        check_place(target.parent)
        if remove_src_dir and _rename(run_dir, target):
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
        if _is_run(target):
            return target
        warn(f"{run_dir} could not be moved to {target}: {error}; it stays where it is")
        return run_dir


def _is_run(target: Path) -> bool:
    return os.path.exists(target / RECORD_NAME)


def _rename(run_dir: Path, target: Path) -> bool:
    try:
        os.rename(run_dir, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def point_latest(run_dir: Path) -> None:
    """Let ``<out>/latest`` lead to a successful run that has just ended.

    Parameters
    ----------
    run_dir : Path
        ``<out>/FINISHED_SUCCESS/<name>``. For a run that lies elsewhere nothing happens.

    Raises
    ------
    OSError
        The link can't be made.

    Notes
    -----
    The link is replaced by one rename, so that there is always one. Where the file system has no
    links, it is a small file that holds what the link would. A `latest` of the user's own stays as
    it is, with a warning. One that is a copy of a run (``cp -rL`` follows the link) gets another
    name: it would lead to that run for ever.
    """
    if run_dir.parent.name != SUCCESSES:
        return
    latest = run_dir.parent.parent / LATEST_NAME
    if _is_copy(latest):
        os.rename(latest, latest.with_name(f"{LATEST_NAME}.{os.urandom(4).hex()}.copy"))
    elif os.path.lexists(latest) and _target(latest) is None:
        warn(f"{latest} is not ours, so it does not lead to the newest run; rename it for that")
        return
    target = f"{SUCCESSES}/{run_dir.name}"
    temporary = latest.with_name(f".{LATEST_NAME}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            os.symlink(target, temporary)
        except (OSError, NotImplementedError):
            temporary.write_bytes(os.fsencode(target) + b"\n")
        os.replace(temporary, latest)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def repoint_latest(out_dir: Path) -> None:
    """Let ``<out>/latest`` lead to the newest successful run that is left, if its own is gone.

    Where none is left, the link is removed. A `latest` of the user's own stays as it is, with a
    warning.

    Parameters
    ----------
    out_dir : Path
        The directory that holds the runs of a script.

    Raises
    ------
    OSError
        The link can't be made or removed.
    """
    latest = out_dir / LATEST_NAME
    if not os.path.lexists(latest):
        return
    target = _target(latest)
    if target is None:
        warn(f"{latest} is not ours, so it stays as it is")
    elif not os.path.exists(out_dir / target / RECORD_NAME):
        newest = latest_run(out_dir)
        if newest is None:
            latest.unlink()
        else:
            point_latest(newest)


def _is_copy(latest: Path) -> bool:
    """Tell whether `latest` is a copy of a run, which a program has made that follows links."""
    if os.path.islink(latest):
        return False
    try:
        copied = read_regular(latest / RECORD_NAME, _MOST_BYTES)
        run_id = str(json.loads(copied)["id"])
        runs = latest.with_name(SUCCESSES)
        names = [name for name in os.listdir(runs) if name.startswith(run_id)]
        return any(read_regular(runs / name / RECORD_NAME, _MOST_BYTES) == copied for name in names)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def latest_run(out_dir: Path) -> Path | None:
    """Return the newest successful run below ``<script>_out``; None if there is none.

    It is where `latest` leads to. Where there is no such link, as in folders of earlier versions,
    or where its run is gone, it is the run with the latest name, which begins with its start.
    """
    target = _target(out_dir / LATEST_NAME)
    if target is not None and os.path.exists(out_dir / target / RECORD_NAME):
        return out_dir / target
    names = sorted(names_in(out_dir / SUCCESSES), key=_after_debug, reverse=True)
    runs = (out_dir / SUCCESSES / name for name in names)
    return next((run for run in runs if os.path.exists(run / RECORD_NAME)), None)


def _after_debug(name: str) -> str:
    return name.removeprefix("DEBUG_")


def _target(latest: Path) -> str | None:
    """Return where a `latest` of ours leads to, relative to its folder; None if it is not ours."""
    try:
        target = os.readlink(latest)
    except OSError:
        try:
            target = os.fsdecode(read_regular(latest, _LONGEST_TARGET)).rstrip("\n")
        except OSError:  # there is none, or it is a folder
            return None
    folder, _, name = target.partition("/")
    return target if folder == SUCCESSES and name and "/" not in name else None
