"""Seeds and independent named random streams, without importing what you do not use."""

from __future__ import annotations

from ._current import get, reset, seed_everything
from ._errors import (
    CheckpointError,
    CountRangeError,
    CountTypeError,
    DeviceUnavailableError,
    ManagerReleasedError,
    MissingLibraryError,
    NameTypeError,
    NestingError,
    NotAWorkerError,
    NotFingerprintableError,
    ReproError,
    SeedRangeError,
    SeedTypeError,
    StateError,
    UnknownGeneratorError,
    VerificationError,
    VerificationRecordError,
)
from ._manager import RandomStateManager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._fingerprint import fingerprint
    from ._report import report

__all__ = [
    "CheckpointError",
    "CountRangeError",
    "CountTypeError",
    "DeviceUnavailableError",
    "ManagerReleasedError",
    "MissingLibraryError",
    "NameTypeError",
    "NestingError",
    "NotAWorkerError",
    "NotFingerprintableError",
    "RandomStateManager",
    "ReproError",
    "SeedRangeError",
    "SeedTypeError",
    "StateError",
    "UnknownGeneratorError",
    "VerificationError",
    "VerificationRecordError",
    "fingerprint",
    "get",
    "report",
    "reset",
    "seed_everything",
]

# Loaded when they are used first: a run that fingerprints nothing pays nothing for them.
_HOMES = {"fingerprint": "_fingerprint", "report": "_report"}


def __getattr__(name: str) -> Any:
    """Look the version up when it is asked for: importlib.metadata costs 30 ms."""
    if name in _HOMES:
        # __import__ with a from-list returns the module itself; importlib is one more import.
        home = __import__(f"{__name__}.{_HOMES[name]}", None, None, [name])
        value = globals()[name] = getattr(home, name)
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-repro")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
