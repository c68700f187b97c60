"""What a script leaves to be done as Python ends, and garbage, are as without a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import run_script

SESSION = "import scitex_session as stx\n        @stx.session"


@pytest.mark.parametrize("frozen", ["", "gc.freeze()"], ids=["", "frozen"])
def test_garbage_is_collected_as_without_a_session(frozen: str) -> None:
    source = """
        import gc
        class Cycle:
            def __init__(self, name):
                self.name, self.me = name, self
            def __del__(self):
                print("collected", self.name, flush=True)
        kept = Cycle("at the end")
        immortal = gc.get_freeze_count()  # CPython 3.12 counts those, too
        {}
        frozen = gc.get_freeze_count() - immortal
        {}
        def main():
            assert gc.isenabled()
            assert gc.get_freeze_count() >= 0.9 * frozen
            Cycle("within")
            gc.collect()
            print("returns", flush=True)
        if __name__ == "__main__":
            main()
    """
    plain = run_script(source.format(frozen, "")).stdout
    assert plain.startswith("collected within\nreturns\n")
    assert run_script(source.format(frozen, SESSION)).stdout == plain


def test_garbage_of_any_age_is_collected_at_the_end() -> None:
    finished = run_script("""
        import gc
        import scitex_session as stx

        class Cycle:
            def __init__(self, name):
                self.name, self.me = name, self
            def __del__(self):
                print(self.name, flush=True)

        earlier, kept = Cycle("earlier"), Cycle("kept")

        @stx.session
        def main(plt=stx.INJECTED):
            global earlier
            old = Cycle("old")
            plt.figure()
            gc.collect()
            del earlier, old
            Cycle("young")

        if __name__ == "__main__":
            main()
    """)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert sorted(finished.stdout.split()) == ["earlier", "kept", "old", "young"]


# What is held by a class goes only where Python searches for it: a class is part of a cycle.
LEFT = {
    "a file": 'Held.it = open("left.txt", "w"); Held.it.write("unwritten")',
    "a generator": """
            def waits():
                try:
                    yield
                finally:
                    print("finally")
            Held.it = waits(); next(Held.it)""",
    "an object": """
            class Kept:
                def __del__(self):
                    print("kept")
            Held.it = Kept()""",
    "a detached stream": "Held.it = sys.stdout.detach(); Held.it.write(b'detached')",
    "a second stream": "Held.it = open(1, 'w', closefd=False); Held.it.write('second')",
    "a database": """
            import sqlite3
            Held.it = sqlite3.connect("left.db", isolation_level=None)
            Held.it.execute("pragma journal_mode=wal"); Held.it.execute("create table a(b)")""",
    "a class that answers anything": """
            class Meta(type):
                def __getattribute__(cls, name):
                    raise RuntimeError(name)
            class Kept(metaclass=Meta):
                def __del__(self):
                    print("kept")
            Held.it = Kept()""",
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_what_is_left_to_the_end_of_python_is_done_as_without_a_session(left: str) -> None:
    source = """
        import sys

        class Held:
            pass
        {}
        def main():
            print("runs")
        if __name__ == "__main__":
            main()
            {}
    """

    def run(session: str) -> tuple[Any, dict[str, bytes]]:
        finished = run_script(source.format(session, left))
        found = {path.name: path.read_bytes() for path in Path().glob("left.*")}
        for name in found:
            Path(name).unlink()
        return finished, {name: b"" if "db" in name else text for name, text in found.items()}

    plain = run("")
    assert run(SESSION) == plain
    assert plain[0].stdout != "runs\n" or plain[1]  # what is done can be seen


def test_without_any_of_that_python_frees_nothing_as_it_ends() -> None:
    finished = run_script("""
        import atexit
        import gc

        # Registered before ours, so called after it.
        atexit.register(lambda: print(gc.get_freeze_count() > 5000, gc.isenabled()))
        import scitex_session as stx

        class Cycle:
            def __init__(self):
                self.me = self

        kept = Cycle()

        @stx.session
        def main():
            pass

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "True False\n", "")


@pytest.mark.parametrize(
    "statement",
    ["gc.disable()", "gc.set_debug(gc.DEBUG_UNCOLLECTABLE)", "import numpy"],
    ids=["no search", "a debugged search", "compiled code"],
)
def test_python_ends_as_ever_where_what_its_end_does_cannot_be_known(statement: str) -> None:
    finished = run_script(f"""
        import atexit
        import gc

        # CPython 3.12 counts 375 immortal objects as frozen.
        atexit.register(lambda: print(gc.get_freeze_count() > 1000))
        import scitex_session as stx

        @stx.session
        def main():
            {statement}

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "False\n", "")


def test_a_lazy_module_is_imported_by_no_session() -> None:
    Path("late.py").write_text("print('imported')")
    finished = run_script("""
        import importlib.util
        import sys
        import scitex_session as stx

        spec = importlib.util.find_spec("late")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        late = sys.modules["late"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(late)

        @stx.session
        def main():
            pass

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
