"""The process that runs a session: its identity, and whether it is still alive."""

from __future__ import annotations

import os
import sys

from ._atomic import open_regular
from ._paths import HEARTBEAT_NAME, PROBE_NAME, out_dir_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_LINUX = sys.platform == "linux"
_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")

# The companion touches the heartbeat this often. A client of NFS may see attributes that are a
# minute old, and a busy machine may miss a beat or two: silence is five missing beats.
BEAT_S = 30.0
LOST_AFTER_S = 5 * BEAT_S


def identify(pid: int | None = None) -> dict[str, Any]:
    """Describe a process of this machine so that it can never be taken for another one.

    Parameters
    ----------
    pid : int, optional
        The process; the caller by default.

    Returns
    -------
    dict
        ``user``, ``host``, ``boot_id``, ``pid_ns``, ``pid``, ``start_ticks``, ``rank``; None for
        what the system does not tell. Pids and host names are used again: only pid and start
        time, within one boot and one PID namespace, name a process.
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

    A process is dead only if it is known to be gone: there is no such pid, it is a zombie, or it
    started at another time. A process of another host, boot or PID namespace, or one that is
    hidden from us, is unknown; `observed_status` asks its heartbeat. That the kernel may use the
    number of a namespace again does no harm: the processes of the two started at other times.
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
    """Return when a process started; None if the system does not tell.

    On Linux in clock ticks since boot, as /proc has them: psutil converts them to seconds since
    1970, which move when the clock is set. Elsewhere in centiseconds since 1970.
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
    """Return the ID of this boot of this machine; None where there is none."""
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

    The start time counts from the machine's boot, also in a time namespace, where ``/proc`` counts
    from the namespace's; it is None if the two differ by a part of a tick.

    The result is None if there is no such process, and if ``/proc`` belongs to another PID
    namespace than we do (``unshare --pid`` without a ``/proc`` of its own): its 4242 is not ours.
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
    """Return the ticks by which our time namespace shifts times since boot; time_namespaces(7)."""
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


def observed_status(process: object, run_dir: Path | None = None) -> str:
    """Tell the status of a run whose record says that it is running.

    Parameters
    ----------
    process : object
        The ``process`` of its record.
    run_dir : Path, optional
        The run directory, for the heartbeat of a run whose process can't be looked at from here.

    Returns
    -------
    {"running", "crashed", "lost", "unknown"}
        ``lost``: five beats are missing, and the run may come back (its machine was suspended, its
        network was away). ``unknown``: there is no heartbeat, or its file server does not tell the
        time.
    """
    known = liveness(process)
    if known != "unknown":
        return "running" if known == "alive" else "crashed"
    if run_dir is None:
        return "unknown"
    if _of_an_earlier_boot(process, run_dir):
        return "crashed"
    silence = _silence(run_dir)
    if silence is None or silence < -BEAT_S:  # the clock was set back, nobody knows how far
        return "unknown"
    return "running" if silence < LOST_AFTER_S else "lost"


def _of_an_earlier_boot(process: object, run_dir: Path) -> bool:
    """Tell whether a run died with an earlier boot of this machine, which now has its disk.

    Host name and boot ID are not enough, since machines are cloned. But only one kernel at a time
    writes to the file system of a block device, which network file systems do not have.
    """
    if not _LINUX or not isinstance(process, dict):
        return False
    now, then = boot_id(), process.get("boot_id")
    if not (now and then) or now == then or process.get("host") != host():
        return False
    try:
        return os.major(os.stat(run_dir).st_dev) != 0
    except OSError:
        return False


def _silence(run_dir: Path) -> float | None:
    """Return the seconds since a run's last heartbeat, by the clock of its file server, or None.

    Our own clock may be hours off the server's, and off that of the machine that runs it.
    """
    try:
        # First this: if we are suspended between the two, a run must not look silent.
        now = _touch(out_dir_of(run_dir))
        # Only at an open does a client of NFS ask the server.
        descriptor = open_regular(run_dir / HEARTBEAT_NAME)
        try:
            beat = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return now.st_mtime - beat.st_mtime if now.st_dev == beat.st_dev else None


def _touch(directory: Path) -> os.stat_result:
    """Touch a new file in `directory`, as the companion touches the heartbeat, and return its stat.

    Its modification time is the server's time now.
    """
    probe = directory / f".{PROBE_NAME}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.utime(probe)
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def memory_group() -> tuple[str, str] | None:
    """Return the root of the control groups of memory, and the path of ours; None if we have none.

    The root is ``/sys/fs/cgroup``, or ``/sys/fs/cgroup/memory`` of the first version of groups.
    """
    try:
        with open("/proc/self/cgroup", "rb") as file:  # "4:memory:/path"; "0::/path" of the second
            groups = dict(os.fsdecode(line).rstrip("\n").split(":", 2)[1:] for line in file)
    except (OSError, ValueError):
        return None
    if "memory" in groups:
        return "/sys/fs/cgroup/memory", groups["memory"]
    return ("/sys/fs/cgroup", groups[""]) if "" in groups else None


def oom_kills() -> int | None:
    """Return how many processes of our control group the kernel has killed for lack of memory.

    It is None where there is no such group, as outside Linux.
    """
    if (group := memory_group()) is None:
        return None
    root, path = group
    name = "memory.oom_control" if root.endswith("/memory") else "memory.events"
    try:
        with open(f"{root}{path}/{name}", "rb") as file:
            return int(dict(map(bytes.split, file))[b"oom_kill"])
    except (OSError, KeyError, ValueError):
        return None
