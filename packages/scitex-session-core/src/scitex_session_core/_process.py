"""Which process runs a session, and whether that very process still lives."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    there, `scitex_session_core._life.life` asks the heartbeat. A namespace whose number was used
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
