"""The libraries that hold a global generator: how each is saved, seeded and restored.

Every function is given the imported module, so nothing here imports a library. To seed another
library, add it here and to `MODULES` in `_streams.borrowing`.

A seed that a library takes by itself reaches it unchanged, so that ``seed=42`` gives the numbers of
the ``random.seed(42)`` or ``torch.manual_seed(42)`` that it replaces. A larger one is reduced from
all of its bits. To cut it off (``seed % 2**64``) would make seeds that differ only above the cut
the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

MERSENNE_WORDS = 624
_SEED_BITS = 128  # of a seed; what is longer is a seed below a scope


class Library:
    """A library with a global generator.

    Parameters
    ----------
    module : str
        The module that holds it, as in `sys.modules`.
    save : callable
        ``save(module)`` returns its state.
    seed : callable
        ``seed(module, seed)`` seeds it from an int of 128 bits or more.
    restore : callable
        ``restore(module, state)`` puts back what `save` returned. It may return a list: the names
        of what could not be put back, since its device is not here.
    """

    __slots__ = ("module", "restore", "save", "seed")

    def __init__(
        self,
        module: str,
        save: Callable[[ModuleType], Any],
        seed: Callable[[ModuleType, int], object],
        restore: Callable[[ModuleType, Any], Any],
    ) -> None:
        self.module = module
        self.save = save
        self.seed = seed
        self.restore = restore


def for_numpy_legacy(seed: int) -> int | list[int]:
    """Return what `numpy.random.seed` takes: a seed below 2**32, else its 32-bit words and a 0.

    `random` too is a Mersenne twister that starts from the words of a long seed, without zeros at
    their end. Given the same words, numpy would draw the numbers of `random`.

    Parameters
    ----------
    seed : int
        A seed, or a longer integer below a scope.

    Returns
    -------
    int or list of int
        Four words or more, the lowest first, and a 0.
    """
    if seed < 2**32:
        return seed
    length = max(_SEED_BITS, seed.bit_length())
    return [seed >> shift & 0xFFFF_FFFF for shift in range(0, length + 32, 32)]


def for_64_bits(seed: int) -> int:
    """Return a seed below 2**64, else 64 bits of a SHA-256 of its little-endian bytes."""
    if seed < 2**64:
        return seed
    from hashlib import sha256

    length = max(_SEED_BITS, seed.bit_length())
    digest = sha256(seed.to_bytes((length + 7) // 8, "little")).digest()
    return int.from_bytes(digest[:8], "little")


def _restore_numpy(numpy_random: ModuleType, state: Any) -> None:
    # numpy takes any position of a Mersenne twister, and reads from there, out of its memory.
    position = state["state"].get("pos", 0)
    if not 0 <= position <= MERSENNE_WORDS:
        raise ValueError(f"position {position} of a Mersenne twister of {MERSENNE_WORDS} words")
    numpy_random.set_state(state)


def _save_torch(torch: ModuleType) -> Any:
    from .torch import save

    return save(torch)


def _restore_torch(torch: ModuleType, state: Any) -> list[str]:
    from .torch import restore

    return restore(torch, state)


def _save_tensorflow(_: ModuleType) -> Any:
    context = _tensorflow_context()
    # Without a seed, the generator of operation seeds is not used, and may not exist.
    return context._seed, None if context._seed is None else context._rng.getstate()


def _restore_tensorflow(tensorflow: ModuleType, state: Any) -> None:
    seed, drawn = state
    tensorflow.random.set_seed(seed)
    if seed is not None:
        _tensorflow_context()._rng.setstate(drawn)


def _tensorflow_context() -> Any:
    # TensorFlow has set_seed and no way to ask for what was set; its eager context keeps it.
    from tensorflow.python.eager import context

    return context.context()


_TABLE = (
    Library(
        "random",
        save=lambda random: random.getstate(),
        seed=lambda random, seed: random.seed(seed),
        restore=lambda random, state: random.setstate(state),
    ),
    Library(
        "numpy.random",
        save=lambda numpy_random: numpy_random.get_state(legacy=False),
        seed=lambda numpy_random, seed: numpy_random.seed(for_numpy_legacy(seed)),
        restore=_restore_numpy,
    ),
    Library(
        "torch",
        save=_save_torch,
        seed=lambda torch, seed: torch.manual_seed(for_64_bits(seed)),
        restore=_restore_torch,
    ),
    Library(
        "tensorflow",
        save=_save_tensorflow,
        seed=lambda tensorflow, seed: tensorflow.random.set_seed(for_64_bits(seed)),
        restore=_restore_tensorflow,
    ),
)
LIBRARIES = {library.module: library for library in _TABLE}
