"""What an empty session costs, in modules and system calls: a clock would tell of the machine.

`hatch run bench` measures the time. Who raises a bound says in the commit for what.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import run_script, write_script
from support._strace import need_strace

MOST_OF_OURS = 64
# Both beyond a script that does nothing: 45 modules with Python 3.11 and 3.12, 47 with 3.13; and
# 2510, 2520, 2550 calls of the run's own process. What is beside it may take its time.
MOST_OF_THE_LIBRARY = 50
MOST_SYSTEM_CALLS = 2700
# What the run path must never bring, whatever the number.
HEAVY = {
    *("asyncio", "cyclopts", "matplotlib", "numpy", "rich", "sqlite3", "torch", "yaml"),
    *("ctypes", "dataclasses", "filelock", "importlib.metadata", "inspect", "logging", "lzma"),
    *("psutil", "subprocess", "tempfile", "urllib.request"),
}
PLAIN = """
    import atexit, sys
    @atexit.register
    def tell():
        print(*sorted(sys.modules))
    {}
    def main():
        pass
    if __name__ == "__main__":
        main()
"""
SESSION = PLAIN.format("""import scitex_session as stx
    @stx.session""")


def modules_of(source: str) -> set[str]:
    finished = run_script(source)
    assert finished.returncode == 0, finished
    return {*finished.stdout.split()}


def system_calls_of(source: str) -> int:
    command = ["strace", "-c", "-U", "calls,name", "-o", "calls", sys.executable]
    for _ in range(2):  # the first time, folders are made, and perhaps bytecode
        subprocess.run([*command, write_script(source)], stdout=subprocess.DEVNULL, check=True)
    return int(Path("calls").read_text("utf-8").split()[-2])


def test_an_empty_session_imports_little() -> None:
    loaded = modules_of(SESSION) - modules_of(PLAIN.format(""))
    ours = {name for name in loaded if name.startswith("scitex_session")}
    assert "scitex_session" in ours
    assert len(ours) <= MOST_OF_OURS, sorted(ours)
    assert len(loaded - ours) <= MOST_OF_THE_LIBRARY, sorted(loaded - ours)
    assert not HEAVY & loaded


@pytest.mark.skipif(sys.platform != "linux", reason="strace is of Linux")
def test_an_empty_session_calls_the_system_little() -> None:
    need_strace()
    subprocess.run(["git", "init", "--quiet"], check=True)
    calls = system_calls_of(SESSION) - system_calls_of(PLAIN.format(""))
    assert 0 < calls <= MOST_SYSTEM_CALLS
