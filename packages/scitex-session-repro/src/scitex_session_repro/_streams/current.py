"""The current manager, for code that is not given one."""

from __future__ import annotations

import sys
from weakref import WeakSet

from .borrowing import innermost, reseed_all
from .manager import RandomStateManager, streams_of
from .streams import as_deterministic, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_replaceable: WeakSet[RandomStateManager] = WeakSet()  # made by `get` or `reset`


def get(verbose: bool = False) -> RandomStateManager:
    """Return the current manager: the newest one that is not released, or else a new one.

    So a library finds the manager of the program or session that calls it.

    Parameters
    ----------
    verbose : bool, default False
        Whether a new one prints what it seeds.

    Returns
    -------
    RandomStateManager
        A new one has seed 42.
    """
    return innermost() or _new_manager(verbose)


def _new_manager(verbose: bool) -> RandomStateManager:
    manager = reset(verbose=verbose)
    if "torch.utils.data" in sys.modules:
        from .loaders import current_worker

        # In a spawned worker of a DataLoader. Otherwise all workers would draw the same numbers.
        if (worker := current_worker()) is not None:
            streams_of(manager).enter_worker(worker.number())
            reseed_all()
    return manager


def reset(
    seed: int | None = 42, verbose: bool = False, *, deterministic: bool | Literal["warn"] = False
) -> RandomStateManager:
    """Make a new current manager.

    It replaces the current one if that comes from `get` or `reset` too. A manager of another owner
    is kept: the new one is nested in it, and is released with it.

    Parameters
    ----------
    seed : int or None, default 42
        As for `RandomStateManager`.
    verbose : bool, default False
        As for `RandomStateManager`.
    deterministic : bool or "warn", default False
        As for `RandomStateManager`.

    Returns
    -------
    RandomStateManager

    Raises
    ------
    InvalidTypeError
        If the seed is neither an integer nor None.
    InvalidValueError
        If the seed is outside the range.
    """
    seed = resolve(seed)  # what is refused leaves the current manager as it is
    deterministic = as_deterministic(deterministic)
    current = innermost()
    if current is not None and current in _replaceable:
        current.release()
    manager = RandomStateManager(seed, verbose=verbose, deterministic=deterministic)
    _replaceable.add(manager)
    return manager


def seed_everything(
    seed: int | None = 42, *, verbose: bool = False, deterministic: bool | Literal["warn"] = False
) -> int:
    """Seed every global generator, now or when its library is imported.

    Name and return value are those of PyTorch Lightning's function. `get` returns the manager, for
    named generators and to release it.

    Parameters
    ----------
    seed : int or None, default 42
        As for `RandomStateManager`.
    verbose : bool, default False
        As for `RandomStateManager`.
    deterministic : bool or "warn", default False
        As for `RandomStateManager`.

    Returns
    -------
    int
        The seed; for None, the one that was drawn.

    Raises
    ------
    InvalidTypeError
        If the seed is neither an integer nor None.
    InvalidValueError
        If the seed is outside the range.
    """
    return reset(seed, verbose, deterministic=deterministic).seed
