"""Stop a run: kindly, then firmly; on this machine, or by its scheduler."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from scitex_session._errors import UnstoppableRunError
from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    current_status,
    file_crash,
    identify,
    job_of,
    liveness,
    registry_dir,
)

from .facts import how_it_ended
from .names import named_run
from .output import OK, printable, say, say_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .names import Run

_PATIENCE_S = 10.0
_PATIENCE = "a number of seconds, 0 or more"
# The companion files a death within milliseconds, after the last of the output has been shown.
_FILING_S = 5.0
_PAUSE_S = 0.02
# SLURM gives a job some time between SIGTERM and SIGKILL: KillWait, 30 s by default.
_CANCELLING_S = 60.0
_ASKING_S = 0.5  # between two looks at a job


def stop(
    run: str | os.PathLike[str],
    *,
    now: bool = False,
    patience: float = _PATIENCE_S,
    tell: Callable[[str], object] | None = None,
) -> dict[str, Any]:
    """Stop a run of this machine, or of a job of SLURM, and wait for its end.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.
    now : bool
        Kill it at once: it can't clean up.
    patience : float
        The seconds that it has to clean up before it is killed.
    tell : callable, optional
        Called with a sentence for each step.

    Returns
    -------
    dict
        Its record, with the end. A run that has ended already is left as it is.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError
        No run is known by this name, several are, or its record can't be read.
    InvalidTypeError, InvalidValueError
        `patience` is no number of seconds.
    UnstoppableRunError
        It runs on another machine and in no job, in another container, or as another user; or it
        does not end.

    Notes
    -----
    The process on record is asked to end by SIGTERM, which the run files as its end. A pid alone
    may be another program's by now: the process is signalled only if host, boot, PID namespace, pid
    and start are those on record. A run of another machine whose job the scheduler knows is stopped
    by ``scancel``, which ends the whole job, with SIGTERM first.
    """
    if isinstance(patience, bool) or not isinstance(patience, int | float):
        raise InvalidTypeError("patience", patience, _PATIENCE)
    if not 0 <= patience < float("inf"):
        raise InvalidValueError("patience", patience, _PATIENCE)
    tell = tell or (lambda _: None)
    found = named_run(run)
    record = found.record()
    if record.get("status") != "running":
        return record
    status = current_status(record, found.place)
    process = record.get("process")
    is_here = liveness(process) == "alive"
    if not is_here and status == "crashed":
        return _ended(found, _PAUSE_S)
    if not is_here and status not in ("running", "lost", "unknown"):
        return found.record()
    user = process.get("user") if isinstance(process, dict) else None
    if user and user != identify()["user"]:
        raise UnstoppableRunError(found.id, f"it is a run of the user {printable(str(user))}")
    if not is_here:
        job = job_of(record)
        if job is None or (job.state == "REQUEUED" and not job.is_over):
            raise UnstoppableRunError(found.id, _why_not(process, status))
        if not job.is_over:
            _cancel(found, job.number, tell)
        return _ended(found, _PAUSE_S)
    assert isinstance(process, dict)
    pid = process["pid"]
    handle = _Handle(found.id, process)
    try:
        if not now:
            handle.send(signal.SIGTERM)
            tell(f"asked process {pid} to end; it has {patience:g} s")
            if handle.gone_within(patience):
                return _ended(found, _FILING_S)
            tell(f"process {pid} did not end within {patience:g} s: killing it")
        handle.send(getattr(signal, "SIGKILL", signal.SIGTERM))
        if not handle.gone_within(_FILING_S):
            why = f"process {pid} was killed, and is still there: the system is waiting for a disk"
            raise UnstoppableRunError(found.id, why)
    finally:
        handle.close()
    return _ended(found, _FILING_S)


def _cancel(run: Run, job: str, tell: Callable[[str], object]) -> None:
    """Have SLURM end a job, and wait until it is over."""
    import subprocess

    try:
        done = subprocess.run(
            ["scancel", job],  # noqa: S607  # that of the cluster, wherever it is installed
            capture_output=True,
            text=True,
            timeout=_CANCELLING_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnstoppableRunError(run.id, f"its job {job} can't be cancelled: {error}") from None
    if done.returncode:
        why = printable(done.stderr.strip())
        raise UnstoppableRunError(run.id, f"its job {job} can't be cancelled: {why}")
    tell(f"cancelled job {job} of SLURM, with all that runs in it")

    def is_over() -> bool:
        record = run.record()
        found = job_of(record)
        return record.get("status") != "running" or (found is not None and found.is_over)

    if not _until(is_over, _CANCELLING_S, _ASKING_S):
        raise UnstoppableRunError(run.id, f"its job {job} was cancelled, and is not over yet")


def _until(is_so: Callable[[], bool], seconds: float, pause: float = _PAUSE_S) -> bool:
    """Wait until something is so, or the time is over; return whether it is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


class _Handle:
    """A process that, where that can be had, is not mistaken for a later one of its number."""

    def __init__(self, run_id: str, process: dict[str, Any]) -> None:
        self._id, self._process, self._descriptor = run_id, process, -1
        with suppress(
            AttributeError, OSError
        ):  # no Linux, or an old one; or it is gone, as told next
            self._descriptor = os.pidfd_open(process["pid"])

    def send(self, signum: int) -> None:
        if liveness(self._process) != "alive":  # after the handle was had: the number is its own
            return
        try:
            if self._descriptor >= 0:
                signal.pidfd_send_signal(self._descriptor, signum)
            else:
                os.kill(self._process["pid"], signum)
        except ProcessLookupError:
            pass
        except PermissionError:
            user = self._process.get("user")
            raise UnstoppableRunError(self._id, f"it runs as the user {user}") from None

    def gone_within(self, seconds: float) -> bool:
        return _until(lambda: liveness(self._process) != "alive", seconds)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _why_not(process: object, status: str) -> str:
    theirs = process if isinstance(process, dict) else {}
    mine = identify()
    if theirs.get("host") and theirs["host"] != mine["host"]:
        silent = ", and its heartbeat stopped" if status == "lost" else ""
        return f"it runs on {theirs['host']}{silent}; stop it there"
    if theirs.get("pid") is None:
        return "nobody knows its process"
    if theirs.get("boot_id") != mine["boot_id"]:
        return "it was started in an earlier boot of this machine, or on another one of this name"
    if theirs.get("pid_ns") != mine["pid_ns"]:
        return "it runs in another container of this machine; stop it there"
    return f"its process {theirs['pid']} can't be seen from here"


def _ended(run: Run, patience: float) -> dict[str, Any]:
    """Wait for the end to be filed, or else file it; return the record."""
    if not _until(lambda: run.record().get("status") != "running", patience):
        # Its companion died, too.
        file_crash(run.directory(), registry=registry_dir())
    return run.record()


def stop_command(run: str, /, *, now: bool = False, json: bool = False) -> int:
    """Stop a run of this machine, or of a job of SLURM, and wait for its end.

    Its process is asked to end (SIGTERM), and killed if it has not ended after 10 seconds. The job
    of a run on another machine is cancelled (scancel).

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    now : bool
        Kill it at once: it can't clean up.
    json : bool
        Print its ID, status, exit status, reason and directory as a JSON object.
    """
    before = named_run(run)
    record = stop(before.id if before.session else run, now=now, tell=_say)
    if json:
        told = {n: record.get(n) for n in ("id", "status", "exit_status", "reason", "ended")}
        say_json({**told, "directory": os.fspath(before.directory())})
    else:
        say(printable(f"{before.id}: {how_it_ended(record)}"))
    return OK


def _say(text: str) -> None:
    say(text, sys.stderr)
    sys.stderr.flush()
