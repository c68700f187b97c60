"""What torch has been told about determinism."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_ADVICE = "RandomStateManager(seed, deterministic=True)"
_WORKSPACES = (":4096:8", ":16:8")


def torch_checks() -> Iterator[tuple[str, ...]]:
    """Give what, status, reason and advice of each setting; nothing where torch is not imported."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "are_deterministic_algorithms_enabled"):
        return  # its import is still under way
    yield _algorithms(torch)
    threads = torch.get_num_threads()
    what = "torch: the last bits on the CPU (threads)"
    if threads == 1:
        yield what, "guaranteed", "one thread"
    else:
        reason = f"{threads} threads; another number of them adds in another order"
        yield what, "not guaranteed", reason, "torch.set_num_threads(1)"
    if torch.version.cuda or torch.version.hip:
        yield _cudnn(torch)
        yield _workspace()
        yield _tf32(torch)


def _algorithms(torch: Any) -> tuple[str, ...]:
    what = "torch: deterministic algorithms"
    if not torch.are_deterministic_algorithms_enabled():
        return what, "not guaranteed", "they are not asked for", _ADVICE
    if torch.is_deterministic_algorithms_warn_only_enabled():
        reason = "an operation that has none only warns"
        return what, "not guaranteed", reason, "torch.use_deterministic_algorithms(True)"
    return what, "guaranteed", "an operation that has none raises"


def _cudnn(torch: Any) -> tuple[str, ...]:
    what = "torch: convolutions of cuDNN"
    cudnn = torch.backends.cudnn
    if cudnn.benchmark:
        reason = "cudnn.benchmark picks the algorithm that happens to be quickest"
        return what, "not guaranteed", reason, _ADVICE
    if cudnn.deterministic or torch.are_deterministic_algorithms_enabled():
        return what, "guaranteed", "deterministic ones are asked for, and benchmark is off"
    return what, "not guaranteed", "deterministic ones are not asked for", _ADVICE


def _workspace() -> tuple[str, ...]:
    what = "torch: matrix products of cuBLAS"
    value = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    if value in _WORKSPACES:
        return what, "guaranteed", f"CUBLAS_WORKSPACE_CONFIG={value}, if set before CUDA started"
    reason = f"CUBLAS_WORKSPACE_CONFIG is {'not set' if value is None else value!r}"
    return what, "not guaranteed", f"{reason}: with streams, the order of sums may vary", _ADVICE


def _tf32(torch: Any) -> tuple[str, ...]:
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
        return what, "not guaranteed", reason, _ADVICE
    reason = "TF32 is off, but kernels differ between GPUs"
    return what, "not guaranteed", reason, "compare across machines with a tolerance"
