from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import SeedRangeError, SeedTypeError
from scitex_session_repro._streams.seeds import for_64_bits, for_numpy_legacy, resolve

SEEDS = st.integers(0, 2**128 - 1)


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
    with pytest.raises(SeedRangeError, match=r"from 0 to 2\*\*128 - 1 or None") as caught:
        resolve(seed)
    assert caught.value.seed == seed
    assert str(seed) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_integer_too_long_to_print_is_refused_by_its_bits() -> None:
    with pytest.raises(SeedRangeError, match="an integer of 100001 bits"):
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
def test_what_is_no_integer_is_refused_with_its_type(seed: object, shown: str) -> None:
    with pytest.raises(SeedTypeError, match=shown) as caught:
        resolve(seed)
    assert isinstance(caught.value, TypeError)


@given(st.integers(0, 2**32 - 1))
def test_a_small_seed_reaches_every_library_unchanged(seed: int) -> None:
    assert for_numpy_legacy(seed) == seed
    assert for_64_bits(seed) == seed


@given(st.integers(2**32, 2**128 - 1))
def test_no_bit_of_a_large_seed_is_lost_on_the_way_to_numpy(seed: int) -> None:
    words = for_numpy_legacy(seed)
    assert isinstance(words, list)
    assert sum(word << 32 * place for place, word in enumerate(words)) == seed
    np.random.RandomState(words)


@given(st.integers(2**32, 2**256))
def test_random_and_numpy_never_draw_the_same_numbers(seed: int) -> None:
    python = random.Random(seed)
    legacy = np.random.RandomState(for_numpy_legacy(seed))
    assert [python.random() for _ in range(3)] != legacy.random_sample(3).tolist()


@pytest.mark.parametrize(
    ("seed", "reduced"),
    [
        (2**64 - 1, 2**64 - 1),
        (2**64, 8639909309411767453),
        (2**64 + 42, 936818002525049801),
        (2**128 - 1, 671060944249800282),
    ],
)
def test_the_reduction_to_64_bits_is_pinned(seed: int, reduced: int) -> None:
    assert for_64_bits(seed) == reduced
