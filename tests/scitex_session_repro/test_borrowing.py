"""Global generators in processes of their own: what is imported when."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import run_script


def run(source: str) -> str:
    """Run a script that must succeed, and give what it printed."""
    done = run_script(source)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_nothing_is_imported_in_order_to_be_seeded() -> None:
    run("""
        import sys
        from scitex_session_repro import RandomStateManager, get, reset

        with RandomStateManager(None) as outer, RandomStateManager(1):
            reset(2**100)
            get()
            outer.seed_modules(None)
        loaded = {"random", "numpy", "torch", "tensorflow", "hashlib"} & set(sys.modules)
        assert not loaded, loaded
    """)


def test_a_manager_that_nobody_uses_costs_few_modules() -> None:
    run("""
        import sys
        from scitex_session_repro import RandomStateManager

        RandomStateManager(42)
        ours = [name for name in sys.modules if name.startswith("scitex_session_repro")]
        assert len(ours) <= 6, ours
    """)


def test_random_is_seeded_when_it_is_imported_later() -> None:
    run("""
        import sys
        from scitex_session_repro import RandomStateManager

        RandomStateManager(42)
        assert "random" not in sys.modules
        import random
        assert random.random() == random.Random(42).random()
    """)


@pytest.mark.parametrize("seed", ["42", "2**32 - 1", "2**32", "2**128 - 1"])
@pytest.mark.parametrize(
    "order",
    [
        "import numpy as np; np.random.rand; manager = RandomStateManager({seed})",
        "import numpy as np; manager = RandomStateManager({seed})",
        "manager = RandomStateManager({seed}); import numpy as np",
        "manager = RandomStateManager({seed}); from numpy import random; import numpy as np",
        "manager = RandomStateManager({seed}); manager('x'); import numpy as np",
    ],
    ids=["before", "before, random later", "later", "random alone", "through a named generator"],
)
def test_numpy_is_seeded_whenever_it_is_imported(order: str, seed: str) -> None:
    run(f"""
        from scitex_session_repro import RandomStateManager

        {order.format(seed=seed)}
        seed = {seed}
        words = [seed >> shift & 2**32 - 1 for shift in (0, 32, 64, 96, 128)]
        expected = np.random.RandomState(seed if seed < 2**32 else words)
        assert np.random.rand(3).tolist() == expected.rand(3).tolist()
    """)


@pytest.mark.parametrize(
    "order",
    [
        "import torch; RandomStateManager({seed})",
        "RandomStateManager({seed}); import torch",
        "RandomStateManager({seed}).get_torch_generator('x'); import torch",
    ],
    ids=["before", "later", "through a named generator"],
)
def test_torch_is_seeded_whenever_it_is_imported(order: str) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    run(f"""
        from scitex_session_repro import RandomStateManager

        {order.format(seed=2**40)}
        seeded = torch.rand(3)
        torch.manual_seed(2**40)
        assert torch.equal(seeded, torch.rand(3))
    """)


def test_tensorflow_is_seeded_when_it_is_imported_later() -> None:
    pytest.importorskip("tensorflow", reason="tensorflow is not installed")
    done = run_script("""
        from scitex_session_repro import RandomStateManager

        RandomStateManager(42)
        import tensorflow as tf
        seeded = tf.random.uniform([3]).numpy().tolist()
        tf.random.set_seed(42)
        assert tf.random.uniform([3]).numpy().tolist() == seeded
    """)
    assert done.returncode == 0, done.stderr


def test_what_arrives_inside_is_given_back_as_it_arrived() -> None:
    run("""
        import importlib.machinery, sys
        from scitex_session_repro import RandomStateManager

        class Noting:
            # Keeps the state of a generator when its module's own code has just run.

            def find_spec(self, name, path, target=None):
                if name not in ("random", "numpy.random"):
                    return None
                spec = importlib.machinery.PathFinder.find_spec(name, path, target)
                run = spec.loader.exec_module

                def run_and_note(module):
                    run(module)
                    state = getattr(module, "getstate", None)
                    arrived[name] = state() if state else module.get_state(legacy=False)

                spec.loader.exec_module = run_and_note
                return spec

        arrived = {}
        sys.meta_path.insert(0, Noting())
        outer = RandomStateManager(1)
        inner = RandomStateManager(2)
        import random
        import numpy as np

        assert random.random() == random.Random(2).random()
        assert np.random.rand() == np.random.RandomState(2).rand()
        inner.release()
        assert random.random() == random.Random(1).random()
        assert np.random.rand() == np.random.RandomState(1).rand()
        outer.release()
        assert random.getstate() == arrived["random"]
        assert str(np.random.get_state(legacy=False)) == str(arrived["numpy.random"])
    """)


def test_what_arrives_after_release_is_left_alone() -> None:
    run("""
        import sys
        before = list(sys.meta_path)
        from scitex_session_repro import RandomStateManager

        with RandomStateManager(42):
            assert sys.meta_path != before
        assert sys.meta_path == before
        import random
        assert random.random() != random.Random(42).random()
    """)


def test_verbose_says_what_is_seeded_when_it_is() -> None:
    printed = run("""
        from scitex_session_repro import RandomStateManager

        RandomStateManager(7, verbose=True)
        print("before")
        import random
        print("after")
    """)
    assert printed == "before\nscitex-session-repro: seeded random with 7\nafter\n"


def test_without_verbose_nothing_is_printed() -> None:
    assert not run("""
        import random
        from scitex_session_repro import RandomStateManager

        RandomStateManager(7)
    """)


def test_a_file_of_the_users_with_the_name_of_a_library_is_said_and_harmless() -> None:
    Path("random.py").write_text("mine = 1\n")
    done = run_script("""
        from scitex_session_repro import RandomStateManager

        with RandomStateManager(7):
            import random
            print(random.mine)
    """)
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr.count("RuntimeWarning: could not seed random: ") == 1
    assert "could not put back" not in done.stderr


def test_another_bit_generator_in_numpy_is_seeded_and_given_back_too() -> None:
    run("""
        import numpy as np
        from scitex_session_repro import RandomStateManager

        np.random.set_bit_generator(np.random.PCG64(1))
        with RandomStateManager(7):
            seeded = np.random.RandomState(np.random.PCG64(7)).rand(3)
            assert np.random.rand(3).tolist() == seeded.tolist()
        found = np.random.RandomState(np.random.PCG64(1)).rand(3)
        assert np.random.rand(3).tolist() == found.tolist()
    """)


def test_a_state_that_cannot_be_put_back_is_said_and_the_others_are_put_back() -> None:
    done = run_script("""
        import random
        import numpy as np
        from scitex_session_repro import RandomStateManager

        found = random.getstate()
        with RandomStateManager(7):
            np.random.set_state = None
        assert random.getstate() == found
    """)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("RuntimeWarning: could not put back the state of numpy.random") == 1


def test_threads_that_borrow_at_once_leave_nothing_behind() -> None:
    run("""
        import random, sys, threading
        from scitex_session_repro import RandomStateManager

        sys.setswitchinterval(1e-5)
        finders, state = list(sys.meta_path), random.getstate()

        def borrow(seed):
            for _ in range(200):
                RandomStateManager(seed).release()

        threads = [threading.Thread(target=borrow, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert random.getstate() == state
        assert sys.meta_path == finders, sys.meta_path
    """)
