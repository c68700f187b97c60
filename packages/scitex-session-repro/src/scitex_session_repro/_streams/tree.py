"""A seed, and the managers that stand below it."""

from __future__ import annotations

from operator import index

from scitex_session_repro._errors import CountRangeError, CountTypeError

from . import fork as _fork
from .scope import describe, global_seed, in_process, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Self

    from .scope import Scope


class Node:
    """A place below a seed, where streams can be.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    scope : tuple
        The steps that lead from the seed to here.
    parent : Node, optional
        Whose child this is. What has none is told of forks, and tells its children.
    """

    def __init__(self, seed: int, scope: Scope = (), parent: Node | None = None) -> None:
        self._begin(seed, scope, parent)

    def _begin(self, seed: int, scope: Scope = (), parent: Node | None = None) -> None:
        # Apart from __init__, which is another one where users make a manager from a seed. Called
        # last by those that extend it: once watched, a fork in another thread finds it.
        self._seed = seed
        self._scope = scope
        self._scope_outside = scope  # in the process that started this one
        self._parent = parent
        self._forks = 0
        self._children: dict[str, Self] = {}
        self._spawned = 0
        self._spawned_alive: MutableMapping[int, Self] = {}
        if parent is None:
            _fork.watch(self)

    def __repr__(self) -> str:
        return describe(self._seed, self._scope)

    @property
    def seed(self) -> int:
        """The seed from which it all starts; where None was given, the one that was drawn."""
        return self._seed

    def child(self, name: str) -> Self:
        """Give the manager of a name, for a worker, a fold, a sub-experiment.

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

        Raises
        ------
        NameTypeError
            If the name is not a string.
        """
        name = normalise(name)
        if name not in self._children:
            self._children.setdefault(name, self._derived(("child", name)))
        return self._children[name]

    def spawn(self, n: int) -> list[Self]:
        """Give new managers, as many as asked for, numbered through from the first call on.

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
        CountTypeError
            If n is no integer.
        CountRangeError
            If n is negative.
        """
        count = as_count(n)
        first, self._spawned = self._spawned, self._spawned + count
        return [self._spawn(number) for number in range(first, first + count)]

    def _spawn(self, number: int) -> Self:
        spawned = self._derived(("spawn", str(number)))
        self._keep_spawned(number, spawned)
        return spawned

    def _keep_spawned(self, number: int, spawned: Self) -> None:
        from weakref import WeakValueDictionary

        if not isinstance(self._spawned_alive, WeakValueDictionary):
            self._spawned_alive = WeakValueDictionary()  # one that is let go can't be reached again
        self._spawned_alive[number] = spawned

    def _derived(self, step: tuple[str, str]) -> Self:
        derived = type(self).__new__(type(self))
        derived._begin(self._seed, (*self._scope, step), self)
        return derived

    def _adopt(self, below: list[tuple[tuple[str, str], Self]]) -> None:
        """Take managers in that were unpickled along with this one, from `_below`."""
        for (kind, name), node in below:
            if node._parent is not None:  # copy.copy: they stay with the original
                continue
            node._parent = self
            _fork.unwatch(node)
            if kind == "child":
                self._children[name] = node
            else:
                self._keep_spawned(int(name), node)

    def _global_seed(self) -> int:
        return global_seed(self._seed, self._scope)

    def _next_fork(self) -> int:
        self._forks += 1
        return self._forks

    def _forked(self, number: int) -> None:
        """Become, in a forked child, what the manager of that fork is."""
        self._scope_outside = self._scope
        self._enter_process(("fork", str(number)), forked=True)

    def _enter_process(self, step: tuple[str, str], *, forked: bool = False) -> None:
        """Take the step of this process, in the place of one that it had."""
        outside = self._scope_outside
        self._move(self._seed, in_process(outside, step), forked=forked)
        self._scope_outside = outside

    def _move(self, seed: int, scope: Scope, *, forked: bool = False) -> None:
        """Put every stream here and below at its start under another seed and scope, in place."""
        self._seed, self._scope, self._scope_outside = seed, scope, scope
        self._forks = 0
        self._restart(forked=forked)
        for step, below in self._below():
            below._move(seed, (*scope, step), forked=forked)

    def _restart(self, *, forked: bool) -> None:
        """Put what is drawn here at its start; a mere place has nothing."""

    def _below(self) -> list[tuple[tuple[str, str], Self]]:
        """Give the managers that stand below this one and are in use, each with its step."""
        named = [(("child", name), child) for name, child in list(self._children.items())]
        spawned = [(("spawn", str(n)), child) for n, child in list(self._spawned_alive.items())]
        return [*named, *spawned]


def as_count(n: object) -> int:
    """Give n as an int, if it counts something.

    Raises
    ------
    CountTypeError
        If it is no integer. A bool is refused: it is a flag in the wrong place.
    CountRangeError
        If it is negative.
    """
    try:
        count = None if isinstance(n, bool) else index(n)  # type: ignore[arg-type]
    except TypeError:
        count = None
    if count is None:
        raise CountTypeError(f"{n!r:.80}", type(n).__name__)
    if count < 0:
        raise CountRangeError(count)
    return count
