"""One seed for a whole program: its global generators, and streams of its own by name."""

from __future__ import annotations

from scitex_session_repro._errors import ManagerReleasedError

from .borrowing import Borrowing
from .resumable import ResumableStreams
from .seeds import resolve
from .verify_methods import Verifying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Self

    from .temporary import TemporarySeed


class RandomStateManager(ResumableStreams, Verifying):
    """Seeds the global generators, and gives independent generators by name.

    Made, it seeds the global generators of `random`, `numpy.random`, torch (CPU, CUDA, MPS, XPU)
    and TensorFlow: of those that are imported at once, of the others at the moment of their
    import. It imports none of them; numpy comes with the first named generator.

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
    SeedTypeError
        If the seed is neither an integer nor None.
    SeedRangeError
        If the seed is outside the range.

    Notes
    -----
    A named generator is ``Generator(PCG64(SeedSequence(seed, spawn_key=words)))`` where the words
    are the SHA-256 of the name (NFC, UTF-8), eight of 32 bits, little-endian: it depends on the
    seed and the name only. Libraries with an ``rng`` argument (SPEC 7) take ``rng("name")``, not
    ``rng``, which is no generator.

    What was found in the global generators is put back by `release`, or at the end of a ``with``
    block. Managers nest: releasing one first releases those that were made after it, so what is
    put back is always what was found. Until then it is kept, with the states: release those made
    in a long loop. Managers in threads of their own seed the same global generators.

    In a forked child, every stream starts anew as that of the fork's number: another one than the
    parent's and its siblings', and the same in every run. References to generators stay good.

    Pickled, it is a copy that goes on from the same states and seeds no global generator. Give a
    worker `child`, or let it call `initialize_worker`: two copies draw the same numbers. Children
    and generators that are pickled along with it stay its own. A generator pickled without its
    manager is a copy of which nothing is known: no worker moves it.

    Examples
    --------
    >>> rng = RandomStateManager(seed=42)
    >>> rng("noise").normal(size=2).round(3).tolist()
    [1.107, -2.456]
    >>> rng.release()
    """

    def __init__(
        self, seed: int | None = 42, *, verbose: bool = False, deterministic: bool = False
    ) -> None:
        self._begin(resolve(seed))
        self._verbose = verbose
        self._deterministic = deterministic
        self._lasting, self._unentered = False, True
        self._borrow()

    # Of those that are not made by __init__: a child, a copy.
    _lasting = True  # whether a ``with`` block may borrow once more after a release
    _unentered = False  # whether the first block is to take over what __init__ has borrowed
    _ours = False  # whether `get` or `reset` made it

    def seed_modules(self, *modules: ModuleType | None) -> None:
        """Seed the global generators of the given modules now, from the start.

        Parameters
        ----------
        *modules : module or None
            ``random``, ``numpy``, ``torch`` or ``tensorflow``. None is passed over.

        Raises
        ------
        UnknownGeneratorError
            If one of them is something else.
        ManagerReleasedError
            If this manager has been released, or is a child outside of a ``with`` block.
        """
        borrowing = self._active_borrowing()
        if borrowing is None:
            raise ManagerReleasedError(repr(self), entered=not self._lasting)
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
            What it finds, it gives back: to the bit, also when the block raises, also nested.

        Raises
        ------
        SeedTypeError
            If the seed is neither an integer nor None.
        SeedRangeError
            If the seed is outside the range.
        """
        from .temporary import TemporarySeed

        return TemporarySeed(seed, verbose=self._verbose)

    def worker_init_fn(self, worker_id: int) -> None:
        """Give a worker of a torch DataLoader streams of its own: ``worker_init_fn=`` takes it.

        They depend on the seed, the worker's number and the number that the loader draws for each
        epoch from its generator: other ones in every worker and every epoch, the same in every
        run. This holds for the global generators and the named streams of every manager that the
        worker has by then (this one, its children, any other in the data set), with fork and with
        spawn, and for persistent workers, whose streams go on from epoch to epoch. A spawned
        worker can't move a generator that was pickled without the manager that it comes from.

        Parameters
        ----------
        worker_id : int
            Given by the loader.

        Raises
        ------
        NotAWorkerError
            If called in a process that is no worker of a DataLoader.
        """
        from .workers import become, number_in_loader

        become(self, number_in_loader(worker_id))

    def initialize_worker(self) -> None:
        """Give a worker of a pool streams of its own: ``initializer=rng.initialize_worker``.

        For `multiprocessing.Pool`, `concurrent.futures.ProcessPoolExecutor` and joblib's loky. They
        depend on the seed and the number of the process, and are those of every manager that the
        worker has by then: what comes with a task, later, stays as it is. Which task a pool gives
        to which worker is chance, so that results repeat only if each task takes
        ``rng.child(f"task {i}")``.

        Raises
        ------
        NotAWorkerError
            If called in a main process.
        """
        from .workers import become, number_in_pool

        become(self, number_in_pool())

    def release(self) -> None:
        """Give back every global state as it was found, and wait for no more imports.

        Managers made after this one are released first. Named generators go on working. Released
        twice is released once.
        """
        while self._borrowings:
            self._borrowings.pop(0).release()

    def __enter__(self) -> Self:
        if not self._lasting and self._active_borrowing() is None:
            raise ManagerReleasedError(repr(self), entered=True)
        if self._unentered:
            self._unentered = False
        else:
            self._borrow()
        return self

    def __exit__(self, *_: object) -> None:
        if self._borrowings:  # none, if it was released in the block
            self._borrowings.pop().release()

    def _borrow(self) -> None:
        determinism = None
        if self._deterministic:
            from scitex_session_repro._globals.determinism import Determinism

            determinism = Determinism(verbose=self._verbose)
        self._borrowings.append(
            Borrowing(self, current=True, verbose=self._verbose, determinism=determinism)
        )

    def _derived(self, step: tuple[str, str]) -> Self:
        derived = super()._derived(step)
        derived._deterministic, derived._verbose = self._deterministic, self._verbose
        return derived
