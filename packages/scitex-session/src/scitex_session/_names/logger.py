"""The `logger` that a session gives its function; `logging` (6 ms) is imported when it is used."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any

    from .logging import BorrowedLogger


class SessionLogger:
    """Stands for the logger of a run until something is asked of it.

    Parameters
    ----------
    name : str
        The name of the logger.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._borrowed: BorrowedLogger | None = None

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._real(), attribute)

    def __repr__(self) -> str:
        return f"<logger {self._name!r} of the session>"

    # So that isinstance(logger, logging.Logger) holds.
    __class__ = property(lambda self: type(self._real()))

    def _real(self) -> logging.Logger:
        if self._borrowed is None:
            from .logging import BorrowedLogger

            self._borrowed = BorrowedLogger(self._name)
        return self._borrowed.logger

    def ready(self) -> Any:
        """Return the logger itself where `logging` is imported anyhow, else what stands for it."""
        return self._real() if "logging" in sys.modules else self

    def restore(self) -> None:
        """Put the logger of that name back as it was found, where it was used."""
        if self._borrowed is not None:
            self._borrowed.restore()
