"""Seeds and independent named random streams, without importing what you do not use."""

from __future__ import annotations

from ._current import get, reset, seed_everything
from ._errors import (
    CheckpointError,
    CountRangeError,
    CountTypeError,
    ManagerReleasedError,
    MissingLibraryError,
    NameTypeError,
    NotAWorkerError,
    ReproError,
    SeedRangeError,
    SeedTypeError,
    StateError,
    UnknownGeneratorError,
)
from ._manager import RandomStateManager

__all__ = [
    "CheckpointError",
    "CountRangeError",
    "CountTypeError",
    "ManagerReleasedError",
    "MissingLibraryError",
    "NameTypeError",
    "NotAWorkerError",
    "RandomStateManager",
    "ReproError",
    "SeedRangeError",
    "SeedTypeError",
    "StateError",
    "UnknownGeneratorError",
    "get",
    "reset",
    "seed_everything",
]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: importlib.metadata costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-repro")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
