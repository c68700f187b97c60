"""numpy generators that know which stream they are, so that a process can move them.

One of numpy's does not. If it was pickled without its manager, or came out of ``spawn()``, nobody
can tell in a worker what it should draw there, and every worker draws the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
from numpy.random import Generator, SeedSequence

from scitex_session_repro._globals.plain import native, plain

from .derive import spawn_key
from .streams import encode_path, in_process, keep_loose

if TYPE_CHECKING:
    from typing import Any, Self

    from .streams import Scope, Step


class PCG64(np.random.PCG64):
    """numpy's PCG64 on a named stream, or on what was spawned from one.

    The class has the name of numpy's, since a state holds that name. It is a PCG64 explicitly,
    since a later numpy may change the generator of `default_rng`.

    Attributes
    ----------
    seed, scope, name
        The stream.
    numbers : tuple of int
        For a spawned generator, its number; if that one was spawned too, both numbers, and so on.
    """

    seed: int
    scope: Scope
    name: str
    numbers: tuple[int, ...] = ()
    # Spawning continues at this number after a restart. It is not 0 in a process that got its
    # generators pickled: those that were spawned before may be there too.
    _first_number = 0
    # The scope in the process that pickled it.
    _origin: Scope | None = None

    def spawn(self, n_children: int) -> list[Self]:
        """Return independent generators; they restart with this one for as long as they live."""
        spawned = super().spawn(n_children)
        for generator in spawned:
            assert isinstance(generator.seed_seq, SeedSequence)
            number = generator.seed_seq.spawn_key[-1]
            generator._settle(self.seed, self.scope, self.name, (*self.numbers, number))
            self._living[number] = generator
        return spawned

    def _settle(self, seed: int, scope: Scope, name: str, numbers: tuple[int, ...]) -> None:
        self.seed, self.scope, self.name, self.numbers = seed, scope, name, numbers

    @property
    def _living(self) -> WeakValueDictionary[int, Self]:
        """The generators that were spawned from this one and are still referenced."""
        # Not in __init__, which numpy calls with arguments of its own.
        living: WeakValueDictionary[int, Self]
        living = self.__dict__.setdefault("_spawned", WeakValueDictionary())
        return living

    def restart(self, seed: int, scope: Scope, name: str, *, spawned: int | None = None) -> None:
        """Go to the start of a stream; the living spawned generators go to the start of theirs.

        The seed sequence restarts too. Otherwise it would spawn after a fork what the parent
        spawns. A sequence has no method for that. Running its initialiser again works in numpy 1
        and 2.

        Parameters
        ----------
        seed, scope, name
            The stream.
        spawned : int, optional
            How many generators it has spawned before; by default as many as need a number, so that
            no later one gets the number of a living one.
        """
        self._settle(seed, scope, name, self.numbers)
        count = self._next_number() if spawned is None else spawned
        sequence = self.seed_seq
        assert isinstance(sequence, SeedSequence)
        sequence.__init__(  # type: ignore[misc]
            entropy=seed,
            spawn_key=(*spawn_key(encode_path(scope, name)), *self.numbers),
            n_children_spawned=count,
        )
        self.state = np.random.PCG64(sequence).state
        for generator in list(self._living.values()):
            generator.restart(seed, scope, name)

    def _next_number(self) -> int:
        return max([self._first_number, *(number + 1 for number in self._living)])

    def start_afresh(self) -> None:
        """Go to the start of the stream, and spawn the same generators again."""
        self._living.clear()
        self.restart(self.seed, self.scope, self.name, spawned=0)

    def enter(self, step: Step) -> None:
        """Go to the start of the stream in this process.

        Parameters
        ----------
        step : tuple
            The step of the process, as in a scope.
        """
        scope = self.scope if self._origin is None else self._origin
        self.restart(self.seed, in_process(scope, step), self.name)

    def plain_state(self) -> dict[str, Any]:
        """Return its state and those of the living spawned generators, as plain values."""
        assert isinstance(self.seed_seq, SeedSequence)
        return {
            "state": plain(self.state),
            "spawned": self.seed_seq.n_children_spawned,
            "living": {str(number): one.plain_state() for number, one in self._living.items()},
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Continue from a state that `plain_state` returned; others spawned since restart."""
        self.restart(self.seed, self.scope, self.name, spawned=saved["spawned"])
        self.state = native(saved["state"])
        for number, spawned in saved.get("living", {}).items():
            if int(number) in self._living:
                self._living[int(number)].load(spawned)

    def __reduce__(self) -> tuple[Any, ...]:
        assert isinstance(self.seed_seq, SeedSequence)
        count = self.seed_seq.n_children_spawned
        pickled = (self.seed, self.scope, self.name, self.numbers, count, self._next_number())
        # In this form numpy 1's Generator can pickle it too: one argument, and a state.
        return _unpickled, (pickled,), self.state

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _unpickled(pickled: Any) -> PCG64:
    seed, scope, name, numbers, spawned, first_number = pickled
    generator = PCG64(0)
    generator._settle(seed, scope, name, numbers)
    generator.restart(seed, scope, name, spawned=spawned)
    generator._first_number = first_number
    generator._origin = scope
    keep_loose(generator)
    return generator


def numpy_generator(seed: int, scope: Scope, name: str) -> Generator:
    """Return a new generator at the start of a stream."""
    bits = PCG64(0)
    bits.restart(seed, scope, name)
    return Generator(bits)


def bits_of(generator: Generator) -> PCG64:
    """Return the bit generator of a generator that `numpy_generator` made."""
    bits = generator.bit_generator
    assert isinstance(bits, PCG64)
    return bits
