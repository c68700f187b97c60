"""Which process runs a session, and whether that very process still lives."""

from __future__ import annotations

import os
import sys

from ._paths import CLOCK_NAME, HEARTBEAT_NAME, out_dir_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_LINUX = sys.platform == "linux"
_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def identify(pid: int | None = None) -> dict[str, Any]:
    """Describe a process of this machine so that it can be told from every other, for ever.

    Parameters
    ----------
    pid : int, optional
        The process; the caller by default.

    Returns
    -------
    dict
        ``user``, ``host``, ``boot_id``, ``pid_ns``, ``pid``, ``start_ticks``, ``rank``. A pid is
        used again, and so is a host name: only pid and start time, in one boot and one PID
        namespace, name a process. What the system does not tell is None.
    """
    pid = os.getpid() if pid is None else pid
    return {
        "user": _user(),
        "host": host(),
        "boot_id": boot_id(),
        "pid_ns": _pid_namespace(),
        "pid": pid,
        "start_ticks": start_ticks(pid),
        "rank": _rank(),
    }


def liveness(process: object) -> str:
    """Tell whether the process that a record describes is ``"alive"``, ``"dead"`` or ``"unknown"``.

    Only what is known to be gone is dead: no process of that pid, a zombie, or one that started at
    another time. Another host, boot or PID namespace, and a process hidden from us, are unknown:
    there, `life` asks the heartbeat. A namespace whose number was used
    before is no exception: its processes started at other times than those that went with it.
    """
    if not isinstance(process, dict) or not isinstance(pid := process.get("pid"), int) or pid <= 0:
        return "unknown"
    here = (host(), boot_id(), _pid_namespace())
    if here != (process.get("host"), process.get("boot_id"), process.get("pid_ns")):
        return "unknown"
    if _LINUX and None in here:  # without /proc, nothing tells one namespace from another
        return "unknown"
    ticks = process.get("start_ticks")
    if not _LINUX:
        return _liveness_by_psutil(pid, ticks)
    if (stat := _proc_stat(pid)) is not None:
        state, found_ticks = stat
        return "dead" if state in "ZXx" else _by_start(found_ticks, ticks)
    # It is gone; or /proc is missing, of another PID namespace, or hides the processes of others.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "dead"
    except OverflowError:  # no process can have such a number
        return "dead"
    except PermissionError:
        pass  # it exists, and is somebody else's
    return "unknown"


def start_ticks(pid: int) -> int | None:
    """Return when a process started; None where the system does not tell.

    In clock ticks since boot on Linux, raw as /proc has them, since psutil's conversion to seconds
    since 1970 moves when the clock is set; elsewhere in centiseconds since 1970.
    """
    if _LINUX:
        stat = _proc_stat(pid)
        return stat[1] if stat else None
    import psutil

    try:
        return round(psutil.Process(pid).create_time() * 100)
    except psutil.Error:
        return None


def host() -> str:
    """Return the name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "")


def boot_id() -> str | None:
    """Return what changes with every boot of this machine; None where there is no such thing."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return os.fsdecode(file.read().strip())
    except OSError:
        return None


def _liveness_by_psutil(pid: int, ticks: object) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return "dead"
        return _by_start(round(process.create_time() * 100), ticks)
    except psutil.NoSuchProcess:
        return "dead"
    except psutil.Error:
        return "unknown"


def _by_start(found: int | None, recorded: object) -> str:
    if found is None or not isinstance(recorded, int):
        return "unknown"
    return "alive" if found == recorded else "dead"


def _proc_stat(pid: int) -> tuple[str, int | None] | None:
    """Return (state, start time) from ``/proc/<pid>/stat``, see proc(5), fields 3 and 22.

    The start time is that of the machine, also in a time namespace, where ``/proc`` shifts it by
    the namespace's own boot; None where that is not by whole ticks.

    None altogether where there is none, and where ``/proc`` belongs to another PID namespace than
    we do (``unshare --pid`` without a ``/proc`` of its own): its 4242 is not our 4242.
    """
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return None
        with open(f"/proc/{pid}/stat", "rb") as file:
            content = file.read()
    except OSError:
        return None
    # The name of the program stands in brackets and may itself hold brackets and blanks.
    fields = content[content.rindex(b")") + 2 :].split()
    shift = _clock_shift()
    return chr(fields[0][0]), None if shift is None else int(fields[19]) - shift


def _clock_shift() -> int | None:
    """Return by how many ticks our time namespace shifts times since boot (time_namespaces(7))."""
    try:
        with open("/proc/self/timens_offsets", "rb") as file:
            offsets = {name: rest for name, *rest in map(bytes.split, file)}
    except OSError:  # a kernel that has no such namespaces
        return 0
    seconds, nanoseconds = map(int, offsets.get(b"boottime", (0, 0)))
    return None if nanoseconds else seconds * os.sysconf("SC_CLK_TCK")


def _rank() -> int | None:
    texts = (os.environ.get(name, "") for name in _RANK_VARIABLES)
    return next((int(text) for text in texts if text.isdecimal()), None)


def _pid_namespace() -> int | None:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def _user() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; a container whose user has no entry
        return os.environ.get("USER") or os.environ.get("USERNAME") or ""


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


def oom_kills() -> int | None:
    """Return how many processes of our control group the kernel has killed for want of memory.

    From ``memory.events``, or ``memory.oom_control`` of the first version of control groups; two
    small files to read. None where there is no such group, as outside Linux.
    """
    try:
        with open("/proc/self/cgroup", "rb") as file:  # "4:memory:/path"; "0::/path" of the second
            groups = dict(line.rstrip(b"\n").split(b":", 2)[1:] for line in file)
        if b"memory" in groups:
            path = b"/sys/fs/cgroup/memory" + groups[b"memory"] + b"/memory.oom_control"
        else:
            path = b"/sys/fs/cgroup" + groups[b""] + b"/memory.events"
        with open(path, "rb") as file:
            return int(dict(map(bytes.split, file))[b"oom_kill"])
    except (OSError, KeyError, ValueError):
        return None
