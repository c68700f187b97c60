"""What the scheduler says of the job in which a run died: SLURM is asked by its own commands.

The numbers of jobs are used again, and after a requeue the number names the next attempt. So an
answer counts only if cluster, user and node are those on record, and the job ran when the run
began.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from scitex_session_core._errors import warn
from scitex_session_core._paths import EVENTS_NAME, HEARTBEAT_NAME, LOG_NAMES, RECORD_NAME
from scitex_session_core._process import observed_status
from scitex_session_core._record.record import append_event, as_dict, fold_events, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

_SLURM = "slurm"
_PATIENCE_S = 2.0
# In these states a job is over; see squeue(1), "JOB STATE CODES". The first three tell nothing of
# when the run died: the node was gone before SLURM knew it, a script may go on after a kill.
_WHENEVER = {"BOOT_FAIL", "NODE_FAIL", "OUT_OF_MEMORY"}
_AT_ITS_END = {"CANCELLED", "DEADLINE", "PREEMPTED", "REQUEUED", "TIMEOUT"}
_OVER = {*_WHENEVER, *_AT_ITS_END, "COMPLETED", "FAILED", "REVOKED"}
# Two heartbeats: a run that was silent for longer had died before its job ended. Also how far the
# clocks of node and controller may differ.
_SLACK = timedelta(seconds=60)
# What the scheduler sends. Of another signal, or an exit status, it knows no more than we do.
_ITS_SIGNALS = (None, 9, 15)

_is_silent = False  # it did not answer this process in time, and is not asked again


class Job(NamedTuple):
    """The job of a run, in the attempt in which the run began.

    Attributes
    ----------
    number : str
        Its number; of a task of an array, ``23_4``.
    state : str
        Its state, as SLURM spells it: ``RUNNING``, ``TIMEOUT``. ``REQUEUED`` where only a later
        attempt is known.
    ended : datetime or None
        When it ended; None where it has not, or nobody knows.
    exit_code : str
        What its batch script ended with, as SLURM has it: exit status and signal, ``0:11``.
    is_over : bool
        Whether none of its processes can be alive.
    """

    number: str
    state: str
    ended: datetime | None
    exit_code: str
    is_over: bool


def with_cause(record: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Return the record of a dead run with what the scheduler says of the end of its job.

    The scheduler is asked where a run was killed in a job, or where nobody can tell whether it
    lives: a job that is over is proof of death. The answer is kept as an event, so that it is asked
    once. An answer that does not come within two seconds changes nothing.

    Parameters
    ----------
    record : dict
        The record.
    run_dir : Path
        Where the run is.

    Returns
    -------
    dict
        The record; with an answer, its ``reason`` has ``scheduler``, ``job`` and, where that is why
        the run died, ``cause``: the state in which the job ended, such as ``TIMEOUT``.
    """
    if not is_unexplained(record):
        return record
    process = record.get("process")
    if record.get("status") == "running" and observed_status(process, run_dir) == "running":
        return record
    found = job_of(record)
    if found is None:
        return record
    # While SLURM ends a job, a run that got SIGTERM may already ask why.
    why = record.get("status") != "running" and found.state in _AT_ITS_END
    if not (found.is_over or why):
        return record
    # Before the event is written, which no longer is a sign of life.
    died = parse_time(record.get("ended")) or last_sign_of_life(run_dir)
    said = {
        "scheduler": _SLURM,
        "job": found.number,
        "cause": _cause(found, record, died),
        "state": found.state,
        "exit_code": found.exit_code,
        "died": died and died.isoformat(timespec="microseconds"),
        "attempt": record.get("attempt", 1),
    }
    try:
        append_event(run_dir, "scheduler", **said)
    except OSError:  # another user's run, or an archived one: the answer is shown, not kept
        pass
    return fold_events(record, [{"event": "scheduler", **said}])


def is_unexplained(record: Mapping[str, Any]) -> bool:
    """Tell whether a scheduler may know more of the end of a run than its record."""
    reason = as_dict(record.get("reason"))
    if "SLURM_JOB_ID" not in as_dict(record.get("env")) or "scheduler" in reason:
        return False
    if record.get("status") == "running":
        return True
    is_its = reason.get("signal") in _ITS_SIGNALS and reason.get("exit_status") is None
    killed = reason.get("kind") in ("crashed", "lost") and not reason.get("out_of_memory")
    asked_to_end = reason.get("kind") in ("signal", "stopped")
    return is_its and (killed or asked_to_end)


def job_of(record: Mapping[str, Any]) -> Job | None:
    """Ask the scheduler for the job in which a run began; None if it does not know."""
    env, process = as_dict(record.get("env")), as_dict(record.get("process"))
    asked = _Asked(
        job=_number(env),
        cluster=str(env.get("SLURM_CLUSTER_NAME") or ""),
        user=str(process.get("user") or ""),
        node=str(env.get("SLURMD_NODENAME") or ""),
        restarts=_integer(env.get("SLURM_RESTART_COUNT")),
        started=parse_time(record.get("started")),
    )
    if _is_silent or None in asked or "" in asked:
        return None
    deadline = time.monotonic() + _PATIENCE_S
    return asked.controller(deadline) or asked.accounting(deadline)


def last_sign_of_life(run_dir: Path) -> datetime | None:
    """Return when a run last wrote to one of its files, the best guess at when it died."""
    times = []
    for name in (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, *LOG_NAMES):
        try:
            times.append((run_dir / name).lstat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _cause(job: Job, record: Mapping[str, Any], died: datetime | None) -> str | None:
    """Return the state of the job if that is why the run died."""
    if job.state in _WHENEVER:
        return job.state
    if job.state == "FAILED":
        # Where the death was seen, the failure of the job only follows from it.
        return None if as_dict(record.get("reason")).get("signal") else job.state
    if job.state not in _AT_ITS_END or (died and job.ended and died < job.ended - _SLACK):
        return None
    return job.state


class _Asked(NamedTuple):
    """What the record tells of the job, and the questions about it."""

    job: str | None
    cluster: str
    user: str
    node: str
    restarts: int | None
    started: datetime | None

    def controller(self, deadline: float) -> Job | None:
        """Ask ``scontrol``, which knows jobs for some minutes (MinJobAge) after their end."""
        line = _told(deadline, "scontrol", "-o", "show", "job", str(self.job))
        told = dict(re.findall(r"(\w+)=(\S*)", line.partition("\n")[0]))
        restarts = _integer(told.get("Restarts", ""))
        state, is_ending = told.get("JobState", ""), told.get("JobState") == "COMPLETING"
        if self.restarts is None or restarts is None or restarts < self.restarts:
            return None
        if told.get("UserId", "").partition("(")[0] != self.user or not self._is_here(deadline):
            return None
        if restarts > self.restarts:
            # It speaks of a later attempt; accounting knows how ours ended.
            submitted = _utc(told.get("SubmitTime"))
            if submitted is None or not self._began_before(submitted):
                return None
            before = self.accounting(deadline) or Job(
                str(self.job), "REQUEUED", submitted, "", is_over=True
            )
            return before._replace(is_over=not is_ending)
        begin, end = _utc(told.get("StartTime")), _utc(told.get("EndTime"))
        if not self._ran_on(told.get("NodeList", ""), deadline) or not self._ran(begin, end):
            return None
        if is_ending and told.get("Reason") == "TimeLimit":
            state = "TIMEOUT"
        is_over = state in _OVER and not is_ending
        return Job(str(self.job), state, end, told.get("ExitCode", ""), is_over)

    def accounting(self, deadline: float) -> Job | None:
        """Ask ``sacct`` for every attempt: it knows old ones, where accounting is kept."""
        fields = "State,Start,End,User,NodeList,Cluster,ExitCode"
        wanted = ("-D", "-X", "-n", "-P", "-j", str(self.job), "-o", fields)
        for line in _told(deadline, "sacct", *wanted).splitlines():
            match line.split("|"):
                case [state, begin, end, self.user, nodes, self.cluster, code]:
                    ended = _utc(end)
                    if self._ran(_utc(begin), ended) and self._ran_on(nodes, deadline):
                        state = state.partition(" ")[0]  # CANCELLED by 1000
                        return Job(str(self.job), state, ended, code, state in _OVER)
        return None

    def _is_here(self, deadline: float) -> bool:
        found = re.search(r"^ClusterName\s*= *(\S+)", _told(deadline, *_CONFIG), re.MULTILINE)
        return found is not None and found[1] == self.cluster

    def _ran_on(self, nodes: str, deadline: float) -> bool:
        if "[" in nodes:
            nodes = _told(deadline, "scontrol", "show", "hostnames", nodes).replace("\n", ",")
        return self.node in nodes.split(",")

    def _ran(self, begin: datetime | None, end: datetime | None) -> bool:
        if begin is None or self.started is None or self.started < begin - _SLACK:
            return False
        return end is None or self._began_before(end)

    def _began_before(self, end: datetime) -> bool:
        return self.started is not None and self.started <= end + _SLACK


_CONFIG = ("scontrol", "show", "config")


def _told(deadline: float, *command: str) -> str:
    """Return what a command of SLURM prints; nothing where it fails, is missing or is silent."""
    global _is_silent
    from shutil import which
    from subprocess import DEVNULL, TimeoutExpired, run

    program = which(command[0])
    if program is None or _is_silent:
        return ""
    # It prints local times, in a form that users may set.
    env = {**os.environ, "TZ": "UTC", "SLURM_TIME_FORMAT": "standard", "LC_ALL": "C"}
    patience = max(0.0, deadline - time.monotonic())
    try:
        done = run(
            [program, *command[1:]],
            stdin=DEVNULL,
            capture_output=True,
            env=env,
            timeout=patience,
            check=False,
        )
    except TimeoutExpired:
        _is_silent = True
        warn(f"{command[0]} gave no answer within {_PATIENCE_S:g} s: the scheduler is not asked")
        return ""
    except OSError:  # it can't be run here
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _number(env: Mapping[str, Any]) -> str | None:
    """Return the number of a job; of a task of an array its own, which names that task alone."""
    array, task = env.get("SLURM_ARRAY_JOB_ID"), env.get("SLURM_ARRAY_TASK_ID")
    number = f"{array}_{task}" if array and task else str(env.get("SLURM_JOB_ID"))
    return number if re.fullmatch(r"[0-9]+(_[0-9]+)?", number) else None


def _integer(text: object) -> int | None:
    """Return a count; 0 where there is none, as for the first attempt of a job."""
    if text is None:
        return 0
    return int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,9}", text) else None


def _utc(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:  # Unknown, None, N/A
        return None
