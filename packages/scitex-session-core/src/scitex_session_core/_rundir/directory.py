"""A run directory from its start to its end: made, moved, and filed if its run died."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import time
from pathlib import Path

from scitex_session_core._atomic import OpenDirectory, opened, remove_leftovers
from scitex_session_core._errors import (
    InvalidTypeError,
    InvalidValueError,
    RecordError,
    warn,
)
from scitex_session_core._paths import (
    CONFIG_NAME,
    HEARTBEAT_NAME,
    PROBE_NAME,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    DirectoryLock,
    absolute,
    finished_dir,
    locate_run,
    make_folders,
    new_id,
    out_dir_for,
    out_dir_name,
    state_dir,
    unfinished_copy,
)
from scitex_session_core._process import observed_status
from scitex_session_core._record.record import read_record
from scitex_session_core._registry.journal import register_crash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_LONGEST_SUFFIX = 100
_MOST_MOVES = 3
_MOST_BYTES = 1 << 28  # of a record that may be ours


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

    Attributes
    ----------
    id : str
        The ID of the run.
    path : Path
        Where the directory is.
    out_dir : Path
        The directory that holds the runs of the script, or the `sdir`.

    Raises
    ------
    OSError
        The directory can't be opened.
    """

    __slots__ = ("id", "out_dir")

    def __init__(self, session_id: str, path: Path, out_dir: Path) -> None:
        self.id = session_id
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
        Put ``DEBUG_`` before the ID, for a run that debugs.
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
        `sdir` can't be made or written to.

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
            _check_place(directory)
        make_sdir(directory)
        claimed = RunDir(new_id(debug=debug), directory, directory)
        claim_sdir(claimed, claimed.id, clear=clear)
        return claimed
    out_dir = None
    try:
        out_dir = out_dir_for(script, out)
        return _claim(out_dir, suffix, debug=debug)
    except OSError as error:
        trouble = error
    for refuge in (_in_state_dir, _in_temporary_dir):
        try:
            claimed = _claim(refuge() / out_dir_name(script), suffix, debug=debug)
        except OSError:
            continue
        why = f"can't write to {out_dir} ({trouble.strerror})" if out_dir else trouble.strerror
        warn(f"{why}: this run is kept in {claimed.path}")
        return claimed
    raise trouble


def _claim(out_dir: Path, suffix: str | None, *, debug: bool) -> RunDir:
    running = out_dir / RUNNING
    _check_place(out_dir)
    make_folders(running)  # in the user's state directory, closed to others
    for name in (RUNNING, *STATUS_OF_FOLDER):
        _check_place(out_dir / name)
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
        # Who may write to RUNNING may have put another directory in its place by now.
        if claimed.names() or not claimed.is_own():
            raise PermissionError(errno.EPERM, "another user replaced it", str(path))
        return claimed


def _check_place(place: Path) -> None:
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
    if not suffix.isprintable() or any(c in suffix for c in '/\\\\:*?"<>|'):
        raise InvalidValueError("sdir_suffix", suffix, allowed)
    if len(suffix.encode()) > _LONGEST_SUFFIX:
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
        _check_place(target.parent)
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


def crash_command(run_dir: Path, registry: Path | None) -> list[str]:
    """Return the command that files the crash of a run, for a process that watches it.

    Parameters
    ----------
    run_dir : Path
        The run directory.
    registry : Path or None
        The registry in which the end is registered.

    Returns
    -------
    list of str
        The command. It takes one more argument, a JSON object of what the watcher saw: ``seen``
        (when, in ISO 8601), ``signal``, ``exit_status``; each may be null.

    Notes
    -----
    Python starts isolated and without site-packages (``-I -S``): it takes milliseconds, and nothing
    in the user's working directory or environment can break it. What it reads on stdin, if
    anything, is the code of `code_dir` as it was while the run went on, for the case that it is
    there no more.
    """
    arguments = [str(code_dir().parent), str(run_dir), str(registry or "")]
    return [sys.executable, "-I", "-S", "-c", _START, *arguments]


def code_dir() -> Path:
    """Return the folder of this package's code, which the crash command imports."""
    # With the folder above, it is found however the user's Python found it.
    return Path(__file__).absolute().parents[1]


# First the package where it was. A long run may outlive it: an upgrade has removed it, or put one
# there that fails. Then the code counts that the watcher has kept and gives on stdin: for each file
# a line with its path, a line with its length, and its content.
_START = """
import os, sys
folder, *rest = sys.argv[1:]
PACKAGE = "scitex_session_core"

def crash_main():
    from scitex_session_core._rundir.directory import crash_main
    return crash_main(rest)

class Kept:
    def __init__(self, text):
        self.files = {}
        while text:
            path, length, text = text.split(b"\\n", 2)
            names = os.fsdecode(path)[:-3].split(os.sep)
            names = names[:-1] if names[-1] == "__init__" else names
            is_package = path.endswith(b"__init__.py")
            self.files[".".join([PACKAGE, *names])] = text[:int(length)], is_package
            text = text[int(length):]

    def find_spec(self, name, path=None, target=None):
        if name in self.files:
            from importlib.util import spec_from_loader
            return spec_from_loader(name, self, is_package=self.files[name][1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = os.path.join(folder, *module.__name__.split(".")) + ".py"
        exec(compile(self.files[module.__name__][0], module.__file__, "exec"), vars(module))

sys.path.insert(0, folder)
try:
    status = crash_main()
except Exception:
    text = sys.stdin.buffer.read() if sys.stdin else b""
    if not text:
        raise
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.meta_path.insert(0, Kept(text))
    status = crash_main()
sys.exit(status)"""


def crash_main(argv: list[str]) -> int:
    """Run the command that `crash_command` returns."""
    run_dir, registry, seen = argv
    try:
        place = _own_place(Path(run_dir))
        file_crash(place, json.loads(seen), registry=Path(registry) if registry else None)
    except OSError as error:
        warn(f"the crash of {run_dir} could not be filed: {error}; the next run of it tries again")
        return 1
    return 0


def _own_place(run_dir: Path) -> Path:
    """Return the directory of a run of this user, if another user's stands in its place.

    Raises
    ------
    PermissionError
        There is none beside it.
    """
    place = locate_run(run_dir)
    if run_dir.parent.name != RUNNING or _made_by_us(place) is not False:
        return run_dir
    for name in os.listdir(run_dir.parent):
        found = run_dir.parent / name
        try:
            if _made_by_us(found) and run_dir.name.startswith(read_record(found)["id"]):
                return found
        except RecordError:
            continue
    raise PermissionError(errno.EPERM, "another user replaced it", str(place))


def _made_by_us(directory: Path) -> bool | None:
    """Return whether a directory is this user's; None if there is none."""
    try:
        with OpenDirectory(directory, follow=False) as found:
            return found.is_own()
    except FileNotFoundError:
        return None
    except OSError:  # a link, for one
        return False


def file_crash(
    run_dir: Path, seen: Mapping[str, Any] | None = None, *, registry: Path | None = None
) -> Path:
    """Write the end of a dead run into its record, and move it to ``FINISHED_ERROR``.

    A run that wrote its last record and died before the move did end as its record says, and is
    moved where its status says. A directory without a record, and a run whose process is alive,
    are left alone. Several processes may file the same crash; what only one of them saw is kept.

    Parameters
    ----------
    run_dir : Path
        The run directory, at its first place or where it is now.
    seen : mapping, optional
        What a witness saw of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    registry : Path, optional
        The registry in which the end is registered. If it can't be written, a warning says so.

    Returns
    -------
    Path
        Where the run is now.

    Raises
    ------
    OSError
        The record could not be written. The run stays where it is, for another process to file.
    """
    return _file(run_dir, seen, "crashed", registry)


def _file(
    run_dir: Path, seen: Mapping[str, Any] | None, status: str, registry: Path | None
) -> Path:
    from scitex_session_core._death.post_mortem import write_crash  # no run that ends well needs it

    with DirectoryLock(run_dir):
        try:
            found = write_crash(run_dir, seen, status)
        except FileNotFoundError:  # without locks, another process moved it meanwhile
            found = write_crash(run_dir, seen, status)
        if found is None:
            return locate_run(run_dir)
        run_dir, record = found
        moved = move_to_finished(run_dir, str(record["status"]))
        _clean_up(moved)
    if registry is not None:
        try:
            register_crash(registry, record, run_dir, moved)
        except OSError as error:
            warn(f"the end of {moved} could not be registered in {registry}: {error}")
    return moved


def _clean_up(run_dir: Path) -> None:
    for name in (RECORD_NAME, CONFIG_NAME, PROBE_NAME):
        remove_leftovers(run_dir / name)
    if os.path.exists(unfinished := unfinished_copy(run_dir)):  # the run died while it was copied
        import shutil

        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        os.unlink(run_dir / HEARTBEAT_NAME)  # the record has the time of the last beat
    except OSError:
        pass  # there is none, or the directory is read-only: no harm done


def reap(
    root: Path,
    *,
    registry: Path | None = None,
    force: bool = False,
    most: int | None = None,
    within: float | None = None,
) -> list[Path]:
    """File the ends of runs whose processes are dead.

    A run that wrote its last record and died before the move is moved where its status says. A
    directory without a record is left alone, and so are runs of other machines, and runs of which
    nobody can tell whether they live.

    Parameters
    ----------
    root : Path
        A folder. The runs in every ``RUNNING`` folder below it are checked.
    registry : Path, optional
        The registry in which the ends are registered.
    force : bool
        Also file runs of other machines that are ``lost`` (they missed five heartbeats), with the
        status ``lost``. Only you can know that their machines are not suspended.
    most : int, optional
        Check no more runs than this, and only those directly in ``root/RUNNING``. So much may a
        run do for others at its end.
    within : float, optional
        Check no further run after this many seconds.

    Returns
    -------
    list of Path
        Where the reaped runs are now.
    """
    deadline = None if within is None else time.monotonic() + within
    reaped = []
    for run_dir in _runs_below(root) if most is None else _sample(_runs_in(root), most):
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            status = _status_to_file(run_dir, force=force)
            if status is not None:
                reaped.append(_file(run_dir, None, status, registry))
        except RecordError:
            continue  # not a run of ours
        except OSError as error:
            warn(f"the crash of {run_dir} could not be filed: {error}")
    return reaped


def _status_to_file(run_dir: Path, *, force: bool) -> str | None:
    """Return ``crashed``, with `force` also ``lost``; None for a run to be left alone."""
    if locate_run(run_dir) != run_dir:
        return None  # another process moved it, or a late child made the directory again
    record = read_record(run_dir)
    status = str(record.get("status"))
    if status != "running" and (finished_dir(run_dir, status) / RECORD_NAME).exists():
        return None  # the source of a copy, kept on purpose
    found = observed_status(record.get("process"), run_dir)
    return found if found == "crashed" or (force and found == "lost") else None


def _runs_below(root: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(root, onerror=_warn_skipped):
        if RUNNING in names:
            yield from _runs_in(Path(folder))
            # What is in the directories of runs belongs to the users.
            names[:] = [name for name in names if name != RUNNING and name not in STATUS_OF_FOLDER]


def _runs_in(out_dir: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(out_dir / RUNNING))
    except OSError:
        return []
    remove_leftovers(out_dir / PROBE_NAME)
    return [out_dir / RUNNING / name for name in names]


def _sample(run_dirs: list[Path], most: int) -> list[Path]:
    if len(run_dirs) <= most:
        return run_dirs
    # Begin anywhere: from the first, eight runs of other machines would always hide the rest.
    first = int.from_bytes(os.urandom(4), "big") % len(run_dirs)
    return (run_dirs[first:] + run_dirs[:first])[:most]


def _warn_skipped(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # it disappeared in the meantime
        warn(f"runs below {error.filename} are left as they are: {error.strerror}")
