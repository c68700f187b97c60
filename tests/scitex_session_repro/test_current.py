from __future__ import annotations

import random

import numpy as np
import pytest

import scitex_session_repro as repro
from scitex_session_repro import RandomStateManager, get, reset, seed_everything


def global_state() -> str:
    """All that `random` and numpy hold."""
    return str((random.getstate(), np.random.get_state(legacy=False)))


def test_get_gives_the_innermost_manager_that_is_not_released() -> None:
    with RandomStateManager(1) as outer:
        assert get() is outer
        with RandomStateManager(2) as inner:
            assert get() is inner
        assert get() is outer


def test_get_makes_a_manager_with_the_default_seed_where_there_is_none() -> None:
    found = global_state()
    made = get()
    assert get() is made
    assert made.seed == 42
    assert random.random() == random.Random(42).random()
    made.release()
    assert global_state() == found


def test_reset_takes_the_place_of_what_get_and_reset_made() -> None:
    found = global_state()
    first = get()
    second = reset(7)
    assert get() is second
    assert second.seed == 7
    with pytest.raises(repro.ManagerReleasedError):
        first.seed_modules(random)
    assert random.random() == random.Random(7).random()
    second.release()
    assert global_state() == found


def test_reset_inside_somebody_elses_manager_ends_with_it() -> None:
    found = global_state()
    with RandomStateManager(1) as owned:
        made = reset(7)
        assert get() is made
        owned.seed_modules(random)
    assert global_state() == found
    with pytest.raises(repro.ManagerReleasedError):
        made.seed_modules(random)


def test_seed_everything_gives_the_seed_and_seeds_as_reset_does() -> None:
    found = global_state()
    assert seed_everything(7) == 7
    seeded = global_state()
    assert get().seed == 7
    reset(7)
    assert global_state() == seeded
    drawn = seed_everything(None)
    assert drawn == get().seed >= 2**64
    get().release()
    assert global_state() == found


def test_a_manager_that_get_makes_says_what_it_seeds_if_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = get(verbose=True)
    assert "seeded random with 42" in capsys.readouterr().out
    assert get(verbose=True) is made
    assert not capsys.readouterr().out
    made.release()


def test_seed_everything_says_what_it_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    seed_everything(7, verbose=True)
    assert "seeded random with 7" in capsys.readouterr().out
    get().release()


def test_a_refused_seed_leaves_the_current_manager() -> None:
    current = reset(7)
    with pytest.raises(repro.InvalidValueError):
        seed_everything(-1)
    assert get() is current
    current.release()
