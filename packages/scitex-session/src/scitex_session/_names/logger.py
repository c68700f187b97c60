"""The logger of a session. Importing this imports `logging` (6 ms)."""

from __future__ import annotations

import logging
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUCCESS, FAIL = 25, 35  # above INFO, and above WARNING
# SGR codes: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/
_COLORS = {
    "black": 30,
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "magenta": 35,
    "cyan": 36,
    "white": 37,
    "gray": 90,
    "grey": 90,
}


class Logger(logging.Logger):
    """A logger with two more levels, and with two more keywords for every message.

    A message may be given ``c="red"``, the colour in which a terminal shows it (black, red, green,
    yellow, blue, magenta, cyan, white, gray), and ``pprint=True``, for a value that is to be
    printed as `pprint` does.
    """

    def success(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log that something succeeded, at a level between INFO and WARNING."""
        self._log_above(SUCCESS, msg, args, **kwargs)

    def fail(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log that something failed, at a level between WARNING and ERROR."""
        self._log_above(FAIL, msg, args, **kwargs)

    def _log_above(
        self, level: int, msg: object, args: Any, *, stacklevel: int = 1, **kwargs: Any
    ) -> None:
        if self.isEnabledFor(level):
            self._log(level, msg, args, stacklevel=stacklevel + 2, **kwargs)

    def _log(  # type: ignore[override]
        self,
        level: int,
        msg: object,
        args: Any,
        *,
        c: str | None = None,
        pprint: bool = False,
        stacklevel: int = 1,
        **kwargs: Any,
    ) -> None:
        if pprint:
            from pprint import pformat

            msg, args = "%s", (pformat(msg),)
        if c is not None:
            kwargs["extra"] = {**(kwargs.get("extra") or {}), "c": c}
        super()._log(level, msg, args, stacklevel=stacklevel + 1, **kwargs)


class BorrowedLogger:
    """The logger of a name, which lets INFO pass and prints to stderr until it is restored.

    Parameters
    ----------
    name : str
        The name of the logger.

    Attributes
    ----------
    logger : Logger
        The logger itself.
    """

    def __init__(self, name: str) -> None:
        for level, word in ((SUCCESS, "SUCCESS"), (FAIL, "FAIL")):
            if logging.getLevelName(level) == f"Level {level}":  # the user has no name for it
                logging.addLevelName(level, word)
        found = logging.getLogger(name)
        self._class = type(found)
        # The object itself, not another one: who asks logging for the name gets this one.
        if self._class is logging.Logger:
            found.__class__ = Logger
        self.logger: Logger = found  # type: ignore[assignment]
        self._level = found.level
        self._handler = _LastResort()
        self._handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        found.addHandler(self._handler)
        if self._level == logging.NOTSET:
            found.setLevel(logging.INFO)

    def restore(self) -> None:
        """Put handlers, level and class back as they were."""
        self.logger.removeHandler(self._handler)
        self.logger.setLevel(self._level)
        self.logger.__class__ = self._class  # type: ignore[assignment]


class _LastResort(logging.Handler):
    """Print to the current ``sys.stderr``, unless the user has set up logging."""

    def emit(self, record: logging.LogRecord) -> None:
        if logging.root.handlers or sys.stderr is None:
            return
        try:
            text = self.format(record)
            code = _COLORS.get(getattr(record, "c", ""))
            if code is not None and sys.stderr.isatty():
                text = f"\x1b[{code}m{text}\x1b[0m"
            print(text, file=sys.stderr)
        except Exception:  # noqa: BLE001  # what handlers do: report, and let the program go on
            self.handleError(record)
