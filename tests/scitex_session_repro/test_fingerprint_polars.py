# ruff: noqa: DTZ001 - times without a zone are values too
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from scitex_session_repro import NotFingerprintableError, fingerprint

pl = pytest.importorskip("polars", reason="polars is not installed: no frames of it")

COLUMNS: dict[str, Any] = {
    "Int64": lambda: pl.Series([1, None, 3], dtype=pl.Int64),
    "UInt8": lambda: pl.Series([1, None, 3], dtype=pl.UInt8),
    "Float64": lambda: pl.Series([1.0, float("nan"), None], dtype=pl.Float64),
    "Boolean": lambda: pl.Series([True, None, False], dtype=pl.Boolean),
    "String": lambda: pl.Series(["a", None, "b"], dtype=pl.String),
    "Binary": lambda: pl.Series([b"a", None, b"b"], dtype=pl.Binary),
    "Categorical": lambda: pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "Enum": lambda: pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b"])),
    "Date": lambda: pl.Series([dt.date(2026, 1, 1), None, dt.date(2027, 1, 1)]),
    "Datetime": lambda: pl.Series([dt.datetime(2026, 1, 1), None, dt.datetime(2027, 1, 1)]),
    "Duration": lambda: pl.Series([dt.timedelta(1), None, dt.timedelta(2)]),
    "Time": lambda: pl.Series([dt.time(1), None, dt.time(2)]),
    "Decimal": lambda: pl.Series([Decimal("1.5"), None, Decimal("2.5")]),
    "List": lambda: pl.Series([[1], None, [2, 3]]),
    "Struct": lambda: pl.Series([{"a": 1}, {"a": None}, {"a": 2}]),
    "Null": lambda: pl.Series([None, None, None]),
}


def test_prints_are_pinned() -> None:
    names = ("Int64", "Float64", "String", "Date")
    frame = pl.DataFrame({name: COLUMNS[name]() for name in names})
    assert (
        fingerprint(frame) == "sf1:c54b2d928d7128d6c03f7da22dc41e5a3145cdca6a1289156eeb7339b2d8d7a4"
    )


def test_every_dtype_has_a_print_of_its_own() -> None:
    assert len({fingerprint(make()) for make in COLUMNS.values()}) == len(COLUMNS)


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "Null"])
def test_a_value_that_moves_changes_the_print(name: str) -> None:
    series = COLUMNS[name]()
    assert fingerprint(series) == fingerprint(COLUMNS[name]())
    assert fingerprint(series) != fingerprint(series.reverse())
    assert fingerprint(series) != fingerprint(series.alias("other"))


def test_chunks_and_the_numbering_of_categories_do_not_count() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert fingerprint(pl.concat([frame[:1], frame[1:]], rechunk=False)) == fingerprint(frame)
    one = pl.Series(["u", "v"], dtype=pl.Categorical)
    assert fingerprint(pl.Series(["v", "u", "v"], dtype=pl.Categorical)[1:]) == fingerprint(one)
    assert fingerprint(frame) != fingerprint(frame.select("b", "a"))


def test_a_missing_value_is_no_zero() -> None:
    assert fingerprint(pl.Series([0, None])) != fingerprint(pl.Series([None, 0]))
    assert fingerprint(pl.Series([0, None])) != fingerprint(pl.Series([0, 0]))


def test_a_lazy_frame_is_refused() -> None:
    with pytest.raises(NotFingerprintableError, match=r"LazyFrame: pass its collect\(\)$"):
        fingerprint(pl.LazyFrame({"a": [1]}))
