"""Loading a CSV file of 300,000 rows, beside pandas and beside Python's own reader."""

from __future__ import annotations

import csv
import importlib.util
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.measuring import Variant
    from benchmarks.workplace import Workplace

ROWS_OF_FILE = 300_000


def _file(at: Workplace) -> Path:
    """Write integers, numbers with all their digits and with a few, and texts, some in quotes."""
    import numpy as np

    from scitex_session_io import save

    path = at.repository / "table.csv"
    if not path.exists():
        draw = np.random.default_rng(0)
        table = {
            "trial": np.arange(ROWS_OF_FILE),
            "seconds": draw.normal(size=ROWS_OF_FILE),
            "volts": draw.normal(size=ROWS_OF_FILE).round(4),
            "group": [f"group {number % 7}" for number in range(ROWS_OF_FILE)],
            "subject": [f"{number % 90:03}" for number in range(ROWS_OF_FILE)],
            "correct": draw.random(ROWS_OF_FILE) < 0.8,
        }
        save(table, path)
    return path


def _timed(call: Callable[[], Any]) -> Variant:
    """Make a variant of a call in this process, in seconds."""

    def run() -> float:
        start = perf_counter()
        call()
        return perf_counter() - start

    return run


def _frames(at: Workplace) -> tuple[Variant, Variant]:
    import pandas as pd

    from scitex_session_io import load

    path = _file(at)
    return _timed(lambda: load(path, into="pandas")), _timed(lambda: pd.read_csv(path))


def _dicts(at: Workplace) -> tuple[Variant, Variant]:
    import pandas as pd

    from scitex_session_io import load

    path = _file(at)
    return _timed(lambda: load(path)), _timed(lambda: pd.read_csv(path).to_dict("records"))


def _without_pandas(at: Workplace) -> tuple[Variant, Variant]:
    from scitex_session_io import load

    path = _file(at)

    def hidden() -> None:
        pandas = sys.modules.get("pandas")
        sys.modules["pandas"] = None  # type: ignore[assignment]
        try:
            load(path)
        finally:
            if pandas is None:
                del sys.modules["pandas"]
            else:
                sys.modules["pandas"] = pandas

    def texts() -> None:
        with path.open(encoding="utf-8", newline="") as file:
            list(csv.DictReader(file))

    return _timed(hidden), _timed(texts)


ROWS: dict[str, Callable[[Workplace], tuple[Variant, Variant]]] = {"csv": _without_pandas}
if importlib.util.find_spec("pandas"):
    ROWS |= {"csv-frame": _frames, "csv-dicts": _dicts}
