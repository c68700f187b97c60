"""A logger that prints where nobody has set up logging."""

from __future__ import annotations

import logging
import sys


class BorrowedLogger:
    """The logger of a name, letting pass INFO and printing to stderr, until it is restored.

    Parameters
    ----------
    name : str
        Its name.

    Attributes
    ----------
    logger : logging.Logger
    """

    def __init__(self, name: str) -> None:
        self.logger = logging.getLogger(name)
        self._found = self.logger.level
        self._handler = _LastResort()
        self._handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        self.logger.addHandler(self._handler)
        if self._found == logging.NOTSET:
            self.logger.setLevel(logging.INFO)

    def restore(self) -> None:
        """Put handlers and level back as they were found."""
        self.logger.removeHandler(self._handler)
        self.logger.setLevel(self._found)


class _LastResort(logging.Handler):
    """Prints to the current ``sys.stderr`` unless the user set up logging: theirs says it then."""

    def emit(self, record: logging.LogRecord) -> None:
        if logging.root.handlers or sys.stderr is None:
            return
        try:
            print(self.format(record), file=sys.stderr)
        except Exception:  # noqa: BLE001  # what handlers do: report, and let the program go on
            self.handleError(record)
