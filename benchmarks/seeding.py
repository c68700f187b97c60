"""What seeds and named generators cost, measured in this process."""

from __future__ import annotations

import os
import random
from time import perf_counter

import numpy as np

from scitex_session_repro import RandomStateManager

TIMES = 100


def plain_seeds() -> float:
    """Seed `random` and numpy by hand."""
    began = perf_counter()
    for _ in range(TIMES):
        random.seed(42)
        np.random.seed(42)  # noqa: NPY002
    return (perf_counter() - began) / TIMES


def managers() -> float:
    """Make and release a manager, which seeds the same two and puts them back."""
    began = perf_counter()
    for _ in range(TIMES):
        RandomStateManager(42).release()
    return (perf_counter() - began) / TIMES


def plain_names() -> float:
    """Look a name up in a dict, 1000 times."""
    names = {"name": np.random.default_rng(42)}
    began = perf_counter()
    for _ in range(1000):
        names["name"]
    return perf_counter() - began


def names() -> float:
    """Ask for a name that is known, 1000 times."""
    with RandomStateManager(42) as rng:
        rng("name")
        began = perf_counter()
        for _ in range(1000):
            rng("name")
        return perf_counter() - began


def plain_forks() -> float:
    """Fork, and wait for the child, which ends at once."""
    began = perf_counter()
    for _ in range(TIMES):
        if not (child := os.fork()):
            os._exit(0)
        os.waitpid(child, 0)
    return (perf_counter() - began) / TIMES


def forks() -> float:
    """Fork with ten generators that are to be the child's own."""
    with RandomStateManager(42) as rng:
        for number in range(10):
            rng(str(number))
        return plain_forks()
