"""Whether the kernel killed a run because memory ran out."""

from __future__ import annotations

import os

from scitex_session_core._process import boot_id, oom_kills

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SIGKILL = 9
# The number of the machine's own PID namespace (include/linux/proc_ns.h): the kernel's log knows
# processes by their pids in that one.
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_LOG_RECORD = 8192  # the kernel refuses to give a record to a smaller buffer


def out_of_memory(process: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Tell whether a dead process is known to have been killed because memory ran out.

    Parameters
    ----------
    process : mapping
        What its record says of it; ``oom_kills`` is what the function of that name gave it.
    seen : mapping
        What a witness, in the same control group, saw of its death: ``signal``.
    """
    signal = seen.get("signal")
    if signal is None and seen.get("exit_status") is None:
        return _in_kernel_log(process)
    if signal != _SIGKILL:
        return False
    before, now = process.get("oom_kills"), oom_kills()
    if isinstance(before, int) and now is not None and now > before:
        return True
    return _in_kernel_log(process)


def _in_kernel_log(process: Mapping[str, Any]) -> bool:
    pid, ticks = process.get("pid"), process.get("start_ticks")
    if process.get("pid_ns") != _FIRST_PID_NAMESPACE or process.get("boot_id") != boot_id():
        return False
    if not isinstance(ticks, int):
        return False
    # The log is older than the process where this boot gave its pid to another one before. Its time
    # stands still while the machine is suspended, so that at worst we miss a kill.
    started_us = ticks * 10**6 // os.sysconf("SC_CLK_TCK")
    return any(
        at >= started_us and f"Killed process {pid} ".encode() in text for at, text in _kernel_log()
    )


def _kernel_log() -> list[tuple[int, bytes]]:
    """Return (microseconds since boot, text), as far as we may read it; see dev-kmsg of Linux."""
    records: list[tuple[int, bytes]] = []
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # most users may not
        return records
    try:
        while True:
            try:
                head, _, text = os.read(descriptor, _LOG_RECORD).partition(b";")
                records.append((int(head.split(b",")[2]), text))
            except BrokenPipeError:  # overwritten before we read it
                continue
    except (OSError, ValueError, IndexError):  # the end
        return records
    finally:
        os.close(descriptor)
