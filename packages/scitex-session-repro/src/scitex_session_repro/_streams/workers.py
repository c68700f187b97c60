"""Worker processes: a stream for each, the same in every run."""

from __future__ import annotations

import sys

from scitex_session_repro._errors import NotAWorkerError

from . import fork as _fork
from .borrowing import reseed_all, seeding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .manager import RandomStateManager


def number_in_pool() -> str:
    """Give the number by which `multiprocessing` knows this worker, such as ``"3"``.

    It counts the processes that the parent has started, and stands for forked, spawned and loky's
    processes alike; of a worker's worker, the numbers of both.

    Raises
    ------
    NotAWorkerError
        In a main process.
    """
    from multiprocessing import current_process

    identity = current_process()._identity
    if not identity:
        raise NotAWorkerError("initialize_worker", "the initializer of a pool of processes")
    return ":".join(map(str, identity))


def number_in_loader(worker_id: int) -> str:
    """Give the seed of the epoch and the number of the worker, of this worker of a DataLoader.

    Raises
    ------
    NotAWorkerError
        In a process that is none.
    """
    data = sys.modules.get("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    if info is None:
        raise NotAWorkerError("worker_init_fn", "DataLoader(..., worker_init_fn=)")
    return f"{info.seed - worker_id}:{worker_id}"


def become(manager: RandomStateManager, number: str) -> None:
    """Give every manager of a worker the streams of its number; this one seeds the globals.

    Every one, since a data set may hold another than the one whose method the loader calls: a
    child, unpickled by itself, would draw the same numbers in all workers. Where the process was
    forked, the number takes the place of that of the fork, which may depend on how many workers
    had been started before.
    """
    for root in _fork.watched():
        root._enter_process(("worker", number))
    reseed_all()
    if seeding() is not manager:
        manager._borrow()
