"""Scripts as real processes of the running interpreter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Finished(NamedTuple):
    """How a process ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def write_script(source: str | Path, directory: Path | None = None) -> Path:
    """Give the path of a script: `source` itself if it is a path, else a file with that text."""
    if isinstance(source, Path):
        return source
    path = (directory or Path.cwd()) / "script.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def run_script(
    source: str | Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 100,
    python_options: Sequence[str] = (),
) -> Finished:
    """Run a script (a path, or its text, dedented into ``script.py``) to its end.

    It runs in the working directory, which is the test's own; `env` adds to the environment. The
    line on stderr that says where the logs of a failed run are is left out: it has its own tests.
    """
    finished = subprocess.run(
        [sys.executable, *python_options, os.fspath(write_script(source)), *args],
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )
    return Finished(finished.returncode, finished.stdout, without_failure_line(finished.stderr))


def without_failure_line(stderr: str) -> str:
    """Leave out the line that says where the logs of a failed run are."""
    return re.sub(r"^scitex-session: failed; its logs .*\n", "", stderr, flags=re.MULTILINE)


@contextmanager
def start_script(
    source: str | Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    python_options: Sequence[str] = (),
) -> Iterator[subprocess.Popen[str]]:
    """Start a script, to be signalled and waited for; what still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, *python_options, os.fspath(write_script(source)), *args],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run_together(commands: Iterable[Sequence[str]]) -> None:
    """Run ``python -c`` commands that all go on at one moment; none may fail or say anything.

    Each prints a line once it is ready, and then reads one before it goes on.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-Werror", "-c", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


def companions_of(pid: int) -> list[int]:
    """Find the processes that accompany `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # gone in the meantime
                continue
            if b"_companion" in b"".join(words[4:5]) and words[6:7] == [str(pid).encode()]:
                found.append(int(entry.name))
    return found


def companion_of(pid: int) -> int | None:
    """Find the process that accompanies `pid`."""
    return next(iter(companions_of(pid)), None)
