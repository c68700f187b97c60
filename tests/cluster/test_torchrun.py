"""The workers of torchrun are one run."""

from __future__ import annotations

import subprocess
import sys

import pytest

import scitex_session as stx
from support import write_script
from support.ranks import ends, runs, settled, the_run

pytest.importorskip("torch")
pytestmark = pytest.mark.cluster

GLOO = """
    import os
    import scitex_session as stx
    import torch
    import torch.distributed as dist

    @stx.session
    def main():
        dist.init_process_group("gloo")
        total = torch.tensor([dist.get_rank()])
        dist.all_reduce(total)
        stx.io.save({"rank": dist.get_rank()}, "rank.json")
        dist.destroy_process_group()
        return {"total": int(total)}

    if __name__ == "__main__":
        main()
"""
WITHOUT_TORCH = """
    import os, time
    import scitex_session as stx

    @stx.session
    def main(killed: int = -1):
        is_first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        if is_first and int(os.environ["RANK"]) == killed:
            os.kill(os.getpid(), 9)
        time.sleep(60 if is_first and killed >= 0 else 0)

    if __name__ == "__main__":
        main()
"""


def torchrun(size: int, source: str, *args: str, restarts: int = 0) -> int:
    script = str(write_script(source))
    options = ["--nproc-per-node", str(size), "--rdzv-id", "none", f"--max-restarts={restarts}"]
    agent = [sys.executable, "-m", "torch.distributed.run", *options, script, *args]
    return subprocess.run(agent, capture_output=True, check=False).returncode


@pytest.mark.parametrize("size", [2, 4])
def test_the_workers_of_torchrun_are_one_run(size: int) -> None:
    assert torchrun(size, GLOO) == 0
    _, record = the_run("FINISHED_SUCCESS")
    assert record["ranks"]["size"] == size
    assert record["ranks"]["launcher"] == "torchrun"
    assert [*ends(record).values()] == ["success"] * size
    assert record["results"] == {"total": sum(range(size))}
    assert len(record["artifacts"]) == size
    assert [found["status"] for found in stx.find()] == ["success"]


def test_a_worker_that_is_killed_fails_the_run_and_is_named() -> None:
    assert torchrun(2, WITHOUT_TORCH, "--killed", "1") == 1
    run, record = settled()
    assert run.parent.name == "FINISHED_ERROR"
    assert (record["status"], record["reason"]["rank"]) == ("crashed", 1)
    assert record["reason"]["signal"] == 9
    # torchrun ends the other.
    assert ends(record) == {"0": "failed", "1": "crashed"}


def test_an_elastic_restart_is_the_next_attempt() -> None:
    assert torchrun(2, WITHOUT_TORCH, "--killed", "1", restarts=1) == 0
    _, record = the_run("FINISHED_SUCCESS")
    assert record["attempt"] == 2
    (earlier,) = record["attempts"]
    assert (earlier["status"], earlier["reason"]["rank"]) == ("crashed", 1)
    assert ends(record) == {"0": "success", "1": "success"}


def test_two_launches_with_the_same_run_id_are_two_runs() -> None:
    assert [torchrun(2, WITHOUT_TORCH) for _ in range(2)] == [0, 0]
    assert [path.parent.name for path in runs()] == ["FINISHED_SUCCESS"] * 2
