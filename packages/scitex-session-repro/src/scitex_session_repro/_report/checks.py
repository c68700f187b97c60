"""The checks of the report: each looks at one thing, and says what it found."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from scitex_session_repro._globals.libraries import GLOBAL_GENERATORS

from .generators import in_use
from .machine import started_with
from .torch import torch_checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from scitex_session_repro._streams.manager import RandomStateManager

GUARANTEED = "guaranteed"
NOT_GUARANTEED = "not guaranteed"
UNKNOWN = "unknown"

_BLAS_LIMITS = {
    "openblas": "OPENBLAS_NUM_THREADS",
    "mkl": "MKL_NUM_THREADS",
    "blis": "BLIS_NUM_THREADS",
    "accelerate": "VECLIB_MAXIMUM_THREADS",
}


class Check(NamedTuple):
    """What was looked at, and what came out."""

    what: str
    status: str
    reason: str
    advice: str = ""


def checks(manager: RandomStateManager | None, machine: dict[str, Any]) -> list[Check]:
    """Make every check that applies to what is imported here."""
    return [
        *_generators(manager),
        _hashes(),
        *_numpy(machine),
        *(Check(*found) for found in torch_checks()),
        *_others(),
    ]


def _generators(manager: RandomStateManager | None) -> Iterator[Check]:
    found = in_use(manager)
    if found is None:
        reason = "there is no RandomStateManager"
        yield Check("random numbers", NOT_GUARANTEED, reason, "make a RandomStateManager(seed)")
        return
    shown = [f"{name:.60}…" if len(name) > 60 else name for name in found["named"]]
    names = f"in use: {', '.join(shown)}" if shown else "none in use yet"
    reason = f"each depends on seed {found['seed']} and its name only; {names}"
    yield Check("named generators", GUARANTEED, reason)
    for generator in GLOBAL_GENERATORS:
        what = f"the global generator of {generator.library}"
        if generator.module in found["seeded"]:
            other = found["seeded"][generator.module]
            if other is None:
                yield Check(what, GUARANTEED, f"seeded with {found['seed']}; threads share it")
                continue
            # Whether its seed is the same in every run is not known here.
            reason = f"seeded by {other} since, which is not released: "
            reason += f"seed {found['seed']} is not in use"
            advice = "release it, or use named generators"
            yield Check(what, UNKNOWN, reason, advice)
        elif generator.module in sys.modules:
            advice = f"call seed_modules({generator.library}), or use named generators"
            yield Check(what, NOT_GUARANTEED, "imported, and not seeded", advice)


def _hashes() -> Check:
    what = "the order of sets of strings"
    advice = "start Python with PYTHONHASHSEED=0, or sort"
    if not sys.flags.hash_randomization:
        return Check(what, GUARANTEED, "hashes are not randomised")
    value, known = started_with("PYTHONHASHSEED")
    if value is not None and value.isdigit() and not sys.flags.ignore_environment:
        if known:
            return Check(what, GUARANTEED, f"Python was started with PYTHONHASHSEED={value}")
        reason = f"PYTHONHASHSEED={value}, which only counts if it was set before Python started"
        return Check(what, UNKNOWN, reason, advice)
    reason = "strings hash differently in every process"
    if os.environ.get("PYTHONHASHSEED", "").isdigit():
        reason += "; PYTHONHASHSEED was set after Python had started, or is ignored"
    return Check(what, NOT_GUARANTEED, reason, advice)


def _numpy(machine: dict[str, Any]) -> Iterator[Check]:
    if "numpy" not in sys.modules:
        return
    what = f"the last bits of sums and products in {machine['blas'] or 'BLAS'} (threads)"
    threads = _blas_threads(machine["cpus"], machine["blas"] or "")
    if threads == 1:
        yield Check(what, GUARANTEED, "one thread")
    else:
        number = "an unknown number of" if threads is None else str(threads)
        reason = f"{number} threads; another number of them adds in another order"
        status = UNKNOWN if threads is None else NOT_GUARANTEED
        yield Check(what, status, reason, "start Python with OMP_NUM_THREADS=1")
    yield Check(
        "the last bits of numpy on another processor",
        NOT_GUARANTEED,
        "exp, sin and sums use the widest instructions that a processor has",
        "compare across machines with a tolerance",
    )


def _blas_threads(cpus: int, blas: str) -> int | None:
    if cpus == 1:
        return 1
    threadpoolctl = sys.modules.get("threadpoolctl")
    if threadpoolctl is not None:
        pools = threadpoolctl.threadpool_info()
        if pools:
            return max(int(pool["num_threads"]) for pool in pools)
    for name in _limits_of(blas):
        value, known = started_with(name)
        if os.environ.get(name) != value or not known:
            return None  # set from inside: whether before numpy was imported, nothing tells
        if value and value.isdigit():
            return int(value)
    return cpus if blas else None


def _limits_of(blas: str) -> list[str]:
    """Give the variables that limit the threads of a BLAS, the first that is set wins."""
    for part, name in _BLAS_LIMITS.items():
        if part in blas.lower():
            return [name] if part == "accelerate" else [name, "OMP_NUM_THREADS"]
    return ["OMP_NUM_THREADS"]


def _others() -> Iterator[Check]:
    if "tensorflow" in sys.modules:
        what = "tensorflow: operations with a deterministic algorithm"
        reason = "tensorflow does not tell whether they are asked for"
        yield Check(what, UNKNOWN, reason, "tf.config.experimental.enable_op_determinism()")
    if "jax" in sys.modules:
        what = "jax: random numbers"
        reason = "they depend on the keys alone, which the program makes"
        yield Check(what, UNKNOWN, reason, "make every key from one seed")
