"""Metrics of the running session: one line of ``metrics.jsonl`` for each call of `log`."""

from __future__ import annotations

import json
import time

from scitex_session._names.injection import directory_for
from scitex_session_core import (
    METRICS_NAME,
    InvalidTypeError,
    InvalidValueError,
    LineFile,
    jsonable,
    warn,
)

from .results import scalar_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scitex_session_core import RunDir

# `allow_nan` would write NaN, which strict readers refuse.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_PLAIN = {float, int}
# The directory of the run that called last, and its file.
_open: tuple[RunDir, LineFile] | None = None
_failed: set[str] = set()  # the runs whose metrics could not be written, which was said


def log(step: float | None = None, **values: Any) -> None:
    """Append values to the metrics of the running session.

    Parameters
    ----------
    step : float, optional
        The step, epoch or time to which they belong.
    **values
        Numbers, texts, booleans, None; scalars of numpy and torch. A name can't be ``time``.

    Raises
    ------
    NoSessionError
        No session runs in this process, and none started it as a worker.
    InvalidTypeError
        A value is no scalar.
    InvalidValueError
        A value is named ``time``.

    Notes
    -----
    Each call is one write(2) of a whole line to ``metrics.jsonl`` in the run directory. So any
    process of the run may call it, and nothing is lost when the run is killed. A line has the time
    of the call (``time``, seconds since the epoch) and, if it was given, ``step``. A disk that is
    full is warned about, once.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def train():
    ...     for step in range(3):
    ...         stx.log(step, loss=1 / (step + 1))
    """
    directory = directory_for("stx.log")
    line: dict[str, Any] = {"time": time.time()}
    if step is not None:
        line["step"] = step
    line.update(values)
    if "time" in values:
        raise InvalidValueError("the name of a value", "time", "another one: log sets the time")
    try:
        text = _encode(line if {*map(type, line.values())} <= _PLAIN else _checked(line))
    except ValueError:  # not finite
        text = _encode(_checked(line))
    file = _file_in(directory)
    try:
        file.append(text.encode())
    except OSError as error:
        if directory.id not in _failed:
            _failed.add(directory.id)
            warn(f"metrics can't be written, and are lost from here on: {error}")


def _file_in(directory: RunDir) -> LineFile:
    global _open
    if _open is None or _open[0] is not directory:
        if _open is not None:
            _open[1].close()
        _open = directory, LineFile(directory, METRICS_NAME)
    return _open[1]


def _checked(line: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON has them, without secrets in texts."""
    checked = {}
    for name, value in line.items():
        checked[name], is_scalar = scalar_of(value)
        if not is_scalar:
            raise InvalidTypeError(name, value, "a number, a text, True, False or None")
    found: dict[str, Any] = jsonable(checked)
    return found
