"""The records of a run that several processes share: the ranks of a job.

Rank 0 writes the record at the root of the run directory, which is also that of the run. The others
write their own in ``rank-<k>/``. Until the last of them has ended, the record at the root says
``running``, and keeps the end of rank 0 in ``ranks``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import NamedTuple

from scitex_session_core._errors import RecordError
from scitex_session_core._paths import RANK_PREFIX, rank_dir
from scitex_session_core._process import observed_status

from .record import as_dict, attempt_of, ended_record, is_job_over, read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any, TypeAlias

    # A rank, its status now, and its own record; None of one that has not come.
    State: TypeAlias = tuple[int, str, dict[str, Any] | None]

WAIT_S = 60.0
"""How long after the start of a run a rank may come."""

# The status of a run is that of the rank that comes first here.
_WORST_FIRST = ("crashed", "missing", "lost", "failed", "finished", "success")
_SIGTERM = 15
_OF_THE_END = ("status", "exit_status", "reason", "ended", "duration_s")


class Rank(NamedTuple):
    """A process of a job of several, all of which share a run.

    Attributes
    ----------
    number : int
        The rank, from 0 on.
    size : int
        How many there are.
    launcher : str
        What started them: ``torchrun``, ``MPI``, ``SLURM``.
    key : str
        What only they have in common: the job, the script, the number of the session in it.
    earlier : tuple of str
        The keys that they had before their launcher restarted them, the last one first.
    """

    number: int
    size: int
    launcher: str
    key: str
    earlier: tuple[str, ...] = ()

    def on_record(self) -> dict[str, Any]:
        """Return the ``ranks`` of the record."""
        return {"size": self.size, "launcher": self.launcher.lower(), "key": self.key}


def ranks_of(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the ``ranks`` of the record of a run; None if it has none, or is a rank's own."""
    ranks = as_dict(record.get("ranks"))
    is_whole = isinstance(ranks.get("size"), int) and not as_dict(record.get("process")).get("rank")
    return ranks if is_whole else None


def without_others(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a run as that of its rank 0 alone; another record as it is."""
    ranks = ranks_of(record)
    end = None if ranks is None else as_dict(ranks.get("ended")).get("0")
    return {**record, **end} if isinstance(end, dict) else record


def with_others(own: dict[str, Any], whole: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the record of rank 0, which has ended, as that of its run.

    Parameters
    ----------
    own : dict
        The record of rank 0 alone. Any other record stays as it is.
    whole : mapping, optional
        The record of the run. If it tells the end of the run, so does what is returned.
    """
    ranks = ranks_of(own)
    if ranks is None:
        return own
    told = {"status": "running"} if whole is None or whole["status"] == "running" else whole
    end = {name: told.get(name) for name in _OF_THE_END}
    ended = {**as_dict(ranks.get("ended")), "0": _end(own)}
    return {**own, **end, "ranks": {**ranks, "ended": ended}}


def rank_states(run_dir: Path, record: dict[str, Any], first: int = 0) -> Iterator[State]:
    """Yield each rank of a run, its status now, and its own record.

    Beside those of a run, a status is ``expected`` of a rank that has not come yet, which has no
    record, and ``missing`` of one that has not come within `WAIT_S`.

    Parameters
    ----------
    run_dir : Path
        Where the run is.
    record : dict
        Its record.
    first : int
        The rank to begin with. A rank that has just ended begins with its neighbour: if all began
        with rank 0, a thousand ranks that end at once would read a million records.
    """
    size = (ranks_of(record) or {"size": 0})["size"]
    job_is_over = is_job_over(record)
    for number in range(size):
        rank = (first + number) % size
        place = rank_dir(run_dir, rank)
        own = _record_of(place, record, rank)
        if own is None:
            is_late = _age_s(record) >= WAIT_S
            yield (rank, "missing", _missing()) if is_late else (rank, "expected", None)
            continue
        status = str(own["status"])
        if status == "running":
            status = observed_status(own.get("process"), place)
            if job_is_over and status in ("lost", "unknown"):
                status = "crashed"
        yield rank, status, own


def _record_of(place: Path, record: dict[str, Any], rank: int) -> dict[str, Any] | None:
    if rank == 0:
        return without_others(record) if record.get("process") else None
    try:
        own = read_record(place)
    except RecordError:
        return None
    return own if own["id"] == record["id"] and "status" in own else None


def _age_s(record: Mapping[str, Any]) -> float:
    try:
        started = datetime.fromisoformat(str(record.get("started")))
        return (datetime.now(UTC) - started).total_seconds()
    except (ValueError, TypeError):  # of no use; or without a time zone
        return WAIT_S


def observed_ranks(run_dir: Path, record: dict[str, Any]) -> str:
    """Tell the status of a run of several ranks whose record says that it is running."""
    found = set()
    for _, status, _ in rank_states(run_dir, record):
        if status in ("running", "expected"):
            return "running"
        found.add(status)
    if "unknown" in found:
        return "unknown"
    return _of_run(min(found, key=_badness_of))


def _of_run(status: str) -> str:
    return "crashed" if status == "missing" else status


def settled_record(record: dict[str, Any], found: list[State]) -> dict[str, Any]:
    """Return the record of a run all of whose ranks have ended.

    Its status is the worst of theirs; exit status and reason are those of the first rank that ended
    so. One that died of a SIGTERM is no reason where another failed: launchers end all others so.
    """
    ends = {rank: _end(own or {}) for rank, _, own in _by_rank(found)}
    worst = min(ends, key=lambda rank: _badness(ends[rank]))
    end = ends[worst]
    status = _of_run(end["status"])
    ended = max((str(each["ended"]) for each in ends.values() if each["ended"]), default=None)
    reason = dict(end["reason"] or {})
    return {
        **ended_record(
            record,
            exit_status=end["exit_status"],
            reason=reason if status in ("success", "finished") else {**reason, "rank": worst},
            message=str(record.get("message") or ""),
            status=status,
            ended=ended,
        ),
        "artifacts": _artifacts(record, found),
        "ranks": {**record["ranks"], "ended": {str(rank): end for rank, end in ends.items()}},
    }


def _by_rank(found: list[State]) -> list[State]:
    return sorted(found, key=lambda state: state[0])


def _badness(end: Mapping[str, Any]) -> tuple[int, bool, str]:
    reason = end["reason"] or {}
    told_to_end = reason.get("kind") == "signal" and reason.get("signal") == _SIGTERM
    status = "missing" if reason.get("kind") == "missing" else str(end["status"])
    return _badness_of(status), told_to_end, str(end["ended"] or "")


def _badness_of(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else 0


def _end(record: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: record.get(name) for name in _OF_THE_END}
    return {**told, "host": as_dict(record.get("process")).get("host")}


def _missing() -> dict[str, Any]:
    unknown = dict.fromkeys(("exit_status", "ended", "duration_s", "host"))
    return {
        "status": "crashed",
        "reason": {"kind": "missing", "waited_s": round(WAIT_S)},
        **unknown,
    }


def _artifacts(record: Mapping[str, Any], found: list[State]) -> list[dict[str, Any]]:
    """Return the files of all ranks, their paths relative to the directory of the run."""
    attempt = attempt_of(record)
    others = tuple(f"{RANK_PREFIX}{rank}/" for rank in range(1, record["ranks"]["size"]))
    files = [
        artifact  # of rank 0: what stands there of the others was merged before
        for artifact in record.get("artifacts") or ()
        if not str(artifact["path"]).startswith(others) or attempt_of(artifact) != attempt
    ]
    for rank, _, own in _by_rank(found):
        if rank == 0 or own is None:
            continue
        for artifact in own.get("artifacts") or ():
            path = str(artifact["path"])
            if not artifact.get("run") and not os.path.isabs(path):
                path = f"{RANK_PREFIX}{rank}/{path}"
            files.append({**artifact, "path": path})
    distinct = {(str(f["path"]), str(f.get("role")), str(f.get("run"))): f for f in files}
    return [*distinct.values()]
