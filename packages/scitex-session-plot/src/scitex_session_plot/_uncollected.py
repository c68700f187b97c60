"""Imports without the search for garbage."""

from __future__ import annotations

import gc

# CPython 3.12 counts 400 immortal objects as frozen. A bare Python that a script freezes has 4,000.
_IMMORTAL = 1000


class uncollected:  # noqa: N801  # read as a word of the `with` statement
    """Keep Python from searching for garbage within the block, which imports.

    pyplot makes 70,000 objects and no garbage. Every 700 of them Python searches all the same
    (CPython 3.11): 40 ms of 300. They count as old afterwards: or all would be searched at once.
    """

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_exc: object) -> None:
        if not self._was_enabled:
            return
        if gc.get_freeze_count() < _IMMORTAL:  # what the script has frozen would thaw
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()
