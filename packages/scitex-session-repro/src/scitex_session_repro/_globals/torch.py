"""The global generators of torch, and what torch needs to give the same bits again.

Seeds alone do not repeat a computation on a GPU. Kernels add in the order in which threads arrive,
cuDNN takes the algorithm that was quickest this time, and TF32 rounds inputs to 10 bits on some
devices and not on others. See "Reproducibility" in PyTorch's notes.
"""

from __future__ import annotations

import os
import sys

from scitex_session_repro._import_hook import on_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
DETERMINISTIC_WORKSPACES = (":4096:8", ":16:8")  # NVIDIA's two settings for reproducible results
# Accelerators with a generator for each device, and the same functions to reach them.
PER_DEVICE = ("cuda", "xpu")


def save(torch: ModuleType) -> Any:
    """Return the state of the CPU, its seed, and the states of the devices by accelerator.

    An accelerator that has not started has no state yet: it will start from the last seed.
    """
    states = {}
    for name in PER_DEVICE:
        accelerator = getattr(torch, name, None)
        if accelerator is not None and accelerator.is_initialized():
            states[name] = accelerator.get_rng_state_all()
    if _has_mps(torch):
        states["mps"] = [torch.mps.get_rng_state()]
    return torch.get_rng_state(), torch.initial_seed(), states


def restore(torch: ModuleType, state: Any) -> list[str]:
    """Put the states back. An accelerator is started if it has one.

    Returns
    -------
    list of str
        The devices with a state that this machine does not have.
    """
    cpu, seed, accelerators = state
    missing = []
    for name in PER_DEVICE:
        accelerator = getattr(torch, name, None)
        if name in accelerators:
            missing += _restore_devices(accelerator, name, accelerators[name])
        elif accelerator is not None:
            accelerator.manual_seed_all(seed)  # queued, where it has not started even now
    if "mps" in accelerators:
        if _has_mps(torch):
            torch.mps.set_rng_state(accelerators["mps"][0])
        else:
            missing.append("mps")
    torch.set_rng_state(cpu)
    return missing


def _restore_devices(accelerator: Any, name: str, states: list[Any]) -> list[str]:
    here = 0
    if accelerator is not None and not accelerator._is_in_bad_fork():
        # Count devices only if there is a state. Where the driver's own library does not tell,
        # torch asks in a way that keeps every later fork from using the accelerator.
        here = accelerator.device_count()
    if here and not accelerator.is_initialized():
        # Before the start, torch only queues set_rng_state, and a queued seed would undo it.
        accelerator.init()
    for device, state in enumerate(states[:here]):
        accelerator.set_rng_state(state, device)
    return [f"{name}:{device}" for device in range(here, len(states))]


def _has_mps(torch: ModuleType) -> bool:
    return bool(torch.backends.mps.is_available() and not torch.mps._is_in_bad_fork())


class Determinism:
    """Ask torch for deterministic algorithms, now or when it is imported, until `release`.

    Parameters
    ----------
    verbose : bool
        Whether to print that the order of sets of strings is random, if it is.
    warn_only : bool
        Whether an operation without a deterministic algorithm warns instead of raising.
    """

    def __init__(self, *, verbose: bool, warn_only: bool) -> None:
        self._warn_only = warn_only
        self._saved: list[tuple[Callable[[Any], object], Any]] = []
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
        from warnings import warn

        # Called inside the user's import statement, which an error of ours must not break.
        try:
            if torch.cuda.is_initialized() and self._workspace not in DETERMINISTIC_WORKSPACES:
                message = f"CUDA has started without {WORKSPACE}: cuBLAS may still not repeat"
                warn(message, RuntimeWarning, stacklevel=2)
            self._set(torch)
        except Exception as error:  # noqa: BLE001
            warn(f"could not make torch deterministic: {error}", RuntimeWarning, stacklevel=2)

    def _set(self, torch: ModuleType) -> None:
        from functools import partial
        from warnings import catch_warnings, simplefilter

        # torch's compiler: from torch 2.10 on, the mode below switches it on and off too.
        compiler: Any = sys.modules.get("torch._inductor.config")
        if hasattr(compiler, "deterministic"):
            self._saved.append(
                (partial(setattr, compiler, "deterministic"), compiler.deterministic)
            )
        mode = (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )
        self._saved.append((lambda saved: _use_deterministic(torch, *saved), mode))
        torch.use_deterministic_algorithms(True, warn_only=self._warn_only)
        with catch_warnings():  # torch 2.9 to 2.12 warn that allow_tf32 will have a successor
            simplefilter("ignore")
            flags, precisions = _flags(torch), _new_precisions(torch)
            for holder, name, _ in (*precisions, *flags):
                self._save(partial(getattr, holder, name), partial(setattr, holder, name))
            self._save(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision)
            # Not matmul.allow_tf32: from 2.9 on, torch would then refuse to show this precision.
            torch.set_float32_matmul_precision("highest")
            for holder, name, value in (*flags, *precisions):
                setattr(holder, name, value)

    def _save(self, read: Callable[[], Any], put_back: Callable[[Any], object]) -> None:
        try:
            value = read()
        except RuntimeError:
            # torch refuses to show a flag of the older names once a newer one says otherwise. What
            # counts is in fp32_precision then.
            return
        self._saved.append((put_back, value))

    def release(self) -> None:
        """Restore everything."""
        from warnings import catch_warnings, simplefilter

        self._pending.cancel()
        with catch_warnings():
            simplefilter("ignore")
            while self._saved:  # last first: older names before fp32_precision, which they change
                put_back, value = self._saved.pop()
                put_back(value)
        if self._workspace is None:
            os.environ.pop(WORKSPACE, None)
        else:
            os.environ[WORKSPACE] = self._workspace


def _use_deterministic(torch: ModuleType, enabled: bool, warn_only: bool) -> None:
    torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


def _flags(torch: ModuleType) -> list[tuple[Any, str, Any]]:
    cudnn = torch.backends.cudnn
    return [
        (cudnn, "deterministic", True),
        (cudnn, "benchmark", False),
        (cudnn, "allow_tf32", False),
    ]


def _new_precisions(torch: ModuleType) -> list[tuple[Any, str, Any]]:
    # From torch 2.9 on. The older names set these too, except that cudnn.allow_tf32 leaves conv and
    # rnn to torch.backends.fp32_precision, which may be TF32.
    backends = torch.backends
    holders = [
        backends.cuda.matmul,
        *(getattr(backends.cudnn, kind, None) for kind in ("conv", "rnn")),
        *(getattr(backends.mkldnn, kind, None) for kind in ("matmul", "conv", "rnn")),
    ]
    return [(h, "fp32_precision", "ieee") for h in holders if hasattr(h, "fp32_precision")]


def strings_hash_alike() -> bool:
    """Return whether every run gives strings the same hash, and sets of them the same order."""
    if not sys.flags.hash_randomization:
        return True
    fixed = not sys.flags.ignore_environment and os.environ.get("PYTHONHASHSEED", "random")
    return bool(fixed) and fixed not in {"", "random"}
