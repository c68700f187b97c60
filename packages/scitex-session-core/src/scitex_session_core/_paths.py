"""The names of runs, of their files and of their directories, and where these lie."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from scitex_session_core._errors import InvalidSessionIdError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

APP_NAME = "scitex-session"

# The files of a run directory, relative to it.
RECORD_NAME = "session.json"
EVENTS_NAME = "events.jsonl"
HEARTBEAT_NAME = "heartbeat"
METRICS_NAME = "metrics.jsonl"
CONFIG_NAME = "CONFIGS/CONFIG.yaml"
LOG_NAMES = (
    *("logs/stdout.log", "logs/stderr.log", "logs/stdout.txt", "logs/stderr.txt"),
    *("logs/stdout.1.log", "logs/stderr.1.log"),  # what stood there before it was truncated
    "logs/order.txt",  # the lengths of both logs whenever the run turned from one to the other
)
DIFF_NAME = "code/changes.diff"

RUN_FILES = (
    RECORD_NAME,
    EVENTS_NAME,
    METRICS_NAME,
    HEARTBEAT_NAME,
    CONFIG_NAME,
    *LOG_NAMES,
    DIFF_NAME,
)
"""The files of a run directory that are the session's own, relative to it."""

LATEST_NAME = "latest"  # in <script>_out
JOBS = ".jobs"  # in <script>_out: which run the ranks of a job share
PREVIOUS = "previous"  # in an sdir: the files of earlier runs
ATTEMPTS = "attempts"  # in a run that was resumed: what earlier attempts left
PROBE_NAME = "clock"  # a file that lives for a moment, to read the clock of a file server
COPY_SUFFIX = ".copying"
ARCHIVE = "ARCHIVE"  # in <script>_out: the archives of runs
ARCHIVE_SUFFIX = ".zip"
ENVIRONMENTS = ".environments"  # in <script>_out, and in an archive: what was installed
TRASH = ".trash"  # in <script>_out: removed runs
DOOMED_SUFFIX = ".doomed"  # of what is being deleted in the trash

RUNNING = "RUNNING"
SUCCESSES = "FINISHED_SUCCESS"
_FAILURES = "FINISHED_ERROR"
_FINISHED = {"success": SUCCESSES, "finished": "FINISHED"}
# The status that a directory implies, for a run whose last record did not fit on the disk.
STATUS_OF_FOLDER = {SUCCESSES: "success", "FINISHED": "finished", _FAILURES: "failed"}

# Crockford's base 32: no I, L, O or U, so that an ID can be read aloud and typed, and one case
# only, since the file systems of macOS and Windows fold case.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_CHARACTERS = 8
_LONGEST_ID = 200
_LONGEST_NAME = 255  # in bytes, of every common file system
_NO_HOME = "there is no home directory: set HOME"

INSTALLED = frozenset({"dist-packages", "site-packages"})
"""The folders into which packages are installed, on every system."""

# Network file systems, on which appends of two machines may overwrite each other, and locks and
# shared memory fail. Lustre, GPFS and CephFS keep both coherent, so they are not among them.
_NETWORK = {
    *("9p", "afs", "cifs", "davfs", "fuse.glusterfs", "fuse.sshfs", "ncpfs", "nfs", "nfs4"),
    *("smb2", "smb3", "smbfs", "vboxsf", "virtiofs"),
}

RANK_PREFIX = "rank-"

_LOCK_PATIENCE_S = 1.0
_LOCK_PAUSE_S = 0.005


def new_id(now: float | None = None, *, debug: bool = False) -> str:
    """Make an ID such as ``2026Y-11M-22D-05h09m48s_K7QX2M9A``.

    Parameters
    ----------
    now : float, optional
        The start, in seconds since the epoch; the current time by default.
    debug : bool
        Put ``DEBUG_`` before the ID, for a run that debugs.

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
    if len(session_id) > _LONGEST_ID:
        raise InvalidSessionIdError(session_id, f"has {len(session_id)} characters")
    if session_id.startswith(".") or any(c in "/\\" or not c.isprintable() for c in session_id):
        raise InvalidSessionIdError(session_id, "could be taken for a path")
    return session_id


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, which a later change of the working directory does not move.

    Raises
    ------
    OSError
        It begins with ``~``, and the user has no home directory.
    """
    # Unlike Path.expanduser, this leaves a "~" of an unknown user as it is.
    expanded = Path(os.path.expanduser(path))
    if expanded.parts[:1] == ("~",):  # a folder of that name would be a surprise
        raise FileNotFoundError(errno.ENOENT, _NO_HOME, str(path))
    return expanded.absolute()


def state_dir() -> Path:
    """Return this user's directory for what scitex-session keeps between runs.

    Raises
    ------
    OSError
        The user has no home directory.
    """
    if sys.platform == "linux":
        return _xdg_dir("XDG_STATE_HOME", ".local/state")
    import platformdirs

    return Path(platformdirs.user_state_dir(APP_NAME, appauthor=False))


def cache_dir() -> Path:
    """Return this user's directory for what can be made again, or ``$SCITEX_SESSION_CACHE``.

    Raises
    ------
    OSError
        The user has no home directory.
    """
    chosen = os.environ.get("SCITEX_SESSION_CACHE")
    if chosen:
        return absolute(chosen)
    if sys.platform == "linux":
        return _xdg_dir("XDG_CACHE_HOME", ".cache")
    import platformdirs

    return Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing.

    Within this user's own state and cache directories nobody else may look into what is made, as
    the XDG rules ask for: it tells what the user works on. Elsewhere the umask decides.

    Raises
    ------
    OSError
        It can't be made.
    """
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = folder.parent
    mode = 0o700 if missing and _is_private(missing[0]) else 0o777
    for each in reversed(missing):
        try:
            os.mkdir(each, mode)
        except FileExistsError:
            if not os.path.isdir(each):
                raise


def _is_private(folder: Path) -> bool:
    for own in (state_dir, cache_dir):
        try:
            if folder.is_relative_to(own()):
                return True
        except OSError:  # there is no home
            continue
    return False


def _xdg_dir(variable: str, below_home: str) -> Path:
    """Return the directory that platformdirs gives on Linux. Its import would cost a run 3 ms.

    The XDG Base Directory Specification asks to ignore a relative path.
    """
    base = os.environ.get(variable, "")
    if not os.path.isabs(base):
        base = os.path.join(_home(), below_home)
    return Path(base, APP_NAME)


def _home() -> str:
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # a container whose user has no entry
            home = ""
    if not os.path.isabs(home):
        raise FileNotFoundError(errno.ENOENT, _NO_HOME)
    return home


def out_dir_for(script: Path | None, out: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory that holds the runs of a script.

    It is ``<script without suffix>_out`` beside the script, or in `out` or else
    ``$SCITEX_SESSION_OUT_DIR``; without a script, in `state_dir`. A package that is run
    (``python -m package``) counts as the script. Runs of an installed package, whose folder is no
    place for results, lie in the working directory.
    """
    chosen = out or os.environ.get("SCITEX_SESSION_OUT_DIR")
    if chosen:
        folder = absolute(chosen)
    elif script is None:
        folder = state_dir() / "runs"
    elif not INSTALLED.isdisjoint(script.absolute().parts):
        folder = _working_directory()
    else:
        folder = _script_or_package(script).parent
    return folder / out_dir_name(script)


def out_dir_name(script: Path | None) -> str:
    """Return ``<script without suffix>_out``; the beginning and a checksum of a very long name."""
    name = _script_or_package(script).stem if script else "interactive"
    encoded = os.fsencode(name)
    if len(encoded) > _LONGEST_NAME - len("_out"):
        from binascii import crc32  # a library of its own, which few runs need

        kept = encoded[: _LONGEST_NAME - len("_01234567_out")].decode("utf-8", "ignore")
        name = f"{kept}_{crc32(encoded):08x}"
    return f"{name}_out"


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us
        return state_dir() / "runs"


def _script_or_package(script: Path) -> Path:
    script = script.absolute()
    return script.parent if script.stem in ("__main__", "__init__") else script


def out_dir_of(run_dir: Path) -> Path:
    """Return the directory that holds the runs of a script; `run_dir` itself for an `sdir`."""
    return run_dir.parent.parent if run_dir.parent.name == RUNNING else run_dir


def finished_dir(run_dir: Path, status: str) -> Path:
    """Return where a run in ``RUNNING`` goes when it ends with `status`; others stay."""
    if run_dir.parent.name != RUNNING:
        return run_dir
    return run_dir.parent.parent / _FINISHED.get(status, _FAILURES) / run_dir.name


def unfinished_copy(target: Path) -> Path:
    """Return where a copy is made before it gets the name `target`.

    It is always the same place, so that what a killed copier left is found without a search.
    """
    return target.with_name(f".{target.name}{COPY_SUFFIX}")


def possible_places(run_dir: str | os.PathLike[str]) -> list[Path]:
    """Return where a run may be by now, in the order in which it gets there."""
    run_dir = Path(run_dir)
    moving = run_of_rank(run_dir)
    if moving.parent.name != RUNNING:
        return [run_dir]
    out_dir, name = moving.parent.parent, run_dir.relative_to(moving.parent)
    return [run_dir, *(out_dir / folder / name for folder in STATUS_OF_FOLDER)]


def rank_dir(run_dir: Path, rank: int) -> Path:
    """Return where a rank of a run writes: rank 0 at the root of the run directory."""
    return run_dir / f"{RANK_PREFIX}{rank}" if rank else run_dir


def is_rank_name(name: str) -> bool:
    """Tell whether a folder of a run is that of one of its ranks, by its name."""
    return name.startswith(RANK_PREFIX) and name[len(RANK_PREFIX) :].isdecimal()


def run_of_rank(place: Path) -> Path:
    """Return the directory of the run to which a rank's directory belongs; others as they are."""
    if not is_rank_name(place.name):
        return place
    run_dir = place.parent
    # An explicit `sdir` may have such a name.
    is_rank = run_dir.parent.name == RUNNING or os.path.exists(run_dir / RECORD_NAME)
    return run_dir if is_rank else place


def locate_run(run_dir: str | os.PathLike[str]) -> Path:
    """Return where a run is now: the place that holds its record, or `run_dir` if none does.

    A companion, a child or another process that knows a run as ``RUNNING/<ID>`` may look for it
    after it moved to ``FINISHED_*``.
    """
    for place in possible_places(run_dir):
        if os.path.exists(place / RECORD_NAME):
            return place
    return Path(run_dir)


def archive_of(place: str | os.PathLike[str]) -> Path | None:
    """Return the archive in which a run lies; None if it lies in a directory.

    A run in an archive has the place ``<out>/ARCHIVE/<archive>.zip/<name>``.
    """
    folder = os.path.dirname(os.fspath(place))
    is_archive = folder.endswith(ARCHIVE_SUFFIX) and os.path.isfile(folder)
    return Path(folder) if is_archive else None


def is_trashed(run_dir: Path) -> bool:
    """Tell whether a run lies in a trash."""
    return len(run_dir.parts) > 4 and run_dir.parts[-4] == TRASH


def out_dir_of_kept(place: Path) -> Path:
    """Return the directory that holds the runs of a script, of a run in any of its folders."""
    if is_trashed(place):
        return place.parents[3]
    return place.parents[1 if archive_of(place) is None else 2]


class DirectoryLock:
    """A lock on a run directory, for the milliseconds in which it changes hands.

    It keeps apart the processes that file a crash in the directory, claim it, or follow its move.

    Parameters
    ----------
    run_dir : Path
        The directory, wherever it is by now. If it is gone, there is nothing to lock.

    Notes
    -----
    A run takes this lock only to claim an explicit `sdir`. It is flock(2) on the directory, so it
    leaves no file and ends with its process. Nobody waits longer than a second for it: where a file
    system has no such lock, or only pretends to, the callers still do the right thing in all but a
    race of microseconds.
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
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE_S)
            except OSError:
                return self
            else:
                return self
        return self

    def _open(self) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY  # a named pipe there would be waited for
        try:
            return os.open(locate_run(self._run_dir), flags)
        except FileNotFoundError:  # it moved between the look and the opening, and moves once
            return os.open(locate_run(self._run_dir), flags)

    def __exit__(self, *_exc: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def on_network(path: Path) -> bool:
    """Tell whether `path`, or the nearest folder above that exists, is on a network file system.

    Only Linux is asked; elsewhere the answer is no. A file system without an entry of its own in
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
    return _file_system(f"{os.major(device)}:{os.minor(device)}".encode()) in _NETWORK


def _file_system(device: bytes) -> str:
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
