"""The directory of a run: where it is made, and how it is claimed."""

from __future__ import annotations

from pathlib import Path

from ._errors import InvalidTypeError, InvalidValueError, warn
from ._ids import new_id
from ._layout import RUNNING
from ._places import absolute, out_dir_for, out_dir_name, state_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

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
        from ._sdir import claim_sdir

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
