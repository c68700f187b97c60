"""What each row of the table saves, seeds and puts back, on the real library."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import RandomStateManager
from scitex_session_repro._streams.borrowing import LIBRARIES, for_64_bits, for_numpy_legacy
from support import run_script

SEEDS = st.integers(0, 2**128 - 1)


def draw_torch() -> Any:
    import torch

    return torch.rand(3).tolist()


def draw_tensorflow() -> Any:
    import tensorflow as tf

    return tf.random.uniform([3]).numpy().tolist()


# Drawing leaves `random` and numpy with half of a pair of normal numbers in hand.
DRAW: dict[str, Callable[[], Any]] = {
    "random": lambda: (random.gauss(0, 1), random.random()),
    "numpy.random": lambda: np.random.randn(3).tolist(),
    "torch": draw_torch,
    "tensorflow": draw_tensorflow,
}


def imported(module: str) -> ModuleType:
    """The library, or a skip that names it."""
    found = pytest.importorskip(module, reason=f"{module} is not installed")
    assert isinstance(found, ModuleType)
    return found


def test_a_manager_seeds_every_library_and_each_is_tested_here() -> None:
    with RandomStateManager(42) as manager:
        assert set(DRAW) == set(LIBRARIES) == set(manager.state_dict()["globals"])


@pytest.mark.parametrize("name", DRAW)
def test_what_was_saved_goes_on_as_if_nothing_had_been(name: str) -> None:
    module, generator, draw = imported(name), LIBRARIES[name], DRAW[name]
    found = generator.save(module)
    generator.seed(module, 7)
    draw()
    saved = generator.save(module)
    expected = [draw() for _ in range(3)]
    generator.seed(module, 2**100)
    draw()
    generator.restore(module, saved)
    assert [draw() for _ in range(3)] == expected
    generator.restore(module, found)


@pytest.mark.parametrize("name", DRAW)
def test_the_same_seed_gives_the_same_numbers_and_another_gives_others(name: str) -> None:
    module, generator, draw = imported(name), LIBRARIES[name], DRAW[name]
    found = generator.save(module)
    # torch's CPU generator itself takes 32 bits only: to it, 2**32 is 0.
    seeds = (0, 1, 42, 2**32 + 7, 2**64, 2**64 + 42, 2**128 - 1)
    drawn = []
    for seed in seeds * 2:
        generator.seed(module, seed)
        drawn.append(str(draw()))
    generator.restore(module, found)
    assert drawn[: len(seeds)] == drawn[len(seeds) :]
    assert len(set(drawn)) == len(seeds)


@given(SEEDS)
def test_random_is_seeded_as_its_users_seed_it(seed: int) -> None:
    LIBRARIES["random"].seed(random, seed)
    assert random.random() == random.Random(seed).random()


@given(st.integers(0, 2**32 - 1))
def test_numpy_is_seeded_as_its_users_seed_it(seed: int) -> None:
    LIBRARIES["numpy.random"].seed(np.random, seed)
    assert np.random.random_sample() == np.random.RandomState(seed).random_sample()


def test_torch_is_seeded_as_its_users_seed_it() -> None:
    torch = imported("torch")
    generator = LIBRARIES["torch"]
    found = generator.save(torch)
    generator.seed(torch, 2**64 - 1)
    ours = draw_torch()
    torch.manual_seed(2**64 - 1)
    assert ours == draw_torch()
    generator.restore(torch, found)


def test_torch_cuda_is_neither_started_nor_left_with_our_seed() -> None:
    torch = imported("torch")
    generator = LIBRARIES["torch"]
    if torch.cuda.is_initialized():
        pytest.skip("CUDA has started already, in another test")
    torch.manual_seed(11)
    found = generator.save(torch)
    generator.seed(torch, 42)
    generator.restore(torch, found)
    assert not torch.cuda.is_initialized()
    assert torch.initial_seed() == 11


def test_torch_cuda_gets_its_state_back() -> None:
    torch = imported("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    done = run_script("""
        import torch
        from scitex_session_repro import RandomStateManager

        def draw():
            return torch.rand(3, device="cuda").tolist()

        torch.manual_seed(11)
        expected = draw()
        torch.manual_seed(11)
        with RandomStateManager(42):
            seeded = draw()
        assert draw() == expected != seeded
    """)
    assert done.returncode == 0, done.stderr


def test_torch_cuda_that_starts_while_borrowed_is_given_back_the_seed_found() -> None:
    torch = imported("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    done = run_script("""
        import torch
        from scitex_session_repro import RandomStateManager

        torch.manual_seed(11)
        with RandomStateManager(42):
            assert not torch.cuda.is_initialized()
            seeded = torch.rand(3, device="cuda").tolist()
        given_back = torch.rand(3, device="cuda").tolist()
        torch.manual_seed(11)
        assert given_back == torch.rand(3, device="cuda").tolist() != seeded
    """)
    assert done.returncode == 0, done.stderr


def test_tensorflow_without_a_seed_is_without_one_again() -> None:
    imported("tensorflow")
    done = run_script("""
        import tensorflow as tf
        from scitex_session_repro import RandomStateManager

        drawn = []
        for _ in range(2):
            with RandomStateManager(42):
                inside = tf.random.uniform([3]).numpy().tolist()
            drawn.append((inside, tf.random.uniform([3]).numpy().tolist()))
        assert drawn[0][0] == drawn[1][0]
        assert drawn[0][1] != drawn[1][1]
    """)
    assert done.returncode == 0, done.stderr


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
