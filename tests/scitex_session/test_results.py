"""What a function returns in a dict becomes results: scalars by dotted names, and nothing else."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session._lifecycle.results import results_of


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (Level.HIGH, 3),
        (0.25, 0.25),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ("text", "text"),
        ("x" * 1000, "x" * 1000),
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.0), 2.0),
        (np.float64("nan"), "NaN"),
    ],
)
def test_a_scalar_is_a_result(value: object, result: object) -> None:
    found, omitted = results_of({"name": value})
    assert (found, omitted) == ({"name": result}, [])
    assert type(found["name"]) is type(result)


@pytest.mark.parametrize(
    "value",
    [
        [1.0],
        (1,),
        {1},
        np.ones(3),
        np.ones((1,)),
        b"bytes",
        object(),
        "x" * 1001,
        1j,
        np.datetime64("now"),
    ],
)
def test_what_is_no_scalar_is_named_as_omitted(value: object) -> None:
    assert results_of({"a": 1, "b": value}) == ({"a": 1}, ["b"])


def test_nested_dicts_have_dotted_names() -> None:
    found = results_of({"test": {"acc": 0.9, "by": {1: 2, "x": []}}, "n": 3})
    assert found == ({"test.acc": 0.9, "test.by.1": 2, "n": 3}, ["test.by.x"])


def test_a_dict_within_itself_ends() -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = loop
    assert results_of({"loop": loop}) == ({"loop.a": 1}, ["loop.self"])


def test_there_are_at_most_a_thousand_of_each() -> None:
    results, omitted = results_of({f"r{n}": n for n in range(5000)})
    assert list(results.items()) == [(f"r{n}", n) for n in range(1000)]
    assert omitted == [*(f"r{n}" for n in range(1000, 2000)), "... and 3000 more"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    lambda inner: st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values))
def test_every_leaf_is_a_result_or_omitted_and_results_are_strict_json(
    returned: dict[str, Any],
) -> None:
    results, omitted = results_of(returned)
    json.dumps(results, allow_nan=False)

    def leaves(value: Any, name: str) -> list[str]:
        if not isinstance(value, dict):
            return [name]
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{name}.{key}")]

    names = {leaf for key, item in returned.items() for leaf in leaves(item, key)}
    assert {*results, *omitted} == names
