"""A run that died is filed once, and truly, however it died and whoever files it."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    SessionManager,
    SessionWarning,
    append_event,
    crash_command,
    current_status,
    ended_record,
    file_crash,
    jsonable,
    make_run_dir,
    new_record,
    read_record,
    reap,
    write_record,
)
from support import read_json, read_json_lines, start_script

if TYPE_CHECKING:
    from collections.abc import Callable

    Lives = Callable[..., list[dict[str, Any]]]

RUN = """
import sys, time
from pathlib import Path
from scitex_session_core import journal_create, make_run_dir, new_record, write_record
script, registry = Path(sys.argv[1]), Path(sys.argv[2])
run = make_run_dir(script)
record = new_record(run.id, script=script)
write_record(run.path, record)
journal_create(registry, run.id, {}, script_path=str(script), process=record["process"],
               run_dir=run.path)
print(run.path, flush=True)
time.sleep(60)
"""


def killed_run(script: Path, registry: Path) -> Path:
    """A run that really was killed, and that nobody filed."""
    with start_script(RUN, str(script), str(registry)) as child:
        assert child.stdout is not None
        run_dir = Path(child.stdout.readline().strip())
        child.kill()
        child.wait()
    return run_dir


def everything(out_dir: Path) -> dict[str, list[str]]:
    """The names in each directory that runs pass through."""
    return {
        folder.name: sorted(os.listdir(folder)) for folder in out_dir.iterdir() if folder.is_dir()
    }


def _of_whole_blocks(record: dict[str, Any]) -> dict[str, Any]:
    """Pad a record so that one byte more needs another block."""
    size = len(json.dumps(jsonable(record), indent=2, ensure_ascii=False).encode()) + 1
    missing = -size % os.sysconf("SC_PAGE_SIZE")
    return {**record, "note": "x" * missing}


class TestOneCrash:
    def test_a_killed_run_is_found_filed_and_registered(self, script: Path, registry: Path) -> None:
        run_dir = killed_run(script, registry)
        assert current_status(read_record(run_dir)) == "crashed"
        (moved,) = reap(run_dir.parent.parent, registry=registry)
        assert moved == run_dir.parent.parent / "FINISHED_ERROR" / run_dir.name
        assert everything(moved.parent.parent) == {"RUNNING": [], "FINISHED_ERROR": [moved.name]}
        record = read_json(moved / "session.json")
        assert (record["status"], record["exit_status"]) == ("crashed", None)
        assert record["reason"] == {"kind": "crashed"}
        session = SessionManager(registry).get_session(run_dir.name)
        assert (session["status"], session["run_dir"]) == ("crashed", str(moved))
        assert session["end_time"] == datetime.fromisoformat(record["ended"])

    def test_what_the_companion_saw_is_kept(self, dead_run: Callable[..., Path]) -> None:
        seen = {"seen": "2026-11-22T05:10:02.5+00:00", "signal": 9, "exit_status": None}
        record = read_record(file_crash(dead_run(started="2026-11-22T05:10:00+00:00"), seen))
        assert record["reason"] == {"kind": "crashed", "signal": 9}
        assert (record["ended"], record["duration_s"]) == (seen["seen"], 2.5)

    def test_without_a_witness_it_ended_at_its_last_sign_of_life(
        self, dead_run: Callable[..., Path]
    ) -> None:
        run_dir = dead_run()
        (run_dir / "logs").mkdir()
        last = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        for name, ago in (("heartbeat", 30), ("logs/stdout.log", 0), ("results.csv", -60)):
            (run_dir / name).touch()
            stamp = (last - timedelta(seconds=ago)).timestamp()
            os.utime(run_dir / name, (stamp, stamp))
        assert datetime.fromisoformat(read_record(file_crash(run_dir))["ended"]) == last

    def test_a_second_witness_adds_what_it_saw(self, dead_run: Callable[..., Path]) -> None:
        run_dir = dead_run()
        file_crash(run_dir)
        moved = file_crash(run_dir, {"signal": 11})
        assert read_record(moved)["reason"] == {"kind": "crashed", "signal": 11}

    def test_a_witness_who_saw_nothing_removes_nothing(self, dead_run: Callable[..., Path]) -> None:
        first = {"seen": "2026-11-22T05:10:02+00:00", "signal": 9, "exit_status": None}
        moved = file_crash(dead_run(), first)
        file_crash(moved, {"seen": None, "signal": None, "exit_status": None})
        record = read_record(moved)
        assert record["reason"] == {"kind": "crashed", "signal": 9}
        assert record["ended"] == first["seen"]

    def test_its_record_says_what_it_did_last(self, dead_run: Callable[..., Path]) -> None:
        run_dir = dead_run()
        append_event(run_dir, "artifact", path="fit.png", bytes=3, role="output")
        (run_dir / "logs").mkdir()
        (run_dir / "logs" / "stdout.log").write_text(f"epoch 7 of 9, ghp_{'a' * 36}\n")
        reason = read_record(file_crash(run_dir, {"signal": 9}))["reason"]
        assert reason["last_event"].pop("time")
        assert reason == {
            "kind": "crashed",
            "signal": 9,
            "last_event": {"event": "artifact", "path": "fit.png", "bytes": 3, "role": "output"},
            "last_output": {"stdout": "epoch 7 of 9, ***"},
        }

    def test_a_lost_run_that_is_then_seen_to_die_has_crashed(
        self, dead_run: Callable[..., Path]
    ) -> None:
        run_dir = dead_run(status="lost", reason={"kind": "lost", "last_output": {"stdout": "a"}})
        record = read_record(file_crash(run_dir, {"signal": 9}))
        assert record["status"] == "crashed"
        assert record["reason"] == {
            "kind": "crashed",
            "signal": 9,
            "last_output": {"stdout": "a"},
        }

    def test_a_second_filing_without_news_changes_nothing(
        self, dead_run: Callable[..., Path]
    ) -> None:
        run_dir = dead_run()
        moved = file_crash(run_dir, {"signal": 9})
        before = (moved / "session.json").read_bytes()
        assert file_crash(run_dir) == moved
        assert (moved / "session.json").read_bytes() == before

    def test_what_writers_left_and_the_heartbeat_go_and_the_rest_stays(
        self, dead_run: Callable[..., Path]
    ) -> None:
        run_dir = dead_run()
        (run_dir / "CONFIGS").mkdir()
        rest = ["CONFIGS/CONFIG.yaml", "events.jsonl", ".mine.tmp", "results.csv"]
        for name in (
            *(".session.json.12.ab.tmp", "CONFIGS/.CONFIG.yaml.12.ab.tmp", "heartbeat"),
            *rest,
        ):
            (run_dir / name).touch()
        moved = file_crash(run_dir)
        found = {str(p.relative_to(moved)) for p in moved.rglob("*") if p.is_file()}
        assert found == {"session.json", *rest}

    def test_events_of_the_dead_survive(self, dead_run: Callable[..., Path]) -> None:
        run_dir = dead_run()
        (run_dir / "events.jsonl").write_text(
            '\n{"event": "artifact", "path": "a.png"}\n\n{"event": "tag", "tag": "torn'
        )
        record = read_json(file_crash(run_dir) / "session.json")
        assert [artifact["path"] for artifact in record["artifacts"]] == ["a.png"]

    @pytest.mark.parametrize(
        ("status", "name"), [("success", "FINISHED_SUCCESS"), ("failed", "FINISHED_ERROR")]
    )
    def test_a_run_that_died_between_last_record_and_rename_ended_as_its_record_says(
        self, status: str, name: str, dead_run: Callable[..., Path], registry: Path
    ) -> None:
        run_dir = dead_run()
        exit_status = {"success": 0, "failed": 3}[status]
        record = ended_record(read_record(run_dir), exit_status=exit_status, reason={"kind": "x"})
        write_record(run_dir, record)
        (moved,) = reap(run_dir.parent.parent, registry=registry)
        assert moved.parent.name == name
        assert read_record(moved) == record
        _, line = read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])
        assert (line["status"], line["exit_code"]) == (status, exit_status)

    def test_the_living_are_left_alone(self, script: Path) -> None:
        run = make_run_dir(script)
        write_record(run.path, new_record(run.id))
        assert file_crash(run.path, {"signal": 9}) == run.path
        assert read_record(run.path)["status"] == "running"
        assert reap(run.out_dir) == []

    def test_a_witness_leaves_the_next_run_in_the_same_sdir_alone(
        self, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        (tmp_path / "x").mkdir()
        write_record(tmp_path / "x", {**new_record("earlier"), "process": dead_process})
        run = make_run_dir(sdir=tmp_path / "x")
        assert file_crash(tmp_path / "x", {"signal": 9}) == tmp_path / "x"
        record = read_record(tmp_path / "x")
        assert (record["id"], record["status"]) == (run.id, "running")

    def test_a_crash_in_an_sdir_is_filed_where_it_is(
        self, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        write_record(tmp_path, {**new_record("x"), "process": dead_process})
        assert file_crash(tmp_path, {"signal": 9}) == tmp_path
        assert read_json(tmp_path / "session.json")["status"] == "crashed"

    def test_a_directory_without_a_record_is_left_alone(self, script: Path) -> None:
        run = make_run_dir(script)
        (run.path / "late.txt").touch()
        assert file_crash(run.path) == run.path
        assert reap(run.out_dir) == []
        assert (run.path / "late.txt").exists()
        assert file_crash(run.path / "gone") == run.path / "gone"

    def test_on_a_full_disk_the_record_is_overwritten(
        self, full_disk: Path, fill: Callable[[Path], Path], dead_process: dict[str, Any]
    ) -> None:
        run = make_run_dir(full_disk / "fit.py")
        write_record(run.path, {**new_record(run.id), "process": dead_process})
        (full_disk / "fit_out" / "FINISHED_ERROR").mkdir()
        fill(full_disk)
        (moved,) = reap(run.out_dir)
        assert json.loads((moved / "session.json").read_bytes())["status"] == "crashed"

    def test_where_a_full_disk_has_no_room_for_it_it_stays_to_be_filed_later(
        self, full_disk: Path, fill: Callable[[Path], Path], dead_process: dict[str, Any]
    ) -> None:
        run = make_run_dir(full_disk / "fit.py")
        write_record(run.path, _of_whole_blocks({**new_record(run.id), "process": dead_process}))
        filler = fill(full_disk)
        with pytest.warns(SessionWarning, match="could not be filed: .*No space left"):
            assert reap(run.out_dir) == []
        assert current_status(read_record(run.path)) == "crashed"
        filler.unlink()
        (moved,) = reap(run.out_dir)
        assert read_record(moved)["status"] == "crashed"

    def test_a_registry_that_can_not_be_written_is_only_warned_about(
        self, dead_run: Callable[..., Path], tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.warns(SessionWarning, match="could not be registered in .*file"):
            moved = file_crash(dead_run(), registry=tmp_path / "file")
        assert moved.parent.name == "FINISHED_ERROR"


class TestTheCommand:
    def seen(self, **known: Any) -> str:
        return json.dumps({"seen": "2026-11-22T05:10:02+00:00", "signal": None, **known})

    def test_it_files_in_any_folder_and_environment(
        self, dead_run: Callable[..., Path], registry: Path, tmp_path: Path
    ) -> None:
        run_dir = dead_run()
        (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
        command = [*crash_command(run_dir, registry), self.seen(signal=9)]
        done = subprocess.run(
            command,
            env={"PYTHONPATH": str(tmp_path), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        record = read_record(run_dir)
        assert record["reason"] == {"kind": "crashed", "signal": 9}
        assert SessionManager(registry).get_session(record["id"])["status"] == "crashed"
        _, line = read_json_lines(sorted(registry.glob("journal/*.jsonl"))[0])
        assert line["status"] == "crashed"

    def test_names_of_any_bytes_and_no_registry(
        self, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        run = make_run_dir(tmp_path / os.fsdecode(b"gr\xf6\xc3\xb6 \xff.py"))
        write_record(run.path, {**new_record(run.id), "process": dead_process})
        command = [*crash_command(run.path, None), self.seen()]
        subprocess.run(command, check=True, env={"LC_ALL": "C"})
        assert read_record(run.path)["status"] == "crashed"

    def test_what_it_can_not_do_it_says_in_a_line(
        self, full_disk: Path, fill: Callable[[Path], Path], dead_process: dict[str, Any]
    ) -> None:
        run = make_run_dir(full_disk / "fit.py")
        write_record(run.path, _of_whole_blocks({**new_record(run.id), "process": dead_process}))
        fill(full_disk)
        command = [*crash_command(run.path, None), self.seen()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "could not be filed" in done.stderr
        assert "Traceback" not in done.stderr

    def test_it_needs_nothing_but_the_standard_library(self, dead_run: Callable[..., Path]) -> None:
        *python, code, parent, run_dir, _, _ = crash_command(dead_run(), None)
        shown = code.replace("sys.exit(", "(") + "; print(*sys.modules)"
        done = subprocess.run(
            [*python, shown, parent, run_dir, "", "null", self.seen()],
            capture_output=True,
            text=True,
            check=True,
        )
        assert not {"psutil", "platformdirs", "filelock", "site"} & set(done.stdout.split())


class TestKilledBeforeAnyOperation:
    def test_of_a_run_the_truth_is_on_disk_and_stays_so_after_reaping(self, lives: Lives) -> None:
        found = lives("run", 60)
        assert len(found) > 12
        for life in found:
            directory, said = Path(life["directory"]), life["said"]
            manager = SessionManager(directory / "registry")
            expected = "success" if "ended" in said else "crashed"
            recorded = "recorded" in said
            assert self.told(manager) == ([expected] if "registered" in said else [])
            reap(directory / "fit_out", registry=directory / "registry")
            # Also where it was killed before it was registered.
            found_dead = [*directory.glob("fit_out/*/*/session.json")]
            assert self.told(manager) == ([expected] if found_dead else [])
            assert manager.get_active_sessions() == {}
            places = everything(directory / "fit_out") if (directory / "fit_out").exists() else {}
            records = [
                read_record(path)
                for name in places
                if name != "RUNNING"
                for path in (directory / "fit_out" / name).iterdir()
            ]
            assert [record["status"] for record in records] == ([expected] if recorded else [])
            assert [record["tags"] for record in records] == (
                ([["paper"]] if "tagged" in said else [[]]) if recorded else []
            )
            left = [path.name for path in (directory / "fit_out").rglob("*.tmp")]
            assert not left or not recorded

    def told(self, manager: SessionManager) -> list[str]:
        return [session["status"] for session in manager.list_sessions().values()]

    def test_the_record_of_a_run_in_an_sdir_is_true(self, lives: Lives) -> None:
        found = lives("run_in_sdir", 60)
        assert len(found) > 12
        for life in found:
            sdir = Path(life["directory"]) / "chosen"
            if not (sdir / "session.json").exists():
                assert not life["said"]
                continue
            expected = "success" if "ended" in life["said"] else "crashed"
            assert current_status(read_record(sdir)) == expected
            file_crash(sdir)
            assert read_record(sdir)["status"] == expected
            assert set(os.listdir(sdir)) <= {"session.json", "events.jsonl"}

    def test_of_a_filer_the_next_one_finishes(
        self, lives: Lives, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        for n in range(1, 60):
            run = make_run_dir(tmp_path / str(n) / "fit.py")
            write_record(run.path, {**new_record(run.id), "process": dead_process})
        found = lives("filer", 59)
        assert len(found) > 5
        for life in found:
            out_dir = Path(life["directory"]) / "fit_out"
            reap(out_dir)
            (moved,) = (out_dir / "FINISHED_ERROR").iterdir()
            assert os.listdir(out_dir / "RUNNING") == []
            record = read_record(moved)
            assert record["status"] == "crashed"
            assert "filed" not in life["said"] or record["reason"]["signal"] == 9
