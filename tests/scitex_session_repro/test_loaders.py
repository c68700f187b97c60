"""Epochs of torch's DataLoader: which numbers its workers draw, and how a run resumes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from support import run_script

pytest.importorskip("torch", reason="torch is not installed")

FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is missing here")

SCRIPT = """
import json, random, sys, warnings
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from scitex_session_repro import RandomStateManager

warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than processors
warnings.filterwarnings("ignore", "'set_vital' is deprecated")  # of torchdata with torch 2.13
DRAWN = ["random", "numpy", "torch", "named", "held", "spawned", "shared"]

class Augmented(Dataset):
    def __init__(self, rng):
        # The generators are pickled beside the manager, and the spawned one is known to nobody.
        self.rng, self.held, self.spawned = rng, rng("held"), rng("parent").spawn(1)[0]

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return [
            index,
            random.random(),
            float(np.random.rand()),
            float(torch.rand(1)),
            self.rng("augment").random(),
            self.held.random(),
            self.spawned.random(),
            self.rng.shared("augment").random(),
        ]

def same(batch):
    return batch

def loader_of(rng, init=True):
    method, persistent, workers = sys.argv[1:4]
    several = int(workers) > 0
    return DataLoader(
        Augmented(rng),
        shuffle=True,
        num_workers=int(workers),
        collate_fn=same,
        worker_init_fn=rng.worker_init_fn if init else None,
        generator=rng.dataloader_generator("train") if init else None,
        multiprocessing_context=method if several else None,
        persistent_workers=several and persistent == "persistent",
    )

def epochs(loader, n):
    return [[batch[0] for batch in loader] for _ in range(n)]

def distinct(drawn):
    _, *columns = zip(*(sample for epoch in drawn for sample in epoch))
    return dict(zip(DRAWN, [len(set(column)) for column in columns]))
"""

RESUME = f"""{SCRIPT}
if __name__ == "__main__":
    with RandomStateManager(5) as rng:
        loader = loader_of(rng)
        first = epochs(loader, 1)
        state = json.dumps(rng.state_dict())
        whole = epochs(loader, 2)
        rng.load_state_dict(json.loads(state))  # in the process in which it goes on, too
        again = epochs(loader, 1)
        del loader
    with RandomStateManager(0) as rng:
        loader = loader_of(rng)
        rng.load_state_dict(json.loads(state))
        resumed = epochs(loader, 2)
    print(json.dumps([first, whole, again, resumed, distinct(first + whole)]))
"""

METHODS = ["spawn", *(["fork"] if hasattr(os, "fork") else [])]


def run(source: str, *options: str) -> Any:
    """Run a script, and give what it printed as JSON."""
    # Of semaphores that workers have in common, Python's tracker at times unlinks one twice, and
    # says so.
    quiet = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}
    done = run_script(source, *options, env=quiet, timeout=580)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("workers", "methods"),
    [("2", METHODS), pytest.param("4", ["fork"], marks=[FORK, pytest.mark.slow])],
)
def test_a_run_that_resumes_between_two_epochs_draws_what_any_unbroken_one_draws(
    workers: str, methods: list[str]
) -> None:
    told = [
        run(RESUME, method, persistent, workers)
        for method in methods
        for persistent in ("new", "persistent")
    ]
    first, whole, again, resumed, distinct = told[0]
    assert resumed == whole
    assert again == whole[:1]
    assert set(distinct.values()) == {24}
    orders = [[sample[0] for sample in epoch] for epoch in (*first, *whole)]
    assert all(sorted(order) == [*range(8)] for order in orders)
    assert len({str(order) for order in orders}) == 3
    assert all(other == told[0] for other in told)


WITHOUT = f"""{SCRIPT}
if __name__ == "__main__":
    with RandomStateManager(5) as rng:
        drawn = epochs(loader_of(rng, init=False), 2)
    print(json.dumps([drawn, distinct(drawn)]))
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("method", "persistent"),
    [
        pytest.param("fork", "new", marks=FORK),
        ("spawn", "persistent"),
        pytest.param("spawn", "new", marks=pytest.mark.slow),
    ],
)
def test_without_a_worker_init_fn_workers_and_epochs_differ_too_and_repeat(
    method: str, persistent: str
) -> None:
    drawn, distinct = run(WITHOUT, method, persistent, "2")
    assert set(distinct.values()) == {16}
    assert run(WITHOUT, method, persistent, "2")[0] == drawn


OWN_INIT = f"""{SCRIPT}
def own(worker_id):
    # The dataset is the worker's, and its manager has moved before this function runs.
    np.random.seed(torch.utils.data.get_worker_info().dataset.rng("own").integers(2**32))

if __name__ == "__main__":
    with RandomStateManager(5) as rng:
        rng.release()
        loader = DataLoader(
            Augmented(rng),
            num_workers=2,
            collate_fn=same,
            worker_init_fn=own,
            multiprocessing_context="spawn",
        )
        print(json.dumps(distinct(epochs(loader, 1))))
"""


@pytest.mark.timeout(600)
def test_a_worker_init_fn_of_the_users_own_draws_other_numbers_in_each_worker() -> None:
    assert run(OWN_INIT)["numpy"] == 8


WITHIN = f"""{SCRIPT}
def refused():
    try:
        rng.state_dict()
    except ValueError as error:
        return f"{{type(error).__name__}}: {{error}}"

if __name__ == "__main__":
    rng = RandomStateManager(5)
    loader = loader_of(rng)
    told = []
    for batch in loader:
        told.append(refused())
    told.append(refused())
    for batch in loader:
        break
    told.append(refused())  # the loop was left, and the next one begins the next epoch
    for batch in loader:
        told.append(refused())
        rng.load_state_dict(json.loads(json.dumps(rng.__class__(1).state_dict())))
        break
    with rng.temporary_seed(1):
        other = rng.child("other").state_dict()
    print(json.dumps(told))
"""


@FORK
@pytest.mark.parametrize(("persistent", "workers"), [("persistent", "2"), ("new", "2"), ("-", "0")])
def test_a_state_within_an_epoch_is_refused_and_one_after_it_is_not(
    persistent: str, workers: str
) -> None:
    told = run(WITHIN, "fork", persistent, workers)
    message = (
        "StateError: cannot take the state in the middle of an epoch: the DataLoader that draws "
        "from 'train' has given {} batches of epoch {} and has more; take it between epochs, or "
        "use torchdata's StatefulDataLoader, which keeps its place"
    )
    assert told[:7] == [message.format(n, 1) for n in range(1, 8)]
    assert told[7:10] == [None, None, None]  # at the last batch, after it, and after a break
    assert told[10:] == [message.format(1, 3)]


STATEFUL = f"""{SCRIPT}
from torchdata.stateful_dataloader import StatefulDataLoader

class Keeping(Augmented):
    def state_dict(self):
        return self.rng.state_dict()
    def load_state_dict(self, state):
        self.rng.load_state_dict(state)

def stateful(rng):
    return StatefulDataLoader(
        Keeping(rng),
        shuffle=True,
        num_workers=2,
        collate_fn=same,
        worker_init_fn=rng.worker_init_fn,
        generator=rng.dataloader_generator("train"),
        multiprocessing_context="fork",
    )

if __name__ == "__main__":
    with RandomStateManager(5) as rng:
        loader = stateful(rng)
        iterator = iter(loader)
        begun = [next(iterator)[0] for _ in range(3)]
        kept = [rng.state_dict(), loader.state_dict()]
        rest = [batch[0] for batch in iterator]
    with RandomStateManager(5) as rng:
        loader = stateful(rng)
        rng.load_state_dict(kept[0])
        loader.load_state_dict(kept[1])
        resumed = [batch[0] for batch in loader]
    print(json.dumps([begun, rest, resumed]))
"""


@FORK
def test_within_an_epoch_a_stateful_loader_keeps_its_place() -> None:
    pytest.importorskip("torchdata", reason="torchdata is not installed")
    begun, rest, resumed = run(STATEFUL)
    assert sorted(sample[0] for sample in begun + resumed) == [*range(8)]
    assert resumed == rest
