"""A job of SLURM is a run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support import write_script
from support.slurm import Slurm

pytestmark = pytest.mark.cluster


def test_each_task_of_an_array_is_a_run_of_its_own(tmp_path: Path, slurm: Slurm) -> None:
    script = write_script(
        """
        import os
        import scitex_session as stx
        @stx.session
        def main():
            return {"task": int(os.environ["SLURM_ARRAY_TASK_ID"])}
        if __name__ == "__main__":
            main()
        """
    )
    batch = tmp_path / "job.sh"
    batch.write_text(f"#!/bin/bash\nexec {sys.executable} {script}\n")
    job = slurm.submit(batch, "--array=0-3", "--time=2")
    for task in range(4):
        assert slurm.wait(f"{job}_{task}")["JobState"] == "COMPLETED"
    runs = [*script.parent.glob(f"{script.stem}_out/FINISHED_SUCCESS/*/session.json")]
    records = [json.loads(run.read_text()) for run in runs]
    assert sorted(record["results"]["task"] for record in records) == [0, 1, 2, 3]
    assert {record["env"]["SLURM_ARRAY_JOB_ID"] for record in records} == {job}
