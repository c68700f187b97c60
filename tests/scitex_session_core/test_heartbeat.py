"""The status of a run of another machine follows from its heartbeat, by its file server's clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from scitex_session_core import current_status, ended_record, make_run_dir, new_record, write_record
from support import start_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Note = Callable[[str, str], None]

SLEEPER = """
import json, time
from scitex_session_core import new_record
print(json.dumps(new_record("x")["process"]), flush=True)
time.sleep(60)
"""


def this_process() -> dict[str, Any]:
    """What a record says of this process."""
    process = new_record("x")["process"]
    assert isinstance(process, dict)
    return process


ELSEWHERE = {**this_process(), "host": "elsewhere"}


def observed_status(process: dict[str, Any], run_dir: Path | None = None) -> str:
    """The status now of a run that is on record as running."""
    return current_status({"id": "x", "status": "running", "process": process}, run_dir)


@pytest.fixture
def run_dir(script: Path) -> Path:
    """A run."""
    return make_run_dir(script).path


def beat(run_dir: Path, *, ago: float) -> None:
    """Let a heart have beaten `ago` seconds ago, by the clock of the file system."""
    path = run_dir / "heartbeat"
    path.touch()
    last = path.stat().st_mtime - ago
    os.utime(path, (last, last))


@pytest.mark.parametrize(
    ("ago", "found"),
    [
        (0, "running"),
        (140, "running"),
        (160, "lost"),
        (1e8, "lost"),
        (-10, "running"),  # two stamps a moment apart, on a file system with coarse ones
        (-3600, "unknown"),  # the clock was set back
    ],
)
def test_the_status_follows_the_last_heartbeat(
    ago: float, found: str, run_dir: Path, caused: Note
) -> None:
    beat(run_dir, ago=ago)
    assert observed_status(ELSEWHERE, run_dir) == found
    caused(f"the last beat of a run elsewhere {ago:g} s ago", found)


def test_without_a_heartbeat_or_a_directory_it_is_unknown(run_dir: Path, tmp_path: Path) -> None:
    assert observed_status(ELSEWHERE, run_dir) == "unknown"
    assert observed_status(ELSEWHERE, tmp_path / "gone") == "unknown"
    assert observed_status(ELSEWHERE) == "unknown"


def test_the_process_outweighs_the_heartbeat(run_dir: Path, dead_process: dict[str, Any]) -> None:
    beat(run_dir, ago=1e6)
    assert observed_status(this_process(), run_dir) == "running"
    beat(run_dir, ago=0)
    assert observed_status(dead_process, run_dir) == "crashed"


def test_our_own_clock_does_not_count(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, caused: Note
) -> None:
    beat(run_dir, ago=0)
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 1e6)
    monkeypatch.setattr(time, "time_ns", lambda: int(real + 1e6) * 10**9)
    assert observed_status(ELSEWHERE, run_dir) == "running"
    caused("our own clock 11 days ahead, run elsewhere", "running, by the heartbeat")


def test_looking_leaves_nothing_behind(run_dir: Path) -> None:
    beat(run_dir, ago=0)
    before = sorted(run_dir.parent.parent.rglob("*"))
    stamps = [os.stat(run_dir).st_mtime_ns, os.stat(run_dir / "heartbeat").st_mtime_ns]
    assert observed_status(ELSEWHERE, run_dir) == "running"
    assert sorted(run_dir.parent.parent.rglob("*")) == before
    assert [os.stat(run_dir).st_mtime_ns, os.stat(run_dir / "heartbeat").st_mtime_ns] == stamps


def test_on_a_read_only_file_system_the_time_is_unknown(full_disk: Path, caused: Note) -> None:
    run_dir = make_run_dir(full_disk / "fit.py").path
    beat(run_dir, ago=0)
    assert observed_status(ELSEWHERE, run_dir) == "running"
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    assert observed_status(ELSEWHERE, run_dir) == "unknown"
    caused("read-only disk, run elsewhere", "unknown")


def test_with_the_heartbeat_on_another_file_system_the_time_is_unknown(
    script: Path, other_disk: Callable[[Path], None]
) -> None:
    other_disk(script.with_name("analysis_out") / "RUNNING")
    run_dir = make_run_dir(script).path
    beat(run_dir, ago=0)
    assert observed_status(ELSEWHERE, run_dir) == "unknown"


@pytest.fixture
def earlier_boot() -> dict[str, Any]:
    """What a record says of a process that ran here before the machine was started anew."""
    return {**this_process(), "boot_id": "11111111-2222-3333-4444-555555555555"}


def test_after_a_power_cut_a_run_on_our_own_disk_is_dead(
    run_dir: Path, earlier_boot: dict[str, Any], caused: Note
) -> None:
    if sys.platform != "linux" or os.major(run_dir.stat().st_dev) == 0:
        pytest.skip("the tests' directory lies on no block device")
    beat(run_dir, ago=0)  # the machine is quick to start
    assert observed_status(earlier_boot, run_dir) == "crashed"
    assert observed_status({**earlier_boot, "host": "elsewhere"}, run_dir) == "running"
    caused("another boot, on our own disk", "crashed")


def test_on_a_shared_disk_another_boot_of_that_name_may_be_another_machine(
    full_disk: Path, earlier_boot: dict[str, Any], caused: Note
) -> None:
    run_dir = make_run_dir(full_disk / "fit.py").path  # a tmpfs, which has no device either
    assert observed_status(earlier_boot, run_dir) == "unknown"
    beat(run_dir, ago=0)
    assert observed_status(earlier_boot, run_dir) == "running"
    beat(run_dir, ago=1e6)
    assert observed_status(earlier_boot, run_dir) == "lost"
    caused("another boot, on a shared disk", "unknown, running or lost, by the heartbeat")


@pytest.fixture
def suspended() -> Iterator[dict[str, Any]]:
    """A process that was stopped."""
    with start_script(SLEEPER) as child:
        assert child.stdout is not None
        process = json.loads(child.stdout.readline())
        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
        yield process


def test_a_suspended_run_is_running_here_and_lost_at_worst_elsewhere(
    run_dir: Path, suspended: dict[str, Any]
) -> None:
    beat(run_dir, ago=1000)
    assert observed_status(suspended, run_dir) == "running"
    assert observed_status({**suspended, "host": "elsewhere"}, run_dir) == "lost"
    beat(run_dir, ago=0)
    assert observed_status({**suspended, "host": "elsewhere"}, run_dir) == "running"


def test_a_run_that_ended_after_its_record_was_read_did_not_crash(
    dead_run: Callable[..., Path], caused: Note
) -> None:
    run_dir = dead_run()
    record = new_record(run_dir.name)
    early = {**record, "process": {**record["process"], "start_ticks": 1}}
    write_record(run_dir, ended_record(early, exit_status=0, reason={"kind": "returned"}))
    assert current_status(early) == "crashed"  # all that it can know
    assert current_status(early, run_dir) == "success"
    caused("a run that ends while it is looked at", "success")


def test_another_run_in_the_same_place_does_not_end_this_one(
    dead_run: Callable[..., Path], dead_process: dict[str, Any]
) -> None:
    run_dir = dead_run(status="success")
    assert current_status({**new_record("x"), "process": dead_process}, run_dir) == "crashed"


def test_a_run_that_moved_on_is_found_with_its_heart(script: Path) -> None:
    run = make_run_dir(script)
    write_record(run.path, {**new_record(run.id), "process": ELSEWHERE})
    record = {**new_record(run.id), "process": ELSEWHERE}
    beat(run.path, ago=1000)
    assert current_status(record, run.path) == "lost"
    write_record(run.path, ended_record(record, exit_status=3, reason={"kind": "returned"}))
    there = run.out_dir / "FINISHED_ERROR"
    there.mkdir()
    run.path.rename(there / run.id)
    assert current_status(record, run.path) == "failed"
