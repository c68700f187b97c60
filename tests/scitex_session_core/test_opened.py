"""A run directory that is held open stays itself, and no link leads out of it."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import (
    RecordError,
    RunDir,
    SessionWarning,
    append_event,
    ended_record,
    make_run_dir,
    move_to_finished,
    new_record,
    opened,
    read_events,
    read_record,
    write_record,
)
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs relative paths")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
STRANGER = 12345


@pytest.fixture
def run(script: Path) -> RunDir:
    """A run with a record."""
    made = make_run_dir(script)
    write_record(made, new_record(made.id, script=script))
    return made


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A file that nothing of a run may touch."""
    path = tmp_path / "private"
    path.write_text("mine\n")
    return path


def stranger_made(path: Path, mode: int = 0o777) -> Path:
    """Give a folder, made if missing, to another user."""
    path.mkdir(exist_ok=True, parents=True)
    os.chown(path, STRANGER, STRANGER)
    path.chmod(mode)
    return path


class TestLinks:
    @pytest.mark.parametrize("held", [True, False], ids=["held open", "by its path"])
    def test_an_event_is_not_appended_through_a_link(
        self, run: RunDir, private: Path, held: bool
    ) -> None:
        (run.path / "events.jsonl").symlink_to(private)
        with pytest.raises(OSError, match=r"is a link, which is not followed: '.*events.jsonl'"):
            append_event(run if held else run.path, "tag", tag="x")
        assert private.read_text() == "mine\n"

    def test_a_record_or_events_that_are_links_are_not_read(
        self, run: RunDir, private: Path
    ) -> None:
        (run.path / "events.jsonl").symlink_to(private)
        with pytest.raises(RecordError, match="is a link"):
            read_record(run.path)
        (run.path / "events.jsonl").unlink()
        (run.path / "session.json").rename(private)
        (run.path / "session.json").symlink_to(private)
        with pytest.raises(RecordError, match="is a link"):
            read_record(run)

    def test_a_record_replaces_a_link_and_not_what_that_leads_to(
        self, run: RunDir, private: Path
    ) -> None:
        (run.path / "session.json").unlink()
        (run.path / "session.json").symlink_to(private)
        write_record(run, new_record(run.id))
        assert read_record(run)["id"] == run.id
        assert private.read_text() == "mine\n"

    @pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT])
    def test_a_folder_on_the_way_may_not_be_a_link(
        self, run: RunDir, private: Path, flags: int
    ) -> None:
        (run.path / "logs").symlink_to(private.parent)
        for path in ("logs/private", "logs/new"):
            with pytest.raises(OSError, match="logs"):
                run.open(path, flags)
        with pytest.raises(OSError, match="logs"):
            run.write("logs/private", b"")
        assert private.read_text() == "mine\n"
        assert not (private.parent / "new").exists()

    def test_a_log_is_not_opened_under_a_name_that_a_file_had_before(
        self, run: RunDir, private: Path
    ) -> None:
        (run.path / "logs").mkdir()
        os.link(private, run.path / "logs" / "stdout.log")
        with pytest.raises(OSError, match="has a second name"):
            run.opener(str(run.path / "logs" / "stdout.log"), os.O_WRONLY | os.O_CREAT)

    @pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_WRONLY | os.O_CREAT])
    def test_a_fifo_holds_nobody_up(self, run: RunDir, flags: int) -> None:
        os.mkfifo(run.path / "events.jsonl")
        with pytest.raises(OSError, match=r"events\.jsonl"):
            run.open("events.jsonl", flags)

    def test_what_is_opened_is_as_others_open_it(self, run: RunDir) -> None:
        found = os.umask(0o027)
        try:
            path = str(run.path / "logs" / "stdout.log")
            with open(path, "ab", opener=run.opener) as log:
                assert os.get_blocking(log.fileno())
                assert not os.get_inheritable(log.fileno())
                assert stat.S_IMODE(os.fstat(log.fileno()).st_mode) == 0o640
        finally:
            os.umask(found)


class TestIdentity:
    def test_it_is_used_wherever_it_is(self, run: RunDir) -> None:
        moved = run.path.rename(run.path.with_name("elsewhere"))
        append_event(run, "tag", tag="x")
        assert read_record(moved)["tags"] == ["x"]
        assert run.locate() == moved

    def test_another_file_under_its_number_is_not_taken_for_it(
        self, run: RunDir, tmp_path: Path
    ) -> None:
        for number in range(3, 200):
            if _is_directory(number, run.path):
                os.dup2(_opened(tmp_path), number)
        append_event(run, "tag", tag="x")
        assert [event["tag"] for event in read_events(run.path)] == ["x"]
        assert not (tmp_path / "events.jsonl").exists()

    def test_one_that_was_removed_and_made_anew_is_ours(self, run: RunDir) -> None:
        (run.path / "session.json").unlink()
        run.path.rmdir()
        run.path.mkdir()
        write_record(run, new_record(run.id))
        assert read_record(run.path)["id"] == run.id

    def test_that_of_another_run_is_not(self, run: RunDir, script: Path) -> None:
        other = make_run_dir(script)
        write_record(other, new_record(other.id))
        for name in os.listdir(run.path):
            (run.path / name).unlink()
        run.path.rmdir()
        other.path.rename(run.path)
        with pytest.raises(OSError, match="another directory stands there"):
            write_record(run, new_record(run.id))
        assert read_record(run.path)["id"] == other.id

    @needs_root
    def test_that_of_another_user_is_not(self, run: RunDir) -> None:
        (run.path / "session.json").unlink()
        run.path.rmdir()
        stranger_made(run.path)
        with pytest.raises(OSError, match="another directory stands there"):
            write_record(run, new_record(run.id))
        assert os.listdir(run.path) == []

    def test_it_is_closed_once(self, run: RunDir) -> None:
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
        run.close()
        run.close()
        if before is not None:
            assert len(os.listdir("/proc/self/fd")) == before - 1

    def test_what_is_open_is_used_and_stays_open(self, run: RunDir) -> None:
        with opened(run) as directory:
            assert directory is run
        moved = run.path.rename(run.path.with_name("elsewhere"))
        assert run.locate() == moved


class TestTheEnd:
    def test_one_that_was_moved_is_filed_under_its_own_name(self, run: RunDir) -> None:
        name, out_dir = run.path.name, run.out_dir
        run.path.rename(run.path.with_name(".taken"))
        moved = move_to_finished(run, "success")
        assert moved == run.path == out_dir / "FINISHED_SUCCESS" / name
        assert read_record(run)["id"] == run.id

    def test_one_whose_whole_folder_was_moved_is_filed_there(self, run: RunDir) -> None:
        elsewhere = run.out_dir.rename(run.out_dir.with_name("elsewhere"))
        moved = move_to_finished(run, "failed")
        assert moved == elsewhere / "FINISHED_ERROR" / run.path.name
        assert not run.out_dir.exists()

    def test_a_copy_takes_its_place(self, run: RunDir, other_disk: Callable[[Path], None]) -> None:
        other_disk(run.out_dir / "FINISHED_SUCCESS")
        write_record(run, ended_record(read_record(run), exit_status=0, reason={}))
        moved = move_to_finished(run, "success")
        append_event(run, "tag", tag="late")
        assert read_record(moved)["tags"] == ["late"]
        run.close()

    @pytest.mark.parametrize("closed", [True, False])
    def test_one_that_the_script_restored_from_a_copy_is_filed(
        self, run: RunDir, tmp_path: Path, closed: bool
    ) -> None:
        shutil.copytree(run.path, tmp_path / "copy")
        shutil.rmtree(run.path)
        (tmp_path / "copy").rename(run.path)
        if closed:
            run.close()
        moved = move_to_finished(run, "success")
        assert moved.parent.name == "FINISHED_SUCCESS"
        append_event(run, "tag", tag="late")
        assert read_record(moved)["tags"] == ["late"]

    def test_one_that_is_gone_is_warned_about(self, run: RunDir) -> None:
        (run.path / "session.json").unlink()
        run.path.rmdir()
        with pytest.warns(SessionWarning, match="is not the directory of this run any more"):
            move_to_finished(run, "success")

    @needs_root
    @pytest.mark.parametrize("link", [True, False])
    def test_a_place_of_a_stranger_is_not_moved_to(
        self, run: RunDir, tmp_path: Path, link: bool
    ) -> None:
        place = run.out_dir / "FINISHED_SUCCESS"
        if link:
            place.symlink_to(stranger_made(tmp_path / "trap"))
            os.lchown(place, STRANGER, STRANGER)
        else:
            stranger_made(place)
        with pytest.warns(SessionWarning, match="FINISHED_SUCCESS is .*; it stays where it is"):
            assert move_to_finished(run, "success").parent.name == "RUNNING"


@needs_root
class TestPlaces:
    @pytest.mark.parametrize("name", ["", "RUNNING", "FINISHED", "FINISHED_ERROR"])
    def test_a_folder_of_a_stranger_that_anyone_may_write_to_is_refused(
        self, script: Path, name: str
    ) -> None:
        stranger_made(script.parent / "analysis_out" / name)
        with pytest.warns(SessionWarning, match="is another user's, and anyone may write to it"):
            run = make_run_dir(script)
        assert run.path.is_relative_to(os.environ["XDG_STATE_HOME"])

    @pytest.mark.parametrize("name", ["", "RUNNING", "FINISHED_SUCCESS"])
    def test_a_link_of_a_stranger_is_refused(self, script: Path, name: str, tmp_path: Path) -> None:
        (tmp_path / "trap").mkdir()
        link = script.parent / "analysis_out" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(tmp_path / "trap")
        os.lchown(link, STRANGER, STRANGER)
        with pytest.warns(SessionWarning, match="is a link of another user"):
            run = make_run_dir(script)
        assert run.path.is_relative_to(os.environ["XDG_STATE_HOME"])
        assert os.listdir(tmp_path / "trap") == []

    @pytest.mark.parametrize("name", ["", "RUNNING"])
    def test_a_link_of_ones_own_is_followed(self, script: Path, name: str, tmp_path: Path) -> None:
        (tmp_path / "scratch").mkdir()
        link = script.parent / "analysis_out" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(tmp_path / "scratch")
        run = make_run_dir(script)
        write_record(run, new_record(run.id))
        moved = move_to_finished(run, "success")
        assert moved == script.parent / "analysis_out" / "FINISHED_SUCCESS" / run.id
        assert moved.is_dir()

    def test_a_folder_that_a_group_shares_is_used(self, script: Path) -> None:
        for name in ("", "RUNNING", "FINISHED_SUCCESS"):
            stranger_made(script.parent / "analysis_out" / name, mode=0o2775)
        assert make_run_dir(script).path.is_relative_to(script.parent)

    def test_a_folder_that_anyone_may_write_to_is_used_and_said_once(self, script: Path) -> None:
        script.parent.chmod(0o777)
        with pytest.warns(SessionWarning, match="anyone may write to .*: other users can move"):
            make_run_dir(script)
        assert make_run_dir(script).path.is_relative_to(script.parent)  # warnings are errors

    def test_one_where_only_the_owner_may_remove_is_as_good_as_any(self, script: Path) -> None:
        script.parent.chmod(0o1777)
        assert make_run_dir(script).path.is_relative_to(script.parent)

    def test_where_all_files_have_one_owner_that_is_nobody_else(
        self, script: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As on CIFS: who we are says nothing about whom a file of ours belongs to.
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
        run = make_run_dir(script)
        run.path.parent.chmod(0o777)
        assert make_run_dir(script).path.is_relative_to(script.parent)
        assert sorted(os.listdir(run.path.parent.parent)) == [".gitignore", "RUNNING"]
        assert os.listdir(run.path) == []

    def test_a_link_of_a_stranger_is_no_directory_of_a_run(self, tmp_path: Path) -> None:
        (tmp_path / "trap").mkdir()
        (tmp_path / "mine").symlink_to(tmp_path / "trap")
        make_run_dir(sdir=tmp_path / "mine")
        (tmp_path / "theirs").symlink_to(tmp_path / "trap")
        os.lchown(tmp_path / "theirs", STRANGER, STRANGER)
        with pytest.raises(PermissionError, match="theirs is a link of another user"):
            make_run_dir(sdir=tmp_path / "theirs")

    def test_a_crash_is_filed_without_a_look_at_where_its_links_lead(
        self, dead_run: Callable[..., Path], private: Path
    ) -> None:
        run_dir = dead_run()
        (run_dir / "logs").mkdir()
        (run_dir / "logs" / "stdout.log").symlink_to(private)
        source = (
            "import sys; from pathlib import Path; from scitex_session_core import file_crash\n"
            "print(file_crash(Path(sys.argv[1])))\n"
        )
        done = run_script(source, str(run_dir))
        assert "mine" not in (Path(done.stdout.strip()) / "session.json").read_text()


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY)


def _is_directory(number: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False
