"""A logger that prints where nobody has set up logging. Importing this imports `logging` (6 ms)."""

from __future__ import annotations

import logging
import sys


class BorrowedLogger:
    """The logger of a name, which lets INFO pass and prints to stderr until it is restored.

    Parameters
    ----------
    name : str
        The name of the logger.

    Attributes
    ----------
    logger : logging.Logger
        The logger itself.
    """

    def __init__(self, name: str) -> None:
        self.logger = logging.getLogger(name)
        self._level = self.logger.level
        self._handler = _LastResort()
        self._handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        self.logger.addHandler(self._handler)
        if self._level == logging.NOTSET:
            self.logger.setLevel(logging.INFO)

    def restore(self) -> None:
        """Put handlers and level back as they were."""
        self.logger.removeHandler(self._handler)
        self.logger.setLevel(self._level)


class _LastResort(logging.Handler):
    """Print to the current ``sys.stderr``, unless the user has set up logging."""

    def emit(self, record: logging.LogRecord) -> None:
        if logging.root.handlers or sys.stderr is None:
            return
        try:
            print(self.format(record), file=sys.stderr)
        except Exception:  # noqa: BLE001  # what handlers do: report, and let the program go on
            self.handleError(record)
