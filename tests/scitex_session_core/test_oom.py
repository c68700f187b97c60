"""Out of memory is recorded if the kernel says so, never guessed from the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import file_crash, new_record, read_record, reap
from support import write_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Note = Callable[[str, str], None]

FIRST_VERSION = Path("/sys/fs/cgroup/memory")
# Whether others in the group may be killed, too: the witness below must not be.
GLUTTON = """
import os, sys
from pathlib import Path
from scitex_session_core import file_crash, make_run_dir, new_record, write_record
group, script, told = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
(group / "cgroup.procs").write_text(str(os.getpid()))
read, write = os.pipe()
if (child := os.fork()) == 0:
    Path("/proc/self/oom_score_adj").write_text("1000")
    run = make_run_dir(script)
    write_record(run.path, new_record(run.id, script=script))
    os.write(write, os.fsencode(run.path))
    os.close(write)
    eaten = []
    while told == "eats":
        eaten.append(bytearray(os.urandom(1 << 20)))
    os.kill(os.getpid(), 9)
os.close(write)
with open(read) as pipe:
    run_dir = Path(pipe.read())
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
if sys.argv[4] == "witness":
    file_crash(run_dir, {"signal": 9})
"""


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of 64 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a control group can be made only by root on Linux")
    first = FIRST_VERSION.is_dir()
    group = (FIRST_VERSION if first else Path("/sys/fs/cgroup")) / f"scitex-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"a control group can't be made here: {error}")
    try:
        limit = group / ("memory.limit_in_bytes" if first else "memory.max")
        if not limit.exists():
            pytest.skip("there is no memory controller here")
        limit.write_text(str(64 << 20))
        yield group
    finally:
        group.rmdir()


def reason_of(group: Path, *how: str) -> dict[str, Any]:
    """Let a run die in `group`, and give what its record says of it."""
    script = Path("fit.py").absolute()
    argv = [sys.executable, str(write_script(GLUTTON)), str(group), str(script), *how]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(-signal.SIGKILL)], done
    reap(Path("fit_out"))
    (run_dir,) = Path("fit_out/FINISHED_ERROR").iterdir()
    reason = read_record(run_dir)["reason"]
    assert isinstance(reason, dict)
    return reason


def test_a_run_that_ate_too_much_is_known_by_the_count_of_its_group(
    small_group: Path, caused: Note
) -> None:
    reason = reason_of(small_group, "eats", "witness")
    assert reason == {"kind": "crashed", "signal": 9, "out_of_memory": True}
    caused("out of memory, seen by a witness", "crashed, signal 9, out of memory")


def test_without_a_witness_the_kernels_log_counts(small_group: Path, caused: Note) -> None:
    reason = reason_of(small_group, "eats", "nobody")
    try:
        os.close(os.open("/dev/kmsg", os.O_RDONLY))
    except OSError:
        assert reason == {"kind": "crashed"}
        pytest.skip("the kernel's log can't be read here")
    assert reason == {"kind": "crashed", "out_of_memory": True}
    caused("out of memory, seen by nobody", "crashed, out of memory")


@pytest.mark.parametrize("who", ["witness", "nobody"])
def test_another_kill_is_not_taken_for_it(who: str, small_group: Path) -> None:
    assert "out_of_memory" not in reason_of(small_group, "dies", who)


@pytest.mark.parametrize("seen", [{"signal": 11}, {"exit_status": 1}, {"signal": 9}])
def test_it_is_not_guessed(seen: dict[str, int], dead_run: Callable[..., Path]) -> None:
    run_dir = dead_run(process={**new_record("x")["process"], "start_ticks": 1})
    reason = read_record(file_crash(run_dir, seen))["reason"]
    assert reason == {"kind": "crashed", **seen}


@pytest.mark.parametrize("process", [None, {}, {"pid": "x", "start_ticks": None}])
@pytest.mark.parametrize("seen", [{}, {"signal": 9}])
def test_records_without_what_it_needs_are_no_trouble(
    process: object, seen: dict[str, int], dead_run: Callable[..., Path]
) -> None:
    reason = read_record(file_crash(dead_run(process=process), seen))["reason"]
    assert reason == {"kind": "crashed", **seen}
