"""A program that opens /dev/stderr for writing truncates the log; what stood there is kept."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_io import render
from support import run_script, start_script, wait_until

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what /dev/stderr does with a file is Linux's way"
)

# A script that goes on when the test tells it to.
START = """
import os, subprocess, sys, time
from scitex_session_io import capture
def gate(name):
    while not os.path.exists(name): time.sleep(0.001)
"""
SAID = re.compile(
    r"scitex-session: (\w+\.log) was truncated, as by '> /dev/stderr': what it held is in "
    r"\w+\.1\.log beside it, except for what was printed in the milliseconds before\n"
)
TRUNCATORS = {
    "a shell": "subprocess.run(['sh', '-c', 'echo by a child > /dev/stderr'])",
    "tee": "subprocess.run('echo by a child | tee /dev/stderr > /dev/null', shell=True)",
    "open": "with open('/dev/stderr', 'w') as file: file.write('by a child\\n')",
    "itself": "os.truncate('e.log', 0); os.write(2, b'by a child\\n')",
}


def shown_line(process: subprocess.Popen[str]) -> str:
    """Read the next line that the run shows on stderr."""
    assert process.stderr is not None
    return process.stderr.readline()


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end; return stderr, and stderr without what we said of a truncated log."""
    assert process.stderr is not None
    stderr = process.stderr.read()
    assert process.wait() == 0, stderr
    return stderr, SAID.sub("", stderr)


@pytest.mark.parametrize("truncator", TRUNCATORS)
@pytest.mark.parametrize("before", ["b", "a long line before, longer than what comes"])
def test_what_stood_in_a_log_that_a_program_truncates_is_kept_beside_it(
    truncator: str, before: str
) -> None:
    with start_script(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        f"    print({before!r}, file=sys.stderr)\n"
        "    gate('seen')\n"
        f"    {TRUNCATORS[truncator]}\n"
        "    gate('seen again')\n"
        "    print('after', file=sys.stderr)\n"
    ) as process:
        assert shown_line(process) == f"{before}\n"
        Path("seen").touch()
        assert SAID.fullmatch(shown_line(process))
        assert shown_line(process) == "by a child\n"
        Path("seen again").touch()
        stderr, rest = ended(process)
    assert stderr == rest == "after\n"
    assert Path("e.1.log").read_text() == f"{before}\n"
    assert Path("e.log").read_text() == "by a child\nafter\n"
    assert b"".join(render("e.log")).decode() == f"{before}\nby a child\nafter\n"
    assert not Path("o.1.log").exists()


def test_a_log_that_is_truncated_again_and_again_is_kept_in_order_and_that_is_said_once() -> None:
    with start_script(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        "    for i in range(5):\n"
        "        gate(f'go {i}')\n"
        "        os.system(f'echo {i} is shown and kept > /dev/stderr')\n"
        "        print('python', i, file=sys.stderr)\n"
    ) as process:
        expected = []
        for i in range(5):
            Path(f"go {i}").touch()
            wanted = [f"{i} is shown and kept\n", f"python {i}\n"]
            expected += wanted
            while wanted:
                if not SAID.fullmatch(line := shown_line(process)):
                    assert line == wanted.pop(0)
        ended(process)
    assert b"".join(render("e.log")).decode() == "".join(expected)
    assert Path("e.log").read_text() == "".join(expected[-2:])


def test_what_was_not_shown_yet_when_the_log_was_truncated_is_shown_all_the_same() -> None:
    # Nobody reads: the pipe takes 64 KiB, and the companion has the rest in mind.
    with start_script(
        f"{START}\n"
        "c = capture('o.log', 'e.log').start()\n"
        "for i in range(60_000): print(i)\n"
        "time.sleep(0.5)\n"
        "os.truncate('o.log', 0)\n"
        "print('after')\n"
        "c.stop(timeout=0.1)\n"
    ) as process:
        wait_until(lambda: process.poll() == 0)
        assert process.stdout is not None
        lines = "".join(f"{i}\n" for i in range(60_000))
        assert process.stdout.read() == lines + "after\n"
    assert Path("o.1.log").read_text() == lines
    assert Path("o.log").read_text() == "after\n"


@pytest.mark.parametrize("shell", ["", ">&- "], ids=["shown", "shown nowhere"])
def test_of_a_large_log_the_end_is_kept_and_what_is_missing_is_said(shell: str) -> None:
    Path("script.py").write_text(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        "    for i in range(500_000): print(i)\n"
        "    time.sleep(0.5)\n"
        "    os.system('echo after > /dev/stdout')\n"
    )
    assert os.system(f"{sys.executable} script.py {shell}> shown 2> said") == 0
    whole = "".join(f"{i}\n" for i in range(500_000)).encode()
    if not shell:
        assert Path("shown").read_bytes() == whole + b"after\n"
    part = Path("o.1.log").read_bytes()
    dropped = re.match(rb"\n\[scitex-session: (\d+) bytes dropped here\]\n", part)
    assert dropped
    assert 1 << 19 <= len(part) - dropped.end() < 3 << 18
    assert whole[int(dropped[1]) :] == part[dropped.end() :]
    assert Path("o.log").read_bytes() == b"after\n"


def kept(line: bytes) -> bool:
    part = Path("e.1.log")
    return part.exists() and line in part.read_bytes()


def test_a_limit_of_the_logs_holds_for_the_earlier_part_too() -> None:
    with start_script(
        f"{START}\n"
        "with capture('o.log', 'e.log', max_bytes=1 << 17):\n"
        "    for i in range(6):\n"
        "        print(f'line {i}' * 8000, file=sys.stderr)\n"
        "        gate(f'go {i}')\n"
        "        os.truncate('e.log', 0)\n"
        "        gate(f'on {i}')\n"
    ) as process:
        for i in range(6):
            while not shown_line(process).startswith(f"line {i}"):
                pass
            Path(f"go {i}").touch()
            while not kept(f"line {i}".encode()):
                time.sleep(0.01)
            Path(f"on {i}").touch()
        ended(process)
    assert Path("e.1.log").stat().st_blocks * 512 < 1 << 18
    whole = b"".join(render("e.log"))
    assert b"line 0" in whole
    assert b"line 5" in whole
    assert b"bytes dropped here" in whole


def test_a_link_in_the_place_of_the_earlier_part_is_not_followed() -> None:
    Path("private").write_text("private\n")
    Path("e.1.log").symlink_to("private")
    with start_script(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        "    print('before', file=sys.stderr)\n"
        "    gate('seen')\n"
        "    os.system('echo after > /dev/stderr')\n"
    ) as process:
        assert shown_line(process) == "before\n"
        Path("seen").touch()
        assert "was truncated, and what it held is lost" in shown_line(process)
        assert ended(process)[0] == "after\n"
    assert Path("private").read_text() == "private\n"


def test_a_truncated_log_is_kept_where_its_directory_has_gone() -> None:
    with start_script(
        f"{START}\n"
        "with capture('here/o.log', 'here/e.log'):\n"
        "    print('before', file=sys.stderr)\n"
        "    gate('seen')\n"
        "    os.rename('here', 'there')\n"
        "    os.system('echo after > /dev/stderr')\n"
    ) as process:
        assert shown_line(process) == "before\n"
        Path("seen").touch()
        ended(process)
    assert Path("there/e.1.log").read_text() == "before\n"
    assert not Path("here").exists()


def test_without_its_companion_a_run_shows_what_stands_in_a_truncated_log() -> None:
    finished = run_script(
        START + "from pathlib import Path\n"
        "with capture('o.log', 'e.log'):\n"
        "    print('a long line before')\n"
        "    ours = str(os.getpid()).encode()\n"
        "    for p in Path('/proc').iterdir():\n"
        "        try: words = (p / 'cmdline').read_bytes().split(b'\\0')\n"
        "        except OSError: continue\n"
        f"        if b'-I' in words[:2] and ours in words: os.kill(int(p.name), {signal.SIGKILL})\n"
        "    os.truncate('o.log', 0)\n"
        "    print('after')\n"
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith("after\n")


def test_a_log_whose_earlier_lines_a_program_writes_over_keeps_what_stood_there() -> None:
    """A program that has opened it without appending goes on at its own place."""
    with start_script(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        "    theirs = open('/dev/stderr', 'w')\n"
        "    print('one\\ntwo\\nthree', file=theirs, flush=True)\n"
        "    print('from python', file=sys.stderr)\n"
        "    gate('seen')\n"
        "    print('over that, and on', file=theirs, flush=True)\n"
    ) as process:
        lines = [shown_line(process) for _ in range(4)]
        assert lines == ["one\n", "two\n", "three\n", "from python\n"]
        Path("seen").touch()
        shown = ended(process)[1]
    assert Path("e.1.log").read_text() == "one\ntwo\nthree\nfrom python\n"
    assert "over that, and on\n" in shown


UNSEEN = {
    "by a child": "print('gone', file=sys.stderr); os.system('echo new > /dev/stderr'); more()",
    "by a child, with more": (
        "print('gone', file=sys.stderr);os.system('echo new > /dev/stderr; echo newer >&2'); more()"
    ),
    "by a child, and nothing after": "print('gone', file=sys.stderr); os.system(': > /dev/stderr')",
    "of a child, by a child": "os.system('echo gone >&2; : > /dev/stderr')",
    "twice": (
        "print('gone', file=sys.stderr); os.truncate('e.log', 0); print('gone', file=sys.stderr);"
        "os.truncate('e.log', 0); more()"
    ),
}


@pytest.mark.parametrize("how", UNSEEN)
@pytest.mark.parametrize("shell", ["2> said", "2> said > /dev/null", "2>&1 | cat > said"])
def test_the_loss_of_what_nobody_had_seen_is_said(how: str, shell: str) -> None:
    """While the companion is still, as in the first milliseconds of a run, it sees nothing."""
    Path("script.py").write_text(
        f"{START}\nimport signal\n"
        "from pathlib import Path\n"
        "def companion(ours=str(os.getpid()).encode()):\n"
        "    for p in Path('/proc').glob('[0-9]*'):\n"
        "        try: words = (p / 'cmdline').read_bytes().split(b'\\0')\n"
        "        except OSError: continue\n"
        "        if b'-I' in words[:2] and ours in words: return int(p.name)\n"
        "def more(): print('after', file=sys.stderr)\n"
        "with capture('o.log', 'e.log'):\n"
        "    while companion() is None: pass\n"
        "    os.kill(companion(), signal.SIGSTOP)\n"
        f"    {UNSEEN[how]}\n"
        "    os.kill(companion(), signal.SIGCONT)\n"
    )
    assert os.system(f"{sys.executable} script.py {shell}") == 0
    said = Path("said").read_text()
    assert "gone" not in said + Path("e.log").read_text()
    assert said.count("what was printed in the first milliseconds is lost") == 1
    assert "e.log" in said
    assert ("new\n" in said) is ("new " in UNSEEN[how])
    assert ("after\n" in said) is ("more" in UNSEEN[how])


def test_where_nothing_is_truncated_no_loss_is_said() -> None:
    finished = run_script(
        f"{START}\n"
        "with capture('o.log', 'e.log'):\n"
        "    print('one', file=sys.stderr)\n"
        "    os.system('echo two >&2; echo three')\n"
        "    print('four')\n"
    )
    assert finished.stderr == "one\ntwo\n"
    assert finished.stdout == "three\nfour\n"
