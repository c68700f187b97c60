"""The fingerprint of a large array, beside SHA-256 alone over the same bytes."""

from __future__ import annotations

import hashlib
import platform
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring import Variant

MEGABYTES = 256


def variants() -> tuple[Variant, Variant]:
    """Make the two: in this process and thread, on one array of float64, in seconds of the CPU."""
    import numpy as np

    from scitex_session_repro import fingerprint

    array = np.random.default_rng(0).random(MEGABYTES * 1_000_000 // 8)

    def fingerprinted() -> float:
        start = thread_time()
        fingerprint(array)
        return thread_time() - start

    def hashed() -> float:
        start = thread_time()
        hashlib.sha256(array.data).hexdigest()
        return thread_time() - start

    return fingerprinted, hashed


def sha_instructions() -> str:
    """Say which instructions for SHA-256 the processor has; the budget counts where it has some."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            words = set(file.read().split())
    except OSError:
        return "unknown SHA instructions"
    found = sorted(words & {"sha_ni", "sha2"})
    return f"SHA instructions: {', '.join(found) or 'none'} ({platform.machine()})"
