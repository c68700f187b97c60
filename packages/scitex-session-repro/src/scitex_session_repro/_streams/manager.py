"""One seed for a whole program: its global generators, and independent generators by name."""

from __future__ import annotations

import os
import sys

from .borrowing import Globals, TemporarySeed, reseed_all
from .streams import (
    Streams,
    as_deterministic,
    enter_worker,
    normalise,
    resolve,
    scope_of_rank,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path
    from types import FrameType, ModuleType
    from typing import Any, Literal, Self

    import jax
    import torch
    from numpy.random import Generator

    from scitex_session_repro._verify.records import Records


class RandomStateManager:
    """Seeds the global generators, and gives independent generators by name.

    A new manager seeds the global generators of `random`, `numpy.random`, torch (CPU, CUDA, MPS,
    XPU) and TensorFlow: at once if they are imported, otherwise when they are. It imports none of
    them. The first named generator imports numpy.

    Parameters
    ----------
    seed : int or None, default 42
        From 0 to 2**128 - 1. None draws one from the operating system, kept in `seed`.
    verbose : bool, default False
        Whether to print what is seeded, at that moment.
    deterministic : bool or "warn", default False
        Whether to ask torch for the same bits in every run: deterministic algorithms, cuDNN's
        too, ``CUBLAS_WORKSPACE_CONFIG``, no TF32. An operation that has no deterministic
        algorithm raises; with "warn", it only warns.

    Raises
    ------
    InvalidTypeError
        If the seed is neither an integer nor None, or `deterministic` is no bool.
    InvalidValueError
        If the seed is outside the range, or `deterministic` is a text other than "warn".

    Notes
    -----
    A named generator is ``Generator(PCG64(SeedSequence(seed, spawn_key=words)))``, where the words
    are the SHA-256 of the name (NFC, UTF-8), eight of 32 bits, little-endian. It depends on the
    seed and the name only. Libraries with an ``rng`` argument (SPEC 7) take ``rng("name")``, not
    ``rng``, which is not a generator.

    A name is any string. Names with the same Unicode NFC form are the same name. Every method that
    takes one raises `InvalidTypeError` for anything but a string.

    `release`, or the end of a ``with`` block, restores the global generators to their earlier
    states. Managers nest: releasing one first releases those that were made after it. The earlier
    states are kept until then, so release managers that you make in a long loop. Managers in
    several threads seed the same global generators.

    In a forked child, every stream restarts as the stream of that fork's number: it differs from
    the parent's and from its siblings', and is the same in every run. Existing references to
    generators continue from there.

    A pickled manager is a copy that continues from the same states and seeds no global generator.
    Two copies draw the same numbers, so give each worker a `child`, or let it call
    `initialize_worker`. Children and generators that are pickled together with a manager still
    belong to it. A worker does not restart a generator that was pickled without its manager.

    Examples
    --------
    >>> rng = RandomStateManager(seed=42)
    >>> rng("noise").normal(size=2).round(3).tolist()
    [1.107, -2.456]
    >>> rng.release()
    """

    # Where `verify` writes its records, and `checkpoint` its file. The owner of the manager (a
    # session) may set them.
    verify_directory: str | PathLike[str] = "fingerprints"
    checkpoint_directory: str | PathLike[str] = "."

    def __init__(
        self,
        seed: int | None = 42,
        *,
        verbose: bool = False,
        deterministic: bool | Literal["warn"] = False,
    ) -> None:
        streams = Streams(resolve(seed), scope_of_rank())
        self._initialise(streams, verbose, as_deterministic(deterministic))
        self._globals.begin(self)

    def _initialise(
        self, streams: Streams, verbose: bool, deterministic: bool | Literal["warn"]
    ) -> None:
        self._streams = streams
        self._globals = Globals(streams, verbose=verbose, deterministic=deterministic)
        self._children: dict[str, Self] = {}
        self._shared: Self | None = None
        self._calls: dict[str, int] = {}  # of verify without a name, by place

    def _with_streams(self, streams: Streams) -> Self:
        """Return a manager of other streams with the same options; it borrows nothing."""
        manager = type(self).__new__(type(self))
        manager._initialise(streams, self._globals.verbose, self._globals.deterministic)
        return manager

    def __repr__(self) -> str:
        return str(self._streams)

    @property
    def seed(self) -> int:
        """The seed; for None, the one that was drawn."""
        return self._streams.seed

    # Named generators

    def __call__(self, name: str) -> Generator:
        """Return the generator of a name: the same object at every call.

        Parameters
        ----------
        name : str
            Any string.

        Returns
        -------
        numpy.random.Generator
        """
        return self._streams.numpy_generator(name)

    # The names in scitex-repro.
    get_np_generator = __call__
    get_generator = __call__

    def fresh(self, name: str) -> Generator:
        """Return the generator of a name at its start again, for a notebook cell that runs twice.

        Parameters
        ----------
        name : str
            As for a generator.

        Returns
        -------
        numpy.random.Generator
            The same object as ``rng(name)``. It also spawns the same generators again.
        """
        return self._streams.fresh_generator(name)

    def get_sklearn_random_state(self, name: str) -> int:
        """Return the integer of a name, for the ``random_state`` of scikit-learn.

        Parameters
        ----------
        name : str
            As for a generator, with which it shares no random bits.

        Returns
        -------
        int
            From 0 to 2**32 - 1, the same at every call. The probability that two of n names have
            the same integer is about n**2 / 2**33.
        """
        from .derive import sklearn_seed

        return sklearn_seed(self._streams.seed, self._streams.path(name))

    def get_jax_key(self, name: str) -> jax.Array:
        """Return the JAX key of a name.

        Parameters
        ----------
        name : str
            As for a numpy generator, with which it shares no random bits.

        Returns
        -------
        jax.Array
            A typed key of 64 bits (threefry), the same at every call. JAX has no state: split the
            key to use it twice. The probability that two of n names have the same key is about
            n**2 / 2**65.

        Raises
        ------
        MissingLibraryError
            If JAX is not installed.
        """
        from .derive import jax_key

        return jax_key(self._streams.seed, self._streams.path(name))

    def get_torch_generator(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """Return the torch generator of a name on a device: the same object at every call.

        Parameters
        ----------
        name : str
            As for a numpy generator, with which it shares no random bits.
        device : str or torch.device, default "cpu"
            The device. Devices of different kinds give different numbers from the same seed. Two
            devices of one kind give the same numbers, so use another name for each.

        Returns
        -------
        torch.Generator
            Seeded with 64 bits, of which torch's CPU generator uses 32: the probability that two of
            n names have the same CPU stream is about n**2 / 2**33.

        Raises
        ------
        MissingLibraryError
            If torch is not installed.
        DeviceUnavailableError
            If torch has no generator on that device.
        """
        generator = self._streams.torch_generator(name, device)
        from .loaders import watch_epochs

        watch_epochs()  # a DataLoader may take any of them
        return generator

    def dataloader_generator(self, name: str = "dataloader") -> torch.Generator:
        """Return the torch generator of a name on the CPU, for ``DataLoader(generator=...)``.

        The loader takes the order of the samples from it. The first epoch goes on from where the
        generator is. Every later one begins with a seed that depends on the seed, the name and the
        number of the epoch only, so a run that resumes between two epochs goes on as if unbroken.

        Parameters
        ----------
        name : str, default "dataloader"
            Another one for each loader: two that share one change each other's order.

        Returns
        -------
        torch.Generator

        Raises
        ------
        MissingLibraryError
            If torch is not installed.
        """
        return self.get_torch_generator(name)

    # Managers below this one

    def child(self, name: str) -> Self:
        """Return the manager of a name, for a worker, a fold, a sub-experiment.

        Its streams depend only on the seed, its name and their names, whatever was drawn or made
        before. It seeds no global generator until it is entered as a ``with`` block. It can be
        pickled, and so passed to another process.

        Parameters
        ----------
        name : str
            As for a generator.

        Returns
        -------
        RandomStateManager
            The same object at every call.
        """
        name = normalise(name)
        if name not in self._children:
            self._children.setdefault(name, self._with_streams(self._streams.child(name)))
        return self._children[name]

    def spawn(self, n: int) -> list[Self]:
        """Return n new managers; numbering continues across calls.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        list of RandomStateManager
            Each is like one of `child`; no two calls return the same one.

        Raises
        ------
        InvalidTypeError
            If n is not an integer.
        InvalidValueError
            If n is negative.
        """
        return [self._with_streams(streams) for streams in self._streams.spawn(n)]

    @property
    def shared(self) -> Self:
        """The manager that all ranks of a job have in common; the same object at every call.

        Under torchrun, MPI or SLURM every rank draws from streams of its own. What must be the same
        in all of them (initial weights, splits) draws from this one: ``rng.shared("split")``,
        ``rng.shared.get_torch_generator("weights")``. The ranks stay alike only while each of them
        draws the same from it. In a job of one process it gives the same numbers. It is another
        stream than that of the same name in the manager itself.
        """
        if self._shared is None:
            self._shared = self._with_streams(self._streams.shared())
        return self._shared

    # Global generators

    def seed_modules(self, *modules: ModuleType | None) -> None:
        """Seed the global generators of these modules again, from the start.

        Parameters
        ----------
        *modules : module or None
            ``random``, ``numpy``, ``torch`` or ``tensorflow``. None is skipped.

        Raises
        ------
        InvalidValueError
            If one of them is something else.
        ManagerReleasedError
            If this manager has been released, or is a child outside of a ``with`` block.
        """
        borrowing = self._globals.required()
        for module in modules:
            if module is not None:
                borrowing.seed_module(module)

    def temporary_seed(self, seed: int | None) -> TemporarySeed:
        """Seed the global generators with another seed during a ``with`` block.

        Parameters
        ----------
        seed : int or None
            As for a manager. The named generators are not changed.

        Returns
        -------
        context manager
            At its end the global generators have exactly their earlier states, even if the block
            raises, and also if nested.

        Raises
        ------
        InvalidTypeError
            If the seed is neither an integer nor None.
        InvalidValueError
            If the seed is outside the range.
        """
        return TemporarySeed(resolve(seed), verbose=self._globals.verbose)

    def release(self) -> None:
        """Restore every global state, and stop waiting for imports.

        Managers made after this one are released first. Named generators keep working. A second
        release does nothing.
        """
        self._globals.release()

    def __enter__(self) -> Self:
        self._globals.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._globals.leave()

    # Worker processes

    def worker_init_fn(self, worker_id: int) -> None:  # noqa: ARG002 - the loader passes it
        """Give a worker of a torch DataLoader its own streams: ``worker_init_fn=`` takes it.

        The global generators and the streams of every manager in the worker depend on the seed, the
        worker's number and the epoch: they differ between workers and epochs, and are the same in
        every run, forked or spawned. So do generators that user code holds, also spawned ones and
        ones that were pickled without their manager. With ``generator=dataloader_generator()``, the
        streams of persistent workers too begin every epoch at the epoch's start; otherwise they go
        on from epoch to epoch.

        Managers move by themselves in a worker. This function adds that the global generators of a
        spawned worker follow this manager, and that a state counts the epochs of its workers.

        Parameters
        ----------
        worker_id : int
            The loader passes it.

        Raises
        ------
        NotAWorkerError
            If called in a process that is not a worker of a DataLoader.
        """
        from .loaders import require_worker

        require_worker()
        self._globals.take_over(self)

    def initialize_worker(self) -> None:
        """Give a worker of a pool its own streams: ``initializer=rng.initialize_worker``.

        For `multiprocessing.Pool`, `concurrent.futures.ProcessPoolExecutor` and joblib's loky. The
        streams depend on the seed and the number of the process. Every manager that the worker has
        at that time gets them; one that comes later, with a task, is not changed. A pool gives its
        tasks to any worker, so results repeat only if each task takes ``rng.child(f"task {i}")``.

        Raises
        ------
        NotAWorkerError
            If called in a main process.
        """
        from .pools import number_in_pool

        # In a forked worker, this number replaces that of the fork, which may depend on how many
        # workers were started before.
        enter_worker(number_in_pool())
        reseed_all()
        self._globals.take_over(self)

    # State

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state as JSON values, so that any checkpoint can hold it.

        Returns
        -------
        dict
            The seed; every named generator, numpy's and torch's, here and in children; and, while
            this manager seeds them, the global generators: `random`, `numpy.random`, torch with
            every device that has started, TensorFlow.

        Raises
        ------
        StateError
            If a DataLoader with a generator of this manager is in the middle of an epoch. Take the
            state between epochs, or use torchdata's StatefulDataLoader.
        """
        from .state import take_state

        return take_state(self._streams, self._globals.active())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state: every stream continues bit for bit, all of them or none.

        The seed is loaded too. Existing references to generators stay valid. A generator that is
        not in the state restarts, as it had not been used then. The state of a library that is not
        imported yet is kept until its import. A GPU with a state is started. A part that can't be
        restored here, such as that of a missing GPU, causes a warning.

        Parameters
        ----------
        state : dict
            As `state_dict` returns it.

        Raises
        ------
        StateError
            If it is not a state, or is the state of another child.
        """
        from .state import set_state

        set_state(self._streams, self._globals.active(), state)

    def checkpoint(self, path: str | PathLike[str] | None = None) -> Path:
        """Write the whole state to a file atomically, as JSON without pickle.

        Parameters
        ----------
        path : path, optional
            The file; an existing one is replaced. By default ``checkpoint.json`` in
            `checkpoint_directory`, which is the working directory unless the owner of the manager
            has set it: in a session it is the directory of the run.

        Returns
        -------
        pathlib.Path
            The path, for `restore`.

        Raises
        ------
        OSError
            If the directory is missing, full or read-only.
        StateError
            As for `state_dict`.
        """
        from .state import write_checkpoint

        file = self._checkpoint_file(path)
        write_checkpoint(file, self.state_dict())
        return file

    def restore(self, path: str | PathLike[str] | None = None) -> None:
        """Continue from a checkpoint, also in another process with other imports.

        Parameters
        ----------
        path : path, optional
            A file that `checkpoint` wrote; by default where `checkpoint` writes by default.

        Raises
        ------
        OSError
            If the file can't be read.
        CheckpointError
            If it is not a checkpoint, or is damaged; then nothing is changed.
        """
        from .state import restore_checkpoint

        restore_checkpoint(self._streams, self._globals.active(), self._checkpoint_file(path))

    def _checkpoint_file(self, path: str | PathLike[str] | None) -> Path:
        from pathlib import Path

        return Path(self.checkpoint_directory, "checkpoint.json") if path is None else Path(path)

    def __getstate__(self) -> dict[str, Any]:
        options = (self._globals.verbose, self._globals.deterministic)
        return {
            "streams": self._streams,
            "children": dict(self._children),
            "shared": self._shared,
            "options": options,
        }

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._initialise(pickled["streams"], *pickled["options"])
        self._children.update(pickled["children"])
        self._shared = pickled["shared"]

    def __copy__(self) -> Self:
        from copy import copy

        return self._with_streams(copy(self._streams))  # two managers must not share streams

    # Checks of values

    def fingerprint(self, obj: object) -> str:
        """Return the fingerprint of a value, as `scitex_session_repro.fingerprint` does."""
        from scitex_session_repro._fingerprint.encoder import fingerprint

        return fingerprint(obj)

    def verify(
        self,
        obj: object,
        name: str | None = None,
        verbose: bool = True,
        *,
        raises: bool | None = None,
        directory: str | PathLike[str] | None = None,
    ) -> bool:
        """Record a value the first time, and compare it with the record from then on.

        Parameters
        ----------
        obj : object
            Anything that has a `fingerprint`.
        name : str, optional
            The name of the record: any string. By default the place of the call, such as
            ``"train.py:42"``; a second call there, as in a loop, is ``"train.py:42 (2)"``. Give a
            name to what shall still be found when the lines of the script have moved.
        verbose : bool, default True
            Whether to print the result.
        raises : bool or None
            Whether a difference raises or returns False. By default it raises unless `verbose` is
            False, as in scitex-repro.
        directory : path, optional
            The folder of the records; by default `verify_directory`, which is ``fingerprints`` in
            the working directory unless the owner of the manager has set it. At most 1 MiB of the
            arrays, tensors and columns in the value is kept in it, to describe a difference.

        Returns
        -------
        bool
            True if the value was recorded now, or is the same; False if it differs.

        Raises
        ------
        VerificationError
            If the value differs. The error describes how: type, dtype, shape, the parts of a
            mapping or a frame, the number of elements that differ, the first of them, the largest
            difference.
        NotFingerprintableError
            If it has no fingerprint.
        VerificationRecordError
            If the record is damaged.

        Warns
        -----
        RuntimeWarning
            If it can't be recorded (the disk is full): the run continues, and nothing is verified.
        """
        if name is None:
            name = self._place_of_call(sys._getframe(1))
        return self._records(directory).verify(
            obj,
            name,
            seed=self.seed,
            verbose=verbose,
            raises=verbose if raises is None else raises,
        )

    def clear_cache(
        self,
        patterns: str | Iterable[str] | None = None,
        *,
        directory: str | PathLike[str] | None = None,
    ) -> int:
        """Delete records of `verify`.

        Parameters
        ----------
        patterns : str or iterable of str, optional
            Names, or glob patterns of names (``*``, ``?``, ``[a-z]``). All by default.
        directory : path, optional
            As for `verify`.

        Returns
        -------
        int
            How many were deleted.
        """
        return self._records(directory).clear(patterns)

    def _place_of_call(self, frame: FrameType) -> str:
        place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
        count = self._calls[place] = self._calls.get(place, 0) + 1
        return place if count == 1 else f"{place} ({count})"

    def _records(self, directory: str | PathLike[str] | None) -> Records:
        from scitex_session_repro._verify.records import Records

        return Records(self.verify_directory if directory is None else directory)


def streams_of(manager: RandomStateManager) -> Streams:
    """Return the streams of a manager, for its report."""
    return manager._streams
