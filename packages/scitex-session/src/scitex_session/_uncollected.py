"""Imports, and the opening of a session, without the search for garbage."""

from __future__ import annotations

import gc
import sys


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
        if len(sys.modules) > self._modules and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()
