"""Printed in every way, died in every way: the logs, byte for byte."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import read_json, run_script, start_script, wait_until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="multiprocessing's fork and the signals are those of Linux"
)

SCRIPT = r"""
import ctypes, faulthandler, logging, multiprocessing, os, signal, subprocess, sys, threading, time
import warnings
from pathlib import Path
import scitex_session as stx

def work(method):
    print(method, flush=True)
    print(method, file=sys.stderr, flush=True)

def fail():
    raise KeyError("in a thread")

@stx.session(verbose=False)
def main(death: str):
    print("python")
    logging.warning("logging")
    warnings.warn("warnings")
    os.write(1, b"os.write\n")
    sys.stdout.buffer.write(b"\xff\xfe\x00 binary\n")
    sys.stdout.reconfigure(errors="surrogateescape")
    print("surrogate \udcff")
    libc = ctypes.CDLL(None)
    libc.printf(b"printf\n")
    libc.printf(b"printf without an end")
    libc.fflush(None)
    print()
    subprocess.run(["/bin/sh", "-c", "echo subprocess; echo subprocess >&2"])
    for method in ("fork", "spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=work, args=(method,))
        process.start(); process.join()
    thread = threading.Thread(target=fail)
    thread.start(); thread.join()
    print("no newline", end="", flush=True)
    print("error, no newline", end="", file=sys.stderr, flush=True)
    libc.printf(b"C's rest")
    exec(death)

if __name__ == "__main__":
    main()
"""
OUT = (
    b"python\nos.write\n\xff\xfe\x00 binary\nsurrogate \xff\nprintf\nprintf without an end\n"
    b"subprocess\nfork\nspawn\nforkserver\nno newline"
)
ERR = (
    rb"WARNING:root:logging\n"
    rb".*/script.py:\d+: UserWarning: warnings\n  warnings.warn\(.warnings.\)\n"
    rb"subprocess\nfork\nspawn\nforkserver\nException in thread Thread-\d+ \(fail\):\n"
    rb"Traceback \(most recent call last\):\n(  .*\n)+KeyError: 'in a thread'\nerror, no newline"
)
# How it dies; the exit status; whether C's exit runs, which writes what C still holds; what stderr
# has at its end besides.
DEATHS: dict[str, tuple[str, int, bool, bytes]] = {
    "normal": ("pass", 0, True, b""),
    "an exception": (
        "raise ValueError('died')",
        1,
        True,
        rb"Traceback \(most recent call last\):\n(  .*\n)+ValueError: died\n",
    ),
    "kill -9": ("os.kill(os.getpid(), signal.SIGKILL)", -9, False, b""),
    "kill -9 of the process group": (
        "os.setpgid(0, 0); os.killpg(0, signal.SIGKILL)",
        -9,
        False,
        b"",
    ),
    "os._exit": ("os._exit(7)", 7, False, b""),
    "os.abort": ("os.abort()", -6, False, b""),
    "a segfault": ("ctypes.string_at(0)", -11, False, b""),
    "a segfault with faulthandler": (
        "faulthandler.enable(); ctypes.string_at(0)",
        -11,
        False,
        rb"Fatal Python error: Segmentation fault\n\n(.*\n)+",
    ),
}


def logs() -> tuple[bytes, bytes]:
    """Give the two logs of the only run, once it has been filed."""

    def found() -> list[Path]:
        return list(Path("script_out").glob("FINISHED_*/*/logs"))

    [directory] = wait_until(found, what="the run has been filed")
    return (directory / "stdout.log").read_bytes(), (directory / "stderr.log").read_bytes()


@pytest.mark.parametrize("death", DEATHS)
def test_the_logs_hold_what_was_printed_to_the_last_byte(death: str) -> None:
    code, status, flushed, last = DEATHS[death]
    finished = run_script(SCRIPT, "--death", code, env={"PYTHONUNBUFFERED": ""})
    assert finished.returncode == status, finished
    out, err = logs()
    assert out == OUT + (b"C's rest" if flushed else b"")
    assert re.fullmatch(ERR + last, err), err.decode()
    assert os.fsencode(finished.stdout) == out


def test_a_background_child_is_not_waited_for_and_its_words_are_kept() -> None:
    Path("script.py").write_text(
        "import subprocess, sys\n"
        "import scitex_session as stx\n"
        "@stx.session(verbose=False)\n"
        "def main():\n"
        "    print('parent')\n"
        "    subprocess.Popen(['/bin/sh', '-c', 'read go < fifo; echo late; echo late >&2'])\n"
        "main()\n"
    )
    os.mkfifo("fifo")
    done = subprocess.run(
        [sys.executable, "script.py"], stdout=subprocess.PIPE, timeout=30, check=True
    )
    assert done.stdout == b"parent\n"
    assert logs()[0] == b"parent\n"
    Path("fifo").write_text("go\n")
    wait_until(lambda: logs() == (b"parent\nlate\n", b"late\n"))


def test_a_run_that_is_stopped_and_reniced_and_goes_on_is_whole() -> None:
    with start_script("""
        import os
        import scitex_session as stx
        @stx.session(verbose=False)
        def main():
            os.nice(19)
            print("before", flush=True)
            while not os.path.exists("go"): os.getppid()
            print("after")
        main()
    """) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        process.send_signal(19)
        wait_until(lambda: " T " in Path(f"/proc/{process.pid}/stat").read_text())
        Path("go").touch()
        process.send_signal(18)
        assert process.stdout.read() == "after\n"
        assert process.wait() == 0
    assert logs()[0] == b"before\nafter\n"


def test_without_proc_a_death_is_filed_too() -> None:
    mounting = "mount -t tmpfs tmpfs /proc && exec"
    hidden = ["unshare", "-m", "/bin/sh", "-c", f'{mounting} "$@"', "sh"]
    if (
        os.getuid()
        or subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("hiding /proc needs root and unshare")
    Path("script.py").write_text(
        "import os\n"
        "import scitex_session as stx\n"
        "@stx.session(verbose=False)\n"
        "def main():\n"
        "    assert not os.path.exists('/proc/self')\n"
        "    print('last words')\n"
        "    os.kill(os.getpid(), 9)\n"
        "main()\n"
    )
    done = subprocess.run(
        [*hidden, sys.executable, "script.py"], stdout=subprocess.PIPE, timeout=30, check=False
    )
    assert done.stdout == b"last words\n"
    assert logs()[0] == b"last words\n"


def test_a_script_that_closes_its_stdout_ends_as_it_says() -> None:
    finished = run_script("""
        import sys
        import scitex_session as stx
        @stx.session(verbose=True)
        def main():
            print("before")
            sys.stdout.close()
        main()
    """)
    assert finished.returncode == 0, finished.stderr
    assert logs()[0].endswith(b"\nbefore\n")
    assert list(Path("script_out").glob("FINISHED_SUCCESS/*"))


def test_a_job_that_is_asked_to_end_and_then_killed_is_filed() -> None:
    """As scancel and systemd do: SIGTERM to each of its processes, after a while SIGKILL."""
    with start_script("""
        import os, signal
        import scitex_session as stx
        @stx.session(verbose=False)
        def main():
            # No print: a BufferedWriter that is still writing "begun" refuses a second one.
            signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"asked\\n"))
            print("begun", flush=True)
            while True: signal.pause()
        main()
    """) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        mine = str(process.pid)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except OSError:
                continue
            if pid == mine or ("-I" in words and mine in words):
                os.kill(int(pid), 15)
        assert process.stdout.readline() == "asked\n"
        process.kill()
    assert logs()[0] == b"begun\nasked\n"
    assert list(Path("script_out").glob("FINISHED_ERROR/*"))


@pytest.mark.parametrize(
    "end", ["pass", "os.truncate('/proc/self/fd/2', 0); os.kill(os.getpid(), 9)"]
)
def test_what_stood_in_a_log_before_it_was_truncated_belongs_to_the_run(end: str) -> None:
    with start_script(f"""
        import os, sys
        import scitex_session as stx
        @stx.session(verbose=False)
        def main():
            print(" 50%", end="\\r", file=sys.stderr)
            print("100%", file=sys.stderr, flush=True)
            while not os.path.exists("seen"): os.getppid()
            os.system("echo by a child > /dev/stderr")
            while not os.path.exists("seen again"): os.getppid()
            {end}
        main()
    """) as process:
        assert process.stderr is not None
        while process.stderr.readline() != "100%\n":
            pass
        Path("seen").touch()
        while process.stderr.readline() != "by a child\n":
            pass
        Path("seen again").touch()
        process.wait()
    logs()
    [run] = Path("script_out").glob("FINISHED_*/*")
    assert (run / "logs/stderr.1.log").read_bytes().startswith(b" 50%\r100%\n")
    if end == "pass":
        assert (run / "logs/stderr.txt").read_text() == "100%\nby a child\n"
    else:
        assert read_json(run / "session.json")["reason"]["last_output"] == {"stderr": "by a child"}
