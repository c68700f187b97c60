"""What is printed is in the log, however the process ends, and everything is put back."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scitex_session_io import InvalidTypeError, InvalidValueError, UsedCaptureError, capture
from support import run_script, start_script, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mode 'fd' needs a POSIX system")

# Every way a process writes to its standard output; then DEATH.
WRITERS = """
    import ctypes, faulthandler, os, signal, subprocess, sys
    from scitex_session_io import capture

    capturing = capture("out.log", "err.log").start()
    assert capturing.mode == "fd"
    libc = ctypes.CDLL(None)
    print("python")
    os.write(1, b"descriptor\\n")
    sys.stdout.buffer.write(b"\\xff binary\\n")
    sys.stdout.flush()
    libc.puts(b"C")
    subprocess.run(["/bin/sh", "-c", "echo subprocess"])
    if (child := os.fork()) == 0:
        print("fork")
        os._exit(0)
    os.waitpid(child, 0)
    print("error", file=sys.stderr)
    print("last")
    DEATH
"""
WRITTEN = b"python\ndescriptor\n\xff binary\nC\nsubprocess\nfork\nlast\n"
DEATHS = {
    "kill -9": ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    "kill -9 to the process group": ("os.setpgid(0, 0); os.killpg(0, signal.SIGKILL)", -9),
    "os._exit": ("os._exit(7)", 7),
    "os.abort": ("os.abort()", -6),
    "segfault": ("ctypes.string_at(0)", -11),
    "stop": ("capturing.stop()", 0),
}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("buffering", ["", "1"], ids=["buffered", "unbuffered"])
def test_everything_written_is_in_the_log_and_on_the_terminal(death: str, buffering: str) -> None:
    code, status = DEATHS[death]
    finished = run_script(WRITERS.replace("DEATH", code), env={"PYTHONUNBUFFERED": buffering})
    assert finished.returncode == status, finished
    assert Path("out.log").read_bytes() == WRITTEN
    assert Path("err.log").read_bytes() == b"error\n"
    # The pipes end when the companion does, which has shown everything by then.
    assert os.fsencode(finished.stdout) == WRITTEN
    assert finished.stderr == "error\n"


def test_an_exception_is_in_the_log_with_its_traceback() -> None:
    finished = run_script("""
        from scitex_session_io import capture
        with capture("out.log", "err.log", on_death=["/bin/echo", "dead"]):
            import logging, warnings
            logging.warning("logged")
            warnings.warn("warned")
            print("half a line", end="")
        raise ValueError("after")
    """)
    assert finished.returncode == 1
    assert Path("out.log").read_text() == finished.stdout == "half a line"
    log = Path("err.log").read_text()
    assert "WARNING:root:logged" in log
    assert "UserWarning: warned" in log
    assert finished.stderr.startswith(log)
    assert "ValueError: after" in finished.stderr.removeprefix(log)


def test_two_streams_on_one_pipe_show_all_lines_in_the_order_of_each() -> None:
    script = """
        import sys, time
        from scitex_session_io import capture
        with capture("out.log", "err.log"):
            for i in range(3000):
                print("out", i)
                print("err", i, file=sys.stderr)
    """
    Path("order.py").write_text("import textwrap\n" + f"exec(textwrap.dedent({script!r}))")
    shown = subprocess.run(
        [sys.executable, "order.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    ).stdout.decode()
    for name in ("out", "err"):
        expected = [f"{name} {i}" for i in range(3000)]
        assert [line for line in shown.splitlines() if line.startswith(name)] == expected
        assert Path(f"{name}.log").read_text().splitlines() == expected


def test_a_pipe_that_nobody_reads_any_more_ends_the_showing_only() -> None:
    Path("script.py").write_text(
        "from scitex_session_io import capture\n"
        "with capture('out.log', 'err.log'):\n"
        "    for i in range(100_000): print(i)\n"
        "    open('reached', 'w').close()\n"
    )
    piped = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} script.py | head -1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (piped.stdout, piped.stderr) == ("0\n", "")
    assert Path("reached").exists()
    assert Path("out.log").read_text() == "".join(f"{i}\n" for i in range(100_000))


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_closed_from_the_start_are_logged_and_closed_again(closed: str) -> None:
    Path("script.py").write_text(
        "import os, sys\n"
        "found = sys.stdout, sys.stderr\n"
        "from scitex_session_io import capture\n"
        "with capture('out.log', 'err.log') as c:\n"
        "    print('out'); print('err', file=sys.stderr); os.system('echo child')\n"
        "state = [(sys.stdout, sys.stderr) == found]\n"
        "for n in (1, 2):\n"
        "    try: os.fstat(n); state.append(True)\n"
        "    except OSError: state.append(False)\n"
        "open('state', 'w').write(repr((c.mode, *state)))\n"
    )
    subprocess.run(["/bin/sh", "-c", f"{sys.executable} script.py {closed}"], check=True)
    assert Path("out.log").read_text() == "out\nchild\n"
    assert Path("err.log").read_text() == "err\n"
    expected = ("fd", True, " >&-" not in f" {closed}", "2>&-" not in closed)
    assert Path("state").read_text() == repr(expected)


def test_a_file_of_the_script_that_has_number_1_is_left_alone() -> None:
    Path("script.py").write_text(
        "import os\n"
        "number = os.open('mine', os.O_WRONLY | os.O_CREAT)\n"
        "from scitex_session_io import capture\n"
        "with capture('out.log', 'err.log') as c:\n"
        "    os.write(number, b'mine')\n"
        "    print('printed')\n"
        "open('state', 'w').write(repr((c.mode, number)))\n"
    )
    subprocess.run(["/bin/sh", "-c", f"{sys.executable} script.py >&-"], check=True)
    assert Path("state").read_text() == repr(("sys", 1))
    assert Path("mine").read_bytes() == b"mine"
    assert Path("out.log").read_text() == "printed\n"


# A complete picture of what a capture borrows, compared in one process before and after.
PICTURE = """
import builtins, fcntl, gc, io, logging, os, resource, shutil, signal, subprocess, sys, termios
import threading
from pathlib import Path
from typing import Any
def layers(stream):
    if not isinstance(buffer := getattr(stream, "buffer", None), io.BufferedWriter): return None
    return dict(vars(buffer)), dict(vars(buffer.raw))
def picture():
    gc.collect()
    descriptors = {}
    for n in os.listdir("/proc/self/fd"):
        if os.path.exists(f"/proc/self/fd/{n}"):
            flags = fcntl.fcntl(int(n), fcntl.F_GETFL), os.get_inheritable(int(n))
            descriptors[int(n)] = os.readlink(f"/proc/self/fd/{n}"), flags
    asked = os.isatty, os.get_terminal_size, os.ttyname, os.device_encoding
    asked += fcntl.ioctl, termios.tcgetattr, termios.tcsetattr
    return {
        "descriptors": descriptors,
        "streams": [
            (s, s and s.line_buffering, s and s.encoding, s and s.errors, layers(s))
            for s in (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        ],
        "handlers": {n: signal.getsignal(n) for n in signal.valid_signals()},
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "environment": dict(os.environ),
        "functions": (asked, builtins.input, sys.excepthook, sys.breakpointhook, sys.gettrace()),
        "threads": threading.enumerate(),
        "cwd": os.getcwd(),
        "children": Path(f"/proc/self/task/{os.getpid()}/children").read_text(),
    }
def check(before):
    after = picture()
    assert after == before, [(k, before[k], after[k]) for k in before if before[k] != after[k]]
from scitex_session_io import capture
with capture("warm.log", "warm.log"): input
before = picture()
"""
BORROWERS = {
    "one": "with capture('o.log', 'e.log'): print(1)",
    "fifty": "for i in range(50):\n    with capture('o.log', 'e.log'): print(i)",
    "nested": "with capture('a.log', 'b.log'), capture('c.log', 'd.log'): print('inner')",
    "ended from outside": "a, b = (capture(n, n).start() for n in 'ab'); a.stop(); b.stop()",
    "sys": "with capture('o.log', 'e.log', mode='sys'): print(1)",
    "none": "with capture(mode='none', heartbeat='beat', on_death=['/bin/echo']): print(1)",
    "by hand": "c = capture('o', 'e').start(); c.finish(); c.finish(); c.dismiss(); c.stop()",
    "new directory": "with capture('missing/deep/o.log', 'missing/deep/e.log'): print(1)",
    "directory deleted": (
        "with capture('l/o.log', 'l/e.log'): print(1); shutil.rmtree('l'); print(2)"
    ),
    "file too large": """
handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
with capture('o.log', 'e.log'):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    for i in range(500): print(i)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
signal.signal(signal.SIGXFSZ, handler)
""",
    "an exception": """
try:
    with capture('o.log', 'e.log'): raise KeyError
except KeyError: pass
""",
    "working directory changed": """
with capture('o.log', 'e.log'):
    os.chdir('/'); print(1)
os.chdir(before['cwd'])
""",
    "streams replaced": """
import io
with capture('o.log', 'e.log'):
    found, sys.stdout = sys.stdout, io.StringIO()
    print(1)
    sys.stdout = found
""",
    "a wrapper of the user's": """
class Wrapper:
    def __init__(self, stream): self.stream = stream
    def __getattr__(self, name): return getattr(self.stream, name)
found, sys.stdout = sys.stdout, Wrapper(sys.stdout)
with capture('a.log', 'b.log'), capture('c.log', 'd.log'): print('inner')
sys.stdout = found
""",
    "fork": """
with capture('o.log', 'e.log'):
    if (child := os.fork()) == 0: print('child'); os._exit(0)
    os.waitpid(child, 0)
""",
    "fork and exec": """
with capture('o.log', 'e.log'):
    if (child := os.fork()) == 0: os.execv('/bin/echo', ['echo', 'child'])
    os.waitpid(child, 0)
    subprocess.run(['/bin/echo', 'another'])
""",
    "a companion started first": """
from scitex_session_io import start_companion
with capture('o.log', 'e.log', companion=start_companion()): print(1)
""",
    "a companion that is not used": """
from scitex_session_io import start_companion
start_companion()
capture('o.log', 'e.log', companion=start_companion())
with capture('warm.log/o.log', 'e.log', companion=start_companion()): print(1)
""",
    "log unwritable": "with capture('/dev/full', 'e.log'): print(1)",
    "a log that is no directory's": "with capture('warm.log/o.log', 'e.log'): print(1)",
    "without posix_spawn": """
found = os.posix_spawn; del os.posix_spawn
with capture('o.log', 'e.log'): print(1)
os.posix_spawn = found
""",
    "companion killed": """
with capture('o.log', 'e.log') as c:
    ours = str(os.getpid()).encode()
    for p in Path('/proc').iterdir():
        try: words = (p / 'cmdline').read_bytes().split(b'\\0')
        except OSError: continue
        if b'-I' in words and ours in words and b'/bin/sh' not in words: os.kill(int(p.name), 9)
""",
}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("borrower", BORROWERS)
def test_everything_is_as_found_afterwards(borrower: str) -> None:
    finished = run_script(
        f"{PICTURE}\n{BORROWERS[borrower]}\ncheck(before)\n"
        "try: os.wait()\nexcept ChildProcessError: print('no child')\n"
    )
    assert finished.stdout.endswith("no child\n"), finished
    assert finished.returncode == 0, finished.stderr


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "redirection",
    [">&-", "2>&-", ">&- 2>&-", "> /dev/full", "2> /dev/full", "| head -1", "> file", "2>&1 | cat"],
)
def test_everything_is_as_found_wherever_the_shell_sends_it(redirection: str) -> None:
    Path("script.py").write_text(
        f"{PICTURE}\n"
        "with capture('o.log', 'e.log'):\n"
        "    for i in range(1000): print(i)\n"
        "    print('error', file=sys.stderr)\n"
        "check(before)\n"
        "Path('checked').touch()\n"
        "os._exit(0)\n"
    )
    command = f"{sys.executable} script.py {redirection}"
    subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, timeout=60)
    assert Path("checked").exists()
    assert Path("o.log").read_text() == "".join(f"{i}\n" for i in range(1000))
    assert Path("e.log").read_text() == "error\n"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.slow
@pytest.mark.timeout(420)  # 20 s on a machine of its own
def test_two_thousand_captures_leave_nothing() -> None:
    finished = run_script(
        f"{PICTURE}\n"
        "for i in range(2000):\n"
        "    with capture('o.log', 'e.log', heartbeat='beat', on_death=['/bin/false']): print(i)\n"
        "check(before)\n"
        "ours = str(os.getpid()).encode()\n"
        "def left():\n"
        "    for p in Path('/proc').iterdir():\n"
        "        try: words = (p / 'cmdline').read_bytes().split(b'\\0')\n"
        "        except OSError: continue\n"
        "        if b'-I' in words and ours in words: yield p\n"
        "import time\n"
        "deadline = time.monotonic() + 20\n"
        "while list(left()) and time.monotonic() < deadline: time.sleep(0.05)\n"
        "assert not list(left())\n",
        timeout=400,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "".join(f"{i}\n" for i in range(2000))
    assert Path("o.log").read_text() == finished.stdout


def test_what_threads_print_while_captures_begin_and_end_is_neither_lost_nor_doubled() -> None:
    # At a pace: where a flush has to wait, CPython's own TextIOWrapper mixes up what several
    # threads write (python/cpython#119506, mended in 3.12.4).
    finished = run_script(
        """
        import sys, threading
        from scitex_session_io import capture
        stop = threading.Event()
        counts = [0] * 4
        def printing(name):
            while not stop.wait(0.0002):
                sys.stdout.write(f"{name}:{counts[name]}\\n")
                counts[name] += 1
        threads = [threading.Thread(target=printing, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        for _ in range(20):
            with capture("o.log", "e.log"): pass
        stop.set()
        for thread in threads: thread.join()
        print(counts, file=sys.stderr)
        """,
        env={"PYTHONUNBUFFERED": ""},
    )
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    for name, count in enumerate(json.loads(finished.stderr)):
        shown = [int(line.partition(":")[2]) for line in lines if line.startswith(f"{name}:")]
        assert sorted(shown) == list(range(count))


def test_nested_captures_show_through_to_the_terminal() -> None:
    finished = run_script("""
        from scitex_session_io import capture
        with capture("a.log", "b.log"):
            print("outer")
            with capture("c.log", "d.log"):
                print("inner")
            print("outer again")
        print("none")
    """)
    assert finished.stdout == "outer\ninner\nouter again\nnone\n"
    assert Path("a.log").read_text() == "outer\ninner\nouter again\n"
    assert Path("c.log").read_text() == "inner\n"


def test_a_log_that_is_the_terminal_itself_is_not_shown_into_itself() -> None:
    script = (
        "from scitex_session_io import capture\nwith capture('out.log', 'err.log'): print('once')\n"
    )
    with Path("out.log").open("wb") as out:
        subprocess.run([sys.executable, "-c", script], stdout=out, check=True, timeout=30)
    assert Path("out.log").read_text() == "once\n"


def test_one_log_for_both_streams_is_shown_once() -> None:
    finished = run_script("""
        import sys
        from scitex_session_io import capture
        with capture("both.log", "both.log"):
            print("out")
            print("err", file=sys.stderr)
    """)
    assert (finished.stdout, finished.stderr) == ("out\nerr\n", "")
    assert Path("both.log").read_text() == "out\nerr\n"


def test_a_stream_that_the_script_puts_in_during_the_run_stays() -> None:
    finished = run_script("""
        import io, os, sys
        from scitex_session_io import capture
        found = sys.stdout
        theirs = io.StringIO()
        with capture("o.log", "e.log") as c:
            ours = sys.stdout
            sys.stdout = theirs
        assert sys.stdout is theirs
        sys.stdout = found
        print("ours still writes", file=ours)
    """)
    assert finished.stdout == "ours still writes\n", finished


def test_a_descriptor_that_the_script_puts_in_during_the_run_stays() -> None:
    finished = run_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("logged")
            os.dup2(os.open("theirs", os.O_WRONLY | os.O_CREAT), 1)
        os.write(1, b"theirs")
    """)
    assert finished.stdout == "logged\n", finished
    assert Path("theirs").read_text() == "theirs"


def test_who_keeps_the_old_stream_object_writes_to_the_log_line_by_line() -> None:
    finished = run_script("""
        import os, sys
        from scitex_session_io import capture
        kept = sys.stdout
        capture("o.log", "e.log").start()
        print("kept", file=kept)
        os._exit(0)
    """)
    assert Path("o.log").read_text() == finished.stdout == "kept\n"


def test_streams_keep_encoding_and_errors_and_are_real_text_streams() -> None:
    finished = run_script(
        """
        import io, sys
        from scitex_session_io import capture
        def kind(stream):
            return type(stream), stream.encoding, stream.errors, stream.name, stream.mode
        found, stream = kind(sys.stdout), sys.stdout
        with capture("o.log", "e.log"):
            out = sys.stdout
            assert out is stream
            assert kind(out) == found
            assert (out.fileno(), out.buffer.fileno(), out.writable()) == (1, 1, True)
            print("\\xe9\\u20ac")
            out.reconfigure(encoding="utf-8")
            print("\\u20ac")
        """,
        env={"PYTHONIOENCODING": "latin-1:replace"},
    )
    assert finished.returncode == 0, finished.stderr
    assert Path("o.log").read_bytes() == b"\xe9?\n\xe2\x82\xac\n"


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_the_standard_streams_are_the_same_objects_before_within_and_after(unbuffered: str) -> None:
    finished = run_script(
        """
        import logging, sys
        from scitex_session_io import capture
        handler = logging.StreamHandler()
        def streams():
            return sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, handler.stream
        def same(): return [a is b for a, b in zip(streams(), found)] == [True] * 5
        found, layers = streams(), [dict(vars(s.buffer)) for s in streams()]
        with capture("o.log", "e.log") as c:
            assert same() and (c.stdout, c.stderr) == found[:2]
            print("outer")
            with capture("o2.log", "e2.log"):
                assert same()
                print("inner")
                sys.stdout.buffer.write(b"bytes\\n")
                handler.emit(logging.makeLogRecord({"msg": "record"}))
            print("outer again")
        assert same() and layers == [dict(vars(s.buffer)) for s in streams()]
        print("after")
        """,
        env={"PYTHONUNBUFFERED": unbuffered},
    )
    assert (finished.returncode, finished.stderr) == (0, "record\n")
    assert finished.stdout == "outer\ninner\nbytes\nouter again\nafter\n"
    assert Path("o.log").read_text() == "outer\ninner\nbytes\nouter again\n"
    assert Path("o2.log").read_text() == "inner\nbytes\n"


def test_a_progress_bar_that_redirects_logging_knows_the_console_by_identity() -> None:
    pytest.importorskip("tqdm", reason="redirecting logging around a bar needs tqdm")
    finished = run_script("""
        import logging, sys
        from tqdm.contrib.logging import logging_redirect_tqdm
        from scitex_session_io import capture
        logging.basicConfig(level=logging.INFO, format="REC %(message)s")
        with capture("o.log", "e.log"), logging_redirect_tqdm():
            for i in range(3): logging.info("step%d", i)
    """)
    assert finished.returncode == 0, finished.stderr
    assert Path("e.log").read_text() == finished.stderr == "REC step0\nREC step1\nREC step2\n"


@pytest.mark.parametrize("end", ["with", "killed"])
def test_a_script_that_wraps_closes_or_detaches_its_stream_has_its_way(end: str) -> None:
    leave = "os.kill(os.getpid(), 9)" if end == "killed" else "pass"
    finished = run_script(f"""
        import io, os, sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("before")
            sys.stdout = io.TextIOWrapper(sys.stdout.detach(), "latin-1", line_buffering=True)
            print("d\\xe9tached")
            sys.stderr.close()
            sys.stderr = open(2, "w", closefd=False, buffering=1)
            print("reopened", file=sys.stderr)
            {leave}
        print("after")
    """)
    assert finished.returncode == (-9 if end == "killed" else 0), finished.stderr
    assert Path("o.log").read_bytes() == b"before\nd\xe9tached\n"
    assert Path("e.log").read_text() == finished.stderr == "reopened\n"
    assert finished.stdout.endswith("after\n") is (end == "with")


def test_a_forked_child_that_falls_through_puts_nothing_back() -> None:
    finished = run_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log", on_death=["/bin/echo", "dead"]) as c:
            child = os.fork()
            print("child" if child == 0 else "parent")
            if child:
                os.waitpid(child, 0)
                print("parent still captured")
        print("after, child" if child == 0 else "after, parent")
    """)
    lines = Path("o.log").read_text().splitlines()
    expected = ["after, child", "child", "parent", "parent still captured"]
    assert sorted(lines) == expected
    assert finished.stdout.splitlines()[:4] == lines
    assert finished.stdout.splitlines()[4:] == ["after, parent"]


def test_a_child_that_outlives_the_capture_is_not_waited_for_and_goes_on_logging() -> None:
    finished = run_script("""
        import os, subprocess, sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("parent")
            late = subprocess.Popen(["/bin/sh", "-c", "read go; echo late"], stdin=subprocess.PIPE)
        assert late.poll() is None
        late.communicate(b"go\\n")
    """)
    assert finished.returncode == 0
    # Whether what comes after the goodbye is still shown depends on who is quicker.
    assert finished.stdout in ("parent\n", "parent\nlate\n")
    assert Path("o.log").read_text() == "parent\nlate\n"


def test_a_script_that_closes_all_descriptors_goes_on_and_its_files_are_untouched() -> None:
    finished = run_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("before")
            os.closerange(3, 400)
            numbers = [os.open("theirs", os.O_WRONLY | os.O_CREAT) for _ in range(200)]
            print("after")
        for number in numbers:
            os.fstat(number)
        open("end", "w").close()
    """)
    assert finished.returncode == 0, finished.stderr
    assert Path("end").exists()
    assert Path("theirs").read_bytes() == b""
    assert Path("o.log").read_text() == "before\nafter\n"


def test_a_log_that_the_script_deletes_is_still_shown() -> None:
    finished = run_script("""
        import os, shutil
        from scitex_session_io import capture
        with capture("logs/o.log", "logs/e.log"):
            shutil.rmtree("logs")
            print("shown")
    """)
    assert (finished.returncode, finished.stdout) == (0, "shown\n")
    assert finished.stderr.count("\n") == 1
    for name in ("o.log", "e.log"):
        assert f"logs/{name}" in finished.stderr
    assert "deleted" in finished.stderr


def test_a_capture_is_begun_once() -> None:
    capturing = capture("o.log", "e.log", mode="sys")
    with capturing:
        assert capturing.start() is capturing
    with pytest.raises(UsedCaptureError, match=r"o\.log and .*e\.log has ended"):
        capturing.start()
    capturing.stop()


def test_of_captures_that_overlap_the_inner_one_ends_with_the_outer_one_and_that_is_said() -> None:
    finished = run_script("""
        from scitex_session_io import capture
        outer = capture("a.log", "a.log").start()
        inner = capture("b.log", "b.log").start()
        outer.stop()
        print("after")
        inner.stop()
    """)
    assert (finished.returncode, finished.stdout) == (0, "after\n")
    assert finished.stderr.count("\n") == 1
    assert "b.log has ended with the one around it" in finished.stderr
    assert Path("b.log").read_bytes() == b""


def test_a_full_disk_is_said_once_by_run_and_forks_and_on_a_line_of_its_own() -> None:
    finished = run_script("""
        import os, resource, sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (1003, 1003))
            print("x" * 1200, file=sys.stderr)
            if (child := os.fork()) == 0:
                print("y" * 1200)
                os._exit(0)
            os.waitpid(child, 0)
            print("z" * 1200)
    """)
    assert finished.returncode == 0, finished.stderr
    begun, said, rest = finished.stderr.splitlines()
    assert (begun, rest) == ("x" * 1003, "x" * 197)
    assert "e.log" in said
    assert finished.stdout.count("y") == finished.stdout.count("z") == 1200


def full_disk_script(limit: str) -> str:
    return f"""
        import os, resource, sys
        from scitex_session_io import capture
        with capture("logs/o.log", "logs/e.log"):
            {limit}
            for i in range(40_000):
                print("line", i)
            print("end", file=sys.stderr)
    """


def check_full_disk(stdout: str, stderr: str) -> None:
    assert stdout == "".join(f"line {i}\n" for i in range(40_000))
    said, end = stderr.splitlines()
    assert "o.log" in said
    assert end == "end"
    assert stdout.startswith(Path("logs/o.log").read_text())


def test_a_log_that_takes_no_more_turns_the_stream_to_the_terminal() -> None:
    finished = run_script(
        full_disk_script("resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))")
    )
    assert finished.returncode == 0, finished.stderr
    check_full_disk(finished.stdout, finished.stderr)
    assert os.strerror(errno.EFBIG) in finished.stderr


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or shutil.which("mount") is None,
    reason="mounting a small tmpfs needs Linux and root",
)
def test_a_full_disk_turns_the_stream_to_the_terminal() -> None:
    Path("logs").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", "logs"]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this root may not mount")
    try:
        finished = run_script(full_disk_script("pass"))
        assert finished.returncode == 0, finished.stderr
        check_full_disk(finished.stdout, finished.stderr.replace("e.log", "o.log"))
        assert os.strerror(errno.ENOSPC) in finished.stderr
    finally:
        subprocess.run(["umount", "logs"], check=True)


def test_a_log_that_cannot_be_opened_is_said_and_the_run_goes_on() -> None:
    Path("file").touch()
    finished = run_script("""
        from scitex_session_io import capture
        with capture("file/o.log", "file/e.log") as c:
            print("goes on", c.mode)
    """)
    assert finished.stdout == "goes on none\n"
    assert finished.stderr.count("\n") == 1
    assert "the output is not logged" in finished.stderr


def test_a_directory_in_the_place_of_a_log_is_an_error() -> None:
    Path("logs").mkdir()
    with pytest.raises(IsADirectoryError, match="logs"):
        capture("logs", "e.log").start()


@pytest.mark.parametrize("executable", ["''", "'/nowhere/python'"])
def test_without_a_companion_python_itself_copies_and_that_is_said_once(executable: str) -> None:
    finished = run_script(f"""
        import sys
        sys.executable = {executable}
        from scitex_session_io import capture
        with capture("o.log", "e.log", heartbeat="beat") as c:
            print("copied", c.mode)
    """)
    assert Path("o.log").read_text() == finished.stdout == "copied sys\n"
    assert finished.stderr.count("\n") == 1
    assert "no companion process (sys.executable" in finished.stderr


def test_a_python_without_posix_spawn_starts_its_companion_otherwise() -> None:
    finished = run_script("""
        import os, sys
        del os.posix_spawn
        from scitex_session_io import capture
        with capture("o.log", "e.log") as c:
            os.system("echo child")
            print(c.mode, file=sys.stderr)
        try: os.wait()
        except ChildProcessError: print("no child")
    """)
    assert (finished.stdout, finished.stderr) == ("child\nno child\n", "fd\n")


def test_appending_shows_only_what_is_new() -> None:
    Path("o.log").write_text("old\n")
    finished = run_script("""
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("new")
    """)
    assert finished.stdout == "new\n"
    assert Path("o.log").read_text() == "old\nnew\n"


def test_a_slow_reader_gets_everything_after_the_run_has_ended() -> None:
    with start_script("""
        from scitex_session_io import capture
        c = capture("o.log", "e.log").start()
        for i in range(100_000):
            print(i)
        c.stop(timeout=0.1)
    """) as process:
        wait_until(lambda: process.poll() == 0, what="the run ends though nobody reads")
        assert process.stdout is not None
        assert process.stdout.read() == "".join(f"{i}\n" for i in range(100_000))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("o", "e"), {"mode": "FD"}, InvalidValueError, "mode must be one of 'fd', 'sys', 'none'"),
        (("o",), {}, InvalidTypeError, "stderr must be the path of a log with mode='fd', not None"),
        ((), {"mode": "sys"}, InvalidTypeError, "stdout must be the path of a log"),
        (("o", "e"), {"on_death": ["a\0b"]}, InvalidValueError, "on_death must be words without"),
        (("o", "e"), {"on_death": "rm"}, InvalidTypeError, "on_death must be a sequence of str"),
        (("o", "e"), {"on_death": []}, InvalidValueError, "on_death must be a command"),
        (("o", "e"), {"on_death": 3}, InvalidTypeError, "on_death must be a sequence of str"),
        (("o", 3), {}, InvalidTypeError, "stderr must be a path, not int"),
        (("o", "e"), {"heartbeat": 3}, InvalidTypeError, "heartbeat must be a path, not int"),
        (("o", "e\0"), {}, InvalidValueError, "stderr must be a path, which has no NUL, not 'e"),
    ],
)
def test_bad_arguments_are_refused_by_name(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        capture(*arguments, **options)


def test_a_heartbeat_that_cannot_be_kept_is_said_and_all_else_is_as_without() -> None:
    finished = run_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log", heartbeat="missing/beat") as c:
            print("python", c.mode)
            os.system("echo child")
    """)
    assert (finished.returncode, finished.stdout) == (0, "python fd\nchild\n")
    assert finished.stderr.startswith("scitex-session: no heartbeat: ")
    assert "missing/beat" in finished.stderr
    assert Path("o.log").read_text() == finished.stdout
