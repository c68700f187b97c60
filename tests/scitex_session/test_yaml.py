"""Our YAML is read back equal by PyYAML."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scitex_session._lifecycle.emitter import to_yaml

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), VALUES))
def test_every_mapping_is_read_back_equal(value: dict[str, Any]) -> None:
    assert (yaml.safe_load(to_yaml(value)) or {}) == value


@pytest.mark.parametrize("key", ["yes", "No", "null", "ON", "1", "", "a b", "a: b", "- x", "#"])
def test_keys_that_yaml_would_read_as_something_else_are_quoted(key: str) -> None:
    assert yaml.safe_load(to_yaml({key: 1})) == {key: 1}


@pytest.mark.parametrize("number", [1e-05, 1e22, -3e-12, 0.1, 1.0, math.inf, -math.inf])
def test_floats_stay_floats(number: float) -> None:
    (read,) = yaml.safe_load(to_yaml({"x": number})).values()
    assert isinstance(read, float)
    assert read == number


def test_nan_stays_nan() -> None:
    assert math.isnan(yaml.safe_load(to_yaml({"x": math.nan}))["x"])


def test_comments_stand_behind_their_values() -> None:
    text = to_yaml({"ARGS": {"lr": 0.5, "n": 1}}, {("ARGS", "lr"): "command line"})
    assert text == 'ARGS:\n  lr: 0.5  # command line\n  "n": 1\n'
