"""In a control group all processes end with the job, so that nobody is left to file its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.jobs import JobRun
from support.slurm import Slurm

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.cluster

CAUSES = {
    "out of memory": "OUT_OF_MEMORY",
    "segfault": "FAILED",
    "scancel": "CANCELLED",
    "time limit": "TIMEOUT",
}


@pytest.fixture(scope="module")
def dead(
    slurm_cgroup_session: Slurm, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, JobRun]:
    """Runs whose companions died with them."""
    cluster, root = slurm_cgroup_session, tmp_path_factory.mktemp("jobs")
    memory = "--mem=300M"
    runs = {
        "time limit": JobRun(cluster, root, "time limit", memory).started(),
        "scancel": JobRun(cluster, root, "scancel", memory).started(),
        "out of memory": JobRun(cluster, root, "out of memory", memory, do="fill"),
        "segfault": JobRun(cluster, root, "segfault", memory, do="crash", replaces_shell=True),
    }
    # SLURM looks for the end of time every 30 seconds.
    cluster.control("update", f"jobid={runs['time limit'].job}", "EndTime=now+2")
    cluster.cancel(runs["scancel"].job)
    for run in runs.values():
        cluster.wait(run.job)
    return runs


@pytest.mark.parametrize("case", CAUSES)
def test_the_next_reader_files_it_by_the_word_of_the_scheduler(
    case: str, dead: dict[str, JobRun], slurm_cgroup: Slurm
) -> None:
    run = dead[case]
    assert run.place.parent.name == "RUNNING"
    assert "filed 1 run" in run.command("reap", str(run.folder))
    assert run.place.parent.name == "FINISHED_ERROR"
    shown = run.shown()
    reason = shown["reason"]
    assert (shown["status"], reason["cause"], reason["job"]) == ("crashed", CAUSES[case], run.job)
    assert reason.get("exit_code") == ("0:11" if case == "segfault" else None)
    # Not when it was filed: the last sign of life.
    assert shown["duration_s"] < 60
