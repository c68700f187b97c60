"""The names of a run's files, and the directories a run passes through."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from scitex_session_core._errors import InvalidSessionIdError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

RECORD_NAME = "session.json"
EVENTS_NAME = "events.jsonl"
HEARTBEAT_NAME = "heartbeat"
CLOCK_NAME = "clock"  # of files that live for a moment, to read a file server's clock
CONFIG_NAME = "CONFIGS/CONFIG.yaml"
LOG_NAMES = ("logs/stdout.log", "logs/stderr.log", "logs/stdout.txt", "logs/stderr.txt")
DIFF_NAME = "code/changes.diff"
PREVIOUS = "previous"
COPYING = ".copying"

RUN_FILES = (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, CONFIG_NAME, *LOG_NAMES, DIFF_NAME)
"""The files of a run directory that are the session's own, relative to it."""

RUNNING = "RUNNING"
_FINISHED = {"success": "FINISHED_SUCCESS", "finished": "FINISHED"}
_ERROR = "FINISHED_ERROR"
# What a directory says of its runs where the disk was too full for the record to say it.
STATUS_IN = {"FINISHED_SUCCESS": "success", "FINISHED": "finished", _ERROR: "failed"}


def finished_place(run_dir: Path, status: str) -> Path:
    """Return where a run that ended with `status` belongs: `run_dir` itself outside ``RUNNING``."""
    if run_dir.parent.name != RUNNING:
        return run_dir
    return run_dir.parent.parent / _FINISHED.get(status, _ERROR) / run_dir.name


def out_dir_of(run_dir: Path) -> Path:
    """Return what holds the runs of a script: `run_dir` itself for one that is never moved."""
    return run_dir.parent.parent if run_dir.parent.name == RUNNING else run_dir


def half_made_copy(target: Path) -> Path:
    """Return where the copy of a run is made before it gets its name.

    Always the same, so that what a killed copier left is found without listing all runs.
    """
    return target.with_name(f".{target.name}{COPYING}")


def places(run_dir: str | os.PathLike[str]) -> list[Path]:
    """Return where a run may be by now, in the order in which it gets there."""
    run_dir = Path(run_dir)
    if run_dir.parent.name != RUNNING:
        return [run_dir]
    out_dir = run_dir.parent.parent
    return [run_dir, *(out_dir / name / run_dir.name for name in STATUS_IN)]


def whereabouts(run_dir: str | os.PathLike[str]) -> Path:
    """Return where a run is now: the place that holds its record, `run_dir` where none does.

    Whoever was told of ``RUNNING/<ID>`` (a companion, a child, another reaper) may come after the
    run has moved on.
    """
    for place in places(run_dir):
        if os.path.exists(place / RECORD_NAME):
            return place
    return Path(run_dir)


# Folders into which packages are installed, on every system.
_INSTALLED = {"dist-packages", "site-packages"}


def state_dir() -> Path:
    """Return the directory of this user for what scitex-session keeps between runs."""
    import platformdirs

    return Path(platformdirs.user_state_dir("scitex-session", appauthor=False))


def cache_dir() -> Path:
    """Return the directory of this user for what can be made anew.

    ``$SCITEX_SESSION_CACHE``, or what platformdirs says.
    """
    chosen = os.environ.get("SCITEX_SESSION_CACHE")
    if chosen:
        return absolute(chosen)
    if sys.platform == "linux":
        # What platformdirs would say: a run needs this, and should not pay 8 ms for the import.
        base = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
        return Path(base, "scitex-session")
    import platformdirs

    return Path(platformdirs.user_cache_dir("scitex-session", appauthor=False))


def out_dir_for(script: Path | None, out: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory that holds the runs of a script.

    Beside the script as ``<script without suffix>_out``, or so named under `out` or else
    ``$SCITEX_SESSION_OUT_DIR``; without a script, under `state_dir`. A package that is run
    (``python -m package``) counts as the script. For a script of an installed package, whose folder
    is no place for results, it is in the working directory.
    """
    chosen = out or os.environ.get("SCITEX_SESSION_OUT_DIR")
    if chosen:
        folder = absolute(chosen)
    elif script is None:
        folder = state_dir() / "runs"
    elif not _INSTALLED.isdisjoint(script.absolute().parts):
        folder = _working_directory()
    else:
        folder = _unit(script).parent
    return folder / out_dir_name(script)


def out_dir_name(script: Path | None) -> str:
    """Return ``<script without suffix>_out``."""
    return f"{_unit(script).stem if script else 'interactive'}_out"


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us
        return state_dir() / "runs"


def _unit(script: Path) -> Path:
    script = script.absolute()
    return script.parent if script.stem in ("__main__", "__init__") else script


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, so that a later change of the working directory changes nothing."""
    # Unlike Path.expanduser, this leaves a "~" of an unknown user as it is.
    return Path(os.path.expanduser(path)).absolute()


# Where appends of two machines may overwrite each other, and locks and shared memory may lie.
# Lustre, GPFS and CephFS are not among them: they keep O_APPEND and locks coherent.
_NETWORK = {
    *("9p", "afs", "cifs", "davfs", "fuse.glusterfs", "fuse.sshfs", "ncpfs", "nfs", "nfs4"),
    *("smb2", "smb3", "smbfs", "vboxsf", "virtiofs"),
}


def on_network(path: Path) -> bool:
    """Tell whether `path`, or what will hold it, lies on a network file system.

    Told on Linux only; elsewhere the answer is no. A file system that has no entry of its own in
    ``/proc/self/mountinfo`` (a subvolume of btrfs) is a local one.
    """
    if sys.platform != "linux":
        return False
    while True:
        try:
            device = os.stat(path).st_dev
            break
        except OSError:
            if path.parent == path:
                return False
            path = path.parent
    return _kind_of(f"{os.major(device)}:{os.minor(device)}".encode()) in _NETWORK


def _kind_of(device: bytes) -> str:
    # proc_pid_mountinfo(5): the device is the third field, the type the first after a lone dash.
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return ""
    for line in lines:
        fields = line.split(b" ")
        if len(fields) > 6 and fields[2] == device and b"-" in fields[6:]:
            return os.fsdecode(fields[fields.index(b"-", 6) + 1])
    return ""


_PATIENCE_S = 1.0
_PAUSE_S = 0.005


class Exclusive:
    """Holds a run directory against others that file a crash in it, claim it or follow its move.

    Parameters
    ----------
    run_dir : Path
        The directory, wherever it is by now; where it is gone, there is nothing to hold.

    Notes
    -----
    A run itself never holds it. The lock (flock(2), on the directory, so that no file is left) ends
    with its process, and nobody waits longer than a second for it: where a file system has no such
    lock, or lies about it, the callers still do the right thing in all but a race of microseconds.
    """

    __slots__ = ("_descriptor", "_run_dir")

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            import fcntl

            self._descriptor = self._open()
        except (ImportError, OSError):  # Windows; a directory that is gone
            return self
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            except OSError:
                return self
            else:
                return self
        return self

    def _open(self) -> int:
        try:
            return os.open(whereabouts(self._run_dir), os.O_RDONLY)
        except FileNotFoundError:  # it moved between the look and the opening, and moves once
            return os.open(whereabouts(self._run_dir), os.O_RDONLY)

    def __exit__(self, *_exc: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


# Crockford's base 32: no I, L, O or U, so that an ID can be read aloud and typed, and one case
# only, since the file systems of macOS and Windows fold case.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_RANDOM_CHARACTERS = 8


_LONGEST = 200


def new_id(now: float | None = None, *, debug: bool = False) -> str:
    """Make an ID such as ``2026Y-11M-22D-05h09m48s_K7QX2M9A``.

    Parameters
    ----------
    now : float, optional
        Seconds since the epoch; the current time by default. Shown as local time.
    debug : bool
        Whether it is a run for debugging: ``DEBUG_`` stands before the ID then.

    Returns
    -------
    str
        The start in local time, and eight random characters (40 bits) in Crockford's base 32
        (https://www.crockford.com/base32.html).

    Notes
    -----
    The characters come from the operating system, never from `random`: a script that seeds
    `random` with a constant would draw the same "random" ID in every run.
    """
    stamp = time.strftime("%YY-%mM-%dD-%Hh%Mm%Ss", time.localtime(now))
    drawn = "".join(_ALPHABET[byte & 31] for byte in os.urandom(_RANDOM_CHARACTERS))
    return f"{'DEBUG_' if debug else ''}{stamp}_{drawn}"


def check_id(session_id: object) -> str:
    """Return `session_id` if it can name a session.

    Raises
    ------
    InvalidTypeError
        It is no string.
    InvalidSessionIdError
        It is empty, too long, or could be taken for a path.
    """
    if not isinstance(session_id, str):
        raise InvalidTypeError("session_id", session_id, "a string")
    if not session_id.strip():
        raise InvalidSessionIdError(session_id, "is empty")
    if len(session_id) > _LONGEST:
        raise InvalidSessionIdError(session_id, f"has {len(session_id)} characters")
    if session_id.startswith(".") or any(c in "/\\" or not c.isprintable() for c in session_id):
        raise InvalidSessionIdError(session_id, "could be taken for a path")
    return session_id
