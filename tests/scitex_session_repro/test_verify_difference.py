from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scitex_session_repro import RandomStateManager, VerificationError

KEPT_BYTES = 2**20  # of an array
KEPT_PARTS = 1000


@pytest.fixture
def rng() -> Iterator[RandomStateManager]:
    with RandomStateManager(1) as manager:
        yield manager


def difference(rng: RandomStateManager, then: Any, now: Any) -> VerificationError:
    rng.clear_cache()
    rng.verify(then, "x", verbose=False)
    with pytest.raises(VerificationError) as caught:
        rng.verify(now, "x")
    assert pickle.loads(pickle.dumps(caught.value)).details == caught.value.details
    return caught.value


BASE = np.arange(12.0).reshape(3, 4)


def changed(index: tuple[int, ...], value: Any, array: Any = BASE) -> Any:
    other = array.copy()
    other[index] = value
    return other


@pytest.mark.parametrize(
    ("then", "now", "text", "details"),
    [
        (
            BASE,
            changed((1, 2), 6.25),
            "1 of 12 elements differ, the first at [1, 2] (6.0 recorded, 6.25 found), "
            "the largest difference is 0.25",
            {"differing": 1, "total": 12, "first": (1, 2), "largest": 0.25},
        ),
        (
            BASE,
            BASE.astype("f4"),
            "the dtype was float64 and is float32, all values are the same",
            {"dtype": ("float64", "float32"), "differing": 0, "total": 12},
        ),
        (
            BASE,
            BASE[:2],
            "the shape was [3, 4] and is [2, 4]",
            {"shape": ([3, 4], [2, 4])},
        ),
        (
            np.array([0.0, np.nan, np.inf]),
            np.array([-0.0, np.nan, 1.0]),
            "2 of 3 elements differ, the first at [0] (0.0 recorded, -0.0 found), "
            "the largest difference is inf",
            {"differing": 2, "total": 3, "first": (0,), "largest": np.inf},
        ),
        (
            np.array([2**63 - 1]),
            np.array([-(2**63)]),
            "1 of 1 elements differ, the first at [0] (9223372036854775807 recorded, "
            "-9223372036854775808 found), the largest difference is 1.84467e+19",
            {"differing": 1, "total": 1, "first": (0,), "largest": 2**64 - 1},
        ),
        (
            np.array(["a", "b"]),
            np.array(["a", "c"]),
            "1 of 2 elements differ, the first at [1] (b recorded, c found)",
            {"differing": 1, "total": 2, "first": (1,)},
        ),
        (
            np.array(["2026", "NaT"], "M8[s]"),
            np.array(["NaT", "NaT"], "M8[s]"),
            "1 of 2 elements differ, the first at [0] (2026-01-01T00:00:00 recorded, NaT found)",
            {"differing": 1, "total": 2, "first": (0,)},
        ),
        (
            np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
            np.array([(1, 3.0)], [("a", "i4"), ("b", "f8")]),
            None,  # numpy's versions print a structure differently
            {"differing": 1, "total": 1, "first": (0,)},
        ),
        (
            {"a": 1, "b": [1], "c": 3},
            {"a": 1, "b": [2], "d": 3},
            "differing: ['b'], missing: ['c'], new: ['d']",
            {"parts": {"differing": ["['b']"], "missing": ["['c']"], "new": ["['d']"]}},
        ),
        (
            list(range(10)),
            [0, *range(2, 10), 1],
            "differing: [1], [2], [3], [4], [5] and 4 more",
            {"parts": {"differing": [f"[{n}]" for n in range(1, 10)]}},
        ),
        (
            [1, 2],
            list(range(KEPT_PARTS + 1)),
            "the length was 2 and is 1001",
            {"length": (2, KEPT_PARTS + 1)},
        ),
        ("a", "bc", "the length was 1 and is 2", {"length": (1, 2)}),
        (BASE, {"a": 1}, "it was a numpy.ndarray and is a dict", None),
        ({"a": 1}, BASE, "it was a dict and is a numpy.ndarray", None),
        ([1, 2], {"a": 1}, "it was a list and is a dict, the length was 2 and is 1", None),
        (1, 1.0, "it was an int and is a float, the value was 1 and is 1.0", None),
        (
            np.zeros(KEPT_BYTES // 8 + 1),
            np.ones(KEPT_BYTES // 8 + 1),
            "the values differ: more than 1 MiB are not kept",
            {},
        ),
    ],
    ids=range(17),
)
def test_a_difference_says_what_it_is(
    rng: RandomStateManager, then: Any, now: Any, text: str | None, details: dict[str, Any] | None
) -> None:
    error = difference(rng, then, now)
    if text is not None:
        assert error.difference == text
    if details is not None:
        assert error.details == details


def test_the_type_of_a_mapping_is_no_difference(rng: RandomStateManager) -> None:
    from collections import OrderedDict

    error = difference(rng, OrderedDict(a=1), {"a": 2})
    assert error.difference == "differing: ['a']; ['a']: 1 recorded, 2 found"


def test_a_kept_array_that_is_damaged_is_said_and_never_unpickled(
    rng: RandomStateManager,
) -> None:
    rng.verify(BASE, "x", verbose=False)
    (kept,) = Path("fingerprints").glob("*.npy")
    for content in (b"", b"nonsense", pickle.dumps([1])):
        kept.write_bytes(content)
        with pytest.raises(VerificationError, match=r"kept in .* can't be read"):
            rng.verify(BASE + 1, "x")
    kept.unlink()
    with pytest.raises(VerificationError, match=r"kept in .* can't be read"):
        rng.verify(BASE + 1, "x")
    assert rng.verify(BASE, "x", verbose=False)


def test_a_column_of_a_frame_is_named(rng: RandomStateManager) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: no frames of it")
    then = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    error = difference(rng, then, then.assign(b=[3, 5]))
    assert error.details["parts"] == {"differing": ["['b']"]}
    assert error.difference == (
        "differing: ['b']; ['b']: 1 of 2 elements differ, the first at [1] (4 recorded, 5 found), "
        "the largest difference is 1"
    )
    numbers = {"differing": 1, "total": 2, "first": (1,), "largest": 1}
    assert error.details["elements"] == {"['b']": numbers}


def test_an_index_that_differs_is_named_and_no_column(rng: RandomStateManager) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: no frames of it")
    then = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    error = difference(rng, then, then.set_axis([4, 5]))
    assert error.difference.startswith("the index differs; .index: 2 of 2 elements differ")
    assert error.details["parts"] == {"differing": [".index"]}
    error = difference(rng, then, then.set_axis([4, 5]).assign(b=[3.0, 5.0]))
    assert error.difference.startswith("the index differs, differing: ['b']; .index: 2 of 2 ")
    assert {*error.details["elements"]} == {".index", "['b']"}
    error = difference(rng, then, then[["b", "a"]])
    assert error.difference == "the columns stand in another order"


def test_of_a_series_it_is_said_whether_index_values_or_name_differ(
    rng: RandomStateManager,
) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed: no series of it")
    then = pd.Series([1, 2], name="x")
    index = difference(rng, then, then.set_axis([4, 5])).difference
    assert index.startswith("the index differs; .index: 2 of 2 ")
    values = difference(rng, then, then + 1).difference
    assert values.startswith("the values differ; .values: 2 of 2 ")
    assert difference(rng, then, then.rename("y")).difference == "the name differs"


def test_a_column_of_a_frame_of_polars_and_one_of_texts_differ_in_numbers(
    rng: RandomStateManager,
) -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed: no frames of it")
    then = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    error = difference(rng, then, pl.DataFrame({"a": [1.0, 2.5], "b": ["x", "z"]}))
    assert error.details["elements"] == {
        "['a']": {"differing": 1, "total": 2, "first": (1,), "largest": 0.5},
        "['b']": {"differing": 1, "total": 2, "first": (1,)},
    }


def test_an_array_deep_in_a_state_differs_in_numbers_at_its_place(rng: RandomStateManager) -> None:
    def state(step: float, lr: float) -> dict[str, Any]:
        return {"state": {0: {"step": np.full(3, step)}}, "groups": [{"lr": lr, "name": "w"}]}

    error = difference(rng, state(1.0, 0.1), state(3.0, 0.2))
    assert error.difference == (
        "differing: ['state'], ['groups']; ['state'][0]['step']: 3 of 3 elements differ, the first "
        "at [0] (1.0 recorded, 3.0 found), the largest difference is 2; ['groups'][0]['lr']: 0.1 "
        "recorded, 0.2 found"
    )
    assert error.details["elements"]["['groups'][0]['lr']"]["differing"] == 1


def test_of_many_arrays_the_small_ones_are_kept(rng: RandomStateManager) -> None:
    then = {"large": np.zeros(KEPT_BYTES // 8), "small": np.zeros(2)}
    error = difference(rng, then, {name: array + 1 for name, array in then.items()})
    assert error.details["parts"] == {"differing": ["['large']", "['small']"]}
    assert {*error.details["elements"]} == {"['small']"}
    (kept,) = Path("fingerprints").glob("*.npz")
    kept.write_bytes(b"nonsense")
    with pytest.raises(VerificationError, match=r"kept in .* can't be read"):
        rng.verify({"large": 1}, "x")
    assert rng.clear_cache() == 1
    assert not [*Path("fingerprints").iterdir()]


def test_a_tensor_of_a_state_dict_is_named(rng: RandomStateManager) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: no tensors")
    state = torch.nn.Linear(2, 2).state_dict()
    error = difference(rng, state, {**state, "bias": state["bias"] + 1})
    assert error.difference.startswith("differing: ['bias']; ['bias']: 2 of 2 elements differ, ")
    assert error.details["elements"]["['bias']"]["largest"] == pytest.approx(1)
    tensor = torch.arange(3.0)
    error = difference(rng, tensor, tensor + torch.tensor([0, 0.5, 0]))
    assert error.details["first"] == (1,)
    assert error.details["largest"] == 0.5
    error = difference(rng, tensor.bfloat16(), (tensor + 1).bfloat16())
    assert error.difference == "the values differ"
