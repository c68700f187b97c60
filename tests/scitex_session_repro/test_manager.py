from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scitex_session_repro as repro
from scitex_session_repro import DeviceUnavailableError, RandomStateManager, reset
from support import run_script

NAMES = st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True)


def global_state() -> str:
    """All that `random` and numpy hold."""
    return str((random.getstate(), np.random.get_state(legacy=False)))


@pytest.fixture
def manager() -> Iterator[RandomStateManager]:
    with RandomStateManager(42) as manager:
        yield manager


@given(NAMES, st.randoms(use_true_random=True))
def test_streams_do_not_depend_on_the_order_of_creation(
    names: list[str], shuffler: random.Random
) -> None:
    shuffled = names[:]
    shuffler.shuffle(shuffled)
    with RandomStateManager(5) as one, RandomStateManager(5) as other:
        drawn = {name: one(name).random(3).tolist() for name in names}
        again = {name: other(name).random(3).tolist() for name in shuffled}
    assert drawn == again


@given(NAMES)
def test_drawing_from_one_stream_does_not_move_another(names: list[str]) -> None:
    with RandomStateManager(5) as alone, RandomStateManager(5) as among:
        for name in names[1:]:
            among(name).random(100)
        assert among(names[0]).random() == alone(names[0]).random()


def test_one_name_is_one_generator_by_every_door(manager: RandomStateManager) -> None:
    generator = manager("data")
    assert isinstance(generator, np.random.Generator)
    assert manager("data") is generator
    assert manager.get_np_generator("data") is generator
    assert manager.get_generator("data") is generator
    assert manager("other") is not generator


def test_two_spellings_of_one_text_are_one_generator(manager: RandomStateManager) -> None:
    assert manager("cafe\u0301") is manager("caf\u00e9") is manager("cafe\u0301")


def test_any_string_is_a_name(manager: RandomStateManager) -> None:
    drawn = {manager(name).random() for name in ("", " ", "\0", "\ud800", "日本語", "a" * 10**5)}
    assert len(drawn) == 6


@pytest.mark.parametrize("name", [1, None, b"data", ["data"]])
def test_a_name_that_is_no_string_is_refused_by_every_door(
    name: Any, manager: RandomStateManager
) -> None:
    doors = (
        manager,
        manager.get_np_generator,
        manager.get_generator,
        manager.get_sklearn_random_state,
        manager.get_torch_generator,
    )
    for door in doors:
        with pytest.raises(repro.InvalidTypeError, match="the name of a stream must be a str"):
            door(name)


def test_threads_that_ask_at_once_get_the_same_generator(manager: RandomStateManager) -> None:
    barrier = threading.Barrier(8)
    got: list[tuple[int, ...]] = []

    def ask() -> None:
        barrier.wait()
        got.append(tuple(id(manager(f"name {number}")) for number in range(200)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


@given(st.text(max_size=8))
def test_the_integer_for_sklearn_is_always_the_same_and_of_32_bits(name: str) -> None:
    with RandomStateManager(3) as one, RandomStateManager(3) as other:
        number = one.get_sklearn_random_state(name)
        assert type(number) is int
        assert 0 <= number < 2**32
        other(name).random()
        assert number == other.get_sklearn_random_state(name)
        np.random.RandomState(number)


def test_a_torch_generator_is_one_per_name_and_the_same_again() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    drawn = []
    for names in (["data", "model"], ["model", "data"]):
        with RandomStateManager(42) as manager:
            generators = {name: manager.get_torch_generator(name) for name in names}
            assert manager.get_torch_generator("data", device="cpu") is generators["data"]
            assert manager.get_torch_generator("data", torch.device("cpu")) is generators["data"]
            drawn.append(
                [torch.rand(3, generator=generators[name]).tolist() for name in ("data", "model")]
            )
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]


def test_a_device_that_is_not_here_is_refused_in_one_sentence() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with RandomStateManager(42) as manager:
        with pytest.raises(DeviceUnavailableError) as caught:
            manager.get_torch_generator("data", device="cuda:1")
        with pytest.raises(DeviceUnavailableError, match=r"^[^\n]*'nonsense': [^\n]*$"):
            manager.get_torch_generator("data", device="nonsense")
    assert str(caught.value) == (
        "cannot make a torch generator on device 'cuda:1': torch sees no such device here"
    )


def test_a_torch_generator_lives_on_the_device_asked_for() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    with RandomStateManager(42) as manager:
        generator = manager.get_torch_generator("data", device="cuda")
        assert generator.device.type == "cuda"
        assert generator.initial_seed() == manager.get_torch_generator("data").initial_seed()


def test_a_missing_torch_is_named_with_the_command_that_installs_it(
    manager: RandomStateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # Python's own way to say: not there
    with pytest.raises(repro.MissingLibraryError, match=r"not installed: pip install torch$"):
        manager.get_torch_generator("data")


def test_a_broken_torch_is_not_called_missing() -> None:
    Path("torch.py").write_text("import a_library_that_is_not_there\n")
    done = run_script("""
        from scitex_session_repro import RandomStateManager

        RandomStateManager(42).get_torch_generator("data")
    """)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ModuleNotFoundError: No module named 'a_library_that_is_not_there'\n"
    )


def test_the_seed_is_kept_and_a_drawn_one_repeats_the_run() -> None:
    with RandomStateManager(None) as drawn:
        numbers = (drawn("data").random(), random.random(), np.random.rand())
    with RandomStateManager(drawn.seed) as again:
        assert numbers == (again("data").random(), random.random(), np.random.rand())
    assert repr(again) == f"RandomStateManager(seed={drawn.seed})"


def test_a_refused_seed_leaves_everything_as_it_was() -> None:
    finders, state = list(sys.meta_path), global_state()
    with pytest.raises(repro.InvalidValueError):
        RandomStateManager(-1)
    with pytest.raises(repro.InvalidTypeError):
        reset("1")  # type: ignore[arg-type]
    assert (sys.meta_path, global_state()) == (finders, state)


def test_a_with_block_gives_back_what_it_found_also_when_it_raises() -> None:
    random.gauss(0, 1)
    np.random.randn()  # half of a pair is in hand
    found = global_state()

    def fail() -> None:
        with RandomStateManager(1):
            assert random.random() == random.Random(1).random()
            np.random.randn(5)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert global_state() == found


def test_nested_managers_give_back_one_after_the_other() -> None:
    found = global_state()
    with RandomStateManager(1):
        random.random()
        outer = global_state()
        with RandomStateManager(2):
            np.random.rand()
        assert global_state() == outer
    assert global_state() == found


def test_releasing_the_outer_first_releases_the_inner_too() -> None:
    finders, found = list(sys.meta_path), global_state()
    outer = RandomStateManager(1)
    inner = RandomStateManager(2)
    outer.release()
    assert (sys.meta_path, global_state()) == (finders, found)
    random.seed(9)
    after = global_state()
    inner.release()
    outer.release()
    assert global_state() == after


def test_a_released_manager_goes_on_naming_and_seeds_no_more() -> None:
    manager = RandomStateManager(1)
    drawn = manager("data").random()
    manager.release()
    with RandomStateManager(1) as same:
        assert same("data").random() == drawn
        assert same("data").random() == manager("data").random()
    with pytest.raises(repro.ManagerReleasedError, match="seed=1"):
        manager.seed_modules(random)
    with pytest.raises(repro.ManagerReleasedError, match="seed=1"), manager:
        pass


def test_given_modules_are_seeded_from_the_start() -> None:
    with RandomStateManager(42) as manager:
        fresh = global_state()
        random.random()
        np.random.rand()
        manager.seed_modules(random, None, np)
        assert global_state() == fresh
        np.random.rand()
        manager.seed_modules(np.random)
        assert global_state() == fresh


def test_modules_seeded_twice_are_given_back_as_first_found() -> None:
    found = global_state()
    with RandomStateManager(1) as manager:
        random.random()
        manager.seed_modules(random, np)
    assert global_state() == found


@pytest.mark.parametrize("given", [sys, 42, "numpy", np.linalg])
def test_what_has_no_known_generator_cannot_be_given(
    given: Any, manager: RandomStateManager
) -> None:
    with pytest.raises(
        repro.InvalidValueError, match="known modules are random, numpy, torch, tensorflow"
    ):
        manager.seed_modules(given)


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("scitex-session-repro")
    except PackageNotFoundError:
        pytest.skip("scitex-session-repro is on the path, not installed: it has no version")
    assert repro.__version__ == installed


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = repro.no_such_name  # type: ignore[attr-defined]


def test_a_fresh_generator_starts_again_each_time_and_spawns_the_same() -> None:
    def cell(rng: RandomStateManager) -> list[float]:
        generator = rng.fresh("x")
        return [generator.random(), generator.spawn(1)[0].random(), generator.random()]

    with RandomStateManager(42) as rng:
        expected = [rng("x").random(), rng("x").spawn(1)[0].random(), rng("x").random()]
        held = rng("x").spawn(1)[0]
        going_on = np.random.Generator(type(held.bit_generator)(0))
        going_on.bit_generator.state = held.bit_generator.state
        assert cell(rng) == cell(rng) == expected
        assert rng.fresh("x") is rng("x")
        assert held.random() == going_on.random()  # what is held already goes on
        with pytest.raises(repro.InvalidTypeError):
            rng.fresh(1)  # type: ignore[arg-type]
