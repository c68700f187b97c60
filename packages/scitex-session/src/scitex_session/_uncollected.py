"""Imports without the search for garbage."""

from __future__ import annotations

import gc


class uncollected:  # noqa: N801  # read as a word of the `with` statement
    """Keep Python from searching for garbage while the block imports.

    Imports make thousands of objects and no garbage. Every 700 of them Python searches all the same
    (CPython 3.11), which takes a tenth of the time of an empty session, and more of a parser's.
    """

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_exc: object) -> None:
        if self._was_enabled:
            gc.enable()
