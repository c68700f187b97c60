"""From a seed and a name to a stream of its own.

Imported at the first name only: it needs numpy.

The naive ways fail quietly. ``default_rng(seed + i)`` gives experiments with neighbouring seeds
the same streams; ``default_rng(hash(name))`` differs between processes; spawning in order of use
lets one more draw upstream change every number downstream. Here the name alone picks the stream:
it is hashed into the spawn key of a `numpy.random.SeedSequence`, which is numpy's own way to
independent streams.
"""

from __future__ import annotations

from hashlib import sha256
from struct import unpack
from typing import TYPE_CHECKING
from unicodedata import normalize

from numpy import uint64
from numpy.random import PCG64, Generator, SeedSequence

from ._errors import MissingLibraryError, NameTypeError

if TYPE_CHECKING:
    import torch


def normalise(name: str) -> str:
    """Give the name in Unicode's NFC form, so that one text is one stream however it was typed.

    Raises
    ------
    NameTypeError
        If it is not a string. 1 and "1" would else be two streams that look like one in a log.
    """
    if not isinstance(name, str):
        raise NameTypeError(f"{name!r:.80}", type(name).__name__)
    return normalize("NFC", name)


def seed_sequence(seed: int, name: str) -> SeedSequence:
    """Give the seed sequence of a name: the same on every platform and in every process.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    name : str
        Any string, the empty one too.

    Returns
    -------
    numpy.random.SeedSequence
        With the seed as entropy, and the SHA-256 of the name's UTF-8 bytes, as eight
        little-endian 32-bit words, as spawn key.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    """
    # surrogatepass: names of files that are not valid UTF-8 reach Python with lone surrogates.
    digest = sha256(normalise(name).encode("utf-8", "surrogatepass")).digest()
    return SeedSequence(entropy=seed, spawn_key=unpack("<8I", digest))


def numpy_generator(seed: int, name: str) -> Generator:
    """Give a new generator at the start of the stream.

    PCG64 is named, since numpy keeps the right to change what `default_rng` builds on.
    """
    return Generator(PCG64(seed_sequence(seed, name)))


def torch_generator(seed: int, name: str, device: str | torch.device) -> torch.Generator:
    """Give a new torch generator at the start of the stream; torch is imported for it.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    MissingLibraryError
        If torch is not installed.
    """
    number = _spare_word(seed, name, 0)
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":  # torch is there, and broken: its own message says how
            raise
        raise MissingLibraryError("get_torch_generator", "torch") from None
    return torch.Generator(device=device).manual_seed(number)


def sklearn_seed(seed: int, name: str) -> int:
    """Give the integer below 2**32 for a scikit-learn ``random_state`` of that name.

    Raises
    ------
    NameTypeError
        If the name is not a string.
    """
    return _spare_word(seed, name, 1) & 0xFFFF_FFFF


def _spare_word(seed: int, name: str, position: int) -> int:
    # PCG64 is seeded with the first four words: what follows is shared with no numpy generator.
    return int(seed_sequence(seed, name).generate_state(5 + position, uint64)[-1])
