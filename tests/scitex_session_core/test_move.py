"""A run is moved by one rename, or as a whole verified copy, or stays where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import SessionWarning, append_event, move_to_finished, read_record
from scitex_session_core._rundir.copy import copy_verified, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable

Contents = dict[str, tuple[str, bytes, int, float]]


@pytest.fixture
def full_run(dead_run: Callable[..., Path]) -> Path:
    """A run that wrote all kinds of things."""
    run_dir = dead_run(status="success")
    (run_dir / "logs").mkdir()
    (run_dir / "logs" / "stdout.log").write_bytes(os.urandom(3_000_000))
    (run_dir / "empty").touch()
    (run_dir / "deep" / "er").mkdir(parents=True)
    (run_dir / "deep" / "er" / "größe 1.txt").write_text("x")
    (run_dir / "deep" / "program").write_text("#!/bin/sh\n")
    (run_dir / "deep" / "program").chmod(0o755)
    (run_dir / "link").symlink_to("deep/program")
    (run_dir / "dangling").symlink_to("/nowhere")
    (run_dir / os.fsdecode(b"\xff")).touch()
    os.utime(run_dir / "empty", (0, 1_000_000))
    return run_dir


def contents(folder: Path) -> Contents:
    found: Contents = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kind = "link" if path.is_symlink() else "dir" if path.is_dir() else "file"
        data = {"link": lambda p: os.fsencode(os.readlink(p)), "dir": lambda _: b"",
                "file": Path.read_bytes}[kind](path)  # fmt: skip
        changed = 0.0 if kind == "link" else status.st_mtime
        found[str(path.relative_to(folder))] = (kind, data, status.st_mode, changed)
    return found


def finished(run_dir: Path, name: str) -> Path:
    return run_dir.parent.parent / name / run_dir.name


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("success", "FINISHED_SUCCESS"),
        ("finished", "FINISHED"),
        ("failed", "FINISHED_ERROR"),
        ("error", "FINISHED_ERROR"),
        ("crashed", "FINISHED_ERROR"),
    ],
)
def test_each_status_has_its_directory(
    status: str, name: str, dead_run: Callable[..., Path]
) -> None:
    run_dir = dead_run()
    inode = run_dir.stat().st_ino
    moved = move_to_finished(run_dir, status)
    assert moved == finished(run_dir, name)
    assert moved.stat().st_ino == inode, "it was copied, not renamed"
    assert not run_dir.exists()


def test_a_file_held_open_is_written_to_after_the_move(dead_run: Callable[..., Path]) -> None:
    run_dir = dead_run()
    with open(run_dir / "late.log", "w") as log:
        moved = move_to_finished(run_dir, "success")
        log.write("late")
    assert (moved / "late.log").read_text() == "late"


@pytest.mark.parametrize("where", ["FINISHED_SUCCESS/x", "mine", "RUNNING/x/inner"])
def test_what_does_not_lie_in_running_stays(where: str, tmp_path: Path) -> None:
    (tmp_path / where).mkdir(parents=True)
    assert move_to_finished(tmp_path / where, "failed") == tmp_path / where
    assert not (tmp_path / "FINISHED_ERROR").exists()


def test_a_run_that_was_moved_before_is_found_without_a_warning(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run()
    first = move_to_finished(run_dir, "success")
    assert move_to_finished(run_dir, "success") == first


def test_a_name_that_is_taken_by_something_else_is_left_to_it(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run()
    taken = finished(run_dir, "FINISHED_SUCCESS")
    taken.mkdir(parents=True)
    (taken / "mine.txt").write_text("mine")
    with pytest.warns(SessionWarning, match="could not be moved .* it stays where it is"):
        assert move_to_finished(run_dir, "success") == run_dir
    assert os.listdir(taken) == ["mine.txt"]
    assert read_record(run_dir)


def test_an_out_directory_that_was_moved_away_is_warned_about(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run()
    out_dir = run_dir.parent.parent
    out_dir.rename(out_dir.with_name("elsewhere"))
    with pytest.warns(SessionWarning, match="could not be moved"):
        assert move_to_finished(run_dir, "success") == run_dir
    assert not out_dir.exists()


def test_a_source_that_is_to_stay_is_copied_whole(full_run: Path) -> None:
    before = contents(full_run)
    moved = move_to_finished(full_run, "success", remove_src_dir=False)
    assert moved == finished(full_run, "FINISHED_SUCCESS")
    assert contents(moved) == before
    assert contents(full_run) == before
    assert os.listdir(moved.parent) == [moved.name]


def test_onto_another_file_system_it_is_copied_whole_and_removed(
    full_run: Path, other_disk: Callable[[Path], None]
) -> None:
    target = finished(full_run, "FINISHED_SUCCESS")
    other_disk(target.parent)
    before = contents(full_run)
    assert move_to_finished(full_run, "success") == target
    assert contents(target) == before
    assert not full_run.exists()
    assert os.listdir(target.parent) == [target.name]


def test_when_the_time_for_a_copy_runs_out_the_source_is_whole_and_nothing_half_made(
    full_run: Path,
) -> None:
    before = contents(full_run)
    with pytest.warns(SessionWarning, match="was not copied .* within 0 s: it stays whole"):
        assert move_to_finished(full_run, "success", remove_src_dir=False, max_wait=0) == full_run
    assert contents(full_run) == before
    assert os.listdir(full_run.parent.parent / "FINISHED_SUCCESS") == []


def test_a_rename_needs_no_time(full_run: Path) -> None:
    assert move_to_finished(full_run, "success", max_wait=0) != full_run


def test_a_target_disk_that_is_too_small_leaves_the_source_whole(
    full_run: Path, other_disk: Callable[[Path], None]
) -> None:
    target = finished(full_run, "FINISHED_SUCCESS")
    other_disk(target.parent)
    (full_run / "big").write_bytes(bytes(20_000_000))
    before = contents(full_run)
    with pytest.warns(SessionWarning, match="No space left on device"):
        assert move_to_finished(full_run, "success") == full_run
    assert contents(full_run) == before
    assert os.listdir(target.parent) == []


def test_what_is_written_to_during_a_copy_is_not_removed(
    full_run: Path, other_disk: Callable[[Path], None]
) -> None:
    target = finished(full_run, "FINISHED_SUCCESS")
    other_disk(target.parent)
    writer = (
        "import sys\n"
        "with open(sys.argv[1], 'ab', buffering=0) as log:\n"
        "    print('up', flush=True)\n"
        "    while True: log.write(b'x')\n"  # without a pause in which a copy could be made
    )
    log = full_run / "logs" / "stdout.log"
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(log)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            with pytest.warns(SessionWarning, match="was written to while it was copied"):
                assert move_to_finished(full_run, "success") == full_run
        finally:
            child.kill()
    assert log.stat().st_size > 3_000_000
    assert os.listdir(target.parent) == []


def test_a_copy_that_differs_is_no_copy(full_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def bad_disk(descriptor: int) -> None:
        real(descriptor)
        if os.fstat(descriptor).st_size == 3_000_000:
            os.pwrite(descriptor, b"flipped", 2_000_000)

    monkeypatch.setattr(os, "fsync", bad_disk)
    before = contents(full_run)
    with pytest.warns(SessionWarning, match="the copy of .* differs from it"):
        assert move_to_finished(full_run, "success", remove_src_dir=False) == full_run
    assert contents(full_run) == before
    assert os.listdir(full_run.parent.parent / "FINISHED_SUCCESS") == []


def test_an_event_that_came_after_the_copying_is_carried_over(
    dead_run: Callable[..., Path],
) -> None:
    source = dead_run(status="success")
    append_event(source, "tag", tag="before")
    copy = source.parent / "copy"
    copy_verified(source, copy, 60)
    append_event(source, "tag", tag="late")
    with open(source / "events.jsonl", "ab") as file:
        file.write(b'{"event": "tag", "tag": "torn')
    remove_tree(source, copy)
    assert not source.exists()
    assert read_record(copy)["tags"] == ["before", "late"]


def test_events_that_can_not_be_carried_over_are_warned_about_and_kept(
    dead_run: Callable[..., Path], tmp_path: Path
) -> None:
    source = dead_run(status="success")
    append_event(source, "tag", tag="late")
    (tmp_path / "copy" / "events.jsonl").mkdir(parents=True)
    with pytest.warns(SessionWarning, match="the last events in .* could not be added"):
        remove_tree(source, tmp_path / "copy")
    assert (source / "events.jsonl").exists()


def test_what_a_copier_left_when_it_was_killed_goes_with_the_next(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run(status="success")
    left = run_dir.parent.parent / "FINISHED_SUCCESS" / f".{run_dir.name}.copying"
    (left / "logs").mkdir(parents=True)
    moved = move_to_finished(run_dir, "success", remove_src_dir=False)
    assert os.listdir(moved.parent) == [run_dir.name]
    assert os.listdir(moved) == ["session.json"]
