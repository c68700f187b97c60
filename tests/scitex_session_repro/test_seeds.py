from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import InvalidTypeError, InvalidValueError, RandomStateManager

SEEDS = st.integers(0, 2**128 - 1)


def resolve(seed: Any) -> int:
    """The seed that a manager has, given this one."""
    with RandomStateManager(seed) as manager:
        return manager.seed


@given(SEEDS)
def test_every_integer_of_the_range_is_itself(seed: int) -> None:
    assert resolve(seed) == seed


@pytest.mark.parametrize("seed", [np.int8(7), np.uint64(2**64 - 1), np.array(7)])
def test_integers_of_numpy_become_ints(seed: Any) -> None:
    assert type(resolve(seed)) is int
    assert resolve(seed) == int(seed)


def test_none_draws_another_seed_each_time() -> None:
    drawn = {resolve(None) for _ in range(20)}
    assert len(drawn) == 20
    assert all(0 <= seed < 2**128 for seed in drawn)
    assert max(drawn) >= 2**96


def test_none_is_not_drawn_from_the_generator_that_users_seed() -> None:
    random.seed(1)
    first = resolve(None)
    random.seed(1)
    assert resolve(None) != first


@pytest.mark.parametrize("seed", [-1, 2**128, np.int64(-5)])
def test_an_integer_outside_the_range_is_refused_with_the_range(seed: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"from 0 to 2\*\*128 - 1 or None") as caught:
        resolve(seed)
    assert caught.value.value == seed
    assert str(seed) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_integer_too_long_to_print_is_refused_by_its_bits() -> None:
    with pytest.raises(InvalidValueError, match="an integer of 100001 bits"):
        resolve(2**100_000)


@pytest.mark.parametrize(
    ("seed", "shown"),
    [
        (True, "True of type bool"),
        (np.True_, "True_? of type bool_?"),
        (42.0, "42.0 of type float"),
        (np.array([1, 2]), "of type ndarray"),
        ("42", "'42' of type str"),
        ([42], r"\[42\] of type list"),
    ],
)
def test_what_is_no_integer_is_refused_with_its_type(seed: Any, shown: str) -> None:
    with pytest.raises(InvalidTypeError, match=shown) as caught:
        resolve(seed)
    assert isinstance(caught.value, TypeError)
