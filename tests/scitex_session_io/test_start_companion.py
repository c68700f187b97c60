"""A companion that is started first serves as any other; one that is not used leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session_io import InvalidTypeError, capture
from support import (
    companions_of,
    read_json,
    run_script,
    start_script,
    wait_until,
    write_script,
)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="finding a companion needs /proc"
)
KERNEL = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
FILES_DEATH = [
    sys.executable,
    "-c",
    "import sys; open(sys.argv[1], 'w').write(sys.argv[2]); print('filed', flush=True)",
]
START = """
import os, signal, sys, time
from scitex_session_io import capture, start_companion
def gate(name):
    while not os.path.exists(name): time.sleep(0.005)
"""


def on_death() -> list[str]:
    return [*FILES_DEATH, os.path.abspath("death")]


@pytest.mark.parametrize("wait", ["", "time.sleep(0.2)"], ids=["at once", "when it waits"])
@pytest.mark.parametrize("mode", ["fd", "sys", "none"])
def test_a_companion_started_first_shows_beats_and_files_a_death(mode: str, wait: str) -> None:
    paths = "" if mode == "none" else "'o.log', 'e.log', "
    finished = run_script(
        START + f"companion = start_companion()\n{wait}\n"
        f"c = capture({paths}mode={mode!r}, heartbeat='beat', on_death={on_death()!r},"
        " companion=companion).start()\n"
        "assert not companion.waiting\n"
        "print('last', flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    wait_until(lambda: Path("death").exists() and Path("death").read_text().endswith("}"))
    if KERNEL >= (6, 15):
        assert read_json(Path("death"))["signal"] == signal.SIGKILL
    assert (finished.stdout, finished.stderr) == ("last\nfiled\n", "")
    assert Path("beat").exists()


def test_it_is_the_process_that_was_started_first_and_there_is_no_other() -> None:
    with start_script(
        START + "companion = start_companion()\n"
        "gate('begin')\n"
        "with capture('o.log', 'e.log', companion=companion) as c:\n"
        "    print(c.mode, flush=True)\n"
        "    os.system('echo child')\n"
        "    gate('end')\n"
        "gate('exit')\n",
    ) as process:
        assert process.stdout is not None
        (first,) = wait_until(lambda: companions_of(process.pid))
        # It holds none of the streams of the run as long as it is not used.
        links = {os.readlink(f"/proc/{first}/fd/{number}") for number in (0, 1, 2)}
        assert links == {"/dev/null"}
        Path("begin").touch()
        assert [process.stdout.readline() for _ in range(2)] == ["fd\n", "child\n"]
        assert companions_of(process.pid) == [first]
        assert os.getsid(first) == os.getpgid(first) == first
        status = Path(f"/proc/{first}/status").read_text()
        assert int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) <= 12_000
        Path("end").touch()
        wait_until(lambda: not companions_of(process.pid))
        Path("exit").touch()
        process.communicate(timeout=30)


ENDS = {
    "the process ends": "sys.exit(0)",
    "it is killed": "os.kill(os.getpid(), 9)",
    "it crashes": "os.abort()",
    "it leaves": "os._exit(3)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("wait", ["", "time.sleep(0.1)"], ids=["at once", "when it waits"])
def test_one_that_is_never_used_ends_with_the_process_and_without_a_word(
    end: str, wait: str
) -> None:
    finished = run_script(
        START + f"companion = start_companion()\n{wait}\n"
        f"open('pid', 'w').write(str(os.getpid()))\n{ENDS[end]}"
    )
    assert (finished.stdout, finished.stderr) == ("", "")
    wait_until(lambda: not companions_of(int(Path("pid").read_text())))


@pytest.mark.parametrize("release", ["companion.release()", "del companion"])
def test_one_that_is_released_ends_while_the_process_goes_on(release: str) -> None:
    with start_script(
        START + f"companion = start_companion()\n{release}\nprint('on', flush=True)\ngate('exit')",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        wait_until(lambda: not companions_of(process.pid))
        Path("exit").touch()
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")


def test_it_ends_when_the_process_becomes_another_program_before_it_is_used() -> None:
    with start_script(
        START + "companion = start_companion()\nos.execv('/bin/sleep', ['sleep', '60'])",
    ) as process:
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        wait_until(lambda: not companions_of(process.pid))
        assert process.poll() is None


def test_a_forked_child_that_lives_on_does_not_keep_it_and_starts_one_of_its_own() -> None:
    with start_script(
        START + "companion = start_companion()\n"
        "if os.fork(): os._exit(0)\n"
        "gate('gone')\n"
        "with capture('o.log', 'e.log', companion=companion) as c:\n"
        "    print('child', c.mode)\n",
    ) as process:
        wait_until(lambda: not companions_of(process.pid))
        Path("gone").touch()
        stdout, stderr = process.communicate(timeout=30)
    assert (stdout, stderr) == ("child fd\n", "")
    assert Path("o.log").read_text() == "child fd\n"


def test_the_parent_of_a_fork_still_uses_it() -> None:
    finished = run_script(
        START + "companion = start_companion()\n"
        "if (child := os.fork()) == 0: os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "c = capture('o.log', 'e.log', companion=companion).start()\n"
        "assert not companion.waiting\n"
        "print('parent')\n"
        "c.stop()"
    )
    assert (finished.stdout, finished.stderr, finished.returncode) == ("parent\n", "", 0)


GONE = {
    "killed": """
while not companions(): pass
(pid,) = companions()
os.kill(pid, 9)
while running(pid): pass
""",
    "its descriptors closed": "os.closerange(3, 400)",
    "released": "companion.release()",
    "too many descriptors in flight": """
import _socket
class Full(_socket.socket):
    def sendmsg(self, *_): raise OSError(109, "Too many references: cannot splice")
_socket.socket = Full
""",
    "used": "capture('a.log', 'a.log', companion=companion).start().stop()",
}
COMPANIONS = """
from pathlib import Path
def companions():
    found = []
    for entry in Path("/proc").iterdir():
        try: words = (entry / "cmdline").read_bytes().split(b"\\0")
        except OSError: continue
        if b"-I" in words[:2] and str(os.getpid()).encode() in words[6:7]:
            found.append(int(entry.name))
    return found
def running(pid):
    # Its descriptors are closed after its command line has gone, and before it is a zombie.
    try: return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError: return False
"""


@pytest.mark.parametrize("gone", GONE)
def test_where_it_is_gone_capture_starts_another_and_nothing_is_said(gone: str) -> None:
    finished = run_script(
        START + COMPANIONS + f"companion = start_companion()\n{GONE[gone]}\n"
        "with capture('o.log', 'e.log', companion=companion) as c:\n"
        "    print('line', c.mode)\n"
        "    while len(companions()) > 1: pass\n"
    )
    assert (finished.stdout, finished.stderr, finished.returncode) == ("line fd\n", "", 0)
    assert Path("o.log").read_text() == "line fd\n"


def test_a_task_that_is_too_long_to_be_sent_is_given_all_the_same() -> None:
    finished = run_script(
        START + f"command = [*{FILES_DEATH!r}, {os.path.abspath('death')!r}]\n"
        "command[2] += '#' * 50_000\n"
        "c = capture('o.log', 'e.log', on_death=command, companion=start_companion()).start()\n"
        "os._exit(1)"
    )
    assert finished.stdout == "filed\n"


def test_where_no_process_can_be_started_capture_says_so_once() -> None:
    finished = run_script(
        START + "sys.executable = ''\n"
        "companion = start_companion()\n"
        "assert not companion.waiting\n"
        "with capture('o.log', 'e.log', companion=companion) as c: print('copied', c.mode)"
    )
    assert finished.stdout == "copied sys\n"
    assert finished.stderr.count("\n") == 1
    assert "no companion process (sys.executable" in finished.stderr


def test_where_a_process_may_have_few_descriptors_it_serves_too() -> None:
    script = write_script(
        START + "companion = start_companion()\n"
        "with capture('o.log', 'e.log', heartbeat='beat', companion=companion) as c:\n"
        "    print('python', c.mode)\n"
        "    os.system('echo child')\n"
        "    assert not companion.waiting\n"
    )
    shell = ["/bin/sh", "-c", 'ulimit -n 50; exec "$0" "$1"', sys.executable, os.fspath(script)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "python fd\nchild\n", "")


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="needs sigtimedwait")
def test_no_wait_and_no_handler_of_sigchld_meets_it() -> None:
    finished = run_script(
        START + "heard = []\n"
        "signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))\n"
        "def childless():\n"
        "    try: os.wait()\n"
        "    except ChildProcessError: return True\n"
        "companion = start_companion()\n"
        "assert childless()\n"
        "start_companion().release()\n"
        "with capture('o.log', 'e.log', companion=companion): assert childless()\n"
        "assert childless()\n"
        "assert not heard"
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("block", ["time.sleep(0.05)", "raise LookupError"], ids=["ends", "fails"])
def test_after_the_block_beside_which_it_started_it_is_no_child(block: str) -> None:
    finished = run_script(
        START + "from scitex_session_io import starting_companion\n"
        "heard = []\n"
        "signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))\n"
        "try:\n"
        f"    with starting_companion() as companion: {block}\n"
        "except LookupError: pass\n"
        "try: os.wait()\n"
        "except ChildProcessError: print('no child', heard)\n"
        "assert signal.SIGCHLD not in signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "with capture('o.log', 'e.log', companion=companion) as c: print(c.mode)\n"
        "assert not companion.waiting\n"
    )
    assert (finished.stdout, finished.stderr, finished.returncode) == ("no child []\nfd\n", "", 0)


def test_what_is_no_companion_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"companion must be from start_companion\(\)"):
        capture("o.log", "e.log", companion=3)  # type: ignore[arg-type]
