"""The table of libraries that hold a global generator: how to save, seed and restore each.

Every function is handed the imported module, so nothing here imports a library. A library that
is to be seeded as well is one more row.
"""

from __future__ import annotations

from scitex_session_repro._streams.seeds import for_64_bits, for_numpy_legacy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

MERSENNE_WORDS = 624


class GlobalGenerator:
    """The global generator of one library.

    Parameters
    ----------
    module : str
        The module that holds it, as in `sys.modules`.
    save : callable
        ``save(module)`` gives its state.
    seed : callable
        ``seed(module, seed)`` seeds it from an int of 128 bits or more.
    restore : callable
        ``restore(module, state)`` puts back what `save` gave. A list that it returns names what it
        could not put back since its device is not here.
    """

    __slots__ = ("module", "restore", "save", "seed")

    def __init__(
        self,
        module: str,
        save: Callable[[ModuleType], Any],
        seed: Callable[[ModuleType, int], object],
        restore: Callable[[ModuleType, Any], object],
    ) -> None:
        self.module = module
        self.save = save
        self.seed = seed
        self.restore = restore

    @property
    def library(self) -> str:
        """The name under which people import it."""
        return self.module.partition(".")[0]


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


# numpy.random, not numpy: numpy 2 loads it at its first use, and an `import numpy` has no
# generator yet.
GLOBAL_GENERATORS = (
    GlobalGenerator(
        "random",
        save=lambda random: random.getstate(),
        seed=lambda random, seed: random.seed(seed),
        restore=lambda random, state: random.setstate(state),
    ),
    GlobalGenerator(
        "numpy.random",
        save=lambda numpy_random: numpy_random.get_state(legacy=False),
        seed=lambda numpy_random, seed: numpy_random.seed(for_numpy_legacy(seed)),
        restore=_restore_numpy,
    ),
    GlobalGenerator(
        "torch",
        save=_save_torch,
        seed=lambda torch, seed: torch.manual_seed(for_64_bits(seed)),
        restore=_restore_torch,
    ),
    GlobalGenerator(
        "tensorflow",
        save=_save_tensorflow,
        seed=lambda tensorflow, seed: tensorflow.random.set_seed(for_64_bits(seed)),
        restore=_restore_tensorflow,
    ),
)
