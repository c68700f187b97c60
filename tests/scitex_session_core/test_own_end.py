"""A crash that others believe in never outweighs a run's own end, and a crash stays a crash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    SessionManager,
    SessionWarning,
    ended_record,
    file_crash,
    read_record,
    reap,
    register_end,
    register_start,
    reindex,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def unrecorded(dead_run: Callable[..., Path], registry: Path) -> Path:
    """A run in ``RUNNING`` whose end is registered as a success, and not on record."""
    run_dir = dead_run()
    record = read_record(run_dir)
    register_start(registry, record, run_dir)
    register_end(registry, ended_record(record, exit_status=0, reason={}), run_dir)
    return run_dir


def test_a_crash_on_record_does_not_replace_the_runs_own_end(
    unrecorded: Path, registry: Path, tmp_path: Path
) -> None:
    moved = file_crash(unrecorded)  # by somebody who does not know that registry
    assert read_record(moved)["status"] == "crashed"
    with pytest.warns(SessionWarning, match=r"says 'crashed', .* 'success': the registry is"):
        reindex(tmp_path, registry)
    assert read_record(moved)["status"] == "success"
    (session,) = SessionManager(registry).list_sessions().values()
    assert (session["status"], session["run_dir"]) == ("success", str(moved))


def test_an_end_that_only_the_folder_tells_keeps_its_exit_status(
    dead_run: Callable[..., Path], registry: Path, tmp_path: Path
) -> None:
    run_dir = dead_run()
    moved = run_dir.parent.parent / "FINISHED_ERROR" / run_dir.name
    record = read_record(run_dir)
    register_start(registry, record, run_dir)
    register_end(registry, ended_record(record, exit_status=3, reason={}), moved)
    moved.parent.mkdir()
    run_dir.rename(moved)
    with pytest.warns(SessionWarning, match="the registry is believed"):
        assert reindex(tmp_path, registry) == []
    assert read_record(moved)["exit_status"] == 3


@pytest.mark.parametrize("told", ["nothing", "its child", "a crash", "removed"])
def test_what_is_not_its_own_end_is_not_taken_for_it(
    dead_run: Callable[..., Path], registry: Path, told: str
) -> None:
    run_dir = dead_run()
    record = read_record(run_dir)
    register_start(registry, record, run_dir)
    if told == "its child":
        child: dict[str, Any] = {**record, "id": "child", "parent": record["id"]}
        register_start(registry, child, run_dir)
        child["tags"] = [record["id"]]
        register_end(registry, ended_record(child, exit_status=0, reason={}), run_dir)
    elif told == "a crash":
        crash = ended_record(record, exit_status=None, reason={}, status="crashed")
        register_end(registry, crash, run_dir)
    elif told == "removed":
        register_end(registry, ended_record(record, exit_status=0, reason={}), run_dir)
        SessionManager(registry).remove(record["id"])
    (moved,) = reap(run_dir.parent.parent, registry=registry)
    assert read_record(moved)["status"] == "crashed"


def test_a_bounded_look_leaves_a_run_alone_rather_than_guess(
    unrecorded: Path, registry: Path
) -> None:
    (journal,) = registry.glob("journal/*.jsonl")
    with open(journal, "ab") as file:
        file.writelines(b"\n" * (1 << 20) for _ in range(100))
    out_dir = unrecorded.parent.parent
    assert reap(out_dir, registry=registry, most=8, within=0.003) == []
    assert unrecorded.exists()
    with pytest.warns(SessionWarning, match="the registry is believed"):
        (moved,) = reap(out_dir, registry=registry)
    assert moved.parent.name == "FINISHED_SUCCESS"
