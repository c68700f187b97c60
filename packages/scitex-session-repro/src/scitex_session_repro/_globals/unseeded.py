"""Find numpy generators that a run makes without a seed.

``default_rng()`` draws its seed from the operating system, and no run repeats what it gives. All of
numpy's generators do that at one place, through ``randbits`` of the module
``numpy.random.bit_generator``. While a manager lives, that name stands for a function that also
notes who called. The public functions of numpy stay as they are, so this also finds a
``default_rng`` that a module took by name before.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

_MODULE = "numpy.random.bit_generator"
_MOST_CALLS = 1000  # different ones

# How often, by code and instruction.
_calls: dict[tuple[CodeType, int], int] = {}
_plain: Callable[[int], int] | None = None


def watch() -> None:
    """Begin to note generators without a seed. Nothing happens if that has begun before."""
    global _plain
    holder: Any = sys.modules.get(_MODULE)
    if _plain is None and hasattr(holder, "randbits"):
        _calls.clear()
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
    places: dict[tuple[str, int], int] = {}
    for (code, instruction), count in list(_calls.items()):
        line = _lines_and_columns(code, instruction)[0]
        if line is not None and not _makes_legacy_generator(code, instruction):
            place = (code.co_filename, line)
            places[place] = places.get(place, 0) + count
    return places


def _noting(bits: int) -> int:
    # numpy's own code is compiled and has no frame, so this is the caller's.
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") != "numpy.random._pickle":  # the state of a copy follows
        call = (frame.f_code, frame.f_lasti)
        if call in _calls or len(_calls) < _MOST_CALLS:
            _calls[call] = _calls.get(call, 0) + 1
    assert _plain is not None
    return _plain(bits)


def _makes_legacy_generator(code: CodeType, instruction: int) -> bool:
    """Return whether a call is one of ``RandomState``, with a seed or without.

    numpy makes its generator without a seed first and gives it the seed then. So the two can't be
    told apart, and neither is reported.
    """
    first, last, begin, end = _lines_and_columns(code, instruction)
    if first is None or last is None or begin is None or end is None:
        return "RandomState" in code.co_names
    from linecache import getlines

    lines = [line.encode() for line in getlines(code.co_filename)[first - 1 : last]]
    if not lines:
        return "RandomState" in code.co_names
    lines[-1] = lines[-1][:end]
    called = b"".join([lines[0][begin:], *lines[1:]]).partition(b"(")[0]
    return called.strip().endswith(b"RandomState")


def _lines_and_columns(
    code: CodeType, instruction: int
) -> tuple[int | None, int | None, int | None, int | None]:
    return list(code.co_positions())[instruction // 2]
