"""Which rank of which job this process is, by the variables of torchrun, MPI and SLURM.

Imported only where a launcher says that there are several ranks.
"""

from __future__ import annotations

import os
from itertools import count

from scitex_session_core import Rank, identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

RANK_VARIABLES = (
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    *("GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_NAME", "ROLE_WORLD_SIZE"),
    *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_ERROR_FILE"),
    *("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    *("OMPI_COMM_WORLD_LOCAL_SIZE", "PMI_RANK", "PMI_SIZE", "PMI_JOBID", "PMIX_RANK"),
    *("PMIX_NAMESPACE", "MPI_LOCALNRANKS", "MPI_LOCALRANKID"),
    *("SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS"),
)
"""What tells a process its rank. A program that is no rank of the job must not inherit them."""

# Of MPI's launchers, what the ranks of one start have in common.
_MPI_JOBS = ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "PMI_JOBID", "PMI_PORT")
# How many ranks of the job are on this node, for each launcher that says so.
_LOCAL_SIZES = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")
_RESTARTS = {"torchrun": "TORCHELASTIC_RESTART_COUNT"}

_sessions = count(1)


def rank_of(
    found: tuple[str, int, int], script: Path | None, run: Mapping[str, Any]
) -> tuple[Rank, str] | None:
    """Return the rank whose session begins now, and the job it belongs to.

    Parameters
    ----------
    found : tuple of (str, int, int)
        Launcher, rank and size, as the random streams see them.
    script : Path or None
        The script.
    run : mapping
        What a run has announced to its children, of which this process may be one: ``job``, of
        which it is a rank, and ``pid``.

    Returns
    -------
    tuple of (Rank, str) or None
        None in a job that nothing names, and in a program that a rank has started: it inherits
        the variables, and runs in one rank perhaps.
    """
    launcher, number, size = found
    facts, start = _inherited(launcher), _start(size)
    if not any((*facts, start)):
        return None
    job = " ".join([launcher.replace(" ", ""), *(fact or "-" for fact in facts)])
    if run.get("job") == job and run.get("pid") != os.getpid():
        return None
    fixed = f"{job} {start or '-'} {script or '-'} {next(_sessions)}"
    restart = _named(_RESTARTS.get(launcher, "SLURM_RESTART_COUNT"))
    restarts = int(restart) if restart.isdecimal() else 0
    earlier = tuple(f"{fixed} {number}" for number in reversed(range(restarts)))
    kind = "MPI" if launcher == "Open MPI" else launcher
    return Rank(number, size, kind, f"{fixed} {restarts}", earlier), job


def _inherited(launcher: str) -> list[str]:
    """Return what all processes of a job have in common, those that its ranks start too."""
    facts = [_named("SLURM_CLUSTER_NAME"), _named("SLURM_JOB_ID")]
    if launcher == "torchrun":
        address, port = _named("MASTER_ADDR"), _named("MASTER_PORT")
        return [*facts, _named("TORCHELASTIC_RUN_ID"), f"{address}:{port}" if address else ""]
    if launcher == "SLURM":
        return [*facts, _named("SLURM_STEP_ID")]
    # Not the step: mpirun starts its ranks on other nodes by a step of their own.
    return [*facts, *map(_named, _MPI_JOBS)]


def _start(size: int) -> str:
    """Name the launcher that started all ranks, if they are all on this node; else an empty text.

    Two launches in a row may agree in all that the ranks inherit.
    """
    if not any(_named(name) == str(size) for name in _LOCAL_SIZES):
        return ""
    # torchrun's folder of logs: ranks that are wrapped in a script have a parent each.
    folder, found, _ = _named("TORCHELASTIC_ERROR_FILE").rpartition("/attempt_")
    if found:
        return folder
    parent = identify(os.getppid())
    return f"{parent['host']}/{parent['boot_id']}/{parent['pid']}@{parent['start_ticks']}"


def _named(variable: str) -> str:
    return os.environ.get(variable, "")
