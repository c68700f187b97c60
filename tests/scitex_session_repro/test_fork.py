"""Real forks, from scripts: what the children draw, and that it is the same in every run."""

from __future__ import annotations

import os

import pytest

from support import run_script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is missing here")

PREAMBLE = """
import json, os, sys, warnings
# Python 3.12 warns of forks where a library, such as numpy's BLAS, has started threads.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
from scitex_session_repro import RandomStateManager

def in_child(act):
    read, write = os.pipe()
    if not (pid := os.fork()):
        try:
            os.write(write, json.dumps(act()).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with open(read, "rb") as file:
        return json.loads(file.read())

def draw():
    import random
    import numpy as np
    return [
        random.random(), np.random.rand(), rng("a").random(), rng("a").spawn(1)[0].random(),
        rng("late").random(), rng.child("c")("a").random(), rng.get_sklearn_random_state("a"),
    ]
"""


def run(source: str) -> str:
    """Run a script that must succeed, and give what it printed."""
    done = run_script(PREAMBLE + source)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


EARLY = "import random, numpy as np; rng = RandomStateManager(42)"
LATE = "rng = RandomStateManager(42); import random, numpy as np"


@pytest.mark.parametrize("order", [EARLY, LATE, "rng = RandomStateManager(42)"])
def test_children_draw_other_numbers_than_the_parent_and_each_other(order: str) -> None:
    drawn = [
        run(f"""
{order}
made = [in_child(draw), in_child(draw), draw()]
for numbers in zip(*made):
    assert len(set(numbers)) == 3, numbers
print(json.dumps(made[:2]))
""")
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


def test_children_draw_the_same_whatever_the_parent_has_imported_and_drawn() -> None:
    orders = [EARLY, LATE, "rng = RandomStateManager(42)", f"{LATE}; draw(); draw(); rng('b')"]
    drawn = {
        run(f"""
{order}
print(json.dumps([in_child(draw), in_child(draw)]))
""")
        for order in orders
    }
    assert len(drawn) == 1


def test_a_generator_that_user_code_holds_is_moved_too() -> None:
    run("""
rng = RandomStateManager(42)
held = rng("a")
made = [in_child(lambda: [held.random(), held.spawn(1)[0].random()]) for _ in range(2)]
made += [[held.random(), held.spawn(1)[0].random()]]
assert len({number for numbers in made for number in numbers}) == 6
assert in_child(lambda: held is rng("a"))
""")


def test_grandchildren_differ_from_all_others() -> None:
    run("""
rng = RandomStateManager(42)
def two_levels():
    return [draw(), in_child(draw), in_child(draw)]
made = [draw()] + two_levels() + in_child(two_levels) + in_child(two_levels)
for numbers in zip(*(drawn[:-1] for drawn in made)):  # all but the integer, which has no state
    assert len(set(numbers)) == len(made) == 10, numbers
""")


def test_forks_of_one_manager_are_not_counted_for_another() -> None:
    run("""
made = []
for _ in range(2):
    with RandomStateManager(42) as rng:
        made.append([in_child(draw), in_child(draw)])
assert made[0] == made[1]
""")


def test_what_an_inner_seed_gives_back_in_a_child_is_not_the_parents() -> None:
    run("""
import random
import numpy as np
rng = RandomStateManager(42)
def leave():
    inside = [random.random(), np.random.rand()]
    block.__exit__(None, None, None)
    return inside + [random.random(), np.random.rand()]
block = rng.temporary_seed(7)
block.__enter__()
made = [in_child(leave), in_child(leave), leave()]
for numbers in zip(*made):
    assert len(set(numbers)) == 3, numbers
""")


def test_a_released_manager_and_one_that_is_gone_are_no_trouble() -> None:
    run("""
import random, weakref
rng = RandomStateManager(42)
rng("a")
rng.release()
made = [in_child(lambda: rng("a").random()) for _ in range(2)]
assert len({*made, rng("a").random()}) == 3
with RandomStateManager(1) as gone:
    gone("a")
found = weakref.ref(gone)
del gone
assert found() is None
assert in_child(lambda: 1) == 1
""")


def test_the_hook_imports_nothing_in_the_child() -> None:
    run("""
import random
import numpy as np
rng = RandomStateManager(2**100)
rng("a")
found = set(sys.modules)
assert in_child(lambda: sorted(set(sys.modules) - found)) == []
""")


def test_an_empty_run_that_forks_imports_nothing_either() -> None:
    run("""
rng = RandomStateManager(42)
assert in_child(lambda: sorted({"random", "numpy", "hashlib"} & set(sys.modules))) == []
""")


def test_threads_that_fork_at_once_never_share_a_number() -> None:
    run("""
import threading
rng = RandomStateManager(42)
held = rng("a")
drawn = []
def work():
    for _ in range(10):
        drawn.append(in_child(held.random))
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(set(drawn)) == len(drawn) == 40
""")


def test_multiprocessing_by_fork_gives_each_process_its_own_numbers() -> None:
    drawn = [
        run("""
import multiprocessing as mp
rng = RandomStateManager(42)
held = rng("a")
def work(queue, n):
    import random
    queue.put([n, held.random(), random.random()])
context = mp.get_context("fork")
queue = context.SimpleQueue()
made = []
for n in range(3):
    process = context.Process(target=work, args=(queue, n))
    process.start()
    made.append(queue.get())
    process.join()
assert len({numbers[1] for numbers in made} | {held.random()}) == 4
assert len({numbers[2] for numbers in made}) == 3
print(json.dumps(made))
""")
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


def test_torch_is_moved_on_too() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    run("""
import torch
rng = RandomStateManager(42)
held = rng.get_torch_generator("a")
def draw():
    return [torch.rand(1).item(), torch.rand(1, generator=held).item()]
made = [in_child(draw), in_child(draw), draw()]
for numbers in zip(*made):
    assert len(set(numbers)) == 3, numbers
""")


def test_the_global_generators_of_a_child_do_not_draw_alike() -> None:
    run("""
import random, numpy as np
rng = RandomStateManager(42)
for _ in range(2):
    assert len(set(in_child(lambda: [random.random(), np.random.rand()]))) == 2
""")


def test_a_child_borrows_whatever_a_thread_of_its_parent_was_at() -> None:
    run("""
import random, threading
done = threading.Event()
def borrow():
    while not done.is_set():
        RandomStateManager(1).release()
def draw():
    with RandomStateManager(2):
        return random.random()
sys.setswitchinterval(1e-5)
thread = threading.Thread(target=borrow)
thread.start()
assert {in_child(draw) for _ in range(40)} == {random.Random(2).random()}
done.set()
thread.join()
""")
