"""A sweep is an array of SLURM."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import read_json, read_json_lines, wait_until, write_script
from support.slurm import Slurm

pytestmark = pytest.mark.cluster

SCRIPT = """
    import os, signal, sys, time
    from pathlib import Path
    import scitex_session as stx
    import helper
    @stx.session
    def main(x: int = 0, until: str = "", fail: bool = False):
        while until and not Path(until).exists():
            time.sleep(0.05)
        return 3 if fail and x == 2 else {"value": helper.VALUE}
    if __name__ == "__main__":
        main()
"""


def script(tmp_path: Path, value: int = 1) -> Path:
    (tmp_path / "helper.py").write_text(f"VALUE = {value}\n")
    return write_script(SCRIPT, tmp_path)


def sweep(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scitex_session", "sweep", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def states(told: subprocess.CompletedProcess[str]) -> list[str]:
    return [trial["status"] for trial in json.loads(told.stdout)["trials"]]


def records(of: Path) -> list[dict[str, Any]]:
    found = [read_json(path) for path in of.parent.glob("script_out/*/*/session.json")]
    return sorted(found, key=lambda record: record["sweep"]["trial"])


def test_a_sweep_is_one_array_whose_tasks_run_the_code_of_its_submission(
    tmp_path: Path, slurm: Slurm
) -> None:
    path = script(tmp_path)
    told = sweep(path, "--x", "1..3", "--until", tmp_path / "go", "-j", "2", "--slurm=--time=2")
    assert told.returncode == 0, told.stderr
    match = re.search(r"sweep (\w+): 3 trials of script.py: .*job (\d+) of", told.stderr)
    assert match, told.stderr
    number, job = match.groups()
    # What is edited while it waits makes no difference to it.
    (tmp_path / "helper.py").write_text("VALUE = 2\n")
    path.write_text("raise SystemExit(9)\n")
    for task in "12":
        slurm.wait(f"{job}_{task}", "RUNNING")
    assert slurm.job(f"{job}_3")["JobState"] == "PENDING"  # two at a time
    assert states(sweep(number, "--json")) == ["running", "running", "waiting"]
    missing = sweep("--missing", number, "--json")
    assert missing.returncode == 0
    assert re.search("left alone, .*: trials 1, 2, 3", missing.stderr)
    (tmp_path / "go").touch()
    told = sweep(number, "--wait", "--json")
    assert told.returncode == 0
    assert states(told) == ["success"] * 3
    found = records(path)
    assert [record["results"] for record in found] == [{"value": 1}] * 3
    assert [record["sweep"]["trial"] for record in found] == [1, 2, 3]
    assert {record["sweep"]["id"] for record in found} == {number}
    assert {record["env"]["SLURM_ARRAY_JOB_ID"] for record in found} == {job}
    assert {record["script"] for record in found} == {str(path)}


def test_waiting_for_a_sweep_shows_its_runs_and_fails_where_a_trial_failed(
    tmp_path: Path, slurm: Slurm
) -> None:
    path = script(tmp_path)
    told = sweep(path, "--x", "1", "2", "--fail", "--slurm=--time=2", "--wait", "--json")
    assert told.returncode == 1, told.stderr
    assert states(told) == ["success", "failed"]
    # What failed is run again with the code as it is now, on SLURM as before.
    path.write_text(path.read_text().replace("return 3 if", "return 4 if False and"))
    again = sweep("--missing", json.loads(told.stdout)["id"], "--wait", "--json")
    assert again.returncode == 0, again.stderr
    assert states(again) == ["success", "success"]


def test_a_trial_that_ends_before_its_session_leaves_its_output(
    tmp_path: Path, slurm: Slurm
) -> None:
    told = sweep(script(tmp_path), "--y", "1", "2", "--slurm=--time=2", "--wait")
    assert told.returncode == 1
    logs = re.findall(r"its output is in (\S+)", told.stderr)
    assert len(logs) == 2
    assert "--y" in Path(logs[0]).read_text()
    assert told.stderr.count("Unknown option: --y") == 2


def test_a_requeued_task_resumes_its_run(tmp_path: Path, slurm: Slurm) -> None:
    path = script(tmp_path)
    told = sweep(path, "--x", "1", "2", "--until", tmp_path / "go", "--slurm=--time=2")
    match = re.search(r"job (\d+)", told.stderr)
    assert match
    task = f"{match[1]}_1"
    wait_until(lambda: len(records(path)) == 2)
    slurm.control("requeue", task)
    slurm.wait(task, "PENDING")
    slurm.control("update", f"jobid={task}", "StartTime=now")
    (tmp_path / "go").touch()
    slurm.wait(task)
    slurm.wait(f"{match[1]}_2")
    assert [record["attempt"] for record in records(path)] == [2, 1]


def test_what_sbatch_refuses_is_said_in_its_words(tmp_path: Path, slurm: Slurm) -> None:
    told = sweep(script(tmp_path), "--x", "1", "2", "--slurm=--partition=nowhere")
    assert told.returncode == 2
    assert "invalid partition specified: nowhere" in told.stderr
    assert not [*tmp_path.glob("script_out/SWEEPS/*/sweep.json")]
    assert sweep(script(tmp_path), "--x", "1", "--slurm=--array=1-9").returncode == 2


def test_a_sweep_larger_than_an_array_may_be_is_several(tmp_path: Path, slurm: Slurm) -> None:
    told = sweep(script(tmp_path), "--x", "1..1200", "--slurm=--hold")
    match = re.search(r"jobs (\d+), (\d+) of SLURM", told.stderr)
    assert match, told.stderr
    try:
        (lines,) = tmp_path.glob("script_out/SWEEPS/*/trials.jsonl")
        jobs = [line["job"] for line in read_json_lines(lines)]
        assert (jobs[999], jobs[1000], jobs[1199]) == (
            f"{match[1]}_1000",
            f"{match[2]}_0",
            f"{match[2]}_199",
        )
    finally:
        for job in match.groups():
            slurm.cancel(job)
