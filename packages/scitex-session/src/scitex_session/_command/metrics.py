"""The metrics of a run, read."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping

from scitex_session_core import METRICS_NAME

from .find import NOT_FINITE
from .names import named_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import Any

    import pandas as pd

    from .names import Run

_LAST_CALLS = 100


def metrics(run: str | os.PathLike[str] | Mapping[str, Any]) -> pd.DataFrame:
    """Return the metrics of a run as a table.

    Parameters
    ----------
    run : str, path-like or mapping
        The run, by any of its names (see `record`), or its `CONFIG`.

    Returns
    -------
    pandas.DataFrame
        A row for each call of `log`, in the order of writing; the columns are ``time`` (seconds
        since the epoch), ``step`` and the names of the values.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError
        No run is known by this name, several are, or its record can't be read.
    ImportError
        pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("stx.metrics needs pandas: pip install pandas") from error
    found = named_run(run["SDIR_RUN"] if isinstance(run, Mapping) else run)
    return pd.DataFrame(_rows(_lines(found)))


def metrics_end(run: Run) -> tuple[int, dict[str, Any]]:
    """Return how often a run logged, and the last value of each name, of the last calls."""
    count, last = 0, deque[bytes](maxlen=_LAST_CALLS)
    for line in _lines(run):
        count += 1
        last.append(line)
    merged: dict[str, Any] = {}
    for row in _rows(last):
        merged.update(row)
    return count, merged


def _lines(run: Run) -> Iterator[bytes]:
    try:
        file = run.open(METRICS_NAME)
    except FileNotFoundError:
        return
    with file:
        yield from (line for line in file if len(line) > 1)  # each begins with a line end


def _rows(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # torn by a full disk
            continue
        if isinstance(row, dict):
            found.append(
                {n: NOT_FINITE.get(v, v) if isinstance(v, str) else v for n, v in row.items()}
            )
    return found
