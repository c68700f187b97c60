"""Runs that died unseen are found wherever they lie, and no others are touched."""

from __future__ import annotations

import os
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    SessionManager,
    SessionWarning,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    reap,
    register_start,
    reindex,
    write_record,
)
from support import read_json_lines, run_together

if TYPE_CHECKING:
    from collections.abc import Callable


def everything(out_dir: Path) -> dict[str, list[str]]:
    """The names in each directory that runs pass through."""
    return {
        folder.name: sorted(os.listdir(folder)) for folder in out_dir.iterdir() if folder.is_dir()
    }


def test_all_the_dead_are_reaped_and_nobody_else(
    script: Path, dead_run: Callable[..., Path], dead_process: dict[str, Any]
) -> None:
    dead = {dead_run().name for _ in range(3)}
    away = dead_run(process={**dead_process, "host": "elsewhere"})
    alive = make_run_dir(script)
    write_record(alive.path, new_record(alive.id))
    empty = make_run_dir(script)
    assert {path.name for path in reap(alive.out_dir)} == dead
    assert everything(alive.out_dir) == {
        "RUNNING": sorted([away.name, alive.path.name, empty.path.name]),
        "FINISHED_ERROR": sorted(dead),
    }


def test_a_run_that_died_before_its_start_was_registered_is_listed(
    dead_run: Callable[..., Path], registry: Path
) -> None:
    run_dir = dead_run(function="analyze", arguments={"n": 3}, tags=["paper"])
    (moved,) = reap(run_dir.parent.parent, registry=registry)
    (session,) = SessionManager(registry).list_sessions().values()
    record = read_record(moved)
    assert session["status"] == "crashed"
    assert session["start_time"] == datetime.fromisoformat(record["started"])
    assert (session["function"], session["arguments"]) == ("analyze", {"n": 3})
    assert (session["tags"], session["run_dir"]) == (["paper"], str(moved))


def test_a_start_that_was_registered_stays_what_it_is(
    dead_run: Callable[..., Path], registry: Path
) -> None:
    run_dir = dead_run()
    register_start(registry, read_record(run_dir), run_dir)
    before = SessionManager(registry).list_sessions()
    (moved,) = reap(run_dir.parent.parent, registry=registry)
    after = SessionManager(registry).list_sessions()
    changed = {"status", "end_time", "run_dir"}
    assert [*after] == [*before]
    for name, session in after.items():
        assert {k: v for k, v in session.items() if k not in changed} == {
            k: v for k, v in before[name].items() if k not in changed
        }
        assert (session["status"], session["run_dir"]) == ("crashed", str(moved))


def test_it_looks_at_no_more_than_asked(dead_run: Callable[..., Path]) -> None:
    out_dir = max(dead_run() for _ in range(5)).parent.parent
    assert len(reap(out_dir, most=2)) == 2
    assert reap(out_dir, within=0) == []
    assert len(reap(out_dir, most=8, within=60)) == 3


def test_what_can_not_be_reaped_does_not_hide_the_rest_for_ever(
    dead_run: Callable[..., Path], dead_process: dict[str, Any]
) -> None:
    away = {**dead_process, "host": "elsewhere"}
    for _ in range(20):
        dead_run(process=away)
    last = dead_run()
    out_dir = last.parent.parent
    rounds = 0
    while not reap(out_dir, most=8):
        rounds += 1
        assert rounds < 200
    assert not last.exists()


def test_no_directory_is_nothing_to_reap(tmp_path: Path) -> None:
    assert reap(tmp_path / "gone") == []


def test_a_source_that_was_kept_is_not_filed_again(
    dead_run: Callable[..., Path], registry: Path
) -> None:
    run_dir = dead_run(status="success")
    move_to_finished(run_dir, "success", remove_src_dir=False)
    assert reap(run_dir.parent.parent, registry=registry) == []
    assert run_dir.exists()
    assert sorted(registry.glob("journal/*.jsonl")) == []


def test_many_that_file_the_same_crashes_at_once_lose_and_double_nothing(
    dead_run: Callable[..., Path], registry: Path
) -> None:
    run_dirs = [dead_run() for _ in range(12)]
    out_dir = run_dirs[0].parent.parent
    program = (
        "import sys; from pathlib import Path; from scitex_session_core import reap\n"
        "print('up', flush=True); sys.stdin.readline()\n"
        "reap(Path(sys.argv[1]), registry=Path(sys.argv[2]))\n"
    )
    witness = (
        "import sys; from pathlib import Path; from scitex_session_core import file_crash\n"
        "print('up', flush=True); sys.stdin.readline()\n"
        "for name in sys.argv[3:]:\n"
        "  file_crash(Path(name), {'signal': 9}, registry=Path(sys.argv[2]))\n"
    )
    argv = [str(out_dir), str(registry), *map(str, run_dirs)]
    run_together([code, *argv] for code in (program, witness, program))
    names = sorted(path.name for path in run_dirs)
    assert everything(out_dir) == {"RUNNING": [], "FINISHED_ERROR": names}
    for name in names:
        record = read_record(out_dir / "FINISHED_ERROR" / name)
        assert record["reason"] == {"kind": "crashed", "signal": 9}
        assert os.listdir(out_dir / "FINISHED_ERROR" / name) == ["session.json"]
    told = {line["id"] for line in read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])}
    assert told == set(names)


def silent(run_dir: Path, *, for_s: float) -> Path:
    """Let the heart of a run have beaten for the last time so many seconds ago."""
    beat = run_dir / "heartbeat"
    beat.touch()
    last = beat.stat().st_mtime - for_s
    os.utime(beat, (last, last))
    return run_dir


def test_a_whole_tree_is_reaped(
    tmp_path: Path, dead_process: dict[str, Any], registry: Path
) -> None:
    names = set()
    for folder in ("a", "a/b/c", "with RUNNING in its name"):
        (tmp_path / folder).mkdir(parents=True)
        run = make_run_dir(tmp_path / folder / "fit.py")
        write_record(run.path, {**new_record(run.id), "process": dead_process})
        names.add(run.id)
    reaped = reap(tmp_path, registry=registry)
    assert {path.name for path in reaped} == names
    assert {path.parent.name for path in reaped} == {"FINISHED_ERROR"}
    (journal,) = registry.glob("journal/*.jsonl")
    assert {line["id"] for line in read_json_lines(journal)} == names


def test_what_users_keep_in_their_runs_is_theirs(
    dead_run: Callable[..., Path], dead_process: dict[str, Any]
) -> None:
    moved = move_to_finished(dead_run(status="success"), "success")
    inner = make_run_dir(moved / "fit.py")
    write_record(inner.path, {**new_record(inner.id), "process": dead_process})
    assert reap(moved.parent.parent) == []
    assert [path.name for path in reap(moved)] == [inner.id]


def test_links_are_not_followed(tmp_path: Path, dead_run: Callable[..., Path]) -> None:
    run_dir = dead_run()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link").symlink_to(run_dir.parent.parent)
    assert reap(tmp_path / "elsewhere") == []
    assert run_dir.exists()


def test_a_bounded_look_is_at_one_script_only(
    tmp_path: Path, dead_run: Callable[..., Path]
) -> None:
    run_dir = dead_run()
    assert reap(tmp_path, most=8) == []
    assert [path.name for path in reap(run_dir.parent.parent, most=8)] == [run_dir.name]


def test_the_lost_of_other_machines_are_filed_only_by_force_and_as_lost(
    dead_run: Callable[..., Path], dead_process: dict[str, Any], registry: Path
) -> None:
    away = {**dead_process, "host": "elsewhere"}
    lost, beating = (silent(dead_run(process=away), for_s=s) for s in (1000, 10))
    heartless = dead_run(process=away)
    out_dir = lost.parent.parent
    assert reap(out_dir, registry=registry) == []
    (moved,) = reap(out_dir, registry=registry, force=True)
    assert moved == out_dir / "FINISHED_ERROR" / lost.name
    record = read_record(moved)
    assert (record["status"], record["exit_status"]) == ("lost", None)
    assert record["reason"] == {"kind": "lost"}
    assert beating.exists()
    assert heartless.exists()
    _, line = read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])
    assert (line["id"], line["status"]) == (lost.name, "lost")


def test_what_readers_of_the_clock_left_when_they_were_killed_goes(
    dead_run: Callable[..., Path],
) -> None:
    out_dir = dead_run().parent.parent
    (out_dir / ".clock.12.ab.tmp").touch()
    (out_dir / ".mine.tmp").touch()
    reap(out_dir)
    assert sorted(p.name for p in out_dir.iterdir() if p.is_file()) == [".gitignore", ".mine.tmp"]


def test_an_unreadable_directory_is_warned_about_and_the_rest_is_reaped(
    tmp_path: Path, dead_run: Callable[..., Path]
) -> None:
    run_dir = dead_run()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret").chmod(0)
    if os.access(tmp_path / "secret", os.R_OK):
        pytest.skip("root may read every directory")
    with pytest.warns(SessionWarning, match="secret are left as they are"):
        assert [path.name for path in reap(tmp_path)] == [run_dir.name]


class TestWhatVersion031LeftRunning:
    @pytest.fixture
    def left(self, tmp_path: Path, here: Path) -> Path:
        """Give a directory in ``RUNNING`` without a record, to which nobody wrote for an hour."""
        old = Path(shutil.copytree(here / "data" / "scitex-session-0.3.1", tmp_path / "old"))
        (run_dir,) = old.glob("never_closed_out/RUNNING/*")
        for path in (*run_dir.rglob("*"), run_dir):
            os.utime(path, (path.stat().st_atime, time.time() - 3600))
        return run_dir

    def test_it_is_filed_as_lost_only_by_force(self, left: Path, registry: Path) -> None:
        out_dir = left.parent.parent
        assert reap(out_dir, registry=registry) == []
        (moved,) = reap(out_dir, registry=registry, force=True)
        assert moved == out_dir / "FINISHED_ERROR" / left.name
        assert not left.exists()
        record = read_record(moved)
        assert (record["id"], record["status"], record["exit_status"]) == (left.name, "lost", None)
        assert record["reason"]["kind"] == "lost"
        assert record["versions"] == {"scitex-session": "0.3.1"}
        session = SessionManager(registry).get_session(left.name)
        assert (session["status"], session["run_dir"]) == ("lost", str(moved))
        assert reap(out_dir, registry=registry, force=True) == []
        assert reindex(out_dir, registry) == []

    def test_one_whose_filer_died_before_the_move_is_moved(
        self, left: Path, registry: Path
    ) -> None:
        out_dir = left.parent.parent
        (moved,) = reap(out_dir, registry=registry, force=True)
        moved.rename(left)
        assert reap(out_dir, registry=registry) == [moved]
        assert read_record(moved)["status"] == "lost"
        assert SessionManager(registry).get_session(left.name)["run_dir"] == str(moved)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")
    def test_one_whose_log_a_process_holds_open_is_left_alone(self, left: Path) -> None:
        with open(left / "logs" / "stdout.log"):
            assert reap(left.parent.parent, force=True) == []
        assert left.is_dir()

    def test_one_that_has_just_written_is_left_alone(self, left: Path) -> None:
        (left / "result.csv").write_text("1,2\n")
        assert reap(left.parent.parent, force=True) == []
        assert sorted(path.name for path in left.iterdir()) == ["logs", "result.csv"]

    @pytest.mark.parametrize("name", ["notes", "2026Y-11M-22D-08h48m42s_pCS6"])
    def test_other_directories_without_a_record_stay(self, tmp_path: Path, name: str) -> None:
        other = tmp_path / "other" / "RUNNING" / name
        (other / "data").mkdir(parents=True)
        os.utime(other, (0, 0))
        os.utime(other / "data", (0, 0))
        assert reap(tmp_path / "other", force=True) == []
        assert other.is_dir()

    def test_one_whose_record_is_broken_stays(self, left: Path) -> None:
        (left / "session.json").write_text("{")
        os.utime(left / "session.json", (0, 0))
        assert reap(left.parent.parent, force=True) == []
        assert (left / "session.json").read_text() == "{"
