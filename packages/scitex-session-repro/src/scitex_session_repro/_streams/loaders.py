"""Epochs of torch's DataLoaders, in the main process and in their workers.

A run that resumes between two epochs draws what the unbroken run draws only if each epoch begins
from a seed of its own. torch has no hook for "an epoch begins", and a worker can't ask which epoch
it is in. So three functions of torch are wrapped, once for each process:

* ``DataLoader.__iter__`` begins an epoch. If the loader draws from one of our generators, that
  generator goes to the start of the epoch, and the workers that start meanwhile are told.
* ``WorkerInfo.__init__`` is the first thing that a worker does before code of the user runs. All
  streams of the process become those of the worker, with or without a ``worker_init_fn``.
* ``_DatasetKind.create_fetcher`` begins an epoch in a worker. Persistent workers move their streams
  on there.

The wrappers stay, since loaders outlive their manager. They do nothing for loaders that draw from
another generator, and in a process without streams.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from functools import wraps
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from scitex_session_repro._errors import NotAWorkerError, StateError, shown_name

from .borrowing import reseed_all
from .derive import torch_seed
from .streams import beginning_epochs, encode_epoch, enter_worker, roots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torch.utils.data import DataLoader

    from .streams import Streams


class Epoch:
    """The newest epoch of a DataLoader.

    Parameters
    ----------
    streams : Streams
        Those that hold the loader's generator.
    name : str
        The name of the generator.
    number : int
        Starting at 0.
    iterator : object
        What the loader returned for it.
    """

    def __init__(self, streams: Streams, name: str, number: int, iterator: Any) -> None:
        self.streams = ref(streams)
        self.name = name
        self.number = number
        self.iterator = ref(iterator)
        self.process = os.getpid()


_epochs: WeakKeyDictionary[DataLoader[Any], Epoch] = WeakKeyDictionary()
_watching_epochs = False
_watching_workers = False


# The main process


def watch_epochs() -> None:
    """Begin epochs of the DataLoaders of this process, and watch its workers."""
    global _watching_epochs
    watch_workers()
    if _watching_epochs:
        return
    _watching_epochs = True
    dataloader: Any = sys.modules["torch.utils.data.dataloader"]
    plain = dataloader.DataLoader.__iter__

    @wraps(plain)
    def begin(loader: DataLoader[Any]) -> Any:
        owner = _owner_of(loader.generator)
        return plain(loader) if owner is None else _begin(loader, *owner, plain)

    dataloader.DataLoader.__iter__ = begin


def _owner_of(generator: object) -> tuple[Streams, str] | None:
    """Return the streams that hold a torch generator, and its name."""
    waiting = [] if generator is None else roots()
    while waiting:
        streams = waiting.pop()
        for (name, _), one in list(streams.torch.items()):
            if one is generator:
                return streams, name
        waiting += [below for _, below in streams.below()]
    return None


def _begin(loader: Any, streams: Streams, name: str, plain: Any) -> Any:
    import torch

    number = streams.epochs.get(name, 0)
    last = _epochs.get(loader)
    workers = loader._iterator if loader.persistent_workers else None
    if workers is not None and (last is None or last.number + 1 != number):
        # They count the epochs from where they started. After a state was loaded, or another loader
        # took an epoch of the generator, they have another number. So the loader starts new ones.
        loader._iterator = workers = None
    streams.epochs[name] = number + 1
    if number:  # the first epoch goes on from where the generator is
        loader.generator.manual_seed(
            torch_seed(streams.seed, encode_epoch(streams.scope, name, number))
        )
    if workers is not None:  # as a loader that starts workers draws their seed before the order
        torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
    thread = get_ident()
    beginning_epochs[thread] = (f"{torch_seed(streams.seed, streams.path(name)):016x}", number)
    try:
        iterator = plain(loader)
    finally:
        beginning_epochs.pop(thread, None)
    _epochs[loader] = Epoch(streams, name, number, iterator)
    return iterator


def refuse_within_epoch(streams: Streams) -> None:
    """Check that no DataLoader of these streams, or of those below, is in the middle of an epoch.

    Raises
    ------
    StateError
        If one is. The state has no place within an epoch: workers have drawn in advance, and the
        order of the epoch is gone. A run that went on from it would see some samples twice.
    """
    own = set(_with_all_below(streams))
    for loader, epoch in list(_epochs.items()):
        if epoch.streams() not in own or not _is_underway(loader, epoch):
            continue
        iterator: Any = epoch.iterator()
        problem = (
            f"the DataLoader that draws from {shown_name(epoch.name)} has given "
            f"{iterator._num_yielded} batches of epoch {epoch.number + 1} and has more"
        )
        raise StateError(
            f"cannot take the state in the middle of an epoch: {problem}; take it between epochs, "
            "or use torchdata's StatefulDataLoader, which keeps its place",
            problem=problem,
        )


def _with_all_below(streams: Streams) -> Iterator[Streams]:
    yield streams
    for _, below in streams.below():
        yield from _with_all_below(below)


def _is_underway(loader: Any, epoch: Epoch) -> bool:
    """Return whether somebody may still take batches of an epoch."""
    iterator = epoch.iterator()
    if epoch.process != os.getpid():
        return False  # a forked process takes no batches of its parent's loaders
    if iterator is None:
        return False  # a loop that ended, or was left, has dropped it
    # A loader with persistent workers keeps the iterator. If a loop still has it, there is a third
    # reference, beside the loader's and ours.
    if iterator is loader._iterator and sys.getrefcount(iterator) <= _REFERENCES_WITHOUT_LOOP:
        return False
    try:
        return bool(iterator._num_yielded < len(iterator))
    except TypeError:  # an IterableDataset without a length
        return True


_REFERENCES_WITHOUT_LOOP = 3  # the loader's, ours, and that of getrefcount itself


# The workers


class Worker:
    """What this process is as a worker of a DataLoader.

    Parameters
    ----------
    identity : int
        Its number in the loader.
    base_seed : int
        The number that the loader drew for its workers.
    epoch : tuple or None
        The loader, as a text, and the number of the epoch in which it started this worker; None if
        the loader draws from none of our generators.
    """

    def __init__(self, identity: int, base_seed: int, epoch: tuple[str, int] | None) -> None:
        self.process = os.getpid()
        self.identity = identity
        self._base_seed = base_seed
        self._epoch = epoch
        self._begun = 0

    def number(self) -> str:
        """Return the text that tells this worker and epoch from all others."""
        if self._epoch is None:
            return f"{self._base_seed}:{self.identity}"
        loader, first = self._epoch
        return f"{loader}:{first + max(self._begun - 1, 0)}:{self.identity}"

    def begin_epoch(self) -> None:
        """Move all streams on to the next epoch; in the first one they have been moved."""
        self._begun += 1
        if self._begun > 1 and self._epoch is not None:
            self.move_streams()

    def move_streams(self) -> None:
        """Restart all streams and global generators as those of this worker and epoch."""
        enter_worker(self.number())
        reseed_all()


_worker: Worker | None = None


def current_worker() -> Worker | None:
    """Return this process as a worker, if it is one."""
    # A process that a worker has forked is none.
    return _worker if _worker is not None and _worker.process == os.getpid() else None


def watch_workers() -> None:
    """Move the streams of this process, or of those forked from it, if it becomes a worker."""
    global _watching_workers
    if _watching_workers:
        return
    _watching_workers = True
    dataloader: Any = sys.modules["torch.utils.data.dataloader"]
    info, kinds = dataloader._utils.worker.WorkerInfo, dataloader._DatasetKind
    start, fetch = info.__init__, kinds.create_fetcher

    @wraps(start)
    def become(self: Any, *values: Any, **named: Any) -> None:
        start(self, *values, **named)
        _become_worker(self)

    @wraps(fetch)
    def begin(*arguments: Any) -> Any:
        if (worker := current_worker()) is not None:
            worker.begin_epoch()
        return fetch(*arguments)

    info.__init__ = become
    kinds.create_fetcher = staticmethod(begin)


def _become_worker(info: Any) -> None:
    global _worker
    # Taken away: a manager that this worker pickles is not one for a worker.
    epoch = beginning_epochs.pop(get_ident(), None)
    _worker = Worker(info.id, info.seed - info.id, epoch)
    _worker.move_streams()


def require_worker() -> None:
    """Make sure that the streams of this process are those of a worker of a DataLoader.

    Raises
    ------
    NotAWorkerError
        If it is none.
    """
    if current_worker() is not None:
        return
    data = sys.modules.get("torch.utils.data")
    info = None if data is None else data.get_worker_info()
    if info is None:
        raise NotAWorkerError(
            "worker_init_fn must run in a worker process: pass it as "
            "DataLoader(..., worker_init_fn=)"
        )
    watch_workers()
    _become_worker(info)
