"""The whole state of a manager: taken, kept in a file, taken up again."""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import RandomStateManager, StateError
from support import run_script

NAMES = st.lists(st.text(st.characters(), max_size=6), max_size=4)


def draw(manager: RandomStateManager, names: list[str]) -> list[Any]:
    """A number from everything there is."""
    drawn: list[Any] = [random.gauss(0, 1), np.random.randn()]
    for name in names:
        drawn.append(manager(name).integers(2**32, dtype=np.uint32))
        drawn.append(manager(name).spawn(1)[0].random())
        drawn.append(manager.child(name)(name).random())
    drawn.append(manager.spawn(1)[0]("x").random())
    return drawn


@given(NAMES, NAMES, st.integers(0, 2**128 - 1))
def test_every_stream_goes_on_bit_for_bit(before: list[str], after: list[str], seed: int) -> None:
    with RandomStateManager(seed) as manager:
        draw(manager, before)
        state = json.loads(json.dumps(manager.state_dict()))
        expected = [draw(manager, [*before, *after]) for _ in range(2)]
    with RandomStateManager(7) as other:  # with another seed, and streams of its own
        draw(other, [*after, "mine"])
        other.load_state_dict(state)
        assert [draw(other, [*before, *after]) for _ in range(2)] == expected
        assert other.seed == seed


def test_references_to_generators_stay_good() -> None:
    with RandomStateManager(42) as manager:
        held, child, (spawned,) = manager("a"), manager.child("c")("a"), manager.spawn(1)
        drawn = spawned("a")
        state = manager.state_dict()
        expected = [held.random(), child.random(), drawn.random()]
        manager.load_state_dict(state)
        assert [held.random(), child.random(), drawn.random()] == expected
        assert manager("a") is held


def test_a_stream_that_the_state_does_not_know_starts_anew() -> None:
    with RandomStateManager(42) as manager:
        state = manager.state_dict()
        expected = manager("later").random(3).tolist()
        manager.load_state_dict(state)
        assert manager("later").random(3).tolist() == expected


def test_the_count_of_forks_is_part_of_the_state() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("os.fork is missing here")
    done = run_script("""
        import os
        from scitex_session_repro import RandomStateManager

        def fork():
            read, write = os.pipe()
            if not (pid := os.fork()):
                os.write(write, rng("a").bytes(8))
                os._exit(0)
            os.waitpid(pid, 0)
            return os.read(read, 8)

        rng = RandomStateManager(42)
        fork()
        state = rng.state_dict()
        expected = fork()
        assert fork() != expected
        rng.load_state_dict(state)
        assert fork() == expected
    """)
    assert done == (0, "", "")


def test_a_child_takes_its_own_state_and_no_other() -> None:
    with RandomStateManager(42) as manager:
        child = manager.child("fold 1")
        child("a").random()
        state = child.state_dict()
        assert state["globals"] is None
        expected = child("a").random()
        child.load_state_dict(state)
        assert child("a").random() == expected
        message = (
            r"it is that of RandomStateManager\(seed=42\)\.child\('fold 1'\), and not of "
            r"RandomStateManager\(seed=42\)\.child\('fold 2'\)"
        )
        with pytest.raises(StateError, match=message):
            manager.child("fold 2").load_state_dict(state)


def test_parts_that_are_missing_are_said() -> None:
    with RandomStateManager(42) as manager:
        state = manager.state_dict()
        del state["globals"]["random"]
        state["globals"]["future"] = None
        found = random.getstate()
        with pytest.warns(RuntimeWarning) as caught:
            manager.load_state_dict(state)
        missing, unknown = (str(warning.message) for warning in caught)
        assert "random" in missing
        assert "future" in unknown
        assert random.getstate() == found
        with pytest.warns(RuntimeWarning, match="no global generators"):
            manager.load_state_dict({**state, "globals": None})
        whole = manager.state_dict()
    with pytest.warns(RuntimeWarning, match="no global generators"):
        manager.load_state_dict(whole)


def spoil(state: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value in it replaced."""
    spoilt = copy.deepcopy(state)
    *way, last = path.split("/")
    part = spoilt
    for step in way:
        part = part[step]
    part[last] = value
    return spoilt


SPOILT = [
    ("version", 2, "is of version 2; this release knows up to 1"),
    ("version", "1", "'version' of the state is '1'"),
    ("seed", -1, "'seed' of the state is -1, outside"),
    ("seed", True, "'seed' of the state is True"),
    ("scope", [["child"]], r"'scope' of the state holds \['child'\]"),
    ("scope", [["parent", "a"]], "'scope' of the state holds"),
    ("spawn", {"7": {}}, "'spawn' of the state holds '7'"),
    ("children/c/numpy", 3, "'numpy' of 'c' in 'children' of the state is 3"),
    ("children/c", [], r"'c' in 'children' of the state is \[\], and not a dict"),
    ("numpy/a/state", {"dict": {}}, "it is damaged"),
    ("numpy/a", 1, "it is damaged"),
    ("numpy/a/state", {"words": "AAAA"}, "it is damaged"),
    ("globals/random", {"tuple": [3, {"words": "AAAAAA=="}, None]}, "it is damaged"),
    ("globals/numpy.random", 3, "it is damaged"),
    # numpy would read from there, out of its memory
    ("globals/numpy.random/dict/state/dict/pos", 625, "it is damaged: position 625 "),
    ("globals/numpy.random/dict/state/dict/pos", -1, "it is damaged: position -1 "),
]


@pytest.mark.parametrize(("path", "value", "message"), SPOILT)
def test_what_is_no_state_is_refused_and_changes_nothing(
    path: str, value: Any, message: str
) -> None:
    with RandomStateManager(42) as manager:
        draw(manager, ["a", "c"])
        spoilt = spoil(manager.state_dict(), path, value)
        random.random()
        draw(manager, ["a", "c"])
        before = manager.state_dict()
        with pytest.raises(StateError, match=message):
            manager.load_state_dict(spoilt)
        assert manager.state_dict() == before


@pytest.mark.parametrize("given", [None, [], {}, "state", {"seed": 42}])
def test_what_is_no_dict_of_a_state_is_refused(given: Any) -> None:
    with RandomStateManager(42) as manager, pytest.raises(StateError, match="the state"):
        manager.load_state_dict(given)


WRITE = """
import sys
from scitex_session_repro import RandomStateManager

rng = RandomStateManager(42)
{imports}
rng("a").random(3); rng.child("c")("a").random(3)
{draws}
rng.checkpoint("state.json")
"""
READ = """
from scitex_session_repro import RandomStateManager

{order}
import random
import numpy as np
print(random.gauss(0, 1), np.random.randn(), rng("a").random(), rng.child("c")("a").random())
"""


@pytest.mark.parametrize(
    ("imports", "draws"),
    [
        ("import random, numpy as np", "random.gauss(0, 1); np.random.randn(3)"),
        ("import random", "random.gauss(0, 1)"),
        ("", ""),
    ],
    ids=["all imported", "numpy by a stream only", "nothing imported"],
)
@pytest.mark.parametrize(
    "order",
    [
        "rng = RandomStateManager(7); rng.restore('state.json')",
        "import random, numpy as np; np.random.rand(); rng = RandomStateManager(7); "
        "random.random(); np.random.rand(5); rng.restore('state.json')",
    ],
    ids=["imported after", "imported before"],
)
def test_another_process_goes_on_whatever_its_order_of_imports(
    imports: str, draws: str, order: str
) -> None:
    done = run_script(
        WRITE.format(imports=imports, draws=draws) + READ.format(order="").split("\n", 2)[2]
    )
    assert (done.returncode, done.stderr) == (0, "")
    again = run_script(READ.format(order=order))
    assert again == (0, done.stdout, "")


def test_torch_goes_on_too_whenever_it_is_imported() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    done = run_script("""
        import torch
        from scitex_session_repro import RandomStateManager

        rng = RandomStateManager(42)
        torch.rand(3), torch.randn(3), torch.rand(3, generator=rng.get_torch_generator("a"))
        rng.checkpoint("state.json")
        print(torch.randn(2), torch.rand(2, generator=rng.get_torch_generator("a")))
    """)
    assert (done.returncode, done.stderr) == (0, "")
    for order in (
        "import torch; rng = RandomStateManager(7); torch.rand(9); rng.restore('state.json')",
        "import torch; rng = RandomStateManager(7); rng.get_torch_generator('a'); "
        "rng.restore('state.json')",
        "rng = RandomStateManager(7); rng.restore('state.json'); "
        "assert 'torch' not in sys.modules; rng.checkpoint('again.json'); "
        "rng = RandomStateManager(8); rng.restore('again.json'); import torch",
    ):
        again = run_script(f"""
            import sys
            from scitex_session_repro import RandomStateManager

            {order}
            print(torch.randn(2), torch.rand(2, generator=rng.get_torch_generator("a")))
        """)
        assert again == (0, done.stdout, "")


def test_cuda_goes_on_too() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    done = run_script("""
        import torch
        from scitex_session_repro import RandomStateManager

        rng = RandomStateManager(42)
        def draw():
            devices = [f"cuda:{n}" for n in range(torch.cuda.device_count())]
            return [
                torch.rand(2, device=d, generator=g).tolist()
                for d in devices
                for g in (None, rng.get_torch_generator("a", d))
            ]
        draw()
        rng.checkpoint("state.json")
        expected = draw()
        rng.restore("state.json")
        assert draw() == expected
        print(expected)
    """)
    assert done.returncode == 0, done.stderr
    again = run_script("""
        import torch
        from scitex_session_repro import RandomStateManager

        rng = RandomStateManager(42)
        rng.restore("state.json")
        print([
            torch.rand(2, device=d, generator=g).tolist()
            for d in [f"cuda:{n}" for n in range(torch.cuda.device_count())]
            for g in (None, rng.get_torch_generator("a", d))
        ])
    """)
    assert again == done


def test_the_state_of_a_missing_gpu_is_said() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    with RandomStateManager(42) as manager:
        state = manager.state_dict()
        parts = state["globals"]["torch"]["tuple"]
        gpu = parts[0]
        parts[2] = {"dict": {"cuda": {"list": [gpu, gpu]}, "xpu": {"list": [gpu]}}}
        expected = torch.rand(3)
        missing = "no device for the saved state of cuda:0, cuda:1, xpu:0"
        with pytest.warns(RuntimeWarning, match=missing):
            manager.load_state_dict(state)
        assert torch.equal(torch.rand(3), expected)
