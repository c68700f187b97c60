"""Making the system calls of a running script fail, from a moment that it marks itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ._strace import need_strace

if TYPE_CHECKING:
    from pathlib import Path

MARK = "/the-end-begins-here"
"""The script calls ``os.access(MARK, 0)`` where the end of its run begins."""

# Calls that touch files. Not mmap, futex and their like, without which no Python runs.
_CALLS = (
    *("openat", "newfstatat", "fstat", "stat", "lstat", "access", "readlink", "getdents64"),
    *("read", "pread64", "write", "pwrite64", "lseek", "ftruncate", "fsync", "close", "flock"),
    *(
        "mkdir",
        "mkdirat",
        "rename",
        "renameat",
        "unlink",
        "unlinkat",
        "rmdir",
        "utimensat",
        "dup2",
        "fcntl",
    ),
)


class Faulty(NamedTuple):
    """How a script ended whose system calls failed."""

    returncode: int
    stdout: str
    stderr: str


def calls_of_the_end(script: Path) -> dict[str, tuple[int, int]]:
    """Give, for each kind of call, how many come before the mark, and how many after it."""
    need_strace()
    trace = script.parent / "trace"
    kinds = "trace=" + ",".join(f"?{name}" for name in _CALLS)
    for _ in range(2):  # the first one may have to write bytecode
        # Counted as it is run later: the folders of its runs are to be made.
        shutil.rmtree(script.with_name(f"{script.stem}_out"), ignore_errors=True)
        _run(["strace", "-qq", "-e", "signal=none", "-e", kinds, "-o", str(trace)], script)
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    counted = before
    for line in trace.read_text(errors="replace").splitlines():
        counted[line.partition("(")[0]] += 1
        if MARK in line:
            counted = after
    assert counted is after, "the script has no mark"
    return {name: (before[name], after[name]) for name in after if name in _CALLS}


def run_with_fault(script: Path, call: str, error: str, when: str) -> Faulty:
    """Run a script of which one kind of call fails, `when` as strace has it (``3`` or ``3+``)."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
    return _run(["strace", "-qq", *inject, "-e", "signal=none", "-o", os.devnull], script)


def _run(strace: list[str], script: Path) -> Faulty:
    done = subprocess.run(
        [*strace, sys.executable, str(script)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )
    return Faulty(done.returncode, done.stdout, done.stderr)
