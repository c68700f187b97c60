"""What torch needs to give the same bits again, borrowed and given back.

Seeds alone do not repeat a computation on a GPU: kernels that add in the order in which threads
arrive, cuDNN's choice of the algorithm that was quickest this time, and TF32, which rounds inputs
to 10 bits on some devices and not on others. See "Reproducibility" in PyTorch's notes.
"""

from __future__ import annotations

import os

from ._borrowing import warn
from ._import_hook import on_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
DETERMINISTIC_WORKSPACES = (":4096:8", ":16:8")  # NVIDIA's two settings for reproducible results


class Determinism:
    """Asks torch for deterministic algorithms, now or when it is imported, until released.

    Parameters
    ----------
    verbose : bool
        Whether to print what can't be had from inside a running Python.
    """

    def __init__(self, *, verbose: bool) -> None:
        self._found: list[tuple[Callable[[Any], object], Any]] = []
        self._workspace = os.environ.get(WORKSPACE)
        if self._workspace not in DETERMINISTIC_WORKSPACES:
            os.environ[WORKSPACE] = DETERMINISTIC_WORKSPACES[0]  # read when CUDA starts
        self._pending = on_import("torch", self._ask)
        if verbose and not strings_hash_alike():
            print(
                "scitex-session-repro: sets of strings have another order in every run; "
                "only starting Python with PYTHONHASHSEED=0 changes that"
            )

    def _ask(self, torch: ModuleType) -> None:
        # Called from inside the user's import statement, which trouble of ours must not break.
        try:
            if torch.cuda.is_initialized() and self._workspace not in DETERMINISTIC_WORKSPACES:
                warn(f"CUDA has started without {WORKSPACE}: cuBLAS may still not repeat")
            self._set(torch)
        except Exception as error:  # noqa: BLE001
            warn(f"could not make torch deterministic: {error}")

    def _set(self, torch: ModuleType) -> None:
        from warnings import catch_warnings, simplefilter

        mode = (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )
        self._found.append((lambda found: _use_deterministic(torch, *found), mode))
        torch.use_deterministic_algorithms(True)
        with catch_warnings():  # torch 2.9 to 2.12 warn that allow_tf32 will have a successor
            simplefilter("ignore")
            self._save_precision(torch)
            for holder, name, value in _flags(torch):
                setattr(holder, name, value)

    def _save_precision(self, torch: ModuleType) -> None:
        for holder, name in (*_new_precisions(torch), *((h, n) for h, n, _ in _flags(torch))):
            try:
                found = getattr(holder, name)
            except RuntimeError:
                # torch refuses to name allow_tf32 once fp32_precision was set to something else;
                # what was set is in fp32_precision then.
                continue
            self._found.append(_setter(holder, name, found))

    def release(self) -> None:
        """Put everything back as it was found."""
        from warnings import catch_warnings, simplefilter

        self._pending.cancel()
        with catch_warnings():
            simplefilter("ignore")
            while self._found:  # last first: allow_tf32 before fp32_precision, which it changes
                put_back, value = self._found.pop()
                put_back(value)
        if self._workspace is None:
            os.environ.pop(WORKSPACE, None)
        else:
            os.environ[WORKSPACE] = self._workspace


def _use_deterministic(torch: ModuleType, enabled: bool, warn_only: bool) -> None:
    torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


def _flags(torch: ModuleType) -> list[tuple[Any, str, bool]]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    return [
        (cudnn, "deterministic", True),
        (cudnn, "benchmark", False),
        (cudnn, "allow_tf32", False),
        (matmul, "allow_tf32", False),
    ]


def _new_precisions(torch: ModuleType) -> list[tuple[Any, str]]:
    # From torch 2.9 on; setting allow_tf32 sets these too.
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    holders = (matmul, getattr(cudnn, "conv", None), getattr(cudnn, "rnn", None))
    return [(holder, "fp32_precision") for holder in holders if hasattr(holder, "fp32_precision")]


def _setter(holder: Any, name: str, found: Any) -> tuple[Callable[[Any], object], Any]:
    return (lambda value: setattr(holder, name, value)), found


def strings_hash_alike() -> bool:
    """Whether every run gives strings the same hash, and so sets of them the same order."""
    import sys

    if not sys.flags.hash_randomization:
        return True
    fixed = not sys.flags.ignore_environment and os.environ.get("PYTHONHASHSEED", "random")
    return bool(fixed) and fixed not in {"", "random"}
