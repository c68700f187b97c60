"""Variants, run in turn: what one costs over the other, in seconds and in starts of Python."""

from __future__ import annotations

import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Variant = Callable[[], float]


class Measured(NamedTuple):
    """Medians in seconds; `difference` and its interquartile range `spread` are of the pairs.

    `starts` is the median of the differences, each in the start of Python beside it. That holds on
    any machine, and on one that changes from minute to minute.
    """

    this: float
    plain: float
    difference: float
    spread: float
    start: float
    starts: float

    @property
    def ratio(self) -> float:
        """How many times as long as the plain variant."""
        return self.this / self.plain


def measure(
    this: Variant, plain: Variant, start: Variant, *, rounds: int, rest: float = 0
) -> Measured:
    """Run two variants, each giving its seconds, in pairs, and a start of Python beside each pair.

    A machine that slows down half-way would favour whatever ran first, so that the two are never
    measured one after the other: each pair runs together, and every second pair in turned order.
    One pair before the count warms caches and bytecode.

    Each begins after a `rest` in seconds, in which what the one before has left behind can end: the
    start, too, which takes 16 ms after a rest and 11 right after another process.
    """
    this, plain, start = (_rested(variant, rest) for variant in (this, plain, start))
    this(), plain(), start()
    pairs, starts = [], []
    for number in range(rounds):
        starts.append(start())
        if number % 2:
            last = plain()
            pairs.append((this(), last))
        else:
            pairs.append((this(), plain()))
    differences = [a - b for a, b in pairs]
    low, _, high = quantiles(differences, n=4)
    return Measured(
        this=median(a for a, _ in pairs),
        plain=median(b for _, b in pairs),
        difference=median(differences),
        spread=high - low,
        start=median(starts),
        starts=median(a / b for a, b in zip(differences, starts, strict=True)),
    )


def _rested(variant: Variant, rest: float) -> Variant:
    def run() -> float:
        time.sleep(rest)
        return variant()

    return run
