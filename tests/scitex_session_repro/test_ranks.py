"""The ranks of a job: what each of them draws, and what all of them have in common."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from scitex_session_repro import RandomStateManager, StateError, report
from support import run_script

VARIABLES = {
    "torchrun": ("RANK", "WORLD_SIZE"),
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "MPI": ("PMI_RANK", "PMI_SIZE"),
    "SLURM": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
}


@pytest.fixture(autouse=True)
def no_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (name for names in VARIABLES.values() for name in names):
        monkeypatch.delenv(name, raising=False)


def become(monkeypatch: pytest.MonkeyPatch, launcher: str, rank: object, size: object) -> None:
    for name, value in zip(VARIABLES[launcher], (rank, size), strict=True):
        monkeypatch.setenv(name, str(value))


def drawn() -> list[float]:
    import random

    with RandomStateManager(42) as rng:
        return [rng("a").random(), random.random(), rng.child("b")("a").random()]


def rank_told() -> str | None:
    with RandomStateManager(42) as rng:
        checks = report(rng).as_dict()["checks"]
    return next((check["reason"] for check in checks if check["what"] == "ranks"), None)


@pytest.mark.parametrize("launcher", VARIABLES)
def test_each_rank_draws_from_streams_of_its_own(
    monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    made = [drawn()]
    for rank in range(3):
        become(monkeypatch, launcher, rank, 3)
        made.append(drawn())
        assert drawn() == made[-1]
        assert f"this is rank {rank} of 3 ({launcher})" in (rank_told() or "")
    assert len({number for numbers in made for number in numbers}) == 12


@pytest.mark.parametrize("launcher", VARIABLES)
@pytest.mark.parametrize(("rank", "size"), [(0, 1), ("", 2), (1, ""), ("x", 2), (1, "-2")])
def test_one_process_and_half_set_variables_are_no_rank(
    monkeypatch: pytest.MonkeyPatch, launcher: str, rank: object, size: object
) -> None:
    alone = drawn()
    become(monkeypatch, launcher, rank, size)
    assert drawn() == alone
    assert rank_told() is None


def test_a_batch_step_of_a_job_with_two_tasks_is_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = drawn()
    monkeypatch.setenv("SLURM_NTASKS", "2")
    become(monkeypatch, "SLURM", 0, 1)
    assert drawn() == alone


def test_torchrun_counts_before_mpi_and_that_before_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for rank, launcher in enumerate(reversed(VARIABLES)):
        become(monkeypatch, launcher, rank, 9)
        assert f"rank {rank} of 9 ({launcher})" in (rank_told() or "")
    become(monkeypatch, "torchrun", 0, 1)  # one process each, started by several tasks of MPI
    assert "rank 2 of 9 (Open MPI)" in (rank_told() or "")


def test_what_is_shared_is_the_same_in_every_rank_and_in_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shared() -> list[Any]:
        with RandomStateManager(42) as rng:
            assert rng.shared is rng.shared
            return [
                rng.shared("a").random(),
                rng.shared.get_sklearn_random_state("split"),
                rng.child("fold").shared("a").random(),
                rng.shared.child("fold")("a").random(),
            ]

    alone, own = shared(), drawn()
    assert len(set(alone)) == 4
    assert not {*alone} & {*own}
    for rank in range(2):
        become(monkeypatch, "torchrun", rank, 2)
        assert shared() == alone


def test_a_state_holds_what_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, "torchrun", 1, 2)
    with RandomStateManager(42) as rng:
        held = rng.shared("a")
        held.random()
        state = json.loads(json.dumps(rng.state_dict()))
        following = held.random()
        rng.load_state_dict(state)
        assert held.random() == following
    with RandomStateManager(7) as other:
        other.load_state_dict(state)
        assert other.shared("a").random() == following


def test_the_state_of_another_rank_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with RandomStateManager(42) as rng:
        alone = rng.state_dict()
    become(monkeypatch, "torchrun", 0, 2)
    with RandomStateManager(42) as rng:
        first = rng.state_dict()
        with pytest.raises(StateError, match=r"that of no rank, and this is rank 0: save one for"):
            rng.load_state_dict(alone)
    become(monkeypatch, "torchrun", 1, 2)
    with RandomStateManager(42) as rng, pytest.raises(StateError, match=r"of rank 0, and this is"):
        rng.load_state_dict(first)


DISTRIBUTED = """
    import json, os, random, sys
    import numpy as np
    import torch
    import torch.distributed as dist
    import torch.multiprocessing as mp
    from torch.utils.data import DataLoader, Dataset
    from scitex_session_repro import RandomStateManager, report

    class Augmented(Dataset):
        def __init__(self, rng):
            self.rng = rng
        def __len__(self):
            return 8
        def __getitem__(self, index):
            return torch.tensor([random.random(), np.random.rand(), self.rng("augment").random()])

    def work(rank, port):
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        dist.init_process_group("gloo")
        with RandomStateManager(5) as rng:
            split = torch.tensor(rng.shared("split").permutation(8))
            weights = torch.rand(4, generator=rng.shared.get_torch_generator("weights"))
            loader = DataLoader(
                Augmented(rng),
                batch_size=1,
                num_workers=2,
                worker_init_fn=rng.worker_init_fn,
                generator=rng.dataloader_generator(),
                multiprocessing_context="fork",
            )
            drawn = torch.cat([*loader, *loader])
            told = report(rng).as_dict()["checks"][1]["reason"]
        made = [None, None]
        dist.all_gather_object(made, [split.tolist(), weights.tolist(), drawn.tolist(), told])
        dist.barrier()
        if rank == 0:
            print(json.dumps(made))
        dist.destroy_process_group()

    if __name__ == "__main__":
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        mp.start_processes(work, (port,), nprocs=2, start_method=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the workers are forked")
@pytest.mark.timeout(180)
def test_two_ranks_of_torch_distributed_share_the_split_and_draw_other_augmentations() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("torch is built without gloo")
    done = run_script(DISTRIBUTED, "spawn", timeout=170)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert first[:2] == second[:2]
    for column in zip(*first[2], *second[2], strict=True):
        assert len(set(column)) == 32, "two samples share a number"
    for rank, made in enumerate((first, second)):
        assert made[3].startswith(f"this is rank {rank} of 2 (torchrun)")
    assert json.loads(run_script(DISTRIBUTED, "spawn", timeout=170).stdout) == [first, second]
