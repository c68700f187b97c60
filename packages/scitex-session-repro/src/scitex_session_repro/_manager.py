"""One seed for a whole program: its global generators, and streams of its own by name."""

from __future__ import annotations

from ._borrowing import Borrowing
from ._errors import ManagerReleasedError
from ._seeds import resolve
from ._verify_methods import Verifying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Self

    import torch
    from numpy.random import Generator

# Innermost last. Holding them keeps a manager working that nobody assigned to a name.
_active: list[RandomStateManager] = []


class RandomStateManager(Verifying):
    """Seeds the global generators, and gives independent generators by name.

    Made, it seeds the global generators of `random`, `numpy.random`, torch (CPU and CUDA) and
    TensorFlow: of those that are imported at once, of the others at the moment of their import.
    It imports none of them; numpy comes with the first named generator.

    Parameters
    ----------
    seed : int or None, default 42
        From 0 to 2**128 - 1. None draws one from the operating system, kept in `seed`.
    verbose : bool, default False
        Whether to print what is seeded, when it is.

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
    seed and the name only. Libraries with an ``rng`` argument take ``rng("name")``, not ``rng``.

    What was found in the global generators is put back by `release`, or at the end of a ``with``
    block. Managers nest: releasing one first releases those that were made after it, so what is
    put back is always what was found. Until then it is kept, with the states: release those made
    in a long loop. Managers in threads of their own seed the same global generators.

    Examples
    --------
    >>> rng = RandomStateManager(seed=42)
    >>> rng("noise").normal(size=2).round(3).tolist()
    [1.107, -2.456]
    >>> rng.release()
    """

    def __init__(self, seed: int | None = 42, *, verbose: bool = False) -> None:
        self._seed = resolve(seed)
        self._generators: dict[str, Generator] = {}
        self._torch_generators: dict[tuple[str, str], torch.Generator] = {}
        self._ours = False  # whether `get` or `reset` made it
        self._globals = Borrowing(self._seed, verbose=verbose)
        _active.append(self)

    def __repr__(self) -> str:
        return f"RandomStateManager(seed={self._seed})"

    @property
    def seed(self) -> int:
        """The seed; where None was given, the one that was drawn."""
        return self._seed

    def __call__(self, name: str) -> Generator:
        """Give the generator of a name: the same object at every call.

        Parameters
        ----------
        name : str
            Any string. Names that are the same text to Unicode (NFC) are the same name.

        Returns
        -------
        numpy.random.Generator

        Raises
        ------
        NameTypeError
            If the name is not a string.
        """
        try:
            return self._generators[name]
        except (KeyError, TypeError):  # a name that can't be hashed is refused below
            pass
        from ._streams import normalise, numpy_generator

        stream = normalise(name)
        # setdefault: two threads that ask at once get the same one.
        generator = self._generators.setdefault(stream, numpy_generator(self._seed, stream))
        self._generators[name] = generator
        return generator

    get_np_generator = __call__
    get_generator = __call__

    def get_sklearn_random_state(self, name: str) -> int:
        """Give the integer of a name, for the ``random_state`` of scikit-learn.

        Parameters
        ----------
        name : str
            As for a generator, with which it shares no random bits.

        Returns
        -------
        int
            From 0 to 2**32 - 1, the same at every call. Among n names, two have the same integer
            with a probability of about n**2 / 2**33.

        Raises
        ------
        NameTypeError
            If the name is not a string.
        """
        from ._streams import sklearn_seed

        return sklearn_seed(self._seed, name)

    def get_torch_generator(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """Give the torch generator of a name on a device: the same object at every call.

        Parameters
        ----------
        name : str
            As for a numpy generator, with which it shares no random bits.
        device : str or torch.device, default "cpu"
            Where it generates. Devices of another kind give other numbers from the same seed.

        Returns
        -------
        torch.Generator
            Seeded with 64 bits, of which torch's CPU generator uses 32: among n names, two give
            the same CPU stream with a probability of about n**2 / 2**33.

        Raises
        ------
        NameTypeError
            If the name is not a string.
        MissingLibraryError
            If torch is not installed.
        """
        from ._streams import normalise, torch_generator

        key = (normalise(name), str(device))
        if key not in self._torch_generators:
            self._torch_generators.setdefault(key, torch_generator(self._seed, name, device))
        return self._torch_generators[key]

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
            If this manager has been released.
        """
        self._refuse_if_released()
        for module in modules:
            if module is not None:
                self._globals.seed_module(module)

    def release(self) -> None:
        """Give back every global state as it was found, and wait for no more imports.

        Managers made after this one are released first. Named generators go on working. Released
        twice is released once.
        """
        if self not in _active:
            return
        released = None
        while released is not self:
            released = _active.pop()
            released._globals.release()

    def _refuse_if_released(self) -> None:
        if self not in _active:
            raise ManagerReleasedError(self._seed)

    def __enter__(self) -> Self:
        self._refuse_if_released()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def get() -> RandomStateManager:
    """Give the current manager: the last one made and not released, or else a new one.

    So a library finds the manager of the program, or of the session, that calls it.

    Returns
    -------
    RandomStateManager
        With seed 42 where there was none.
    """
    return _active[-1] if _active else reset()


def reset(seed: int | None = 42) -> RandomStateManager:
    """Make a new current manager.

    It takes the place of the current one if that comes from `get` or `reset` too. One that
    somebody else made is not taken away from its owner: the new one stands inside it, and goes
    with it.

    Parameters
    ----------
    seed : int or None, default 42
        As for `RandomStateManager`.

    Returns
    -------
    RandomStateManager

    Raises
    ------
    SeedTypeError
        If the seed is neither an integer nor None.
    SeedRangeError
        If the seed is outside the range.
    """
    seed = resolve(seed)  # a refused seed leaves the current manager as it is
    if _active and _active[-1]._ours:
        _active[-1].release()
    manager = RandomStateManager(seed)
    manager._ours = True
    return manager
