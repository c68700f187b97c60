from __future__ import annotations

import random
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scitex_session_repro as repro
from scitex_session_repro import RandomStateManager
from support import run_script

SEEDS = st.integers(0, 2**128 - 1)
# A block: what it borrows with, whether it raises, and the blocks in it.
BLOCKS: Any = st.recursive(
    st.just([]),
    lambda below: st.lists(
        st.tuples(
            st.sampled_from(["manager", "temporary", "child", "reset"]), SEEDS, st.booleans(), below
        ),
        max_size=3,
    ),
    max_leaves=6,
)


def state() -> list[Any]:
    """All that the global generators hold."""
    legacy: Any = np.random.get_state(legacy=False)
    words = legacy.pop("state")
    held = [random.getstate(), words["key"].tolist(), words["pos"], legacy]
    if torch := sys.modules.get("torch"):
        held.append(torch.get_rng_state().tolist())
    return held


def draw() -> list[Any]:
    drawn: list[Any] = [random.gauss(0, 1), np.random.randn()]
    if torch := sys.modules.get("torch"):
        drawn.append(torch.randn(1).item())
    return drawn


def enter(outer: RandomStateManager, blocks: Any) -> None:
    for kind, seed, raises, below in blocks:
        found = state()
        if kind == "reset":
            with RandomStateManager(seed):
                repro.reset(seed // 2)
                draw()
                enter(outer, below)
        else:
            block: Any = {
                "manager": lambda: RandomStateManager(seed),  # noqa: B023
                "temporary": lambda: outer.temporary_seed(seed),  # noqa: B023
                "child": lambda: outer.child(str(seed)),  # noqa: B023
            }[kind]()  # type: ignore[no-untyped-call]
            with suppress(OSError), block:
                draw()
                enter(outer, below)
                if raises:
                    raise OSError("disk full")
        assert state() == found


@settings(max_examples=50)
@given(BLOCKS)
def test_however_blocks_nest_and_raise_each_gives_back_what_it_found(blocks: Any) -> None:
    draw()
    found = state()
    with RandomStateManager(42) as outer:
        enter(outer, blocks)
    assert state() == found


def test_torch_is_given_back_to_the_bit_too() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.manual_seed(5)
    torch.randn(1)
    found = torch.get_rng_state()
    with RandomStateManager(42) as manager, manager.temporary_seed(2**100):
        torch.randn(5)
    assert torch.equal(torch.get_rng_state(), found)


def test_the_same_seed_gives_the_same_numbers_and_leaves_the_named_streams() -> None:
    with RandomStateManager(42) as manager:
        expected = RandomStateManager(42)("a")
        drawn = []
        block = manager.temporary_seed(7)
        for _ in range(2):
            with block:
                assert repro.get() is not None
                drawn.append(draw())
                assert manager("a").random() == expected.random()
        assert drawn[0] == drawn[1]
        assert drawn[0][0] == random.Random(7).gauss(0, 1)


def test_the_current_manager_stays_current() -> None:
    with RandomStateManager(42) as manager, manager.temporary_seed(7):
        assert repro.get() is manager


def test_what_is_imported_inside_is_seeded_then_and_left_as_it_arrived() -> None:
    done = run_script("""
        from scitex_session_repro import RandomStateManager

        rng = RandomStateManager(42)
        with rng.temporary_seed(7):
            import random
            assert random.random() == random.Random(7).random()
        assert random.random() == random.Random(42).random()
    """)
    assert done == (0, "", "")


@pytest.mark.parametrize("seed", [-1, 2**128, "7"])
def test_a_refused_seed_is_refused_before_the_block(seed: Any) -> None:
    with RandomStateManager(42) as manager:
        found = state()
        with pytest.raises((repro.InvalidValueError, repro.InvalidTypeError)):
            manager.temporary_seed(seed)
        assert state() == found
