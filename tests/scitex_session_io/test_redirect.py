"""Each byte reaches the log once, whoever interrupts or looks on while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import run_script

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mode 'fd' needs a POSIX system")

# A line and its end in one piece: between two, `print` itself looks for signals.
INTERRUPTED = """
    import signal, sys
    from pathlib import Path
    from scitex_session_io import capture
    class Timeout(Exception): pass
    def handler(number, frame): raise Timeout
    signal.signal(signal.SIGALRM, handler)
    n, returned = 0, []
    with capture("o.log", "e.log"):
        out = sys.stdout
        for _ in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)
                while True:
                    n += 1
                    WRITE
                    returned.append(n)
            except Timeout:
                pass
    Path("returned").write_text(" ".join(map(str, returned)))
"""


@pytest.mark.parametrize(
    "write",
    [
        "print(f'line {n}\\n', end='')",
        "out.write(f'line {n}\\n'); out.flush()",
        "out.buffer.write(b'line %d\\n' % n)",
        "out.write(f'line {n}' + ' ' * 20_000 + '\\n')",
    ],
    ids=["print", "write and flush", "bytes without a flush", "longer than the buffer"],
)
def test_a_handler_that_raises_while_lines_are_written_neither_doubles_nor_loses_nor_cuts_one(
    write: str,
) -> None:
    finished = run_script(INTERRUPTED.replace("WRITE", write), env={"PYTHONUNBUFFERED": ""})
    assert finished.returncode == 0, finished.stderr
    log = Path("o.log").read_text()
    assert finished.stdout == log
    lines = [line.rstrip() for line in log.splitlines()]
    numbers = [int(line.removeprefix("line ")) for line in lines]
    assert numbers == sorted(set(numbers))
    assert set(numbers) >= set(map(int, Path("returned").read_text().split()))


@pytest.mark.parametrize("trace", ["settrace", "setprofile"])
def test_a_tracer_that_prints_goes_on(trace: str) -> None:
    finished = run_script(f"""
        import sys
        from scitex_session_io import capture
        def tracer(frame, event, argument):
            print("traced", event, frame.f_code.co_name)
            print("error", file=sys.stderr)
            return tracer
        def function():
            print("first")
            print("second", file=sys.stderr)
            print("third")
        with capture("o.log", "e.log"):
            sys.{trace}(tracer)
            function()
            sys.{trace}(None)
        """)
    assert finished.returncode == 0, finished.stderr
    lines = Path("o.log").read_text().splitlines()
    assert finished.stdout.splitlines() == lines
    assert [line for line in lines if not line.startswith("traced")] == ["first", "third"]
    assert "traced call function" in lines
    assert Path("e.log").read_text().splitlines().count("second") == 1


def test_pdb_stops_on_the_line_of_a_print() -> None:
    finished = run_script(
        """
        import pdb
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            pdb.set_trace(); print("on the same line")
            print("next")
        """,
        stdin="continue\n",
    )
    assert finished.returncode == 0, finished.stderr
    assert "(Pdb)" in finished.stdout
    assert finished.stdout.count("on the same line\n") == 1
    assert finished.stdout.endswith("next\n")


def test_what_a_wrapper_of_the_users_prints_is_on_disk_line_by_line() -> None:
    finished = run_script(
        """
        import os, sys
        from scitex_session_io import capture
        class Loud:
            def __init__(self, stream): self.stream = stream
            def write(self, text): return self.stream.write(text.upper())
            def fileno(self): return self.stream.fileno()
        sys.stdout = Loud(sys.stdout)
        with capture("o.log", "e.log"):
            print("python")
            os.system("echo child")
            print("last words")
            os.kill(os.getpid(), 9)
        """,
        env={"PYTHONUNBUFFERED": ""},
    )
    assert finished.returncode == -9, finished.stderr
    assert Path("o.log").read_text() == "PYTHON\nchild\nLAST WORDS\n"


def test_what_no_buffer_takes_is_written_once_when_the_disk_is_full() -> None:
    finished = run_script("""
        import os, resource, sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
            sys.stdout.writelines(f"{i}\\n" for i in range(2000))
            print("x" * 100_000)
            sys.stdout.buffer.writelines([b"y" * 100, b"\\n"])
            sys.stdout.buffer.write(b"z" * 30_000 + b"\\n")
            print("end")
        """)
    assert finished.returncode == 0, finished.stderr
    expected = "".join(f"{i}\n" for i in range(2000))
    expected += "x" * 100_000 + "\n" + "y" * 100 + "\n" + "z" * 30_000 + "\nend\n"
    assert finished.stdout == expected
    assert Path("o.log").read_text() == expected[:50_000]


def test_a_stream_that_was_kept_is_a_plain_one_afterwards() -> None:
    finished = run_script(
        """
        import sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            kept = sys.stdout
            print("inside")
        assert "flush" not in vars(kept.buffer), vars(kept.buffer)
        assert "write" not in vars(kept.buffer.raw), vars(kept.buffer.raw)
        print("outside", file=kept)
        """,
        env={"PYTHONUNBUFFERED": ""},
    )
    assert (finished.returncode, finished.stdout) == (0, "inside\noutside\n"), finished.stderr
    assert Path("o.log").read_text() == "inside\n"


def test_the_stream_found_is_a_plain_one_afterwards_whatever_other_threads_are_printing() -> None:
    finished = run_script(
        """
        import sys, threading
        from scitex_session_io import capture
        sys.setswitchinterval(1e-5)
        stop = threading.Event()
        found, state = sys.stdout, dict(vars(sys.stdout.buffer.raw))
        def printing():
            while not stop.wait(0.0001):
                print("line", file=found)
        threads = [threading.Thread(target=printing) for _ in range(4)]
        for thread in threads: thread.start()
        left = []
        for _ in range(30):
            with capture("o.log", "e.log"):
                stop.wait(0.002)
            stop.wait(0.002)
            left.append((dict(vars(found.buffer)), dict(vars(found.buffer.raw))))
        stop.set()
        for thread in threads: thread.join()
        assert all(each == ({}, state) for each in left), left
        """,
        env={"PYTHONUNBUFFERED": ""},
    )
    assert finished.returncode == 0, finished.stderr
