"""From a seed, a scope and a name to a stream of its own.

Imported at the first name only: it needs numpy.

The naive ways fail quietly. ``default_rng(seed + i)`` gives experiments with neighbouring seeds
the same streams; ``default_rng(hash(name))`` differs between processes; spawning in order of use
lets one more draw upstream change every number downstream. Here the name alone picks the stream:
it is hashed into the spawn key of a `numpy.random.SeedSequence`, which is numpy's own way to
independent streams.

Of the words of 64 bits that a sequence generates, PCG64 is seeded with the first four; number 4
seeds torch, number 5 scikit-learn, number 6 is JAX's key. No two libraries share one.
"""

from __future__ import annotations

from hashlib import sha256
from struct import unpack
from typing import TYPE_CHECKING

from numpy import array, uint32, uint64
from numpy.random import PCG64, Generator, SeedSequence

from scitex_session_repro._errors import DeviceUnavailableError, MissingLibraryError

from .scope import encode_name, encode_scope

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    import jax
    import torch

    from .scope import Scope


def spawn_key(name: str, scope: Scope = ()) -> tuple[int, ...]:
    """Give the spawn key of a name: its SHA-256 as eight little-endian 32-bit words.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    """
    encoded = encode_name(name)
    if scope:
        encoded = encode_scope(scope) + b"\xff" + encoded
    return unpack("<8I", sha256(encoded).digest())


def seed_sequence(seed: int, name: str, scope: Scope = ()) -> SeedSequence:
    """Give the seed sequence of a name: the same on every platform and in every process.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    name : str
        Any string, the empty one too.
    scope : tuple
        Where the manager stands whose name it is.

    Returns
    -------
    numpy.random.SeedSequence
        With the seed as entropy, and the hash of the name (and of the scope before it, where there
        is one) as spawn key.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    """
    return SeedSequence(entropy=seed, spawn_key=spawn_key(name, scope))


def numpy_generator(seed: int, name: str, scope: Scope = ()) -> Generator:
    """Give a new generator at the start of the stream.

    PCG64 is named, since numpy keeps the right to change what `default_rng` builds on.
    """
    return Generator(PCG64(seed_sequence(seed, name, scope)))


def restart(
    generator: Generator, seed: int, name: str, scope: Scope = (), *, spawned: int = 0
) -> None:
    """Put a generator at the start of a stream, in place: whoever holds it goes on with that.

    Its seed sequence moves too, or what it spawns after a fork would be what the parent spawns.
    A sequence has no method for that; running its initialiser again is the one way that works in
    numpy 1 and 2.

    Parameters
    ----------
    generator : numpy.random.Generator
        On PCG64.
    seed, name, scope
        As for `seed_sequence`.
    spawned : int
        How many generators it has spawned before.
    """
    sequence = seed_sequence_of(generator)
    sequence.__init__(  # type: ignore[misc]
        entropy=seed, spawn_key=spawn_key(name, scope), n_children_spawned=spawned
    )
    generator.bit_generator.state = PCG64(seed_sequence(seed, name, scope)).state


def seed_sequence_of(generator: Generator) -> SeedSequence:
    """Give the seed sequence behind a generator of ours."""
    sequence = generator.bit_generator.seed_seq
    assert isinstance(sequence, SeedSequence)
    return sequence


def torch_seed(seed: int, name: str, scope: Scope = ()) -> int:
    """Give the 64 bits that seed the torch generator of a name."""
    return _spare_word(seed, name, scope, 4)


def torch_generator(device: str | torch.device, number: int) -> torch.Generator:
    """Give a new torch generator, seeded; torch is imported for it.

    Raises
    ------
    MissingLibraryError
        If torch is not installed.
    DeviceUnavailableError
        If torch has no generator there.
    """
    library = _optional("torch", "get_torch_generator")
    try:
        return library.Generator(device=device).manual_seed(number)
    except RuntimeError as error:
        # torch's own message on a CPU build is a page about linker flags.
        accelerator: Any = getattr(library, str(device).partition(":")[0], None)
        if hasattr(accelerator, "is_available") and not accelerator.is_available():
            problem = "torch sees no such device here"
        else:
            problem = str(error).partition("\n")[0].partition(". ")[0]
        raise DeviceUnavailableError(str(device), problem) from None


def sklearn_seed(seed: int, name: str, scope: Scope = ()) -> int:
    """Give the integer below 2**32 for a scikit-learn ``random_state`` of that name.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    """
    return _spare_word(seed, name, scope, 5) & 0xFFFF_FFFF


def jax_key(seed: int, name: str, scope: Scope = ()) -> jax.Array:
    """Give the JAX key of a name; JAX is imported for it.

    The 64 bits become the key as they are: ``jax.random.key(seed)`` drops the upper 32 bits of a
    seed unless 64-bit types are switched on.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    MissingLibraryError
        If JAX is not installed.
    """
    word = _spare_word(seed, name, scope, 6)
    random = _optional("jax", "get_jax_key").random
    return random.wrap_key_data(
        array([word >> 32, word & 0xFFFF_FFFF], uint32), impl="threefry2x32"
    )


def _optional(library: str, feature: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:  # it is there, and broken: its own message says how
            raise
        raise MissingLibraryError(feature, library) from None


def _spare_word(seed: int, name: str, scope: Scope, number: int) -> int:
    return int(seed_sequence(seed, name, scope).generate_state(number + 1, uint64)[-1])
