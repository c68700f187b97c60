from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from scitex_session_repro import NotFingerprintableError, fingerprint
from scitex_session_repro._fingerprint.encoder import Writer

pd = pytest.importorskip("pandas", reason="pandas is not installed: no frames of it")

COLUMNS: dict[str, Any] = {
    "int64": lambda: pd.Series([1, 2, 3], dtype="int64"),
    "int32": lambda: pd.Series([1, 2, 3], dtype="int32"),
    "float64": lambda: pd.Series([1.0, np.nan, 3.0], dtype="float64"),
    "bool": lambda: pd.Series([True, False, False], dtype="bool"),
    "object": lambda: pd.Series(["a", None, 1], dtype="object"),
    "string": lambda: pd.Series(["a", None, "c"], dtype="string[python]"),
    "category": lambda: pd.Series(["a", None, "c"], dtype=pd.CategoricalDtype(["a", "c"])),
    "ordered": lambda: pd.Series(["a", None, "c"], dtype=pd.CategoricalDtype(["a", "c"], True)),
    "time": lambda: pd.Series(pd.to_datetime(["2026", None, "2027"])).astype("datetime64[ns]"),
    "zoned": lambda: pd.Series(pd.to_datetime(["2026", None, "2027"], utc=True)).astype(
        "datetime64[ns, UTC]"
    ),
    "delta": lambda: pd.Series([1, 2, 3], dtype="int64").astype("timedelta64[s]"),
    "Int64": lambda: pd.Series([1, None, 3], dtype="Int64"),
    "Float64": lambda: pd.Series([1, None, 3], dtype="Float64"),
    "boolean": lambda: pd.Series([True, None, False], dtype="boolean"),
    "period": lambda: pd.Series(pd.period_range("2026-01", periods=3, freq="M")),
    "interval": lambda: pd.Series(pd.interval_range(0, 3)),
    "sparse": lambda: pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0])),
}
GOLDEN = "sf1:52b6d9cd4052c1564029e2079e233a84824a551adde15782e27d071da2602b1a"


def frame() -> Any:
    return pd.DataFrame({name: make() for name, make in COLUMNS.items()})


def test_prints_are_pinned() -> None:
    # No frame: pandas 3 gives its column names another dtype than pandas 2.
    assert fingerprint([make() for make in COLUMNS.values()]) == GOLDEN


def test_every_dtype_has_a_print_of_its_own() -> None:
    assert len({fingerprint(make()) for make in COLUMNS.values()}) == len(COLUMNS)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_value_that_moves_changes_the_print(name: str) -> None:
    series = COLUMNS[name]()
    moved = pd.Series(series.array[::-1], index=series.index)
    assert fingerprint(series) == fingerprint(series.copy())
    assert fingerprint(series) != fingerprint(moved)
    changed = frame()
    changed[name] = moved
    assert fingerprint(changed) != fingerprint(frame())


def test_names_index_and_order_of_columns_count() -> None:
    data = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    others = [
        data.rename(columns={"a": "x"}),
        data[["b", "a"]],
        data.set_axis([5, 6]),
        data.rename_axis("row"),
        data.rename_axis(columns="column"),
        data.set_axis(pd.MultiIndex.from_tuples([(0, 0), (1, 1)])),
        data.astype("float64"),
        data.iloc[::-1],
    ]
    assert len({fingerprint(other) for other in [data, *others]}) == 1 + len(others)


def test_how_it_came_to_be_does_not_count() -> None:
    data = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    read = pd.concat([data[["a"]], data[["b"]]], axis=1).set_axis(pd.Index([0, 1]))
    read.attrs["source"] = "b.csv"
    assert fingerprint(read) == fingerprint(data)
    assert fingerprint(pd.RangeIndex(3)) == fingerprint(pd.Index([0, 1, 2]))
    dates = pd.date_range("2026", periods=3)
    assert fingerprint(dates) == fingerprint(pd.DatetimeIndex(list(dates)).as_unit(dates.unit))


def test_where_strings_are_stored_does_not_count() -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: one storage only")
    one, other = (pd.array(["a", None], dtype=f"string[{how}]") for how in ("python", "pyarrow"))
    assert fingerprint(pd.Series(one)) == fingerprint(pd.Series(other))


def test_scalars_differ() -> None:
    stamp = pd.Timestamp("2026-01-01")
    scalars = [pd.NA, pd.NaT, stamp, stamp.tz_localize("UTC"), pd.Timedelta(1), None]
    scalars += [pd.Period("2026"), pd.Interval(0, 1), pd.Interval(0, 1, "left"), float("nan")]
    scalars += [stamp.to_pydatetime(), pd.CategoricalDtype(["a"]), pd.Int64Dtype()]
    assert len({fingerprint(scalar) for scalar in scalars}) == len(scalars)


def test_a_subclass_or_a_function_inside_is_refused_with_its_place() -> None:
    located = type("Map", (pd.DataFrame,), {})()
    with pytest.raises(NotFingerprintableError, match=r"obj\['m'\], which is of type .*Map"):
        fingerprint({"m": located})
    with pytest.raises(NotFingerprintableError, match=r"obj\['f'\]\[1\], which is the function"):
        fingerprint(pd.DataFrame({"f": [1, print]}))
    with pytest.raises(NotFingerprintableError, match="DataFrameGroupBy"):
        fingerprint(pd.DataFrame({"a": [1]}).groupby("a"))


def test_frames_that_pandas_calls_equal_are_alike_whatever_the_order_of_categories() -> None:
    days = [*pd.to_datetime(["2026-01-02", "2026-01-01"])]
    for categories in ([*"bac"], [3, 1, 2], [0.5, -1.0], days):
        one, other = (
            pd.DataFrame({"c": pd.Categorical([categories[1], None, *categories], order)})
            for order in (categories, categories[::-1])
        )
        assert one.equals(other)
        assert fingerprint(one) == fingerprint(other)
        assert fingerprint(one["c"].dtype) == fingerprint(other["c"].dtype)
    mixed = [1, "a", frozenset({1}), frozenset({2})]  # they can't be sorted
    both = [pd.Series(pd.Categorical(mixed, order)) for order in (mixed, mixed[::-1])]
    assert fingerprint(both[0]) == fingerprint(both[1])
    ordered = [pd.CategoricalDtype(order, ordered=True) for order in (["a", "b"], ["b", "a"])]
    assert fingerprint(ordered[0]) != fingerprint(ordered[1])
    assert len({fingerprint(pd.Series(["a", "b"], dtype=dtype)) for dtype in ordered}) == 2


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, 1])
def test_texts_that_are_hashed_together_are_hashed_as_one_by_one(missing: Any) -> None:
    texts = ["a", "", missing, "é\ud800", "b"] * 2000  # more than are looked at together
    whole, parts = sha256(), sha256()
    one = Writer()
    one.feed = parts.update  # each by itself
    for text in texts:
        one.write(text)
    together = Writer()
    together.feed = whole.update
    together.write_parts(texts)
    assert whole.digest() == parts.digest()
