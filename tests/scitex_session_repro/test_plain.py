from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro._globals.plain import native, plain

BIT_GENERATORS = [
    np.random.MT19937,
    np.random.PCG64,
    np.random.PCG64DXSM,
    np.random.Philox,
    np.random.SFC64,
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters())
    | st.floats(allow_nan=False),
    lambda below: (
        st.lists(below).map(tuple)
        | st.lists(below)
        | st.dictionaries(st.text(), below)
        | st.lists(st.integers(0, 2**32 - 1), min_size=8).map(tuple)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_goes_through_json_comes_back_the_same(value: Any) -> None:
    back = native(json.loads(json.dumps(plain(value))))
    assert (back, repr(back)) == (value, repr(value))


@pytest.mark.parametrize("kind", BIT_GENERATORS, ids=lambda kind: kind.__name__)
def test_every_bit_generator_of_numpy_goes_on_from_its_plain_state(kind: Any) -> None:
    one, other = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    one.integers(10, dtype=np.uint32)  # half of a word is in hand
    other.bit_generator.state = native(json.loads(json.dumps(plain(one.bit_generator.state))))
    assert one.random(5).tolist() == other.random(5).tolist()
    drawn = [g.integers(2**32, size=3, dtype=np.uint32).tolist() for g in (one, other)]
    assert drawn[0] == drawn[1]


def test_the_state_of_random_is_packed() -> None:
    text = json.dumps(plain(random.getstate()))
    assert native(json.loads(text)) == random.getstate()
    assert len(text) < 4000


def test_big_endian_arrays_are_said_in_little_endian() -> None:
    found = plain(np.array([1, 2], ">u4"))
    assert found == plain(np.array([1, 2], "<u4"))
    assert native(found).tolist() == [1, 2]


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a state holds .* of type object"):
        plain({"a": [object()]})


@pytest.mark.parametrize(
    "value",
    [
        [1],
        {},
        {"tuple": 1},
        {"tuple": [], "list": []},
        {"words": "AAAAA"},
        {"words": "é"},
        {"array": "O", "shape": [1], "base64": "AAAAAAAAAAA="},
        {"array": "<u4", "shape": [2], "base64": "AAAAAA=="},
        {"array": "<u4", "shape": ["a"], "base64": "AAAAAA=="},
        {"array": "nonsense", "shape": [1], "base64": "AAAAAA=="},
        {"pickle": "gASVAAAAAAAAAC4="},
    ],
    ids=str,
)
def test_what_plain_never_gives_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        native(value)
