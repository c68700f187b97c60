"""Full and read-only disks, directories that go away: the run goes on, and the truth stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    SessionManager,
    SessionWarning,
    append_event,
    current_status,
    ended_record,
    file_crash,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    reap,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Note = Callable[[str, str], None]
    Fill = Callable[[Path], Path]


def begin(folder: Path, registry: Path, **fields: Any) -> Path:
    """Begin a run of this process, and register it."""
    run = make_run_dir(folder / "fit.py")
    record = {**new_record(run.id), **fields}
    write_record(run.path, record)
    append_event(run.path, "tag", tag="before")
    journal_create(
        registry,
        run.id,
        {},
        script_path=None,
        process=record["process"],
        run_dir=run.path,
    )
    return run.path


def end(run_dir: Path) -> dict[str, Any]:
    return ended_record(read_record(run_dir), exit_status=0, reason={"kind": "returned"})


def read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def writable(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


class TestFullDisk:
    def test_an_event_is_refused_whole_or_torn_and_the_record_stays(
        self, full_disk: Path, fill: Fill, registry: Path, caused: Note
    ) -> None:
        run_dir = begin(full_disk, registry)
        filler = fill(full_disk)
        with pytest.raises(OSError, match="No space left"):
            append_event(run_dir, "note", note="n" * 10_000)
        assert read_record(run_dir)["tags"] == ["before"]
        filler.unlink()
        append_event(run_dir, "tag", tag="after")
        record = read_record(run_dir)
        assert (record["tags"], record["note"]) == (["before", "after"], "")
        caused("full disk as an event is appended", "said; the rest is whole, later ones count")

    def test_an_end_that_can_not_be_written_follows_from_the_directory(
        self, full_disk: Path, fill: Fill, registry: Path, caused: Note
    ) -> None:
        run_dir = begin(full_disk, registry)
        (full_disk / "fit_out" / "FINISHED_SUCCESS").mkdir()
        fill(full_disk)
        before = (run_dir / "session.json").read_bytes()
        with pytest.raises(OSError, match="No space left"):
            write_record(run_dir, {**end(run_dir), "note": "n" * 10_000})
        assert (run_dir / "session.json").read_bytes() == before
        moved = move_to_finished(run_dir, "success")
        assert read_record(run_dir)["status"] == "success"
        assert sorted(os.listdir(moved)) == ["events.jsonl", "session.json"]
        caused("full disk as a run ends", "success, told by its directory")

    def test_a_run_that_can_not_begin_there_begins_elsewhere(
        self, full_disk: Path, fill: Fill, caused: Note
    ) -> None:
        fill(full_disk)
        # Where not even a directory fits.
        subprocess.run(["mount", "-o", "remount,nr_inodes=3", str(full_disk)], check=True)
        with pytest.warns(SessionWarning, match="can't write to .*No space left"):
            run = make_run_dir(full_disk / "fit.py")
        assert full_disk not in run.path.parents
        write_record(run.path, new_record(run.id))
        caused("full disk as a run begins", "kept in the state directory, said")


class TestReadOnlyDisk:
    def test_a_dead_run_that_can_not_be_filed_reads_as_crashed(
        self, full_disk: Path, registry: Path, dead_process: dict[str, Any], caused: Note
    ) -> None:
        run_dir = begin(full_disk, registry, process=dead_process)
        read_only(full_disk)
        assert current_status(read_record(run_dir), run_dir) == "crashed"
        with pytest.warns(SessionWarning, match="could not be filed: .*Read-only"):
            assert reap(full_disk, registry=registry) == []
        (session,) = SessionManager(registry).list_sessions().values()
        assert session["status"] == "crashed"
        writable(full_disk)
        (moved,) = reap(full_disk, registry=registry)
        assert read_record(moved)["tags"] == ["before"]
        caused("read-only disk as a crash is filed", "crashed to every reader, filed later")

    def test_a_run_whose_disk_became_read_only_is_not_called_a_success(
        self, full_disk: Path, registry: Path, caused: Note
    ) -> None:
        run_dir = begin(full_disk, registry)
        read_only(full_disk)
        with pytest.raises(OSError, match="Read-only"):
            append_event(run_dir, "tag", tag="x")
        with pytest.raises(OSError, match="Read-only"):
            write_record(run_dir, end(run_dir))
        with pytest.warns(SessionWarning, match="it stays where it is"):
            assert move_to_finished(run_dir, "success") == run_dir
        assert current_status(read_record(run_dir), run_dir) == "running"
        caused("read-only disk as a run ends", "running until its process is gone")


class TestDirectoriesThatGoAway:
    def test_moved_away_by_hand_between_two_steps(
        self, tmp_path: Path, registry: Path, caused: Note
    ) -> None:
        run_dir = begin(tmp_path, registry)
        kept = tmp_path / "kept by hand"
        run_dir.rename(kept)
        with pytest.raises(FileNotFoundError):
            append_event(run_dir, "tag", tag="x")
        with pytest.raises(FileNotFoundError):
            write_record(run_dir, {})
        with pytest.warns(SessionWarning, match="could not be moved"):
            assert move_to_finished(run_dir, "success") == run_dir
        assert file_crash(run_dir) == run_dir
        assert not run_dir.exists()
        record = read_record(kept)
        assert (current_status(record, kept), record["tags"]) == ("running", ["before"])
        append_event(kept, "tag", tag="there")
        assert read_record(kept)["tags"] == ["before", "there"]
        caused("a directory moved away by hand", "said at every step, whole where it is")

    def test_moved_on_by_another_between_two_steps(
        self, tmp_path: Path, registry: Path, caused: Note
    ) -> None:
        run_dir = begin(tmp_path, registry)
        write_record(run_dir, end(run_dir))
        moved = move_to_finished(run_dir, "success")
        append_event(run_dir, "tag", tag="late")
        assert move_to_finished(run_dir, "success") == moved
        assert file_crash(run_dir, {"signal": 9}) == moved
        record = read_record(run_dir)
        assert (record["status"], record["tags"]) == ("success", ["before", "late"])
        caused("a directory moved on by another process", "found where it is")

    @pytest.mark.parametrize("alive", [True, False])
    def test_deleted(
        self,
        alive: bool,
        tmp_path: Path,
        registry: Path,
        dead_process: dict[str, Any],
        caused: Note,
    ) -> None:
        fields = {} if alive else {"process": dead_process}
        run_dir = begin(tmp_path, registry, **fields)
        record = read_record(run_dir)
        shutil.rmtree(run_dir)
        expected = "running" if alive else "crashed"
        assert current_status(record, run_dir) == expected
        (session,) = SessionManager(registry).list_sessions().values()
        assert session["status"] == expected
        assert file_crash(run_dir, {"signal": 9}, registry=registry) == run_dir
        assert reap(tmp_path, registry=registry) == []
        assert not run_dir.exists()
        caused("a run directory deleted", f"{expected}, in the registry too")
