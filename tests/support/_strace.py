"""Killing a program at each system call that changes its files, one after the other."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Program = Callable[[Path], Sequence[str]]

EVERY_CALL = "EVERY_CALL" in os.environ
"""Whether no call is left out, which takes several times as long."""

_CALL = re.compile(r"(\w+)\(")
# A kill at a call that only reads finds the disk as the call before it left it, and the many pages
# that SQLite writes (by pwrite64, which we don't call) are its own to recover: a tenth is enough.
_SAMPLED = re.compile(
    r"(close|fcntl|flock|fdatasync|fsync|getdents64|ioctl|lseek|mmap|\w*stat\w*|p?read(link|64)?"
    r"|pwrite64)\(|open(at)?\((?!.*O_(CREAT|TRUNC))"
)
_SHARE = 1 if EVERY_CALL else 10


class Killed(NamedTuple):
    """What is left of a program that was killed right before a system call."""

    call: str
    said: list[str]
    directory: Path


def killed_at_each_call(
    program: Program, root: Path, prepare: Callable[[Path], object] = lambda _: None
) -> Iterator[Killed]:
    """Run a program once for each of its system calls that change `root`, and kill it there.

    `program` gives the argv for a directory of its own below `root`, which `prepare` fills before.
    The program must do the same each time, in one process and thread; what it says on stdout tells
    how far it came. The last one that is given was not killed: its `call` is empty.
    """
    need_strace()
    for number in range(2):  # the first one alone may have to write bytecode
        directory = _prepared(root / f"whole-{number}", prepare)
        trace = root / "trace"
        tracing = ["strace", "-qq", "-y", "-s", "4096", "-e", "signal=none"]
        whole = _run([*tracing, "-e", "trace=%file,%desc", "-o", str(trace), *program(directory)])
        assert whole.returncode == 0, whole.stderr
    for number, (name, occurrence, call) in enumerate(_worth_a_kill(trace, directory)):
        kill = ["-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={occurrence}"]
        for attempt in range(3):  # a mount that another test has ended is a line less to read
            directory = _prepared(root / f"{number}-{attempt}", prepare)
            done = _run(["strace", "-qq", *kill, "-o", "/dev/null", *program(directory)])
            if done.returncode:
                break
        if done.returncode == 0 and _SAMPLED.match(call):
            continue  # the kernel's log, which is read line by line, has grown meanwhile
        assert done.returncode == -signal.SIGKILL, (call, done)
        yield Killed(call, done.stdout.split(), directory)
    directory = _prepared(root / "undisturbed", prepare)
    done = _run(program(directory))
    assert (done.returncode, done.stderr) == (0, "")
    yield Killed("", done.stdout.split(), directory)


def _worth_a_kill(trace: Path, directory: Path) -> Iterator[tuple[str, int, str]]:
    """Give (name, the how manieth of its name, text) of the calls that change `directory`.

    Of the others that touch it, a share.
    """
    seen: dict[str, int] = {}
    sampled = 0
    for line in trace.read_text(errors="replace").splitlines():
        if begins := _CALL.match(line):
            name = begins[1]
            seen[name] = seen.get(name, 0) + 1
            # The exec has the directory among its arguments.
            if str(directory) in line and name != "execve":
                if _SAMPLED.match(line):
                    sampled += 1
                    if sampled % _SHARE:
                        continue
                yield name, seen[name], line


def _prepared(directory: Path, prepare: Callable[[Path], object]) -> Path:
    directory.mkdir(parents=True)
    prepare(directory)
    return directory


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@cache
def _strace_trouble() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = _run(["strace", "-qq", "-o", os.devnull, "-e", "inject=fsync:signal=KILL", "true"])
    return "" if done.returncode == 0 else f"strace can't trace here: {done.stderr.strip()}"


def need_strace() -> None:
    if trouble := _strace_trouble():
        pytest.skip(trouble)
