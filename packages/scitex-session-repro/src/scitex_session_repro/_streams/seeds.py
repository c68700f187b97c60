"""Which seeds are accepted, and how each library is given one that it can take.

A seed that a library takes by itself reaches it unchanged, so that ``seed=42`` gives the
numbers of the ``random.seed(42)`` or ``torch.manual_seed(42)`` that it replaces. A larger one is
reduced from all of its bits: cutting it off (``seed % 2**64``) would make seeds that differ only
above the cut the same.
"""

from __future__ import annotations

import os
from operator import index

from scitex_session_repro._errors import SeedRangeError, SeedTypeError

SEED_BITS = 128
FLAGS = ("bool", "bool_")  # numpy 1 calls its own bool_, and takes it for an integer still


def resolve(seed: object) -> int:
    """Give the seed as an int; draw one where it is None.

    Parameters
    ----------
    seed : int or None
        From 0 to 2**128 - 1, of any integer type (numpy's too). None draws 128 bits from the
        operating system.

    Returns
    -------
    int

    Raises
    ------
    SeedTypeError
        If it is neither an integer nor None. A bool is refused: it is a flag in the wrong place.
    SeedRangeError
        If it is outside the range.
    """
    if seed is None:
        return int.from_bytes(os.urandom(SEED_BITS // 8), "little")
    try:
        number = None if type(seed).__name__ in FLAGS else index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        raise SeedTypeError(f"{seed!r:.80}", type(seed).__name__)
    if not 0 <= number < 2**SEED_BITS:
        raise SeedRangeError(number)
    return number


def for_numpy_legacy(seed: int) -> int | list[int]:
    """Give what `numpy.random.seed` takes: a seed below 2**32, else its 32-bit words and a 0.

    `random` too is a Mersenne twister that starts from the words of a long seed, without zeros at
    their end: given the same ones, numpy would draw the numbers of `random`.

    Parameters
    ----------
    seed : int
        A seed, or a longer integer of `global_seed`.

    Returns
    -------
    int or list of int
        Four words or more, the lowest first, and a 0.
    """
    if seed < 2**32:
        return seed
    length = max(SEED_BITS, seed.bit_length())
    return [seed >> shift & 0xFFFF_FFFF for shift in range(0, length + 32, 32)]


def for_64_bits(seed: int) -> int:
    """Give a seed below 2**64, else 64 bits of a SHA-256 of its little-endian bytes, 16 or more."""
    if seed < 2**64:
        return seed
    from hashlib import sha256

    length = max(SEED_BITS, seed.bit_length())
    digest = sha256(seed.to_bytes((length + 7) // 8, "little")).digest()
    return int.from_bytes(digest[:8], "little")
