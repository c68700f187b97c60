"""Derive a stream from a seed and a path. It needs numpy, so the first named generator imports it.

A path is the bytes of a scope and a name, from `streams.encode_path`.

The naive ways fail quietly. ``default_rng(seed + i)`` gives experiments with neighbouring seeds
the same streams. ``default_rng(hash(name))`` differs between processes. Spawning in order of use
lets one more draw upstream change every number downstream. Here the path alone picks the stream:
it is hashed into the spawn key of a `numpy.random.SeedSequence`, which is numpy's own way to
independent streams.

A sequence generates words of 64 bits. Words 0 to 3 seed PCG64, word 4 seeds torch, word 5
scikit-learn, and word 6 is JAX's key. No two libraries share a word.
"""

from __future__ import annotations

from hashlib import sha256
from struct import unpack
from typing import TYPE_CHECKING

from numpy import array, uint32, uint64
from numpy.random import SeedSequence

from scitex_session_repro._errors import DeviceUnavailableError, MissingLibraryError

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    import jax
    import torch


def spawn_key(path: bytes) -> tuple[int, ...]:
    """Return the spawn key of a path: its SHA-256 as eight little-endian 32-bit words."""
    return unpack("<8I", sha256(path).digest())


def seed_sequence(seed: int, path: bytes) -> SeedSequence:
    """Return the seed sequence of a path: the same on every platform and in every process.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1: the entropy.
    path : bytes
        What is hashed into the spawn key.
    """
    return SeedSequence(entropy=seed, spawn_key=spawn_key(path))


def torch_seed(seed: int, path: bytes) -> int:
    """Return the 64 bits that seed a torch generator."""
    return _spare_word(seed, path, 4)


def torch_generator(device: str | torch.device, number: int) -> torch.Generator:
    """Return a new torch generator, seeded; import torch.

    Raises
    ------
    MissingLibraryError
        If torch is not installed.
    DeviceUnavailableError
        If torch has no generator on that device.
    """
    library = _optional("torch", "get_torch_generator")
    try:
        generator: torch.Generator = library.Generator(device=device).manual_seed(number)
    except RuntimeError as error:
        # torch's own message on a CPU build is a page about linker flags.
        accelerator: Any = getattr(library, str(device).partition(":")[0], None)
        if hasattr(accelerator, "is_available") and not accelerator.is_available():
            problem = "torch sees no such device here"
        else:
            problem = str(error).partition("\n")[0].partition(". ")[0]
        raise DeviceUnavailableError(
            f"cannot make a torch generator on device {str(device)!r}: {problem}",
            device=str(device),
        ) from None
    return generator


def sklearn_seed(seed: int, path: bytes) -> int:
    """Return the integer below 2**32 for a ``random_state`` of scikit-learn."""
    return _spare_word(seed, path, 5) & 0xFFFF_FFFF


def jax_key(seed: int, path: bytes) -> jax.Array:
    """Return a JAX key; import JAX.

    The 64 bits become the key as they are: ``jax.random.key(seed)`` drops the upper 32 bits of a
    seed unless 64-bit types are switched on.

    Raises
    ------
    MissingLibraryError
        If JAX is not installed.
    """
    word = _spare_word(seed, path, 6)
    random = _optional("jax", "get_jax_key").random
    return random.wrap_key_data(
        array([word >> 32, word & 0xFFFF_FFFF], uint32), impl="threefry2x32"
    )


def _optional(library: str, feature: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:  # it is installed, but broken: its own message says how
            raise
        message = f"{feature} needs {library}, which is not installed: pip install {library}"
        raise MissingLibraryError(message, name=library) from None


def _spare_word(seed: int, path: bytes, number: int) -> int:
    return int(seed_sequence(seed, path).generate_state(number + 1, uint64)[-1])
