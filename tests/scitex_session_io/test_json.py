"""JSON: Python's values come back as they were; what can't is refused with its place."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scitex_session_io import InvalidTypeError, MalformedError, UnsavableError, load, save

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_every_value_comes_back(value: Any) -> None:
    assert load(save(value, "v.json")) == value


class Colour(enum.Enum):
    """A value with a name."""

    RED = "red"


@dataclasses.dataclass
class Point:
    """A value with fields."""

    x: float
    inner: Any


@pytest.mark.parametrize(
    ("value", "back"),
    [
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        ({"b", 1, "a"}, [1, "a", "b"]),
        (Path("a/b"), "a/b"),
        (dt.date(2026, 11, 22), "2026-11-22"),
        (dt.datetime(2026, 11, 22, 5, tzinfo=dt.UTC), "2026-11-22T05:00:00+00:00"),
        (dt.timedelta(days=1, hours=2, microseconds=500_000), "P1DT2H0M0.5S"),
        (-dt.timedelta(seconds=90), "-P0DT0H1M30S"),
        ([decimal.Decimal("0.10"), decimal.Decimal("NaN")], ["0.10", "NaN"]),
        ([Colour.RED], ["red"]),
        (Point(1.5, Point(2, None)), {"x": 1.5, "inner": {"x": 2, "inner": None}}),
        (
            {1: "a", 2.5: "b", None: "c", False: "d"},
            {"1": "a", "2.5": "b", "null": "c", "false": "d"},
        ),
        ("a name that is no UTF-8: \udcff", "a name that is no UTF-8: \udcff"),
    ],
)
def test_what_json_has_no_word_for_becomes_what_is_documented(value: object, back: object) -> None:
    assert load(save(value, "v.json")) == back


def test_not_finite_numbers_come_back_unless_refused() -> None:
    back = load(save([math.nan, math.inf, -math.inf], "v.json"))
    assert math.isnan(back[0])
    assert back[1:] == [math.inf, -math.inf]
    with pytest.raises(UnsavableError, match=r"obj\['a'\]\[0\] is nan; JSON takes finite numbers"):
        save({"a": [math.nan]}, "v.json", allow_nan=False)


def test_text_is_readable_and_ends_with_a_newline() -> None:
    assert save({"\u00e9": [1]}, "v.json").read_text(encoding="utf-8") == (
        '{\n  "\u00e9": [\n    1\n  ]\n}\n'
    )
    assert save({"a": [1]}, "v.json", indent=None).read_text() == '{"a": [1]}\n'


def circle() -> object:
    """Make a list that holds itself."""
    value: list[object] = []
    value.append({"again": value})
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"model": [1, object()]}, r"obj\['model'\]\[1\] is object; JSON takes None, bool"),
        (b"x", "obj is bytes"),
        ([1j], r"obj\[0\] is complex"),
        (Point(1, int), r"obj.inner is type"),
        ({(1, 2): 3}, r"the key \(1, 2\) of obj is tuple; JSON takes keys"),
        ({1: 0, "1": 0}, "the key '1' of obj is the same key again"),
        (circle(), r"obj\[0\]\['again'\] is an object that contains it"),
        ({frozenset([b"x"])}, "an element of an element of obj is bytes"),
        ([10**5000], "obj is or holds an int of more than 4300 digits"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(UnsavableError, match=message):
        save(value, "v.json")
    assert not Path("v.json").exists()


def test_numpy_values_are_numbers_and_lists() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed: nothing to save")
    value = {
        "scalar": np.float32(0.1),
        "array": np.arange(4).reshape(2, 2),
        "text": np.array(["a"]),
        "flag": np.bool_(True),
        "when": np.array(["2026-11-22"], dtype="M8[D]"),
        np.int64(3): np.int8(1),
    }
    assert load(save(value, "v.json")) == {
        "scalar": float(np.float32(0.1)),
        "array": [[0, 1], [2, 3]],
        "text": ["a"],
        "flag": True,
        "when": ["2026-11-22"],
        "3": 1,
    }
    for refused in (np.array([1j]), np.longdouble(1), np.array([b"x"])):
        with pytest.raises(UnsavableError, match="obj is numpy"):
            save(refused, "v.json")


def test_times_of_numpy_are_iso_to_their_own_precision_and_nat_is_null() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed: nothing to save")
    value = {
        "when": np.array([["2024-01-01", "NaT"]], dtype="M8[ns]"),
        "moment": np.datetime64("2024-01-01T00:00:00.000000001"),
        "none": [np.datetime64("NaT"), np.timedelta64("NaT", "s")],
        "took": np.array([1, -1, "NaT"], dtype="m8[ps]"),
        "long": np.timedelta64(10**6, "D"),
        "zero": np.array(0, "m8[s]"),
    }
    assert load(save(value, "v.json")) == {
        "when": [["2024-01-01T00:00:00", None]],
        "moment": "2024-01-01T00:00:00.000000001",
        "none": [None, None],
        "took": ["P0DT0H0M0.000000000001S", "-P0DT0H0M0.000000000001S", None],
        "long": "P1000000DT0H0M0S",
        "zero": "P0DT0H0M0S",
    }
    with pytest.raises(UnsavableError, match=r"obj\[1\] is nan; JSON takes finite numbers"):
        save(np.array([1, np.nan]), "v.json", allow_nan=False)


def test_pandas_frames_are_lists_of_records_and_series_lists_or_dicts() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: nothing to save")
    frame = pd.DataFrame({"a": [1.5, 2.5], "t": [pd.Timestamp("2024-01-01"), pd.NaT]})
    records = [{"a": 1.5, "t": "2024-01-01T00:00:00"}, {"a": 2.5, "t": None}]
    value = {"frame": frame, "part": frame[1:], "column": frame["a"], "mean": frame[["a"]].mean()}
    value["named"] = frame[["a"]].rename_axis("i")
    value["missing"] = [pd.NA, pd.NaT, pd.Timedelta(1, unit="ns"), pd.Series([pd.NA, 1])]
    assert load(save(value, "v.json")) == {
        "frame": records,
        "part": records[1:],
        "column": [1.5, 2.5],
        "mean": {"a": 2.0},
        "named": [{"i": 0, "a": 1.5}, {"i": 1, "a": 2.5}],
        "missing": [None, None, "P0DT0H0M0.000000001S", [None, 1]],
    }
    assert load(save(frame[["a"]].describe(), "d.json"))[1] == {"index": "mean", "a": 2.0}
    with pytest.raises(UnsavableError, match="obj is a series with the same label twice; JSON"):
        save(pd.Series([1, 2], index=["x", "x"]), "v.json")


def test_polars_frames_are_lists_of_records_and_series_lists() -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed: nothing to save")
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert load(save([frame, frame["a"]], "v.json")) == [
        [{"a": 1, "b": "x"}, {"a": None, "b": "y"}],
        [1, None],
    ]


def test_torch_scalars_and_tensors_are_numbers_and_lists() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to save")
    value = {
        "loss": torch.tensor(0.5, requires_grad=True),
        "weights": torch.arange(4.0, requires_grad=True).reshape(2, 2),
        "half": torch.tensor([0.5], dtype=torch.bfloat16),
        "flag": torch.tensor(True),
        "sparse": torch.eye(2).to_sparse(),
        "size": torch.zeros(2, 3).shape,
        "parameter": torch.nn.Parameter(torch.ones(1)),
        "nan": torch.tensor([1, float("inf")]),
    }
    assert load(save(value, "v.json")) == {
        "loss": 0.5,
        "weights": [[0.0, 1.0], [2.0, 3.0]],
        "half": [0.5],
        "flag": True,
        "sparse": [[1.0, 0.0], [0.0, 1.0]],
        "size": [2, 3],
        "parameter": [1.0],
        "nan": [1.0, math.inf],
    }
    with pytest.raises(UnsavableError, match=r"obj is a tensor of torch.complex64 on cpu; JSON"):
        save(torch.tensor([1j]), "v.json")
    with pytest.raises(UnsavableError, match=r"obj is a tensor of torch.float32 on meta; JSON"):
        save(torch.empty(2, device="meta"), "v.json")
    assert load(save({"a": torch.arange(2), "b": [torch.tensor(1.5), None]}, "t.csv")) == [
        {"a": 0, "b": 1.5},
        {"a": 1, "b": None},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n x}', "v.json, line 2, column 2: not JSON: "),
        (b"", "v.json, line 1, column 1: not JSON: Expecting value"),
        (b'"\xff"', "v.json, byte 1: not UTF-8"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(content: bytes, message: str) -> None:
    Path("v.json").write_bytes(content)
    with pytest.raises(MalformedError, match=message):
        load("v.json")


def test_json_has_one_shape_only() -> None:
    save([], "v.json")
    with pytest.raises(InvalidTypeError, match=r"no option for a \.json file, not into="):
        load("v.json", into="rows")


def test_what_is_nested_too_deeply_is_said_in_one_sentence() -> None:
    Path("deep.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(MalformedError, match=r"deep\.json: nested too deeply") as error:
        load("deep.json")
    assert error.value.__suppress_context__
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnsavableError, match="obj is nested too deeply; JSON takes"):
        save(deep, "too_deep.json")
    assert not Path("too_deep.json").exists()


def test_an_integer_of_more_digits_than_python_reads_is_said_in_one_sentence() -> None:
    Path("digits.json").write_text("9" * 5000)
    with pytest.raises(MalformedError, match=r"digits\.json: an integer of more than 4300 digits"):
        load("digits.json")
