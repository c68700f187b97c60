"""A record has every field of its schema, and can always be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core import (
    RecordError,
    __version__,
    current_status,
    ended_record,
    locate_run,
    new_record,
    read_record,
    write_record,
)
from support import read_json, run_script

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = [
    *("schema", "id", "status", "exit_status", "reason", "message", "script", "function"),
    *("arguments", "argv", "cwd", "config", "seed", "started", "ended", "duration_s", "process"),
    *("python", "interpreter", "platform", "environment", "machine", "env", "git", "parent"),
    *("attempt", "tags", "note"),
    *("results", "artifacts", "versions"),
]


def test_a_new_record_has_the_fields_of_the_design_in_its_order(script: Path) -> None:
    before = datetime.now(UTC)
    record = new_record(
        "x",
        script=script,
        function="analyze",
        arguments={"threshold": 0.7},
        argv=["analysis.py", "--api-key", "abc"],
        config={"MODEL": {"lr": 0.001}},
        seed=42,
    )
    assert list(record) == FIELDS
    assert before <= datetime.fromisoformat(record["started"]) <= datetime.now(UTC)
    told = {name: record[name] for name in FIELDS[:13] if name != "cwd"}
    assert told == {
        "schema": 1,
        "id": "x",
        "status": "running",
        "exit_status": None,
        "reason": None,
        "message": "",
        "script": str(script),
        "function": "analyze",
        "arguments": {"threshold": 0.7},
        "argv": ["analysis.py", "--api-key", "***"],
        "config": {"MODEL": {"lr": 0.001}},
        "seed": 42,
    }
    assert record["cwd"] == str(Path.cwd())
    kills = record["process"].pop("oom_kills")
    assert kills is None or kills >= 0
    names = ["user", "host", "boot_id", "pid_ns", "pid", "start_ticks", "rank"]
    assert list(record["process"]) == names
    assert record["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record["platform"].startswith(os.uname().sysname)
    assert record["git"] is None
    assert record["versions"] == {"scitex-session": __version__}
    assert (record["tags"], record["artifacts"], record["attempt"]) == ([], [], 1)


def test_a_record_without_a_script_looks_for_no_repository() -> None:
    record = new_record("x")
    assert (record["script"], record["git"]) == (None, None)


def test_the_commit_is_that_of_the_script_not_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    found = new_record("x", script=folder / "fit.py")["git"]
    assert (found["commit"], found["branch"]) == (commit, "main")


def test_only_variables_that_distinguish_runs_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    env = new_record("x")["env"]
    assert env["SLURM_JOB_ID"] == "17"
    assert "hunter2" not in json.dumps(env)


def test_a_working_directory_that_is_gone_is_no_reason_not_to_record() -> None:
    done = run_script(
        """
        import os
        from scitex_session_core import new_record
        os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
        print(repr(new_record("x")["cwd"]))
        """
    )
    assert done.stdout == "''\n", done.stderr


def test_a_run_that_goes_on_with_another_names_it_and_counts() -> None:
    record = new_record("x", parent="earlier", attempt=3)
    assert (record["parent"], record["attempt"]) == ("earlier", 3)


@pytest.mark.parametrize("attempt", [0, -1, "2", 1.0, True])
def test_an_attempt_is_a_number_from_one_on(attempt: Any) -> None:
    with pytest.raises(ValueError, match="attempt must be an integer from 1 on, not "):
        new_record("x", attempt=attempt)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    record = new_record("x", argv=[os.fsdecode(b"\xff"), "ü"])
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert os.listdir(tmp_path) == ["session.json"]


def test_nothing_that_looks_like_a_secret_is_written(tmp_path: Path) -> None:
    token = "ghp_" + "a" * 36
    record = new_record("x", arguments={"password": "hunter2"}, config={"A": [token]}, argv=[token])
    write_record(tmp_path, record)
    text = (tmp_path / "session.json").read_text()
    assert token not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("exit_status", "status"), [(0, "success"), (None, "finished"), (3, "failed")]
)
def test_the_end(exit_status: int | None, status: str) -> None:
    began = {"id": "x", "started": "2026-11-22T05:09:48+00:00", "status": "running", "own": 1}
    record = ended_record(
        began,
        exit_status=exit_status,
        reason={"kind": "closed"},
        message=":)",
        ended="2026-11-22T05:10:02.5+00:00",
    )
    assert record == {
        **began,
        "status": status,
        "exit_status": exit_status,
        "reason": {"kind": "closed"},
        "message": ":)",
        "ended": "2026-11-22T05:10:02.5+00:00",
        "duration_s": 14.5,
    }


@pytest.mark.parametrize("started", [None, "yesterday", 5, "2026-11-22T05:09:48"])
def test_an_end_without_a_usable_start_has_no_duration(started: object) -> None:
    record = ended_record({"started": started}, exit_status=0, reason={})
    assert record["duration_s"] is None


def test_an_end_before_the_start_has_no_duration() -> None:
    earlier = "2001-01-01T00:00:00+00:00"
    record = ended_record(new_record("x"), exit_status=0, reason={}, ended=earlier)
    assert (record["ended"], record["duration_s"]) == (earlier, None)


def test_no_record_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"session\.json: there is no such record"):
        read_record(tmp_path)
    with pytest.raises(RecordError, match="no such record"):
        read_record(tmp_path / "gone")
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="no such record"):
        read_record(tmp_path / "file")


@given(st.binary() | st.sampled_from([b"[" * 100_000, b"{}", b'{"id": 5}', b"[]", b"null"]))
def test_garbage_is_an_error_that_names_the_file(content: bytes) -> None:
    Path("session.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"session\.json"):
        read_record(Path())


def test_a_record_that_is_a_directory_or_forbidden_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "session.json").mkdir()
    with pytest.raises(RecordError, match="can't be read"):
        read_record(tmp_path)


def test_older_schemas_and_unknown_fields_are_read(tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text('{"id": "x", "schema": 0, "later": {"a": 1}}')
    record = read_record(tmp_path)
    assert record["later"] == {"a": 1}
    assert current_status(record) == "unknown"


def test_the_status_of_the_living_the_dead_and_the_unknown(dead_process: dict[str, Any]) -> None:
    def status(process: object, status: str = "running") -> str:
        return current_status({"status": status, "process": process})

    assert status(new_record("x")["process"]) == "running"
    assert status(dead_process) == "crashed"
    assert status({**dead_process, "host": "elsewhere"}) == "unknown"
    assert status(None) == "unknown"
    assert status(dead_process, "success") == "success"


STATUS_OF_FOLDER = {
    "FINISHED_SUCCESS": "success",
    "FINISHED": "finished",
    "FINISHED_ERROR": "failed",
}


@pytest.mark.parametrize(("directory", "status"), sorted(STATUS_OF_FOLDER.items()))
def test_a_record_that_the_disk_was_too_full_to_end_is_read_as_its_directory_says(
    directory: str, status: str, dead_run: Callable[..., Path]
) -> None:
    run_dir = dead_run()
    there = run_dir.parent.parent / directory
    there.mkdir()
    run_dir.rename(there / run_dir.name)
    record = read_record(there / run_dir.name)
    assert (record["status"], current_status(record)) == (status, status)
    assert record["exit_status"] == (0 if status == "success" else None)


@pytest.mark.parametrize("directory", sorted(STATUS_OF_FOLDER))
def test_a_run_that_moved_is_found(directory: str, dead_run: Callable[..., Path]) -> None:
    run_dir = dead_run(status="success")
    there = run_dir.parent.parent / directory
    there.mkdir()
    run_dir.rename(there / run_dir.name)
    assert read_record(run_dir)["id"] == run_dir.name
    assert locate_run(run_dir) == there / run_dir.name


def test_a_run_without_a_record_is_located_where_it_was(tmp_path: Path) -> None:
    assert locate_run(tmp_path / "RUNNING" / "x") == tmp_path / "RUNNING" / "x"
    assert locate_run(tmp_path / "x") == tmp_path / "x"


def test_readers_never_miss_a_run_that_is_being_moved(
    dead_run: Callable[..., Path], tmp_path: Path
) -> None:
    run_dirs = [dead_run(status="success", tags=["kept"]) for _ in range(60)]
    mover = (
        "import sys; from pathlib import Path; from scitex_session_core import move_to_finished\n"
        "for path in sys.argv[1:]: move_to_finished(Path(path), 'success')\n"
    )
    with subprocess.Popen([sys.executable, "-c", mover, *map(str, run_dirs)]) as process:
        rounds = 0
        while process.poll() is None or rounds == 0:
            assert all(read_record(path)["tags"] == ["kept"] for path in run_dirs)
            rounds += 1
    assert process.returncode == 0
    assert not any(path.exists() for path in run_dirs)


def test_the_record_is_made_to_be_read_by_people_too(tmp_path: Path) -> None:
    write_record(tmp_path, new_record("x", argv=["größe"]))
    text = (tmp_path / "session.json").read_text(encoding="utf-8")
    assert '\n  "id": "x",\n' in text
    assert "größe" in text
    assert read_json(tmp_path / "session.json")["argv"] == ["größe"]
