"""Every way to call a session function: each works, or is refused with one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from support import Finished, read_json, run_script, start_script, without_failure_line


class Row(NamedTuple):
    """A script, and what comes of it."""

    source: str
    stdout: str = ""
    stderr: str = ""  # what the last line holds
    returncode: int = 0
    runs: tuple[str, ...] = ("success",)  # statuses, in the order of the runs
    args: tuple[str, ...] = ()
    disabled: str | None = None  # what it prints with SCITEX_SESSION_DISABLE=1; else the same


HEAD = """
import asyncio, contextlib, functools, sys, threading
import scitex_session as stx

def timed(func):  # as it should be
    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)
    return wrapper

def careless(func):  # without functools.wraps
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)
    return wrapper

class Careless:
    def __init__(self, func):
        self.wrapped = func
    def __call__(self, *args, **kwargs):
        return self.wrapped(*args, **kwargs)
"""

ROWS = {
    "an async function": Row(
        """
        @stx.session
        async def main(n: int = 1):
            await asyncio.sleep(0)
            print("ran", n)
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "asyncio.run of an async function": Row(
        """
        @stx.session
        async def main(n: int = 1):
            await asyncio.sleep(0)
            return [n]
        print(asyncio.run(main()))
        """,
        "[2]\n",
        args=("--n", "2"),
    ),
    "an async function awaited in a loop": Row(
        """
        @stx.session
        async def main(n: int = 1):
            await asyncio.sleep(0)
            return [n]
        async def outer():
            print(await main())
        asyncio.run(outer())
        """,
        "[2]\n",
        args=("--n", "2"),
    ),
    "an async function that fails in a loop": Row(
        """
        @stx.session
        async def main():
            raise ValueError("no data")
        async def outer():
            await main()
        asyncio.run(outer())
        """,
        stderr="ValueError: no data",
        returncode=1,
        runs=("failed",),
    ),
    "an async function whose status is 3": Row(
        """
        @stx.session
        async def main():
            return 3
        asyncio.run(main())
        """,
        returncode=3,
        runs=("failed",),
    ),
    "an async function below a decorator without wraps, in a loop": Row(
        """
        @stx.session
        @careless
        async def main():
            return "value"
        async def outer():
            print(await main())
        asyncio.run(outer())
        """,
        "value\n",
    ),
    "a function that returns a coroutine, in a loop": Row(
        """
        async def inner(): ...
        @stx.session
        def main():
            return inner()
        async def outer():
            main()
        asyncio.run(outer())
        """,
        stderr="RuntimeError: the session function returned a coroutine that can't be run within",
        returncode=1,
        runs=("failed",),
    ),
    "an async function with run, in a loop": Row(
        """
        async def main(n: int = 1):
            return [n]
        async def outer():
            print(await stx.run(main))
        asyncio.run(outer())
        """,
        "[1]\n",
    ),
    "an async function with run": Row(
        """
        async def main(n: int = 1):
            return [n]
        print(stx.run(main))
        """,
        "[1]\n",
    ),
    "two async functions at once": Row(
        """
        @stx.session
        async def first():
            await asyncio.sleep(0.05)
        @stx.session
        async def second(): ...
        async def outer():
            _, refused = await asyncio.gather(first(), second(), return_exceptions=True)
            print(refused)
        asyncio.run(outer())
        """,
        "second() would start a session inside the session ",
        disabled="None\n",
    ),
    "an object whose class has __call__": Row(
        """
        class Analysis:
            def __call__(self, n: int = 1):
                assert CONFIG.ARGS.n == 2
                return n
        main = stx.session(Analysis())
        assert main.__name__ == "Analysis"
        main()
        """,
        args=("--n", "2"),
        returncode=2,
        runs=("failed",),
    ),
    "an object with an async __call__": Row(
        """
        class Analysis:
            async def __call__(self, n: int = 1):
                print("ran", n)
        stx.session(Analysis())()
        """,
        "ran 1\n",
    ),
    "a class": Row(
        """
        @stx.session
        class Analysis:
            def __init__(self, n: int = 1): ...
        """,
        stderr="Analysis: a class can't be a session",
        returncode=1,
        runs=(),
    ),
    "the method of an object": Row(
        """
        class Analysis:
            def run(self, n: int = 1):
                print("ran", n, CONFIG.ARGS)
        stx.session(Analysis().run)()
        """,
        "ran 2 DotDict({'n': 2})\n",
        args=("--n", "2"),
    ),
    "a method in its class": Row(
        """
        class Analysis:
            @stx.session
            def run(self): ...
        """,
        stderr="Analysis.run: a method can't be a script",
        returncode=1,
        runs=(),
    ),
    "a method whose object has a name of its own": Row(
        """
        class Analysis:
            @stx.session
            def run(this, n: int = 1):
                print("ran")
        class Other(Analysis): ...
        Other().run()
        """,
        stderr="Other.run: a method can't be a script",
        returncode=1,
        runs=(),
    ),
    "a staticmethod that is given an object of its class": Row(
        """
        class Analysis:
            @staticmethod
            @stx.session
            def run(this):
                print("ran")
        Analysis.run(Analysis())
        """,
        "ran\n",
        runs=(),
    ),
    "a staticmethod, below": Row(
        """
        class Analysis:
            @staticmethod
            @stx.session
            def run(n: int = 1):
                print("ran", n)
        Analysis.run()
        """,
        "ran 1\n",
    ),
    "a staticmethod, above": Row(
        """
        class Analysis:
            @stx.session
            @staticmethod
            def run(n: int = 1):
                print("ran", n)
        Analysis().run()
        Analysis.run.plain(2)
        """,
        "ran 1\nran 2\n",
    ),
    "a classmethod in its class, above": Row(
        """
        class Analysis:
            @stx.session
            @classmethod
            def run(cls): ...
        """,
        stderr="run: a classmethod can't be decorated inside its class",
        returncode=1,
        runs=(),
    ),
    "a classmethod in its class, below": Row(
        """
        class Analysis:
            @classmethod
            @stx.session
            def run(cls): ...
        """,
        stderr="Analysis.run: a method can't be a script",
        returncode=1,
        runs=(),
    ),
    "a classmethod of a class": Row(
        """
        class Analysis:
            @classmethod
            def run(cls, n: int = 1):
                print("ran", cls.__name__, n)
        stx.session(Analysis.run)()
        """,
        "ran Analysis 2\n",
        args=("--n", "2"),
    ),
    "a partial": Row(
        """
        def work(data, n: int = 1):
            print("ran", data, n, CONFIG.SDIR_RUN.is_dir())
            return n
        stx.session(functools.partial(work, "x"))()
        """,
        "ran x 2 True\n",
        args=("--n", "2"),
        returncode=2,
        runs=("failed",),
    ),
    "below a decorator with wraps": Row(
        """
        @timed
        @stx.session
        def main(n: int = 1):
            print("ran", n)
        main()
        main.plain(3)
        """,
        "ran 2\nran 3\n",
        args=("--n", "2"),
    ),
    "below a decorator without wraps": Row(
        """
        @careless
        @stx.session
        def main(n: int = 1):
            print("ran", n)
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "above a decorator with wraps": Row(
        """
        @stx.session
        @timed
        def main(n: int = 1):
            print("ran", n)
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "above a decorator without wraps": Row(
        """
        @stx.session
        @careless
        def main(n: int = 1):
            print("ran", n)
        assert main.__name__ == "main"
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "above a decorator that is a class, without wraps": Row(
        """
        @stx.session
        @Careless
        def main(n: int = 1):
            print("ran", n)
        assert main.__name__ == "main"
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "above functools.cache": Row(
        """
        @stx.session
        @functools.cache
        def main(n: int = 1):
            print("ran", n, CONFIG.SDIR_RUN.is_dir())
        main()
        """,
        "ran 2 True\n",
        args=("--n", "2"),
    ),
    "above a context manager": Row(
        """
        @contextlib.contextmanager
        def around():
            yield
        @stx.session
        @around()
        def main(n: int = 1):
            print("ran", n)
        main()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "a function within a function": Row(
        """
        def outer():
            @stx.session
            def main(n: int = 1):
                print("ran", n)
            main()
        outer()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "a lambda": Row("""stx.session(lambda n=1: print("ran", n))()""", "ran 2\n", args=("--n", "2")),
    "a class of Python's own": Row(
        "stx.run(dict)", stderr="dict: a class can't be a session", returncode=1, runs=()
    ),
    "a function written in C": Row("stx.run(print)", "\n"),
    "a generator function": Row(
        """
        @stx.session
        def main():
            yield 1
        """,
        stderr="main: a generator function does nothing when called",
        returncode=1,
        runs=(),
    ),
    "a partial of a generator function": Row(
        """
        def work(n):
            yield n
        stx.session(functools.partial(work, 1))
        """,
        stderr="work: a generator function does nothing when called",
        returncode=1,
        runs=(),
    ),
    "from a thread": Row(
        """
        @stx.session
        def main(n: int = 1):
            print("ran", n)
        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
        """,
        "ran 2\n",
        args=("--n", "2"),
    ),
    "an async function from a thread": Row(
        """
        @stx.session
        async def main():
            await asyncio.sleep(0)
            print("ran")
        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
        """,
        "ran\n",
    ),
    "from two threads at once": Row(
        """
        begun, refused = threading.Event(), threading.Event()
        @stx.session
        def main():
            begun.set()
            refused.wait(20)
        @stx.session
        def other(): ...
        thread = threading.Thread(target=main)
        thread.start()
        begun.wait(20)
        try:
            other()
        except RuntimeError as error:
            print(error)
        refused.set()
        thread.join()
        """,
        "other() would start a session inside the session ",
        disabled="",
    ),
    "one after the other": Row(
        """
        @stx.session
        def first():
            print("one")
        @stx.session
        def second():
            print("two")
        first()
        second()
        first()
        """,
        "one\ntwo\none\n",
        runs=("success",) * 3,
    ),
    "one in another": Row(
        """
        @stx.session
        def inner(): ...
        @stx.session
        def outer():
            inner()
        outer()
        """,
        stderr="call it with arguments, or as inner.plain(), to run it as a plain function",
        returncode=1,
        runs=("failed",),
    ),
    "run in a session": Row(
        """
        def inner(): ...
        @stx.session
        def outer():
            stx.run(inner)
        outer()
        """,
        stderr="inner() would start a session inside the session",
        returncode=1,
        runs=("failed",),
    ),
    "with arguments, and as plain": Row(
        """
        @stx.session
        def main(n: int = 1):
            return n
        print(main(5), main(n=6), main.plain(), main.plain(7))
        """,
        "5 6 1 7\n",
        runs=(),
    ),
    "an async function with arguments, and as plain": Row(
        """
        @stx.session
        async def main(n: int = 1):
            return n
        print(asyncio.run(main(5)), asyncio.run(main.plain()))
        """,
        "5 1\n",
        runs=(),
    ),
}


def run_row(row: Row, **env: str) -> Finished:
    Path("script.py").write_text(HEAD + textwrap.dedent(row.source))
    return run_script(Path("script.py"), *row.args, env=env)


@pytest.mark.parametrize("name", ROWS)
def test_each_works_or_is_refused_with_a_sentence(name: str) -> None:
    row = ROWS[name]
    finished = run_row(row)
    assert finished.returncode == row.returncode, finished
    assert finished.stdout.startswith(row.stdout), finished
    assert bool(finished.stdout) == bool(row.stdout), finished
    assert row.stderr in (finished.stderr.splitlines() or [""])[-1], finished
    assert bool(finished.stderr) == bool(row.stderr), finished
    records = [read_json(path) for path in Path("script_out").glob("*/2*/session.json")]
    records.sort(key=lambda record: str(record["started"]))
    assert tuple(record["status"] for record in records) == row.runs


PLAIN = [
    name
    for name, row in ROWS.items()
    if not row.stderr and "CONFIG" not in row.source and row.runs and not row.returncode
]


@pytest.mark.parametrize("name", PLAIN)
def test_with_disable_each_is_the_plain_function(name: str) -> None:
    row = ROWS[name]
    finished = run_row(row, SCITEX_SESSION_DISABLE="1")
    assert finished == (0, row.stdout if row.disabled is None else row.disabled, "")
    assert not Path("script_out").exists()


@pytest.mark.parametrize(("said", "plain"), [("true", True), ("0", False), ("", False)])
def test_disable_takes_a_yes_or_a_no(said: str, plain: bool) -> None:
    run_row(ROWS["a lambda"], SCITEX_SESSION_DISABLE=said)
    assert Path("script_out").exists() is not plain


def test_disable_that_says_neither_is_refused() -> None:
    finished = run_row(ROWS["a lambda"], SCITEX_SESSION_DISABLE="maybe")
    assert finished.returncode == 2
    (said,) = finished.stderr.splitlines()
    assert "SCITEX_SESSION_DISABLE must be one of 1, true" in said


def package(**modules: str) -> Path:
    """Write a package `lab` into ``src``."""
    folder = Path("src/lab").absolute()
    folder.mkdir(parents=True)
    for name, source in {"__init__": "", **modules}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
    return folder


def python(*args: str, cwd: str = ".", path: Path | None = None) -> Finished:
    folders = [os.fspath(path)] if path else []
    finished = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    stderr = without_failure_line(finished.stderr)
    return Finished(finished.returncode, finished.stdout, stderr)


FIT = """
    import scitex_session as stx

    @stx.session
    def main(n: int = 1):
        print("fit", n, CONFIG.FILE.name)
        return {value}

    if __name__ == "__main__":
        main()
"""


def test_a_module_run_with_m_is_the_script() -> None:
    folder = package(fit=FIT.format(value="n"))
    finished = python("-m", "lab.fit", "--n", "3", path=folder.parent)
    assert finished == (3, "fit 3 fit.py\n", "")
    assert len(list((folder / "fit_out" / "FINISHED_ERROR").iterdir())) == 1


def test_a_package_run_with_m_has_its_runs_beside_it_under_its_name() -> None:
    folder = package(__main__=FIT.format(value="n"))
    finished = python("-m", "lab", "--n", "3", path=folder.parent)
    assert finished == (3, "fit 3 __main__.py\n", "")
    assert len(list((folder.parent / "lab_out" / "FINISHED_ERROR").iterdir())) == 1


# As pip writes it.
STUB = """\
import re
import sys
from lab.fit import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


@pytest.mark.parametrize(
    ("value", "returncode", "status", "said"),
    [
        ("None", 0, "success", ""),
        ("0", 0, "success", ""),
        ("3", 3, "failed", ""),
        # As it is with any console script: what is no number is printed, and the process exits 1.
        ("{'r2': 0.9}", 1, "success", "{'r2': 0.9}\n"),
    ],
)
def test_a_console_script_of_an_installed_package(
    value: str, returncode: int, status: str, said: str
) -> None:
    folder = package(fit=FIT.format(value=value))
    site = Path("env/lib/site-packages").absolute()
    site.mkdir(parents=True)
    folder.rename(site / "lab")
    Path("env/bin").mkdir()
    Path("env/bin/fit").write_text(STUB)
    Path("project").mkdir()
    finished = python("../env/bin/fit", "--n", "3", cwd="project", path=site)
    assert finished == (returncode, "fit 3 fit.py\n", said)
    # What is installed is no place for results: they lie where the command was called.
    (record,) = Path("project/fit_out").glob("*/*/session.json")
    assert read_json(record)["status"] == status
    assert [path.name for path in site.rglob("*_out")] == []


def test_a_function_of_another_script_runs_as_that_scripts_run() -> None:
    Path("analyses").mkdir()
    Path("analyses/fit.py").write_text(textwrap.dedent(FIT.format(value="{'r2': 0.9}")))
    finished = run_script("""
        import sys
        sys.path.insert(0, "analyses")
        import fit
        print(fit.main())
        print(fit.main(2) if False else "on")
    """)
    assert finished == (0, "fit 1 fit.py\n{'r2': 0.9}\non\n", "")
    assert len(list(Path("analyses/fit_out/FINISHED_SUCCESS").iterdir())) == 1
    assert not Path("script_out").exists()


def test_a_decorator_of_a_library_without_wraps_hides_nothing() -> None:
    Path("library.py").write_text(
        "def careless(func):\n"
        "    def wrapper(*args, **kwargs):\n"
        "        return func(*args, **kwargs)\n"
        "    return wrapper\n"
    )
    finished = run_script(
        """
        import library
        import scitex_session as stx

        @stx.session
        @library.careless
        def main(n: int = 1):
            print(CONFIG.ARGS.n, CONFIG.FILE.name)

        main()
        """,
        "--n",
        "2",
    )
    assert finished == (0, "2 script.py\n", "")
    (record,) = Path("script_out/FINISHED_SUCCESS").glob("*/session.json")
    assert read_json(record)["function"] == "main"


@pytest.mark.parametrize("runner", [("-m", "pytest"), ("-m", "unittest")])
def test_under_a_test_runner_the_command_line_is_not_the_scripts(runner: tuple[str, ...]) -> None:
    Path("fit.py").write_text(textwrap.dedent(FIT.format(value="n")))
    Path("test_fit.py").write_text(
        textwrap.dedent("""
            import sys, unittest, unittest.mock
            import fit

            class TestFit(unittest.TestCase):
                def test_defaults(self):
                    assert fit.main() == 1

                def test_a_command_line_of_its_own(self):
                    with unittest.mock.patch.object(sys, "argv", ["fit.py", "--n", "4"]):
                        assert fit.main() == 4
        """)
    )
    finished = python(*runner, "test_fit.py")
    assert finished.returncode == 0, finished
    assert len(list(Path("fit_out/FINISHED_ERROR").iterdir())) == 2


def test_the_command_line_of_a_program_that_does_not_know_the_function_is_the_programs() -> None:
    Path("fit.py").write_text(textwrap.dedent(FIT.format(value="None")))
    site = Path("env/lib/site-packages").absolute()
    (site / "worker").mkdir(parents=True)
    source = "import importlib, sys\nimportlib.import_module(sys.argv[1]).main()\n"
    (site / "worker" / "__main__.py").write_text(source)
    assert python("-m", "worker", "fit", "--n", "3", path=site) == (0, "fit 1 fit.py\n", "")


@pytest.mark.parametrize("code", ["import fit; fit.main()", "from fit import main; main()"])
def test_code_given_to_python_has_the_command_line_behind_it(code: str) -> None:
    Path("fit.py").write_text(textwrap.dedent(FIT.format(value="None")))
    assert python("-c", code, "--n", "4") == (0, "fit 4 fit.py\n", "")


def test_in_a_thread_no_signal_handler_is_installed_and_the_status_is_kept() -> None:
    finished = run_script("""
        import signal, threading
        import scitex_session as stx

        @stx.session
        def main():
            print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
            return 3

        if __name__ == "__main__":
            thread = threading.Thread(target=main)
            thread.start()
            thread.join()
    """)
    assert finished == (0, "True\n", "")
    assert len(list(Path("script_out/FINISHED_ERROR").iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")
@pytest.mark.parametrize("call", ["main()", "outer()"])
@pytest.mark.parametrize(("name", "exit_status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_an_async_function_as_any_other(
    name: str, exit_status: int, call: str
) -> None:
    source = f"""
        import asyncio
        import scitex_session as stx

        @stx.session
        async def main():
            try:
                print("begun", flush=True)
                await asyncio.sleep(60)
            finally:
                print("cleaned", flush=True)

        async def outer():
            await main()

        if __name__ == "__main__":
            asyncio.run({call})
    """
    with start_script(source) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(getattr(signal, name))
        assert process.stdout.read() == "cleaned\n"
        process.wait(20)
    assert process.returncode == -getattr(signal, name)
    (record,) = (read_json(p) for p in Path("script_out/FINISHED_ERROR").glob("*/session.json"))
    assert (record["exit_status"], record["reason"]["kind"]) == (exit_status, "signal")


def test_a_worker_that_is_forked_sees_the_stand_ins_of_its_parents_run() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("os.fork is missing here")
    finished = run_script("""
        import multiprocessing
        import scitex_session as stx
        from scitex_session import CONFIG as OUTSIDE

        def work(_):
            return OUTSIDE.ID

        @stx.session
        def main():
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.map(work, [0]) == [CONFIG.ID]

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")


def test_of_threads_that_start_at_once_one_runs_and_the_others_are_refused() -> None:
    finished = run_script("""
        import threading, time
        import scitex_session as stx
        from scitex_session._errors import NestedSessionError

        said = []
        together = threading.Barrier(4)

        @stx.session
        def main():
            mine = CONFIG.ID
            time.sleep(0.2)
            said.append("ran" if CONFIG.ID == mine else "mixed up")

        def go():
            together.wait()
            try:
                main()
            except NestedSessionError:
                said.append("refused")

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(sorted(said), "CONFIG" in globals())
    """)
    assert finished == (0, "['ran', 'refused', 'refused', 'refused'] False\n", "")
