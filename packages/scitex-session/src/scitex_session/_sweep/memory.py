"""The memory that is free for more processes on this machine, or in this job."""

from __future__ import annotations

import re

from scitex_session._errors import UsageError
from scitex_session_core import memory_group

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(text: str) -> int:
    """Return the bytes of a size such as ``4G``, ``512M`` or ``1.5GiB``.

    Raises
    ------
    UsageError
        It is no size, or none at all.
    """
    match = _SIZE.fullmatch(text.strip())
    number = float(match[1]) * 1024 ** _POWERS[match[2].lower()] if match else 0
    if number < 1:
        raise UsageError(f"memory {text}: give a size such as 4G or 512M")
    return int(number)


def available_memory() -> int | None:
    """Return the bytes that processes can still take; None where that is not known.

    It is what the machine has, and at most what the control group of this process is allowed: a
    job or a container gets no more, whatever the machine has.
    """
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            found = dict(line.split()[:2] for line in file)
        machine = int(found["MemAvailable:"]) * 1024
    except (OSError, ValueError, KeyError):  # no Linux
        return None
    return min([machine, *_left_in_groups()])


def _left_in_groups() -> list[int]:
    """Return what is left of the limit of each control group that this process is in."""
    if (group := memory_group()) is None:
        return []
    root, path = group
    if root.endswith("/memory"):
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    else:
        names = ("memory.max", "memory.current", "inactive_file")
    left = []
    parts = path.strip("/").split("/")
    for depth in range(len(parts) + 1):
        folder = "/".join([root, *parts[:depth]])
        try:
            limit, used = (int(_read(f"{folder}/{name}")) for name in names[:2])
            stat = dict(line.split() for line in _read(f"{folder}/memory.stat").splitlines())
        except (OSError, ValueError):  # there is no limit ("max"), or the group is out of sight
            continue
        # What the kernel keeps of files, it gives back when it is asked for memory.
        left.append(max(limit - used + int(stat.get(names[2], 0)), 0))
    return left


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
