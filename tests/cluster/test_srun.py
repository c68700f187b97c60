"""The tasks of a step of SLURM are one run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import scitex_session as stx
from support import read_json, wait_until, write_script
from support.ranks import ends, settled, the_run
from support.slurm import Slurm

pytestmark = pytest.mark.cluster

SCRIPT = """
    import os, time
    import scitex_session as stx
    @stx.session
    def main(seconds: float = 0.0, killed: int = -1):
        rank = int(os.environ["SLURM_PROCID"])
        print("this is task", rank)
        if rank == killed:
            os.kill(os.getpid(), 9)
        time.sleep(seconds)
        return {"rank": rank}
    if __name__ == "__main__":
        main()
"""


def submitted(slurm: Slurm, tmp_path: Path, command: str) -> dict[str, str]:
    """Run a command in a job of two tasks, and give what is told of the job."""
    batch = tmp_path / "job.sh"
    batch.write_text(f"#!/bin/bash\n{command}\n")
    return slurm.wait(slurm.submit(batch, "--ntasks=2", "--time=2"))


def test_the_tasks_of_a_step_are_one_run(tmp_path: Path, slurm: Slurm) -> None:
    script = write_script(SCRIPT)
    job = submitted(slurm, tmp_path, f"srun --overlap -n2 {sys.executable} {script}")
    assert job["JobState"] == "COMPLETED"
    run, record = settled()
    assert ends(record) == {"0": "success", "1": "success"}
    assert record["ranks"]["launcher"] == "slurm"
    assert record["env"]["SLURM_JOB_ID"] == job["JobId"]
    assert (run / "rank-1" / "logs" / "stdout.log").read_text() == "this is task 1\n"
    assert [found["status"] for found in stx.find()] == ["success"]


def test_the_batch_script_of_a_job_of_two_tasks_is_one_process(
    tmp_path: Path, slurm: Slurm
) -> None:
    script = write_script(SCRIPT)
    job = submitted(slurm, tmp_path, f"exec {sys.executable} {script}")
    assert job["JobState"] == "COMPLETED"
    assert "ranks" not in the_run("FINISHED_SUCCESS")[1]


def test_two_steps_of_a_job_are_two_runs(tmp_path: Path, slurm: Slurm) -> None:
    script = write_script(SCRIPT)
    step = f"srun --overlap -n2 {sys.executable} {script}"
    assert submitted(slurm, tmp_path, f"{step} && {step}")["JobState"] == "COMPLETED"
    found = [read_json(path) for path in Path("script_out").glob("FINISHED_*/*/session.json")]
    assert [ends(record) for record in found] == [{"0": "success", "1": "success"}] * 2


@pytest.mark.parametrize("killed", [0, 1])
def test_a_task_that_is_killed_fails_the_run_and_the_step(
    killed: int, tmp_path: Path, slurm: Slurm
) -> None:
    script = write_script(SCRIPT)
    options = f"--seconds 30 --killed {killed}"
    step = f"srun --overlap --kill-on-bad-exit -n2 {sys.executable} {script} {options}"
    assert submitted(slurm, tmp_path, step)["JobState"] == "FAILED"
    run, record = settled()
    assert run.parent.name == "FINISHED_ERROR"
    assert (record["status"], record["reason"]["rank"]) == ("crashed", killed)
    assert record["reason"]["signal"] == 9
    assert ends(record)[str(1 - killed)] == "failed"


def test_a_requeue_of_the_job_is_the_next_attempt(tmp_path: Path, slurm: Slurm) -> None:
    script = write_script("""
        import os, time
        import scitex_session as stx
        @stx.session
        def main():
            if "SLURM_RESTART_COUNT" not in os.environ:
                open("ready-" + os.environ["SLURM_PROCID"], "w").close()
                time.sleep(60)
        if __name__ == "__main__":
            main()
    """)
    batch = tmp_path / "job.sh"
    batch.write_text(f"#!/bin/bash\nexec srun --overlap -n2 {sys.executable} {script}\n")
    job = slurm.submit(batch, "--ntasks=2", "--time=2", "--requeue", f"--chdir={Path.cwd()}")
    for rank in (0, 1):
        wait_until(Path(f"ready-{rank}").exists)
    slurm.control("requeue", job)
    slurm.wait(job, "PENDING")
    slurm.control("update", f"jobid={job}", "StartTime=now")
    assert slurm.wait(job)["JobState"] == "COMPLETED"
    _, record = the_run("FINISHED_SUCCESS")
    assert record["attempt"] == 2
    assert ends(record) == {"0": "success", "1": "success"}
    assert [each["status"] for each in record["attempts"]] == ["failed"]
