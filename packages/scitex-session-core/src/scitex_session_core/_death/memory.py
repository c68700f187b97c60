"""Whether the kernel killed a run for lack of memory."""

from __future__ import annotations

import os

from scitex_session_core._process import boot_id, oom_kills

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SIGKILL = 9
# The number of the machine's own PID namespace (include/linux/proc_ns.h). The pids in the kernel's
# log are of this namespace.
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_LOG_RECORD = 8192  # into a smaller buffer, the kernel gives no record


def out_of_memory(process: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Tell whether a dead process is known to have been killed for lack of memory.

    Parameters
    ----------
    process : mapping
        The ``process`` of its record. ``oom_kills`` is the count when the run began.
    seen : mapping
        What a witness in the same control group saw of the death: ``signal``, ``exit_status``.
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
    # An entry from before the start is about an earlier process of the same pid. The log's clock
    # stands still while the machine is suspended, so at worst we miss a kill.
    started_us = ticks * 10**6 // os.sysconf("SC_CLK_TCK")
    return any(
        at >= started_us and f"Killed process {pid} ".encode() in text for at, text in _kernel_log()
    )


def _kernel_log() -> list[tuple[int, bytes]]:
    """Return the kernel's log as (microseconds since boot, text), as far as we may read it."""
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
