"""A requeued job of SLURM goes on with the run that it began."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from support import wait_until, write_script
from support.slurm import Slurm

pytestmark = pytest.mark.cluster

TRAINING = """
    import time
    from pathlib import Path
    import scitex_session as stx
    @stx.session
    def train():
        done = stx.checkpoint_dir / "done"
        print("attempt", stx.resumed(), flush=True)
        if stx.resumed():
            return {"attempts": stx.resumed(), "done": done.exists() and done.read_text()}
        for step in range(600):
            if stx.stopping():
                done.write_text(str(step))
                return
            Path("ready").touch()
            time.sleep(0.1)
    if __name__ == "__main__":
        train()
"""


def submitted(slurm: Slurm, script: Path, *options: str, start: str = "exec ") -> str:
    batch = Path("job.sh").absolute()
    batch.write_text(f"#!/bin/bash\n{start}{sys.executable} {script}\n")
    return slurm.submit(batch, "--time=5", "--requeue", *options)


def the_run(folder: str = "*") -> dict[str, Any]:
    """Give the record of the only run, and its folder."""
    (found,) = Path("script_out").glob(f"{folder}/*/session.json")
    record: dict[str, Any] = json.loads(found.read_text())
    return {**record, "folder": found.parts[-3]}


def begin_again(slurm: Slurm, job: str) -> dict[str, str]:
    """Let a requeued job begin without the two minutes that SLURM waits, and wait for its end."""
    slurm.wait(job, "PENDING")
    # In the second of its end, the node would refuse it: "Job credential revoked".
    slurm.control("update", f"jobid={job}", "StartTime=now+2")
    return slurm.wait(job)


def requeued(job: str) -> dict[str, str]:
    """What the scheduler says of an attempt that ended so."""
    return {"cause": "REQUEUED", "scheduler": "slurm", "job": job}


def test_a_job_that_is_requeued_goes_on_with_its_run_as_the_next_attempt(slurm: Slurm) -> None:
    script = write_script(TRAINING.replace("if stx.stopping():", "if False:"))
    job = submitted(slurm, script)
    wait_until(Path("ready").exists)
    slurm.control("requeue", job)
    assert begin_again(slurm, job)["JobState"] == "COMPLETED"
    run = the_run()
    assert (run["folder"], run["status"], run["attempt"]) == ("FINISHED_SUCCESS", "success", 2)
    (earlier,) = run["attempts"]
    signal = {"kind": "signal", "signal": 15, "name": "SIGTERM"}
    assert earlier["reason"] == {**signal, **requeued(job)}
    assert (earlier["env"]["SLURM_JOB_ID"], run["env"]["SLURM_RESTART_COUNT"]) == (job, "1")
    assert "the batch script keeps" not in Path(f"slurm-{job}.out").read_text()


def test_a_script_that_asks_saves_and_leaves_at_a_preemption_and_then_goes_on(slurm: Slurm) -> None:
    job = submitted(slurm, write_script(TRAINING))
    wait_until(Path("ready").exists)
    slurm.control("requeue", job)  # as a preemption does, with SIGTERM first
    assert begin_again(slurm, job)["JobState"] == "COMPLETED"
    run = the_run()
    stopped = {"kind": "stopped", "signal": 15, "name": "SIGTERM"}
    assert run["attempts"][0]["reason"] == {**stopped, **requeued(job)}
    assert run["attempts"][0]["exit_status"] == 75
    assert int(run["results"]["done"]) > 0


def test_the_signal_before_the_time_limit_lets_a_step_save_and_its_batch_script_requeue(
    slurm: Slurm,
) -> None:
    script = write_script(TRAINING)
    batch = Path("job.sh").absolute()
    batch.write_text(
        f"#!/bin/bash\nsrun {sys.executable} {script}\n"
        '[ $? -eq 75 ] && scontrol requeue "$SLURM_JOB_ID"\n'
    )
    job = slurm.submit(batch, "--time=5", "--requeue", "--signal=USR1@299")
    wait_until(lambda: slurm.job(job)["Restarts"] == "1", timeout=60)
    first = the_run()
    assert (first["folder"], first["status"], first["exit_status"]) == (
        "FINISHED_ERROR",
        "failed",
        75,
    )
    assert first["reason"] == {"kind": "stopped", "signal": 10, "name": "SIGUSR1"}
    begin_again(slurm, job)
    run = the_run()
    assert (run["status"], run["attempt"], run["env"]["SLURM_STEP_ID"]) == ("success", 2, "0")


def test_a_job_that_is_killed_with_its_companion_goes_on_and_was_told_why(slurm: Slurm) -> None:
    script = write_script(TRAINING.replace("if stx.stopping():", "if False:"))
    job = submitted(slurm, script, start="")
    wait_until(Path("ready").exists)
    assert "keeps the signals of this job from Python" in Path(f"slurm-{job}.out").read_text()
    # As where a node dies: nobody files the crash, and its processes can't be looked at.
    record = the_run("RUNNING")
    run_dir = str(Path("script_out/RUNNING", record["id"]).absolute())
    for process in psutil.process_iter(["cmdline"]):
        is_companion = any("_companion" in word for word in process.info["cmdline"] or [])
        if is_companion and any(file.path.startswith(run_dir) for file in process.open_files()):
            process.kill()
    os.kill(record["process"]["pid"], signal.SIGKILL)
    assert slurm.wait(job)["JobState"] == "FAILED"
    (found,) = Path("script_out/RUNNING").glob("*/session.json")
    found.write_text(found.read_text().replace(f'"host": "{slurm.host}"', '"host": "gone"'))
    slurm.control("requeue", job)
    assert begin_again(slurm, job)["JobState"] == "COMPLETED"
    run = the_run()
    assert (run["status"], run["attempt"]) == ("success", 2)
    assert run["attempts"][0]["status"] == "crashed"


def test_a_shell_that_passes_signals_on_is_not_warned_of(slurm: Slurm) -> None:
    script = write_script("""
        import scitex_session as stx
        @stx.session
        def main():
            pass
        if __name__ == "__main__":
            main()
    """)
    job = submitted(slurm, script, start="trap 'kill -USR1 $child' USR1\n")
    assert slurm.wait(job)["JobState"] == "COMPLETED"
    assert Path(f"slurm-{job}.out").read_text() == ""


def test_each_task_of_an_array_goes_on_with_its_own_run(slurm: Slurm) -> None:
    script = write_script(
        TRAINING.replace('Path("ready")', 'Path(f"ready-{task}")')
        .replace("done =", 'import os; task = os.environ["SLURM_ARRAY_TASK_ID"]; done =')
        .replace("if stx.stopping", 'if task == "0": return\n            if stx.stopping')
    )
    job = submitted(slurm, script, "--array=0-1")
    wait_until(Path("ready-1").exists)
    slurm.control("requeue", f"{job}_1")
    assert begin_again(slurm, f"{job}_1")["JobState"] == "COMPLETED"
    runs = [json.loads(path.read_text()) for path in Path("script_out").glob("*/*/session.json")]
    assert sorted((r["env"]["SLURM_ARRAY_TASK_ID"], r["status"], r["attempt"]) for r in runs) == [
        ("0", "success", 1),
        ("1", "success", 2),
    ]
