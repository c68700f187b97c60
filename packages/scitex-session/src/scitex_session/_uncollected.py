"""Imports, the opening of a session, and the end of Python, without the search for garbage."""

from __future__ import annotations

import atexit
import gc
import sys

_PARTS = ("core", "io", "plot", "repro")
OUR_PACKAGES = {"scitex_session", *(f"scitex_session_{part}" for part in _PARTS)}
# CPython 3.12 counts 400 immortal objects as frozen. A bare Python that a script freezes has 4,000.
_IMMORTAL = 1000


class uncollected:  # noqa: N801  # read as a word of the `with` statement
    """Keep Python from searching for garbage within the block.

    Imports make thousands of objects and no garbage. Every 700 of them Python searches all the same
    (CPython 3.11), which takes a tenth of the time of an empty session, and more of a parser's.
    What they make counts as old afterwards: or all of it would be searched at once. Where nothing
    was imported, nothing does: the garbage of one session must not outlive the next ones.
    """

    __slots__ = ("_modules", "_was_enabled")

    def __enter__(self) -> None:
        self._modules = len(sys.modules)
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_exc: object) -> None:
        if not self._was_enabled:
            return
        # What the script has frozen would thaw.
        if len(sys.modules) > self._modules and gc.get_freeze_count() < _IMMORTAL:
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()


@atexit.register
def _search_the_young() -> None:
    """Search what is young, in place of all, as Python ends.

    Python searches twice then: before the modules end, and after. The first search would be the
    first of all that goes through what imports have made: 36 ms of a script that imports pyplot.
    Old garbage is left to the second.
    """
    if gc.isenabled():
        gc.collect(1)
        gc.disable()
