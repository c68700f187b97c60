"""Any tool registers its sessions, and every reader gets the truth."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scitex_session_core import (
    DuplicateSessionError,
    InvalidSessionIdError,
    InvalidTypeError,
    InvalidValueError,
    SessionManager,
    SessionWarning,
    append_event,
    journal_create,
    make_run_dir,
    new_record,
    read_record,
    registry_dir,
    write_record,
)
from support import run_script, start_script

STATUSES = ["error", "failed", "finished", "success"]


@pytest.fixture
def manager(registry: Path) -> SessionManager:
    return SessionManager(registry)


def journal(registry: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(registry.rglob("*.jsonl")))


def test_a_life(manager: SessionManager) -> None:
    before = datetime.now(UTC)
    manager.create_session("x", {"lr": 0.1}, "fit.py")
    session = manager.get_session("x")
    assert before <= session.pop("start_time") <= datetime.now(UTC)
    assert session.pop("process")["pid"] == os.getpid()
    assert session == {
        "id": "x",
        "config": {"lr": 0.1},
        "status": "running",
        "end_time": None,
        "exit_code": None,
        "script_path": "fit.py",
        "function": None,
        "arguments": {},
        "env": {},
        "results": {},
        "tags": [],
        "note": "",
        "artifacts": 0,
        "made": [],
        "parent": None,
        "attempt": 1,
        "sweep": None,
        "run_dir": None,
    }
    manager.close_session("x", "failed", 3)
    session = manager.get_session("x")
    assert (session["status"], session["exit_code"]) == ("failed", 3)
    assert session["start_time"] <= session["end_time"] <= datetime.now(UTC)


def test_the_documented_defaults(manager: SessionManager) -> None:
    manager.create_session("x", {})
    manager.close_session("x")
    session = manager.get_session("x")
    assert (session["status"], session["exit_code"], session["script_path"]) == ("success", 0, None)


def test_active_sessions_are_those_that_have_not_ended(manager: SessionManager) -> None:
    for name in ("b", "a", "c"):
        manager.create_session(name, {})
    manager.close_session("a")
    assert list(manager.get_active_sessions()) == ["b", "c"]
    assert list(manager.list_sessions()) == ["b", "a", "c"]


def test_the_default_registry_is_the_users() -> None:
    SessionManager().create_session("x", {})
    assert (registry_dir() / "journal").is_dir()
    assert "x" in SessionManager(str(registry_dir())).list_sessions()


def test_registries_know_nothing_of_each_other(tmp_path: Path) -> None:
    SessionManager(tmp_path / "a").create_session("x", {})
    assert SessionManager(tmp_path / "b").list_sessions() == {}


def test_a_relative_registry_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = SessionManager("registry")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    manager.create_session("x", {})
    assert (tmp_path / "registry" / "journal").is_dir()
    assert repr(manager) == f"SessionManager({str(tmp_path / 'registry')!r})"


def test_one_process_registers_and_another_closes(registry: Path) -> None:
    program = (
        "import sys; from scitex_session_core import SessionManager; "
        f"m = SessionManager({str(registry)!r}); "
    )
    with start_script(
        program + "m.create_session('x', {'n': 1}); print('up', flush=True); sys.stdin.read(); "
        "import time; time.sleep(60)"
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "up\n"
        assert list(SessionManager(registry).get_active_sessions()) == ["x"]
        second = run_script(program + "m.close_session('x', 'failed', 4)")
        assert (second.returncode, second.stderr) == (0, "")
        session = SessionManager(registry).get_session("x")
        assert (session["status"], session["exit_code"]) == ("failed", 4)
    assert SessionManager(registry).get_session("x") == session


def test_a_manager_sees_what_others_do(registry: Path) -> None:
    mine, theirs = SessionManager(registry), SessionManager(registry)
    theirs.create_session("x", {})
    assert list(mine.get_active_sessions()) == ["x"]
    theirs.close_session("x")
    assert list(mine.get_active_sessions()) == []


def test_a_killed_session_has_crashed_and_may_still_be_closed(registry: Path) -> None:
    manager = SessionManager(registry)
    done = run_script(
        f"""
        import os
        from scitex_session_core import SessionManager
        SessionManager({str(registry)!r}).create_session("x", {{}})
        os.kill(os.getpid(), 9)
        """
    )
    assert done.returncode == -9
    assert manager.get_session("x")["status"] == "crashed"
    assert manager.get_active_sessions() == {}
    manager.close_session("x", "error", None)
    assert manager.get_session("x")["status"] == "error"


def test_the_life_of_another_process_counts_where_it_is_named(registry: Path) -> None:
    manager = SessionManager(registry)
    with start_script("print('up', flush=True); import time; time.sleep(60)") as child:
        assert child.stdout is not None
        child.stdout.readline()
        manager.create_session("x", {}, pid=child.pid)
        assert list(manager.get_active_sessions()) == ["x"]
        child.kill()
        child.wait()
    assert manager.get_session("x")["status"] == "crashed"


def test_without_a_claim_a_session_outlives_its_process(registry: Path) -> None:
    done = run_script(
        f"""
        from scitex_session_core import SessionManager
        SessionManager({str(registry)!r}).create_session("x", {{}}, pid=None)
        """
    )
    assert done.returncode == 0, done.stderr
    assert SessionManager(registry).get_session("x")["status"] == "running"


def test_an_unknown_session_is_empty_and_closing_it_a_warning(manager: SessionManager) -> None:
    assert manager.get_session("x") == {}
    with pytest.warns(SessionWarning, match="no session 'x' to close in the registry"):
        manager.close_session("x")
    assert manager.list_sessions() == {}


def test_closing_twice_is_a_warning_and_the_first_end_stays(manager: SessionManager) -> None:
    manager.create_session("x", {})
    manager.close_session("x", "failed", 3)
    with pytest.warns(SessionWarning, match="'x' was closed before, as failed: it stays so"):
        manager.close_session("x")
    assert manager.get_session("x")["exit_code"] == 3


@pytest.mark.parametrize("closed", [True, False])
def test_a_duplicate_is_refused_and_nothing_is_written(
    manager: SessionManager, registry: Path, closed: bool
) -> None:
    manager.create_session("x", {"n": 1})
    if closed:
        manager.close_session("x")
    before = journal(registry)
    with pytest.raises(DuplicateSessionError, match=f"'x' is already in the registry {registry}"):
        SessionManager(registry).create_session("x", {"n": 2})
    assert journal(registry) == before
    assert manager.get_session("x")["config"] == {"n": 1}


def test_of_many_that_register_the_same_at_once_one_succeeds(registry: Path) -> None:
    done = run_script(
        """
        import json, os, sys
        from scitex_session_core import DuplicateSessionError, SessionManager
        ready, go = os.pipe()
        answers, tell = os.pipe()
        for number in range(8):
            if os.fork() == 0:
                manager = SessionManager(sys.argv[1])
                os.close(go)
                os.read(ready, 1)
                won = []
                for name in map(str, range(20)):
                    try:
                        manager.create_session(name, {"by": number})
                    except DuplicateSessionError:
                        continue
                    won.append(name)
                os.write(tell, json.dumps([number, won]).encode() + b"\\n")
                os._exit(0)
        os.close(go); os.close(tell)
        with open(answers) as file:
            print(json.dumps([json.loads(line) for line in file]))
        """,
        str(registry),
    )
    won = {name: number for number, names in json.loads(done.stdout) for name in names}
    total = sum(len(names) for _, names in json.loads(done.stdout))
    assert total == len(won) == 20
    sessions = SessionManager(registry).list_sessions()
    assert {name: session["config"]["by"] for name, session in sessions.items()} == won


@pytest.mark.parametrize("bad", ["", " ", "a/b", "..", "x" * 201, "a\nb"])
def test_an_id_that_can_not_name_a_session_is_refused(
    bad: str, manager: SessionManager, registry: Path
) -> None:
    with pytest.raises(InvalidSessionIdError):
        manager.create_session(bad, {})
    assert journal(registry) == b""


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"session_id": 5}, InvalidTypeError, "session_id must be a string, not 5"),
        ({"config": [1]}, InvalidTypeError, r"config must be a dictionary, not \[1\]"),
        ({"config": None}, InvalidTypeError, "config must be a dictionary, not None"),
        ({"pid": "12"}, InvalidTypeError, "pid must be the ID of a process that is alive"),
        ({"pid": -5}, InvalidValueError, "pid must be the ID of a process that is alive"),
        ({"pid": 2**40}, InvalidValueError, "pid must be the ID of a process that is alive"),
    ],
)
def test_other_bad_input_is_refused_and_nothing_is_written(
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
    manager: SessionManager,
    registry: Path,
) -> None:
    with pytest.raises(error, match=message):
        manager.create_session(**{"session_id": "x", "config": {}, **arguments})
    assert journal(registry) == b""


def test_a_dead_process_is_refused(manager: SessionManager, dead_process: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match="is alive"):
        manager.create_session("x", {}, pid=dead_process["pid"])


def test_statuses_that_there_are_not_are_refused(manager: SessionManager) -> None:
    manager.create_session("x", {})
    for status in STATUSES:
        manager.create_session(status, {})
        manager.close_session(status, status, None)
        assert manager.get_session(status)["status"] == status
    with pytest.raises(InvalidValueError, match="status must be one of success, failed, error, f"):
        manager.close_session("x", "done")
    with pytest.raises(InvalidTypeError, match="exit_code must be an integer or None, not '3'"):
        manager.close_session("x", "failed", "3")  # type: ignore[arg-type]
    assert manager.get_session("x")["status"] == "running"


def test_numpy_integers_are_integers(manager: SessionManager) -> None:
    manager.create_session("x", {"n": np.int64(3)}, pid=np.int64(os.getpid()))  # type: ignore[arg-type]
    manager.close_session("x", "failed", np.int32(3))  # type: ignore[arg-type]
    session = manager.get_session("x")
    assert (session["config"], session["exit_code"]) == ({"n": 3}, 3)


def test_odd_configurations_are_described_not_refused(manager: SessionManager) -> None:
    loop: dict[str, Any] = {"password": "hunter2", "path": Path("/a"), "nan": float("nan")}
    loop["loop"] = loop
    manager.create_session("x", loop)
    assert manager.get_session("x")["config"] == {
        "password": "***",
        "path": "/a",
        "nan": "nan",
        "loop": "<the dict that holds this>",
    }


def test_what_is_returned_is_the_callers_own(manager: SessionManager) -> None:
    manager.create_session("x", {"a": {"b": 1}})
    manager.list_sessions()["x"]["config"]["a"]["b"] = 2
    manager.get_session("x")["status"] = "changed"
    assert manager.get_session("x")["config"] == {"a": {"b": 1}}
    assert manager.get_session("x")["status"] == "running"


def test_a_registry_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        SessionManager(tmp_path / "file").create_session("x", {})


def test_what_is_added_counts_before_and_after_the_end(manager: SessionManager) -> None:
    manager.create_session("x", {})
    manager.update_session("x", tag="draft", results={"acc": 0.5})
    manager.close_session("x")
    manager.update_session("x", tag="paper", untag="draft", note="good", results={"f1": 0.4})
    session = manager.get_session("x")
    assert (session["tags"], session["note"]) == (["paper"], "good")
    assert session["results"] == {"acc": 0.5, "f1": 0.4}
    with pytest.warns(SessionWarning, match="no session 'y' to update"):
        manager.update_session("y", tag="paper")
    with pytest.raises(InvalidTypeError, match="tag must be a text or None, not 5"):
        manager.update_session("x", tag=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="results must be a dictionary, not 5"):
        manager.update_session("x", results=5)  # type: ignore[arg-type]


def test_what_is_added_to_a_run_stands_in_its_record(
    manager: SessionManager, registry: Path, script: Path
) -> None:
    run = make_run_dir(script)
    write_record(run.path, new_record(run.id, script=script))
    process = new_record(run.id)["process"]
    journal_create(registry, run.id, {}, script_path=None, process=process, run_dir=run.path)
    manager.update_session(run.id, tag="paper", note="good", results={"acc": 1})
    record = read_record(run.path)
    assert (record["tags"], record["note"], record["results"]) == (["paper"], "good", {"acc": 1})
    assert manager.get_session(run.id)["tags"] == ["paper"]
    append_event(run.path, "tag", tag="by hand")
    assert [s["id"] for s in manager.select({"tags": "by hand", "status": "running"})] == [run.id]


def test_what_is_added_does_not_reach_a_later_run_in_the_same_directory(
    manager: SessionManager, registry: Path, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        write_record(tmp_path, new_record(name))
        process = new_record(name)["process"]
        journal_create(registry, name, {}, script_path=None, process=process, run_dir=tmp_path)
    manager.update_session("first", tag="paper")
    assert read_record(tmp_path)["tags"] == []
    assert manager.get_session("first")["tags"] == ["paper"]


def test_what_is_removed_is_gone_and_its_id_free(manager: SessionManager) -> None:
    manager.create_session("x", {"n": 1})
    manager.close_session("x")
    manager.remove("x")
    assert manager.list_sessions() == {}
    assert manager.select() == []
    manager.create_session("x", {"n": 2})
    assert manager.get_session("x")["config"] == {"n": 2}
    with pytest.warns(SessionWarning, match="no session 'y' to remove"):
        manager.remove("y")


def test_a_run_registers_and_closes_without_database_lock_or_psutil(registry: Path) -> None:
    done = run_script(
        """
        import sys
        from pathlib import Path
        import scitex_session_core as core
        registry = Path(sys.argv[1])
        core.journal_create(registry, "x", {}, script_path=None, process=None)
        core.journal_close(registry, "x", "success", 0)
        heavy = {"sqlite3", "filelock", "psutil", "platformdirs", "hashlib"}
        print(heavy & set(sys.modules) or "none")
        """,
        str(registry),
    )
    expected = "none\n" if sys.platform == "linux" else "{'platformdirs'}\n"
    assert done.stdout == expected, done.stderr
