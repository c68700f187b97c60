"""Real worker processes: torch's DataLoader, pools, loky."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from scitex_session_repro import NotAWorkerError, RandomStateManager
from support import run_script

METHODS = ["spawn", *(["fork"] if hasattr(os, "fork") else [])]

LOADER = """
import json, random, sys
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from scitex_session_repro import RandomStateManager, get

class Augmented(Dataset):
    def __init__(self, rng, alone):
        self.alone = alone  # a child that is pickled without its parent
        self.child, self.spawned = rng.child("held"), rng.spawn(2)[1]
        self.of_child = rng.child("another")("held")
        self.rng = rng
        self.held = rng("held")

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = self.rng.get_torch_generator("torch")
        return [
            index,
            random.random(),
            float(np.random.rand()),
            float(torch.rand(1)),
            self.rng("augment").random(),
            self.held.random(),
            self.alone("augment").random(),
            self.child("augment").random(),
            self.spawned("augment").random(),
            self.of_child.random(),
            self.rng.child("below")("x").random(),
            get()("current").random(),
            float(torch.rand(1, generator=generator)),
        ]

def same(batch):
    return batch

if __name__ == "__main__":
    method, persistent, workers, init = sys.argv[1:]
    rng = RandomStateManager(42)
    other = RandomStateManager(9)
    other.release()
    loader = DataLoader(
        Augmented(rng, other.child("alone")),
        num_workers=int(workers),
        shuffle=True,
        collate_fn=same,
        worker_init_fn=rng.worker_init_fn if init == "init" else None,
        generator=rng.dataloader_generator("train"),
        multiprocessing_context=method,
        persistent_workers=persistent == "persistent",
    )
    epochs = [[batch[0] for batch in loader] for _ in range(2)]
    print(json.dumps(epochs))
"""


def load(*options: str) -> list[Any]:
    """Two epochs of eight samples, in the order in which they came."""
    pytest.importorskip("torch", reason="torch is not installed")
    done = run_script(LOADER, *options, timeout=110)
    assert done.returncode == 0, done.stderr  # torch warns of more workers than cores
    epochs: list[Any] = json.loads(done.stdout)
    for epoch in epochs:
        assert sorted(sample[0] for sample in epoch) == [*range(8)]
    assert [sample[0] for sample in epochs[0]] != [sample[0] for sample in epochs[1]]
    _, *columns = zip(*epochs[0], *epochs[1], strict=True)
    assert all(len(set(column)) == 16 for column in columns), "two samples share a number"
    return epochs


@pytest.mark.parametrize("persistent", ["persistent", "new"])
def test_augmentations_differ_between_epochs_and_workers_and_repeat(persistent: str) -> None:
    drawn = [load(method, persistent, "2", "init") for method in METHODS]
    # However the workers are started: forked, spawned, or once more.
    assert all(epochs == drawn[0] for epochs in drawn)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is missing here")
def test_forked_workers_without_the_function_differ_and_repeat_too() -> None:
    assert load("fork", "new", "2", "no") == load("fork", "new", "2", "no")


CHILD_LOADER = """
import json, random, sys
import torch
from torch.utils.data import DataLoader, Dataset
from scitex_session_repro import RandomStateManager

class Augmented(Dataset):
    def __init__(self, rng):
        self.rng = rng

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return [random.random(), self.rng("augment").random()]

def same(batch):
    return batch

if __name__ == "__main__":
    rng = RandomStateManager(42)
    loader = DataLoader(
        Augmented(rng.spawn(1)[0]),
        num_workers=2,
        collate_fn=same,
        worker_init_fn=rng.child("loader").worker_init_fn,
        generator=rng.dataloader_generator(),
        multiprocessing_context=sys.argv[1],
    )
    print(json.dumps([batch[0] for _ in range(2) for batch in loader]))
"""


def test_a_manager_alone_in_the_data_set_is_moved_too_whoever_sets_the_worker_up() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    drawn = []
    for method in METHODS:
        done = run_script(CHILD_LOADER, method, timeout=110)
        assert done.returncode == 0, done.stderr
        drawn.append(json.loads(done.stdout))
    assert all(len(set(column)) == 8 for column in zip(*drawn[0], strict=True))
    assert all(epochs == drawn[0] for epochs in drawn)


def test_the_function_is_refused_outside_of_a_worker() -> None:
    with RandomStateManager(42) as manager:
        with pytest.raises(
            NotAWorkerError, match=r"pass it as DataLoader\(\.\.\., worker_init_fn="
        ):
            manager.worker_init_fn(0)
        with pytest.raises(
            NotAWorkerError, match="pass it as the initializer of a pool of processes"
        ):
            manager.initialize_worker()


POOL = """
import json, multiprocessing, random, sys, time
import numpy as np
from concurrent.futures import ProcessPoolExecutor
from scitex_session_repro import RandomStateManager, get

def work(_):
    time.sleep(0.05)
    name = multiprocessing.current_process().name
    return [name, random.random(), np.random.rand(), get()("a").random()]

if __name__ == "__main__":
    rng = RandomStateManager(42)
    rng("a").random()
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, context, initializer=rng.initialize_worker) as pool:
        made = list(pool.map(work, range(12)))
    made.append(["parent", random.random(), np.random.rand(), rng("a").random()])
    first = {}
    for name, *numbers in made:
        first.setdefault(name, numbers)
    for numbers in zip(*(numbers for _, *numbers in made)):
        assert len(set(numbers)) == 13, numbers
    print(json.dumps(first, sort_keys=True))
"""


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_a_pool_are_numbered(method: str) -> None:
    drawn = []
    for _ in range(2):
        done = run_script(POOL, method)
        assert (done.returncode, done.stderr) == (0, "")
        drawn.append({k[-1]: v for k, v in json.loads(done.stdout).items() if k != "parent"})
    common = set(drawn[0]) & set(drawn[1])  # a pool may leave all tasks to its first worker
    assert common
    assert all(drawn[0][number] == drawn[1][number] for number in common)


def test_workers_of_loky_are_numbered_too() -> None:
    pytest.importorskip("joblib", reason="joblib is not installed")
    done = run_script("""
        import os
        import random
        from joblib import Parallel, delayed, parallel_config
        from scitex_session_repro import RandomStateManager, get

        def work(n):
            import time
            time.sleep(0.05)
            return os.getpid(), random.random(), get()("a").random()

        rng = RandomStateManager(42)
        with parallel_config("loky", n_jobs=2, initializer=rng.initialize_worker):
            made = Parallel()(delayed(work)(n) for n in range(10))
        for numbers in list(zip(*made))[1:]:
            assert len(set(numbers)) == 10, numbers
    """)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("method", METHODS)
def test_a_child_by_task_gives_the_same_results_however_tasks_are_shared_out(method: str) -> None:
    source = """
        import multiprocessing, sys
        from scitex_session_repro import RandomStateManager

        def work(rng):
            return rng("a").random()

        if __name__ == "__main__":
            rng = RandomStateManager(42)
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                print(pool.map(work, [rng.child(f"task {n}") for n in range(6)], chunksize=1))
    """
    with RandomStateManager(42) as manager:
        expected = [manager.child(f"task {n}")("a").random() for n in range(6)]
    assert run_script(source, method) == (0, f"{expected}\n", "")


HELD = """
import json, multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from scitex_session_repro import RandomStateManager

rng = RandomStateManager(42)
named, spawned = rng("a"), rng("a").spawn(1)[0]
below = spawned.spawn(2)[1]

def work(_):
    time.sleep(0.05)
    later = named.spawn(1)[0]
    name = multiprocessing.current_process().name
    return [name, *(one.random() for one in (named, spawned, below, later))]

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(3, context, initializer=rng.initialize_worker) as pool:
        made = list(pool.map(work, range(12)))
    made.append(work(0))
    first = {}
    for name, *numbers in made:
        first.setdefault(name, numbers)
    numbers = [number for _, *numbers in made for number in numbers]
    print(json.dumps([len(set(numbers)), len(numbers), first]))
"""


@pytest.mark.parametrize("method", METHODS)
def test_generators_that_a_module_holds_spawned_ones_too_differ_in_every_process(
    method: str,
) -> None:
    drawn = []
    for _ in range(2):
        done = run_script(HELD, method)
        assert (done.returncode, done.stderr) == (0, "")
        distinct, total, first = json.loads(done.stdout)
        assert distinct == total == 52
        drawn.append(first)
    common = {*drawn[0]} & {*drawn[1]}
    assert all(drawn[0][name] == drawn[1][name] for name in common)


BARE = """
import json, multiprocessing, sys
from scitex_session_repro import RandomStateManager

def begin(initialise, generators):
    global held
    initialise()
    held = generators

def work(_):
    return [one.random() for one in held] + [held[0].spawn(1)[0].random()]

if __name__ == "__main__":
    rng, other = RandomStateManager(42), RandomStateManager(7)
    generators = other("a"), other("a").spawn(1)[0], other.child("c")("a")
    with multiprocessing.get_context("spawn").Pool(
        2, begin, (rng.initialize_worker, generators)
    ) as pool:
        made = pool.map(work, range(8), chunksize=1)
    made.append([one.random() for one in generators])
    print(json.dumps(made))
"""


def test_a_generator_that_was_pickled_without_its_manager_moves_too() -> None:
    done = run_script(BARE)
    assert (done.returncode, done.stderr) == (0, "")
    drawn = [number for numbers in json.loads(done.stdout) for number in numbers]
    assert len(set(drawn)) == len(drawn) == 35
