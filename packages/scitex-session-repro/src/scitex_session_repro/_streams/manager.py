"""One seed for a whole program: its global generators, and streams of its own by name."""

from __future__ import annotations

from .borrowing import Globals, TemporarySeed, reseed_all
from .streams import (
    Streams,
    normalise,
    number_in_loader,
    number_in_pool,
    resolve,
    roots,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path
    from types import ModuleType
    from typing import Any, Self

    import jax
    import torch
    from numpy.random import Generator

    from scitex_session_repro._verify.records import Records


class RandomStateManager:
    """Seeds the global generators, and gives independent generators by name.

    A new manager seeds the global generators of `random`, `numpy.random`, torch (CPU, CUDA, MPS,
    XPU) and TensorFlow: at once where they are imported, otherwise at the moment of their import.
    It imports none of them. numpy comes with the first named generator.

    Parameters
    ----------
    seed : int or None, default 42
        From 0 to 2**128 - 1. None draws one from the operating system, kept in `seed`.
    verbose : bool, default False
        Whether to print what is seeded, when it is.
    deterministic : bool, default False
        Whether to ask torch for the same bits in every run: deterministic algorithms, cuDNN's
        too, ``CUBLAS_WORKSPACE_CONFIG``, no TF32. An operation that has no deterministic
        algorithm raises.

    Raises
    ------
    InvalidTypeError
        If the seed is neither an integer nor None.
    InvalidValueError
        If the seed is outside the range.

    Notes
    -----
    A named generator is ``Generator(PCG64(SeedSequence(seed, spawn_key=words)))``, where the words
    are the SHA-256 of the name (NFC, UTF-8), eight of 32 bits, little-endian. It depends on the
    seed and the name only. Libraries with an ``rng`` argument (SPEC 7) take ``rng("name")``, not
    ``rng``, which is no generator.

    A name is any string. Names that are the same text to Unicode (NFC) are the same name. Every
    method that takes one raises `InvalidTypeError` for what is no string.

    `release`, or the end of a ``with`` block, puts the global generators back as they were found.
    Managers nest: releasing one first releases those that were made after it. What was found is
    kept until then, so release managers that you make in a long loop. Managers in several threads
    seed the same global generators.

    In a forked child, every stream starts anew as that of the fork's number: another one than the
    parent's and its siblings', and the same in every run. References to generators stay good.

    A pickled manager is a copy that goes on from the same states and seeds no global generator.
    Give a worker `child`, or let it call `initialize_worker`: two copies draw the same numbers.
    Children and generators that are pickled along with a manager stay its own. No worker moves a
    generator that was pickled without its manager.

    Examples
    --------
    >>> rng = RandomStateManager(seed=42)
    >>> rng("noise").normal(size=2).round(3).tolist()
    [1.107, -2.456]
    >>> rng.release()
    """

    # Where `verify` records. Whoever owns the manager (a session) may set it.
    verify_directory: str | PathLike[str] = "fingerprints"

    def __init__(
        self, seed: int | None = 42, *, verbose: bool = False, deterministic: bool = False
    ) -> None:
        self._hold(Streams(resolve(seed)), verbose, deterministic)
        self._globals.begin(self)

    def _hold(self, streams: Streams, verbose: bool, deterministic: bool) -> None:
        self._streams = streams
        self._globals = Globals(streams, verbose=verbose, deterministic=deterministic)
        self._children: dict[str, Self] = {}

    def _over(self, streams: Streams) -> Self:
        """Return a manager with the options of this one over other streams, borrowing nothing."""
        manager = type(self).__new__(type(self))
        manager._hold(streams, self._globals.verbose, self._globals.deterministic)
        return manager

    def __repr__(self) -> str:
        return str(self._streams)

    @property
    def seed(self) -> int:
        """The seed from which it all starts; where None was given, the one that was drawn."""
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

    get_np_generator = __call__
    get_generator = __call__

    def get_sklearn_random_state(self, name: str) -> int:
        """Return the integer of a name, for the ``random_state`` of scikit-learn.

        Parameters
        ----------
        name : str
            As for a generator, with which it shares no random bits.

        Returns
        -------
        int
            From 0 to 2**32 - 1, the same at every call. Among n names, two have the same integer
            with a probability of about n**2 / 2**33.
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
            key to use it twice. Among n names, two have the same key with a probability of about
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
            Where it generates. Devices of another kind give other numbers from the same seed. Two
            devices of one kind give the same, so each wants a name of its own.

        Returns
        -------
        torch.Generator
            Seeded with 64 bits, of which torch's CPU generator uses 32: among n names, two give
            the same CPU stream with a probability of about n**2 / 2**33.

        Raises
        ------
        MissingLibraryError
            If torch is not installed.
        DeviceUnavailableError
            If torch has no generator on that device.
        """
        return self._streams.torch_generator(name, device)

    def dataloader_generator(self, name: str = "dataloader") -> torch.Generator:
        """Return the torch generator of a name on the CPU, for ``DataLoader(generator=...)``.

        From it come the order of the samples and, at the start of every epoch, the seed of the
        workers. So `worker_init_fn` gives each epoch numbers of its own.

        Parameters
        ----------
        name : str, default "dataloader"
            One for each loader: two that share one shift each other's order.

        Returns
        -------
        torch.Generator

        Raises
        ------
        MissingLibraryError
            If torch is not installed.
        """
        return self._streams.torch_generator(name, "cpu")

    # Managers below this one

    def child(self, name: str) -> Self:
        """Return the manager of a name, for a worker, a fold, a sub-experiment.

        Its streams depend on the seed, its name and theirs, and on nothing else: neither on what
        was drawn nor on what else was made. It seeds no global generator until it is entered as a
        ``with`` block. It can be pickled, and so given to another process.

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
            self._children.setdefault(name, self._over(self._streams.child(name)))
        return self._children[name]

    def spawn(self, n: int) -> list[Self]:
        """Return new managers, as many as asked for, numbered through from the first call on.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        list of RandomStateManager
            Each as `child` gives them; no two calls give the same one.

        Raises
        ------
        InvalidTypeError
            If n is no integer.
        InvalidValueError
            If n is negative.
        """
        return [self._over(streams) for streams in self._streams.spawn(n)]

    # Global generators

    def seed_modules(self, *modules: ModuleType | None) -> None:
        """Seed the global generators of the given modules now, from the start.

        Parameters
        ----------
        *modules : module or None
            ``random``, ``numpy``, ``torch`` or ``tensorflow``. None is passed over.

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
        """Seed the global generators otherwise for the time of a ``with`` block.

        Parameters
        ----------
        seed : int or None
            As for a manager. The named generators keep to theirs.

        Returns
        -------
        context manager
            At its end the global generators are as it found them, to the bit, also when the block
            raises, also nested.

        Raises
        ------
        InvalidTypeError
            If the seed is neither an integer nor None.
        InvalidValueError
            If the seed is outside the range.
        """
        return TemporarySeed(resolve(seed), verbose=self._globals.verbose)

    def release(self) -> None:
        """Put every global state back as it was found, and wait for no more imports.

        Managers made after this one are released first. Named generators go on working. To release
        twice is to release once.
        """
        self._globals.release()

    def __enter__(self) -> Self:
        self._globals.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._globals.leave()

    # Worker processes

    def worker_init_fn(self, worker_id: int) -> None:
        """Give a worker of a torch DataLoader streams of its own: ``worker_init_fn=`` takes it.

        They depend on the seed, the worker's number and the number that the loader draws for each
        epoch from its generator: other ones in every worker and every epoch, the same in every
        run. This holds for the global generators and the named streams of every manager that the
        worker has by then (this one, its children, any other in the data set), with fork and with
        spawn. Streams of persistent workers go on from epoch to epoch. A spawned worker can't move
        a generator that was pickled without the manager that it comes from.

        Parameters
        ----------
        worker_id : int
            Given by the loader.

        Raises
        ------
        NotAWorkerError
            If called in a process that is no worker of a DataLoader.
        """
        self._become_worker(number_in_loader(worker_id))

    def initialize_worker(self) -> None:
        """Give a worker of a pool streams of its own: ``initializer=rng.initialize_worker``.

        For `multiprocessing.Pool`, `concurrent.futures.ProcessPoolExecutor` and joblib's loky. They
        depend on the seed and the number of the process, and are those of every manager that the
        worker has by then. What comes with a task, later, stays as it is. Which task a pool gives
        to which worker is chance, so results repeat only if each task takes
        ``rng.child(f"task {i}")``.

        Raises
        ------
        NotAWorkerError
            If called in a main process.
        """
        self._become_worker(number_in_pool())

    def _become_worker(self, number: str) -> None:
        # Every manager of the process moves, since a data set may hold another than the one whose
        # method the loader calls. A child that was unpickled by itself would otherwise draw the
        # same numbers in all workers. In a forked worker, the number takes the place of that of
        # the fork, which may depend on how many workers had been started before.
        for streams in roots():
            streams.enter_worker(number)
        reseed_all()
        self._globals.take_over(self)

    # State

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, of what JSON can say, so that it goes into any checkpoint.

        Returns
        -------
        dict
            The seed; every named generator, numpy's and torch's, here and in children; and, while
            this manager seeds them, the global generators: `random`, `numpy.random`, torch with
            every device that has started, TensorFlow.
        """
        from .state import get_state

        return get_state(self._streams, self._globals.active())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state: every stream continues bit for bit, all of them or none.

        The seed is taken over too. References to generators stay good. A generator that the state
        does not know is put at its start, as it was then. The state of a library that is not
        imported yet waits for that. A GPU with a state is started for it. A part that can't be
        restored here, such as that of a missing GPU, is warned about.

        Parameters
        ----------
        state : dict
            As `state_dict` gives it.

        Raises
        ------
        StateError
            If it is none, or that of another child.
        """
        from .state import set_state

        set_state(self._streams, self._globals.active(), state)

    def checkpoint(self, path: str | PathLike[str] = "checkpoint.json") -> Path:
        """Write the whole state to a file: JSON, no pickle, whole or not at all.

        Parameters
        ----------
        path : path
            Of the file; one that is there is replaced.

        Returns
        -------
        pathlib.Path
            The path, for `restore`.

        Raises
        ------
        OSError
            If the directory is missing, full or read-only.
        """
        from pathlib import Path

        from .state import write_checkpoint

        write_checkpoint(Path(path), self.state_dict())
        return Path(path)

    def restore(self, path: str | PathLike[str]) -> None:
        """Go on from a checkpoint, also in another process, with libraries imported otherwise.

        Parameters
        ----------
        path : path
            A file that `checkpoint` wrote.

        Raises
        ------
        OSError
            If the file can't be read.
        CheckpointError
            If it is no checkpoint, or a damaged one; nothing is changed then.
        """
        from pathlib import Path

        from .state import restore_checkpoint

        restore_checkpoint(self._streams, self._globals.active(), Path(path))

    def __getstate__(self) -> dict[str, Any]:
        options = (self._globals.verbose, self._globals.deterministic)
        return {"streams": self._streams, "children": dict(self._children), "options": options}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._hold(pickled["streams"], *pickled["options"])
        self._children.update(pickled["children"])

    def __copy__(self) -> Self:
        from copy import copy

        return self._over(copy(self._streams))  # two managers must not share streams

    # Checks of values

    def fingerprint(self, obj: object) -> str:
        """Return the fingerprint of a value, as `scitex_session_repro.fingerprint` does."""
        from scitex_session_repro._fingerprint.encoder import fingerprint

        return fingerprint(obj)

    def verify(
        self,
        obj: object,
        name: str,
        verbose: bool = True,
        *,
        raises: bool | None = None,
        directory: str | PathLike[str] | None = None,
    ) -> bool:
        """Record a value the first time, and compare it with what was recorded from then on.

        Parameters
        ----------
        obj : object
            Anything that has a `fingerprint`.
        name : str
            What it is recorded under: any string.
        verbose : bool, default True
            Whether to print what was recorded or compared.
        raises : bool or None
            Whether a difference raises, or gives False. By default it raises unless `verbose` is
            False, as in scitex-repro.
        directory : path, optional
            Where the records are; by default `verify_directory`, which is ``fingerprints`` in the
            working directory unless the owner of the manager has set it. Arrays and tensors of at
            most 1 MiB are kept in it, to say what differs.

        Returns
        -------
        bool
            True if it was recorded now, or is the same; False if it differs.

        Raises
        ------
        VerificationError
            If it differs. It says in what: type, dtype, shape, the parts of a mapping or a frame,
            how many elements, the first of them, the largest difference.
        NotFingerprintableError
            If it has no fingerprint.
        VerificationRecordError
            If what was recorded is damaged.

        Warns
        -----
        RuntimeWarning
            If it can't be recorded (the disk is full): the run goes on, and nothing is verified.
        """
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
        """Forget what `verify` has recorded.

        Parameters
        ----------
        patterns : str or iterable of str, optional
            Names, or glob patterns of names (``*``, ``?``, ``[a-z]``). All by default.
        directory : path, optional
            As for `verify`.

        Returns
        -------
        int
            How many were forgotten.
        """
        return self._records(directory).clear(patterns)

    def _records(self, directory: str | PathLike[str] | None) -> Records:
        from scitex_session_repro._verify.records import Records

        return Records(self.verify_directory if directory is None else directory)


def streams_of(manager: RandomStateManager) -> Streams:
    """Return the streams of a manager, for its report."""
    return manager._streams
