"""The report: what repeats here and now, what does not, and what to do about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from scitex_session_repro._globals.torch import DETERMINISTIC_WORKSPACES, WORKSPACE
from scitex_session_repro._globals.unseeded import unseeded_places
from scitex_session_repro._streams.borrowing import LIBRARIES, borrowings, innermost, library_of
from scitex_session_repro._streams.streams import found_rank, rank_in

from .machine import machine, started_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from scitex_session_repro._streams.borrowing import Borrowing
    from scitex_session_repro._streams.manager import RandomStateManager

GUARANTEED = "guaranteed"
NOT_GUARANTEED = "not guaranteed"
UNKNOWN = "unknown"

_DETERMINISTIC = "RandomStateManager(seed, deterministic=True)"  # an advice
_SHOWN_PLACES = 5
_BLAS_LIMITS = {
    "openblas": "OPENBLAS_NUM_THREADS",
    "mkl": "MKL_NUM_THREADS",
    "blis": "BLIS_NUM_THREADS",
    "accelerate": "VECLIB_MAXIMUM_THREADS",
}


class Check(NamedTuple):
    """What was checked, and the result."""

    what: str
    status: str
    reason: str
    advice: str = ""


class Report:
    """What is guaranteed here and now: `print` it, or keep it as a dict.

    Parameters
    ----------
    checks : list of Check
        What was checked.
    machine : dict
        What results depend on: versions, processor, GPUs.
    """

    def __init__(self, checks: list[Check], machine: dict[str, Any]) -> None:
        self._checks = checks
        self._machine = machine

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold.

        Returns
        -------
        dict
            ``checks``: a list of dicts with ``what``, ``status`` (``"guaranteed"``,
            ``"not guaranteed"`` or ``"unknown"``), ``reason`` and ``advice``; and ``machine``:
            ``python``, ``platform``, ``processor``, ``cpus``, ``gpus``, ``blas``, ``versions``,
            ``environment``.
        """
        return {"checks": [check._asdict() for check in self._checks], "machine": self._machine}

    def __str__(self) -> str:
        lines = []
        for check in self._checks:
            lines.append(f"{check.status:<14}  {check.what}: {check.reason}")
            if check.advice:
                lines.append(f"{'':14}  -> {check.advice}")
        found = self._machine
        gpus = ", ".join(found["gpus"]) or "no GPU seen"
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        lines += [
            "",
            f"{'rests on':<14}  Python {found['python']}; {found['platform']}",
            f"{'':14}  {found['processor']}, {found['cpus']} CPUs for this process; {gpus}",
            f"{'':14}  {versions or 'no library imported yet'}",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        counts = [
            f"{sum(check.status == status for check in self._checks)} {status}"
            for status in (GUARANTEED, NOT_GUARANTEED, UNKNOWN)
        ]
        return f"<Report: {', '.join(counts)}>"


def report(manager: RandomStateManager | None = None) -> Report:
    """Report what is guaranteed to repeat here and now, and what is not.

    Nothing is imported, set or started for it, no GPU either. Only libraries that are imported
    already are checked, so call it at the end of a run.

    Parameters
    ----------
    manager : RandomStateManager, optional
        The manager to report on; by default the current one, if there is one.

    Returns
    -------
    Report
        ``print(report())`` for people, ``report().as_dict()`` for a record.
    """
    found = machine()
    return Report(_checks(manager, found), found)


def _checks(manager: RandomStateManager | None, found: dict[str, Any]) -> list[Check]:
    """Run every check that applies to what is imported here."""
    return [
        *_generators(manager),
        *_unseeded(),
        _hashes(),
        *_numpy(found),
        *_torch(),
        *_others(),
    ]


def _generators(manager: RandomStateManager | None) -> Iterator[Check]:
    if manager is None:
        manager = innermost()
    if manager is None:
        reason = "there is no RandomStateManager"
        yield Check("random numbers", NOT_GUARANTEED, reason, "make a RandomStateManager(seed)")
        return
    from scitex_session_repro._streams.manager import streams_of

    seed = manager.seed
    shown = [f"{name:.60}…" if len(name) > 60 else name for name in streams_of(manager).names()]
    names = f"in use: {', '.join(shown)}" if shown else "none in use yet"
    rank = rank_in(streams_of(manager).scope)
    depends = f"seed {seed} and its name" if rank is None else f"seed {seed}, rank {rank}, its name"
    yield Check("named generators", GUARANTEED, f"each depends on {depends} only; {names}")
    if rank is not None:
        yield _ranks(rank)
    seeded = {  # innermost last: what it has seeded counts
        library.module: borrowing for borrowing in borrowings() for library, _, _ in borrowing.saved
    }
    for module in LIBRARIES:
        library = library_of(module)
        what = f"the global generator of {library}"
        if module not in seeded:
            if module in sys.modules:
                advice = f"call seed_modules({library}), or use named generators"
                yield Check(what, NOT_GUARANTEED, "imported, and not seeded", advice)
        elif seeded[module].owner is manager:
            given = f"{seed}" if rank is None else f"{seed} and rank {rank}"
            yield Check(what, GUARANTEED, f"seeded with {given}; threads share it")
        else:
            # Whether that seed is the same in every run is not known here.
            reason = f"seeded by {_described(seeded[module])} since, which is not released: "
            reason += f"seed {seed} is not in use"
            yield Check(what, UNKNOWN, reason, "release it, or use named generators")


def _ranks(rank: str) -> Check:
    found = found_rank()
    job = "a job" if found is None else f"{found[2]} ({found[0]})"
    reason = f"this is rank {rank} of {job}: what it draws differs from other ranks, but for "
    return Check("ranks", GUARANTEED, f'{reason}shared("name"); another number of them differs')


def _unseeded() -> Iterator[Check]:
    places = unseeded_places()
    if not places:
        return
    shown = [
        f"{os.path.basename(file)}:{line}" + (f" ({count} times)" if count > 1 else "")
        for (file, line), count in sorted(places.items(), key=lambda item: -item[1])
    ]
    more = f" and {len(shown) - _SHOWN_PLACES} more places" if len(shown) > _SHOWN_PLACES else ""
    yield Check(
        "generators of numpy without a seed, as of default_rng()",
        NOT_GUARANTEED,
        f"made at {', '.join(shown[:_SHOWN_PLACES])}{more}",
        'use rng("name"), or give a seed: default_rng(42)',
    )


def _described(borrowing: Borrowing) -> str:
    streams = borrowing.streams
    return f"temporary_seed({streams.seed})" if borrowing.owner is None else str(streams)


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


def _numpy(found: dict[str, Any]) -> Iterator[Check]:
    if "numpy" not in sys.modules:
        return
    what = f"the last bits of sums and products in {found['blas'] or 'BLAS'} (threads)"
    threads = _blas_threads(found["cpus"], found["blas"] or "")
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
    """Return the variables that limit the threads of a BLAS; the first that is set wins."""
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


def _torch() -> Iterator[Check]:
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "are_deterministic_algorithms_enabled"):
        return  # its import is still under way
    yield _algorithms(torch)
    threads = torch.get_num_threads()
    what = "torch: the last bits on the CPU (threads)"
    if threads == 1:
        yield Check(what, GUARANTEED, "one thread")
    else:
        reason = f"{threads} threads; another number of them adds in another order"
        yield Check(what, NOT_GUARANTEED, reason, "torch.set_num_threads(1)")
    if torch.version.cuda or torch.version.hip:
        yield _cudnn(torch)
        yield _workspace()
        yield _tf32(torch)


def _algorithms(torch: Any) -> Check:
    what = "torch: deterministic algorithms"
    if not torch.are_deterministic_algorithms_enabled():
        return Check(what, NOT_GUARANTEED, "they are not asked for", _DETERMINISTIC)
    if torch.is_deterministic_algorithms_warn_only_enabled():
        reason = "an operation that has none only warns"
        return Check(what, NOT_GUARANTEED, reason, "torch.use_deterministic_algorithms(True)")
    return Check(what, GUARANTEED, "an operation that has none raises")


def _cudnn(torch: Any) -> Check:
    what = "torch: convolutions of cuDNN"
    cudnn = torch.backends.cudnn
    if cudnn.benchmark:
        reason = "cudnn.benchmark picks the algorithm that happens to be quickest"
        return Check(what, NOT_GUARANTEED, reason, _DETERMINISTIC)
    if cudnn.deterministic or torch.are_deterministic_algorithms_enabled():
        return Check(what, GUARANTEED, "deterministic ones are asked for, and benchmark is off")
    return Check(what, NOT_GUARANTEED, "deterministic ones are not asked for", _DETERMINISTIC)


def _workspace() -> Check:
    what = "torch: matrix products of cuBLAS"
    value = os.environ.get(WORKSPACE)
    if value in DETERMINISTIC_WORKSPACES:
        return Check(what, GUARANTEED, f"{WORKSPACE}={value}, if set before CUDA started")
    reason = f"{WORKSPACE} is {'not set' if value is None else value!r}"
    return Check(
        what, NOT_GUARANTEED, f"{reason}: with streams, the order of sums may vary", _DETERMINISTIC
    )


def _tf32(torch: Any) -> Check:
    what = "torch: float32 on another GPU (TF32)"
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    try:
        on = [
            name
            for name, holder in (("matrix products", matmul), ("convolutions", cudnn))
            if holder.allow_tf32
        ]
    except RuntimeError:  # set by the names of torch 2.9, which the older ones refuse to show
        precisions = {matmul.fp32_precision, cudnn.conv.fp32_precision}
        on = ["some operations"] if "tf32" in precisions else []
    if on:
        reason = f"{' and '.join(on)} may round to 10 bits, where a GPU can"
        return Check(what, NOT_GUARANTEED, reason, _DETERMINISTIC)
    reason = "TF32 is off, but kernels differ between GPUs"
    return Check(what, NOT_GUARANTEED, reason, "compare across machines with a tolerance")
