"""Another seed for a while."""

from __future__ import annotations

from .borrowing import Borrowing
from .seeds import resolve
from .tree import Node


class TemporarySource(Node):
    """What a block seeds from: it is no manager."""


class TemporarySeed:
    """Seeds the global generators in a ``with`` block, which may be entered more than once."""

    def __init__(self, seed: int | None, *, verbose: bool) -> None:
        self._seed = resolve(seed)
        self._verbose = verbose
        self._borrowings: list[Borrowing] = []

    def __enter__(self) -> None:
        source = TemporarySource(self._seed)
        self._borrowings.append(Borrowing(source, current=False, verbose=self._verbose))

    def __exit__(self, *_: object) -> None:
        self._borrowings.pop().release()
