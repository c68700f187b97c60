"""Find numpy generators that a run makes without a seed.

``default_rng()`` draws its seed from the operating system, and no run repeats what it gives. All of
numpy's generators do that at one place, through ``randbits`` of the module
``numpy.random.bit_generator``. While a manager lives, that name stands for a function that also
notes who called. The public functions of numpy stay as they are, since numba and others know them
by identity.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MODULE = "numpy.random.bit_generator"
_MOST_PLACES = 100

# How often, by file and line.
_places: dict[tuple[str, int], int] = {}
_plain: Callable[[int], int] | None = None


def watch() -> None:
    """Begin to note generators without a seed. Nothing happens if that has begun before."""
    global _plain
    holder: Any = sys.modules.get(_MODULE)
    if _plain is None and hasattr(holder, "randbits"):
        _places.clear()
        _plain = holder.randbits
        holder.randbits = _noting


def stop() -> None:
    """Put numpy's function back, unless somebody else has replaced ours."""
    global _plain
    holder: Any = sys.modules.get(_MODULE)
    if _plain is not None and getattr(holder, "randbits", None) is _noting:
        holder.randbits = _plain
        _plain = None


def unseeded_places() -> dict[tuple[str, int], int]:
    """Return how often a generator was made without a seed, by file and line."""
    return dict(_places)


def _noting(bits: int) -> int:
    frame = sys._getframe(1)  # numpy's own code is compiled and has no frame
    place = (frame.f_code.co_filename, frame.f_lineno)
    if place in _places or len(_places) < _MOST_PLACES:
        _places[place] = _places.get(place, 0) + 1
    assert _plain is not None
    return _plain(bits)
