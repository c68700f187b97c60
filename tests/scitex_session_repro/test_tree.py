from __future__ import annotations

import copy
import pickle
import random
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scitex_session_repro as repro
from scitex_session_repro import RandomStateManager
from support import run_script

NAMES = st.text(st.characters(), max_size=6)


def global_state() -> str:
    return str((random.getstate(), np.random.get_state(legacy=False)))


@given(NAMES, NAMES)
def test_a_child_depends_on_its_name_alone(one: str, other: str) -> None:
    with RandomStateManager(42) as first, RandomStateManager(42) as second:
        second.child(other)("x").random(10)
        second("x").random(10)
        drawn = first.child(one)("x").random()
        if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
            assert drawn == second.child(one)("x").random()
        assert drawn != first("x").random()


def test_a_child_is_one_object_that_goes_on() -> None:
    with RandomStateManager(42) as manager:
        child = manager.child("cafe\u0301")
        first = child("x").random()
        assert manager.child("caf\u00e9") is child
        assert manager.child("caf\u00e9")("x").random() != first


def test_children_of_children_are_others() -> None:
    with RandomStateManager(42) as manager:
        places = [
            manager,
            manager.child("a"),
            manager.child("b"),
            manager.child("a").child("b"),
            manager.child("ab"),
            *manager.spawn(2),
            *manager.child("a").spawn(2),
            manager.child("0"),
        ]
        assert len({place("x").random() for place in places}) == len(places)
        assert len({place.get_sklearn_random_state("x") for place in places}) == len(places)


def test_spawned_managers_are_numbered_through() -> None:
    with RandomStateManager(42) as one, RandomStateManager(42) as other:
        two: Any = np.int64(2)
        together = [manager("x").random() for manager in one.spawn(3)]
        apart = [*other.spawn(1), *other.spawn(0), *other.spawn(two)]
        assert together == [manager("x").random() for manager in apart]
        assert len(set(together)) == 3


@pytest.mark.parametrize("n", [True, "2", 2.0, None])
def test_a_number_to_spawn_that_is_no_integer_is_refused(n: Any) -> None:
    with (
        RandomStateManager(42) as manager,
        pytest.raises(repro.InvalidTypeError, match="n must be an integer from 0 upwards, not"),
    ):
        manager.spawn(n)


def test_a_negative_number_to_spawn_is_refused() -> None:
    with (
        RandomStateManager(42) as manager,
        pytest.raises(repro.InvalidValueError, match="not -1"),
    ):
        manager.spawn(-1)


def test_a_child_seeds_nothing_until_it_is_entered() -> None:
    with RandomStateManager(42) as manager:
        found = global_state()
        child = manager.child("fold")
        child("x").random()
        assert global_state() == found
        with pytest.raises(repro.ManagerReleasedError, match="in a `with` block only"):
            child.seed_modules(random)
        drawn = []
        for _ in range(2):
            with child:
                assert repro.get() is child
                drawn.append((random.random(), np.random.rand()))
            assert global_state() == found
            assert repro.get() is manager
        assert drawn[0] == drawn[1]
        assert drawn[0][0] != random.Random(42).random()


def test_a_child_needs_no_library_until_it_names_a_stream() -> None:
    done = run_script("""
        import sys
        from scitex_session_repro import RandomStateManager

        RandomStateManager(42).child("fold 3").child("caf")
        assert not {"numpy", "random", "hashlib"} & set(sys.modules)
    """)
    assert done == (0, "", "")


def test_a_copy_goes_on_from_where_it_was_taken_and_leaves_the_globals_alone() -> None:
    with RandomStateManager(42) as manager:
        manager("x").random(3)
        manager.child("fold")("y").random(3)
        generator = manager("x")
        found = global_state()
        other, same = pickle.loads(pickle.dumps((manager, generator)))
        assert global_state() == found
        assert other("x") is same
        assert repr(other) == repr(manager)
        assert other("x").random() == manager("x").random()
        assert other("x").spawn(1)[0].random() == manager("x").spawn(1)[0].random()
        assert other("new").random() == manager("new").random()
        assert other.child("fold")("y").random() == manager.child("fold")("y").random()
        again = pickle.loads(pickle.dumps(manager.child("fold")))
        assert again("y").random() == manager.child("fold")("y").random()
        assert repr(again) == "RandomStateManager(seed=42).child('fold')"


def test_children_pickled_along_stay_those_of_the_copy() -> None:
    with RandomStateManager(42) as manager:
        child, (spawned,) = manager.child("fold"), manager.spawn(1)
        together = (child.child("below"), child("y"), child, spawned, manager)
        below, generator, child, spawned, whole = pickle.loads(pickle.dumps(together))
        assert whole.child("fold") is child
        assert whole.child("fold").child("below") is below
        assert child("y") is generator
        assert repr(spawned) == "RandomStateManager(seed=42).spawn()[0]"
        whole.load_state_dict({**RandomStateManager(7).state_dict(), "globals": None})
        assert {node.seed for node in (whole, child, below, spawned)} == {7}


def test_a_shallow_copy_takes_no_child_away() -> None:
    with RandomStateManager(42) as manager:
        child = manager.child("fold")
        duplicate = copy.copy(manager)
        assert duplicate.child("fold") is not child
        duplicate.load_state_dict({**RandomStateManager(7).state_dict(), "globals": None})
        assert (manager.child("fold"), child.seed) == (child, 42)


def test_a_copy_of_torch_generators_goes_on_too() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    with RandomStateManager(42) as manager:
        torch.rand(3, generator=manager.get_torch_generator("x"))
        other = pickle.loads(pickle.dumps(manager))
        drawn = [
            torch.rand(3, generator=m.get_torch_generator("x")).tolist() for m in (manager, other)
        ]
        assert drawn[0] == drawn[1]


def test_another_process_makes_the_same_child() -> None:
    source = """
        from scitex_session_repro import RandomStateManager

        print(RandomStateManager(42).child("fold 3").spawn(2)[1]("x").integers(10**9))
    """
    with RandomStateManager(42) as manager:
        drawn = manager.child("fold 3").spawn(2)[1]("x").integers(10**9)
    assert run_script(source) == (0, f"{drawn}\n", "")


def test_a_very_long_name_is_shortened_where_it_is_printed() -> None:
    with RandomStateManager(42) as manager:
        shown = f"RandomStateManager(seed=42).child('{'x' * 60}'… (10000 characters))"
        assert repr(manager.child("x" * 10_000)) == shown
