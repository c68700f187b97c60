"""Seeds and independent named random streams, without importing what you do not use."""

from __future__ import annotations

from ._errors import (
    ManagerReleasedError,
    MissingLibraryError,
    NameTypeError,
    ReproError,
    SeedRangeError,
    SeedTypeError,
    UnknownGeneratorError,
)
from ._manager import RandomStateManager, get, reset

__all__ = [
    "ManagerReleasedError",
    "MissingLibraryError",
    "NameTypeError",
    "RandomStateManager",
    "ReproError",
    "SeedRangeError",
    "SeedTypeError",
    "UnknownGeneratorError",
    "get",
    "reset",
]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: importlib.metadata costs 30 ms."""
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-repro")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
