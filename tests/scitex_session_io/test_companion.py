"""The companion: what it shows, what it watches, and that nobody else meets it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import scitex_session_io
from scitex_session_io import InvalidTypeError, InvalidValueError, capture
from scitex_session_io._companion.echo import Marks
from scitex_session_io._companion.main import Companion
from scitex_session_io._companion.watch import Watch
from support import companion_of, read_json, run_script, start_script, wait_until, write_script
from support.terminal import Terminal

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="finding a companion needs /proc"
)
KERNEL = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
FILES_DEATH = [
    sys.executable,
    "-c",
    "import sys; open(sys.argv[1], 'w').write(sys.argv[2]); print('filed', flush=True)",
]


def watched(body: str, *, capture: str = "capture('o.log', 'e.log', on_death=on_death)") -> str:
    """Write a script whose death is filed in the file `death`."""
    on_death = [*FILES_DEATH, os.path.abspath("death")]
    lines = [
        "import ctypes, os, signal, sys, time",
        "from scitex_session_io import capture",
        f"on_death = {on_death!r}",
        f"c = {capture}.start()",
    ]
    return "\n".join([*lines, textwrap.dedent(body)])


def filed() -> dict[str, object]:
    """Wait for the file that says what was seen of a death."""
    path = Path("death")
    wait_until(lambda: path.exists() and path.read_text().endswith("}"))
    return dict(read_json(path))


@pytest.mark.parametrize(
    ("death", "number", "status"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 9, None),
        ("os.abort()", 6, None),
        ("ctypes.string_at(0)", 11, None),
        ("os._exit(7)", None, 7),
        ("sys.exit(3)", None, 3),
    ],
)
@pytest.mark.parametrize("mode", ["fd", "sys", "none"])
def test_a_death_without_goodbye_is_filed(
    death: str, number: int | None, status: int | None, mode: str
) -> None:
    paths = "" if mode == "none" else "'o.log', 'e.log', "
    finished = run_script(
        watched(
            f"print('last')\n{death}", capture=f"capture({paths}mode={mode!r}, on_death=on_death)"
        ),
    )
    seen = filed()
    assert set(seen) == {"seen", "signal", "exit_status"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", str(seen["seen"]))
    if KERNEL >= (6, 15):
        assert (seen["signal"], seen["exit_status"]) == (number, status)
    # The command writes to the terminal, after everything the run has printed.
    assert finished.stdout.endswith("filed\n")
    if mode == "fd":
        assert finished.stdout == "last\nfiled\n"


@pytest.mark.parametrize("ending", ["c.stop()", "c.finish(); c.dismiss()", "c.dismiss()"])
def test_after_a_goodbye_no_death_is_filed(ending: str) -> None:
    finished = run_script(watched(f"print('last')\n{ending}\nos.kill(os.getpid(), 9)"))
    # Its end of the pipe closed, so the companion has gone.
    assert (finished.returncode, finished.stdout) == (-9, "last\n")
    assert not Path("death").exists()


def test_a_death_between_the_end_of_the_capture_and_the_goodbye_is_filed() -> None:
    finished = run_script(watched("c.finish()\nos.write(1, b'free')\nos.kill(os.getpid(), 9)"))
    assert finished.stdout == "freefiled\n"
    assert Path("o.log").read_bytes() == b""
    assert filed()["seen"]


WITHOUT_PIDFD = "if hasattr(os, 'pidfd_open'): del os.pidfd_open"


@pytest.mark.parametrize("without", ["", WITHOUT_PIDFD], ids=["pidfd", "no pidfd"])
def test_a_death_is_seen_with_and_without_a_pidfd(without: str) -> None:
    with start_script(
        "import os\n" + without + "\n" + watched("signal.pause()"),
    ) as process:
        wait_until(lambda: Path("o.log").exists() and companion_of(process.pid))
        # Alive it is as long as it can be signalled, whatever has become of its pipe.
        time.sleep(0.2)
        assert not Path("death").exists()
        process.kill()
        # Not yet reaped: that is when systems without a pidfd know the signal.
        assert filed()["signal"] in ((None, 9) if not without and KERNEL < (6, 15) else (9,))
        process.wait()


@pytest.mark.parametrize("without", ["", WITHOUT_PIDFD], ids=["pidfd", "no pidfd"])
def test_a_process_that_became_another_program_is_still_watched(without: str) -> None:
    with start_script(
        "import os\n"
        + without
        + "\n"
        + watched("""
            program = "import sys; print('another', flush=True); sys.stdin.read(); sys.exit(5)"
            read_end, write_end = os.pipe()
            os.dup2(read_end, 0)
            os.dup2(write_end, 9)
            os.execv(sys.executable, [sys.executable, "-c", program])
        """)
    ) as process:
        wait_until(lambda: Path("o.log").exists() and Path("o.log").read_text() == "another\n")
        companion = wait_until(lambda: companion_of(process.pid))
        # Its pipe has ended; that it stays nevertheless is seen after some of its ticks.
        time.sleep(0.2)
        assert companion_of(process.pid) == companion
        assert not Path("death").exists()
        process.kill()
        process.wait()
        assert filed()["signal"] in (9, None)


def test_a_forked_child_that_lives_on_does_not_hide_the_death() -> None:
    with start_script(
        watched("""
            read_end, write_end = os.pipe()
            if os.fork() == 0:
                os.close(write_end)
                os.read(read_end, 1)
                os._exit(0)
            print("forked")
            os.kill(os.getpid(), signal.SIGSTOP)
        """)
    ) as process:
        wait_until(lambda: Path("o.log").exists() and Path("o.log").read_text() == "forked\n")
        process.kill()
        process.wait()
        assert filed()


def test_a_companion_that_is_killed_is_missed_once_and_nothing_is_lost() -> None:
    with start_script("""
        import sys
        from scitex_session_io import capture
        c = capture("o.log", "e.log").start()
        print("before")
        while not __import__("os").path.exists("killed"): pass
        for i in range(1000): print(i)
        c.finish()
        print("after")
        c.stop()
    """) as process:
        companion = wait_until(lambda: companion_of(process.pid))
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        os.kill(companion, signal.SIGKILL)
        wait_until(lambda: companion_of(process.pid) is None)
        Path("killed").touch()
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0
    # Killed between showing a piece and noting it, it leaves a piece that is shown twice.
    assert stdout.removeprefix("before\n") == "".join(f"{i}\n" for i in range(1000)) + "after\n"
    assert stderr.count("\n") == stderr.count("the companion process is gone") == 1


def test_a_run_that_told_sigpipe_to_kill_survives_the_death_of_its_companion() -> None:
    with start_script("""
        import os, signal
        from scitex_session_io import capture
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with capture("o.log", "e.log"):
            while not os.path.exists("killed"): pass
        print("survived")
    """) as process:
        os.kill(wait_until(lambda: companion_of(process.pid)), signal.SIGKILL)
        wait_until(lambda: companion_of(process.pid) is None)
        Path("killed").touch()
        stdout, _ = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (0, "survived\n")


def test_the_companion_outlives_the_package_that_it_was_started_from() -> None:
    installed = Path("site/scitex_session_io")
    shutil.copytree(Path(scitex_session_io.__file__).parent, installed)
    with start_script("""
        import os, sys
        sys.path.insert(0, "site")
        from scitex_session_io import capture
        with capture("o.log", "e.log", max_bytes=1 << 16):
            print("before")
            while os.path.exists("site"): pass
            for i in range(50_000): print(i)
    """) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        shutil.rmtree("site")
        stdout, stderr = process.communicate(timeout=30)
    assert stdout == "".join(f"{i}\n" for i in range(50_000))
    assert "scitex-session: the companion process is gone" not in stderr
    assert process.returncode == 0


def test_wait_never_meets_the_companion() -> None:
    finished = run_script("""
        import os
        from scitex_session_io import capture
        def childless():
            try: os.wait()
            except ChildProcessError: return True
        with capture("o.log", "e.log"):
            print(childless())
            if (child := os.fork()) == 0: os._exit(0)
            print(os.waitpid(-1, 0)[0] == child)
        print(childless())
    """)
    assert finished.stdout == "True\nTrue\nTrue\n"


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="needs sigtimedwait")
def test_a_handler_that_reaps_all_there_is_meets_its_own_children_alone() -> None:
    finished = run_script("""
        import os, signal
        from scitex_session_io import capture
        met = []
        def reap(*_):
            met.append("heard")
            try:
                while (pid := os.waitpid(-1, os.WNOHANG)[0]): met.append(pid)
            except ChildProcessError: return
        signal.signal(signal.SIGCHLD, reap)
        with capture("o.log", "e.log"): pass
        assert met == [], met
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        if (child := os.fork()) == 0: os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        with capture("o.log", "e.log"): pass
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        assert met == ["heard", child], (met, child)
    """)
    assert finished.returncode == 0, finished.stderr


def test_what_stands_on_a_full_disk_is_said_and_the_log_goes_on() -> None:
    script = write_script("""
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("first")
            print("second")
    """)
    shell = ["/bin/sh", "-c", 'exec "$0" "$1" > /dev/full', sys.executable, os.fspath(script)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    full = os.strerror(errno.ENOSPC)
    assert done.stderr.startswith("scitex-session: can't show any more")
    assert done.stderr.count("\n") == done.stderr.count(full) == 1
    assert Path("o.log").read_text() == "first\nsecond\n"


@pytest.mark.parametrize("most", [50, 20])
def test_where_a_process_may_have_few_descriptors_all_is_logged_too_or_it_is_said(
    most: int,
) -> None:
    script = write_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log", heartbeat="beat") as c:
            print("python", c.mode)
            os.system("echo child")
    """)
    limited = f'ulimit -n {most}; exec "$0" "$1"'
    shell = ["/bin/sh", "-c", limited, sys.executable, os.fspath(script)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    if most == 20:
        assert "is not logged: [Errno 24] Too many open files" in done.stderr
    else:
        assert (done.stdout, done.stderr) == ("python fd\nchild\n", "")
        assert Path("o.log").read_text() == done.stdout


def test_the_companion_lives_in_a_session_of_its_own_and_holds_nothing_by_accident() -> None:
    with start_script("""
        import os
        from scitex_session_io import capture
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        c = capture("o.log", "e.log").start()
        os.close(write_end)
        assert os.read(read_end, 1) == b""
        print("nobody holds it", flush=True)
        import signal; signal.pause()
    """) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "nobody holds it\n"
        companion = wait_until(lambda: companion_of(process.pid))
        assert os.getsid(companion) == os.getpgid(companion) == companion
        assert Path(f"/proc/{companion}/cwd").readlink() == Path("/")
        status = Path(f"/proc/{companion}/status").read_text()
        assert int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) <= 12_000


POLITE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def test_what_asks_every_process_of_a_job_to_end_ends_neither_showing_nor_filing() -> None:
    # The command for a crash is asked as well: it comes right after the death of the run.
    asked = "import os, signal; [os.kill(os.getpid(), n) for n in (1, 2, 3, 15)]; print('filed')"
    with start_script(
        watched("""
            while not os.path.exists("asked"): time.sleep(0.001)
            print("shown", flush=True)
            signal.pause()
        """).replace("print('filed', flush=True)", asked)
    ) as process:
        companion = wait_until(lambda: companion_of(process.pid))
        for _ in range(20):  # from its first moments on
            for number in POLITE:
                os.kill(companion, number)
            time.sleep(0.002)
        Path("asked").touch()
        assert process.stdout is not None
        assert process.stdout.readline() == "shown\n"
        assert companion_of(process.pid) == companion
        process.kill()
        assert filed()
        assert process.stdout.read() == "filed\n"


def test_from_the_first_moment_of_a_companion_on_signals_that_ask_to_end_are_not_heeded() -> None:
    finished = run_script(f"""
        import os, signal
        from pathlib import Path
        from scitex_session_io import capture, start_companion
        def ask():
            for entry in Path("/proc").iterdir():
                try: words = (entry / "cmdline").read_bytes().split(b"\\0")
                except OSError: continue
                if b"-I" in words[:2] and str(os.getpid()).encode() in words[6:7]:
                    for number in {tuple(map(int, POLITE))}: os.kill(int(entry.name), number)
                    return entry
        for _ in range(10):
            companion = start_companion()
            while not (asked := ask()): pass
            with capture("o.log", "e.log", companion=companion):
                print("line", asked.exists())
    """)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "line True\n" * 10


def test_once_the_run_has_said_goodbye_its_companion_may_be_ended() -> None:
    with start_script("""
        from scitex_session_io import capture
        c = capture("o.log", "e.log").start()
        for i in range(100_000): print(i)
        c.stop(timeout=0.1)
    """) as process:
        companion = wait_until(lambda: companion_of(process.pid))
        wait_until(lambda: process.poll() == 0)

        def ended() -> bool:
            try:
                os.kill(companion, signal.SIGTERM)
            except ProcessLookupError:
                return True
            return False

        wait_until(ended)


def test_the_init_of_a_container_waits_for_its_reader() -> None:
    container = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if (
        os.getuid()
        or subprocess.run([*container, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("being PID 1 needs root and unshare")
    script = write_script("""
        import os
        from scitex_session_io import capture
        assert os.getpid() == 1
        c = capture("o.log", "e.log").start()
        for i in range(200_000): print(i)
        c.finish(timeout=0.1)
        open("finished", "w").close()
        c.dismiss()
    """)
    with subprocess.Popen(
        [*container, sys.executable, os.fspath(script)], stdout=subprocess.PIPE
    ) as process:
        wait_until(Path("finished").exists)  # not held up: a run is on record by then
        time.sleep(0.3)
        assert process.poll() is None
        assert process.stdout is not None
        assert process.stdout.read() == b"".join(b"%d\n" % i for i in range(200_000))
        assert process.wait() == 0


def test_the_heart_beats_at_once_and_through_a_rename_of_its_directory() -> None:
    Path("run").mkdir()
    beat = Path("run/heartbeat")
    beat.touch()
    os.utime(beat, (1, 1))
    with start_script(
        watched(
            "os.rename('run', 'moved')\nsignal.pause()",
            capture="capture(mode='none', heartbeat='run/heartbeat')",
        )
    ):
        wait_until(lambda: Path("moved").exists() and Path("moved/heartbeat").stat().st_mtime > 1)


def test_the_heart_beats_again_after_half_a_minute() -> None:
    beat = Path("heartbeat")
    with beat.open("wb") as file:
        companion = Companion(-1, -1, file.fileno(), Watch(1, -1), [], Marks(-1))
        companion.beat()
        for seconds, beats in ((29.0, False), (31.0, True)):
            os.utime(beat, (1, 1))
            start = companion.now
            companion.now = start + seconds
            companion.beat()
            companion.now = start
            assert (beat.stat().st_mtime > 1) is beats


def test_a_log_that_was_truncated_is_shown_from_its_new_beginning() -> None:
    with start_script("""
        import os
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("a long first part")
            while not os.path.exists("shown"): pass
            os.truncate("o.log", 0)
            print("new")
    """) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "a long first part\n"
        Path("shown").touch()
        stdout, _ = process.communicate(timeout=30)
    assert stdout == "new\n"
    assert Path("o.log").read_text() == "new\n"


def test_on_a_terminal_all_is_shown_in_order_and_python_sees_a_terminal_of_that_size() -> None:
    terminal = Terminal(
        """
        import os, shutil, sys
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            out = sys.stdout
            print(out.isatty(), out.buffer.isatty(), sys.stderr.isatty(), os.isatty(1))
            print(tuple(shutil.get_terminal_size()), tuple(os.get_terminal_size()))
            os.system("echo $COLUMNS $LINES")
            for i in range(20000): print(i)
            with capture("inner.log", "inner.log"):
                print("inner", sys.stdout.isatty(), os.get_terminal_size().columns)
            print("COLUMNS" in os.environ, "LINES" in os.environ)
        os.system("echo $COLUMNS $LINES")
        """,
        columns=133,
    )
    shown = terminal.read().replace(b"\r\n", b"\n")
    logged = (
        "True True True True\n(133, 43) (133, 43)\n133 43\n"
        + "".join(f"{i}\n" for i in range(20000))
        + "inner True 133\nFalse False\n"
    ).encode()
    assert shown == logged + b"\n"
    assert Path("o.log").read_bytes() == logged
    assert terminal.close() == 0


def test_a_terminal_without_a_size_and_variables_of_the_user_are_let_be() -> None:
    terminal = Terminal("""
        import os
        from scitex_session_io import capture
        os.environ["LINES"] = "7"
        with capture("o.log", "e.log"):
            os.system("echo ${COLUMNS-none} $LINES")
        print(os.environ["LINES"])
    """)
    assert terminal.read() == b"none 7\r\n7\r\n"
    assert terminal.close() == 0


def test_a_question_is_shown_before_it_is_answered() -> None:
    terminal = Terminal("""
        from scitex_session_io import capture
        with capture("o.log", "e.log"):
            print("hello", input("name? "))
    """)
    terminal.read(until=b"name? ")
    terminal.send(b"ada\n")
    assert b"hello ada\r\n" in terminal.read()
    assert terminal.close() == 0
    assert Path("o.log").read_text() == "name? hello ada\n"


def test_a_terminal_that_takes_nothing_stops_neither_the_run_nor_the_filing_of_its_death() -> None:
    # Nobody reads the terminal: it takes some kilobytes and no more.
    terminal = Terminal(watched("for i in range(200_000): print(i)\nos.kill(os.getpid(), 9)"))
    wait_until(lambda: Path("death").exists(), timeout=40)
    log = Path("o.log").read_bytes()
    assert log == b"".join(b"%d\n" % i for i in range(200_000))
    # Whoever scrolls on then has missed nothing.
    assert terminal.read().replace(b"\r\n", b"\n").replace(b"filed\n", b"") == log
    assert terminal.close() == -9


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="code is kept in memory on Linux only")
def test_the_command_for_a_death_gets_its_code_though_it_is_gone() -> None:
    Path("code/inner").mkdir(parents=True)
    Path("code/inner/part.py").write_text("answer = 42\n")
    Path("code/data.txt").write_text("no code")
    files_code = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    on_death = [sys.executable, "-c", files_code, os.path.abspath("death")]
    run_script(f"""
        import os, shutil, time
        from scitex_session_io import capture
        capture("o.log", "e.log", on_death={on_death!r}, on_death_code="code").start()
        time.sleep(0.5)
        shutil.rmtree("code")
        os.kill(os.getpid(), 9)
    """)
    wait_until(lambda: Path("death").exists() and Path("death").stat().st_size)
    assert Path("death").read_bytes() == b"inner/part.py\n12\nanswer = 42\n"


def test_where_there_can_be_no_other_process_a_death_is_filed_rather_than_all_shown() -> None:
    finished = run_script(f"""
        import os, sys
        from scitex_session_io._companion import main
        if dead := os.fork():
            os.waitpid(dead, 0)
        else:
            os._exit(0)
        log = os.open("o.log", os.O_RDWR | os.O_CREAT)
        os.write(log, b"line\\n" * 100_000)
        os.lseek(log, 0, os.SEEK_SET)
        reader, terminal = os.pipe()  # read by nobody
        if companion := os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(companion, 0)[1]))
        def fork():
            raise BlockingIOError(11, "Resource temporarily unavailable")
        os.fork = fork
        main.LAST_ECHO_S = 0.1
        descriptors = [-1, reader, -1, -1, -1, -1, log, terminal, -1, -1, -1, -1, -1]
        words = map(str, ["companion", dead, *descriptors, 0, 0, ""])
        main.main([*words, *{FILES_DEATH!r}, {os.path.abspath("death")!r}])
    """)
    assert (finished.returncode, finished.stdout) == (0, "filed\n"), finished.stderr
    assert filed()["signal"] is None


@pytest.mark.parametrize("stderr", ["sys.stderr", "kept"])
def test_lines_of_both_streams_are_shown_in_the_order_of_their_writing(stderr: str) -> None:
    Path("script.py").write_text(
        "import sys\n"
        "from scitex_session_io import capture\n"
        "kept = sys.stderr\n"  # as a logging handler does that was made before
        "with capture('out.log', 'err.log'):\n"
        "    for i in range(500):\n"
        f"        print(i, file=(sys.stdout, {stderr})[i % 2])\n"
    )
    shown = subprocess.run(
        [sys.executable, "script.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    ).stdout
    assert shown.split() == [b"%d" % i for i in range(500)]
    assert Path("out.log").read_text().split() == [str(i) for i in range(0, 500, 2)]


def test_a_log_that_is_truncated_while_both_are_shown_holds_up_nothing() -> None:
    Path("script.py").write_text(
        "import os, sys\n"
        "from scitex_session_io import capture\n"
        "with capture('out.log', 'err.log'):\n"
        "    for i in range(100): print(i); print(i, file=sys.stderr)\n"
        "    os.truncate('out.log', 0)\n"
        "    for i in range(100): print('x', i); print(i, file=sys.stderr)\n"
        "    print('end')\n"
    )
    shown = subprocess.run(
        [sys.executable, "script.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=30,
    ).stdout
    assert b"end\n" in shown
    assert Path("out.log").read_text().endswith("x 99\nend\n")


ERRAND = """
    import json, os, signal, sys, time
    open_here = {}
    for number in range(256):
        try:
            open_here[number] = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            pass
    time.sleep(0.3)
    known = {
        "open": open_here, "nice": os.nice(0), "cwd": os.getcwd(), "ppid": os.getppid(),
        "leads": os.getsid(0) == os.getpid(), "alarm": signal.alarm(0), "argv": sys.argv[1:],
        "ignores": signal.getsignal(signal.SIGTERM) == signal.SIG_IGN,
    }
    os.write(3, json.dumps(known).encode())
"""


@pytest.mark.parametrize("first", ["", ", companion=start_companion()"], ids=["", "early"])
@pytest.mark.parametrize("end", ["c.stop()", "os.kill(os.getpid(), 9)"], ids=["stop", "kill"])
def test_an_errand_outlives_the_run_with_nothing_but_what_it_was_given(
    end: str, first: str, tmp_path: Path
) -> None:
    (tmp_path / "errand.py").write_text(textwrap.dedent(ERRAND))
    command = [sys.executable, str(tmp_path / "errand.py"), "--a", "", "b c"]
    finished = run_script(
        "import os\n"
        "from scitex_session_io import capture, start_companion\n"
        "number = os.open('found', os.O_WRONLY | os.O_CREAT)\n"
        "read_end, write_end = os.pipe()\n"
        f"c = capture('o.log', 'e.log', errand={command!r}, errand_descriptors=[number]{first})\n"
        f"c.start()\nos.rename('found', 'moved')\n{end}\n"
    )
    assert "can't" not in finished.stderr
    found = wait_until(lambda: Path("moved").read_bytes() and read_json(Path("moved")))
    opened = {n: path for n, path in found["open"].items() if not path.startswith("/proc/")}
    assert opened.pop("3") in (str(tmp_path / "found"), str(tmp_path / "moved"))
    assert opened == dict.fromkeys("012", "/dev/null")
    assert found["nice"] == 19
    assert found["cwd"] == "/"
    assert found["leads"]
    assert found["ignores"]
    assert 50 < found["alarm"] <= 60
    assert found["argv"] == ["--a", "", "b c"]


def test_an_errand_is_no_child_of_the_run_and_none_is_left_of_it() -> None:
    finished = run_script(
        "import os, sys, time\n"
        "from scitex_session_io import capture\n"
        "errand = [sys.executable, '-c', 'import os; os.write(3, b\"x\")']\n"
        "number = os.open('found', os.O_WRONLY | os.O_CREAT)\n"
        "with capture('o.log', 'e.log', errand=errand, errand_descriptors=[number]):\n"
        "    while not os.path.getsize('found'): time.sleep(0.01)\n"
        "    try:\n"
        "        os.waitpid(-1, 0)\n"
        "    except ChildProcessError:\n"
        "        print('none')\n"
    )
    assert finished.stdout == "none\n", finished


def test_an_errand_that_can_not_be_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="errand"):
        capture(mode="none", errand=[])
    with pytest.raises(InvalidTypeError, match="errand"):
        capture(mode="none", errand="git status")
    with pytest.raises(InvalidValueError, match="at most 3 descriptors"):
        capture(mode="none", errand=["/bin/true"], errand_descriptors=[1, 1, 1, 1])
