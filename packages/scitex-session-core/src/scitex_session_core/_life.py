"""Whether a run is alive: by its process, or else by its heartbeat."""

from __future__ import annotations

import os
import sys

from ._layout import CLOCK_NAME, HEARTBEAT_NAME, out_dir_of
from ._process import boot_id, host, liveness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# The companion's beat. A client of NFS may see attributes that are a minute old, and a busy machine
# may miss a beat or two: five of them missing is silence.
BEAT_S = 30.0
LOST_AFTER_S = 5 * BEAT_S


def life(process: object, run_dir: Path | None = None) -> str:
    """Tell whether a run that nobody ended is running, and what became of it if not.

    Parameters
    ----------
    process : object
        What its record says of its process.
    run_dir : Path, optional
        Where it is: there its heart beats, for those who can't look at its process.

    Returns
    -------
    {"running", "crashed", "lost", "unknown"}
        ``lost``: its heart has been silent for five beats, and it may yet come back (a machine that
        was suspended, a network that was away). ``unknown``: there is no heartbeat, or its file
        server's time can't be had.
    """
    known = liveness(process)
    if known != "unknown":
        return "running" if known == "alive" else "crashed"
    if run_dir is None:
        return "unknown"
    if _of_an_earlier_boot(process, run_dir):
        return "crashed"
    silence = _silence(run_dir)
    if silence is None or silence < -BEAT_S:  # the clock was set back: how far, nobody knows
        return "unknown"
    return "running" if silence < LOST_AFTER_S else "lost"


def _of_an_earlier_boot(process: object, run_dir: Path) -> bool:
    """Tell whether a run died with its machine: the disk it wrote to is that of this boot, now.

    A name and a boot alone don't tell, since machines are cloned. But one kernel at a time writes
    to the file system of a block device; those of a network have no such device.
    """
    if sys.platform != "linux" or not isinstance(process, dict):
        return False
    now, then = boot_id(), process.get("boot_id")
    if not (now and then) or now == then or process.get("host") != host():
        return False
    try:
        return os.major(os.stat(run_dir).st_dev) != 0
    except OSError:
        return False


def _silence(run_dir: Path) -> float | None:
    """Return for how many seconds of its file server a run's heart has been silent, if that tells.

    Our own clock may be hours off that of the machine which runs it, and off the server's.
    """
    try:
        # This first: if we are suspended between the two, a run must not look silent for it.
        now = _touched(out_dir_of(run_dir))
        # Opened, since only then does a client of NFS ask the server.
        descriptor = os.open(run_dir / HEARTBEAT_NAME, os.O_RDONLY)
        try:
            beat = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return now.st_mtime - beat.st_mtime if now.st_dev == beat.st_dev else None


def _touched(directory: Path) -> os.stat_result:
    """Touch a file in `directory` as the companion touches the heartbeat, and say when that was."""
    probe = directory / f".{CLOCK_NAME}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.utime(probe)
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
