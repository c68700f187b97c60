"""What results depend on beside the code: versions, processor, GPUs, environment variables."""

from __future__ import annotations

import os
import platform
import sys
from glob import glob
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_SETTINGS = (
    "PYTHONHASHSEED",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "TF_DETERMINISTIC_OPS",
    "XLA_FLAGS",
)
_LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "polars",
    "sklearn",
    "torch",
    "tensorflow",
    "jax",
    "numba",
    "cupy",
)


def machine() -> dict[str, Any]:
    """Return what results depend on, as plain values; only libraries that are imported."""
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": _platform(),
        "processor": _processor(),
        "cpus": _cpus(),
        "gpus": _gpus(),
        "blas": _blas(),
        "versions": _versions(),
        "environment": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
    }


def started_with(name: str) -> tuple[str | None, bool]:
    """Return an environment variable as Python was started with it, and whether that is known.

    A variable that the program sets looks the same in `os.environ`, but comes too late for what is
    read at the start.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:  # no Linux
        return os.environ.get(name), name not in os.environ
    for variable in variables:
        key, _, value = variable.partition(b"=")
        if key == os.fsencode(name):
            return os.fsdecode(value), True
    return None, True


def _platform() -> str:
    # Not platform.platform(), which starts a process. The C library has its own exp and sin.
    parts = (platform.system(), platform.release(), *platform.libc_ver())
    return " ".join(part for part in parts if part)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    return f"{value.strip()} ({platform.machine()})"
    except OSError:  # no Linux
        pass
    return platform.machine() or "unknown processor"


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return [cuda.get_device_name(number) for number in range(cuda.device_count())]
    # Asking CUDA would start it. Its driver lists the models in files.
    models = []
    for path in sorted(glob("/proc/driver/nvidia/gpus/*/information")):
        with open(path, encoding="utf-8", errors="replace") as file:
            models += [line[6:].strip() for line in file if line.startswith("Model:")]
    return models


def _blas() -> str | None:
    # As numpy.show_config does, which prints, or needs PyYAML.
    config = getattr(sys.modules.get("numpy.__config__"), "CONFIG", {})
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas['name']} {blas.get('version', '')}".strip() if "name" in blas else None


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found
