"""Which file system a path lies on, where that decides what may be done there."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

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
