"""What strangers did to the registry, and how it withstands."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    SessionManager,
    SessionWarning,
    append_event,
    journal_create,
    make_run_dir,
    new_record,
    read_record,
    reindex,
    write_record,
)


def index_file() -> Path:
    """The index of the only registry that was read."""
    (path,) = Path(os.environ["XDG_CACHE_HOME"], "scitex-session", "index").glob("*.sqlite3")
    return path


LIKE_A_TOKEN = "sk-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"


@pytest.mark.parametrize("name", ["sk-another-experiment-of-mine-01", LIKE_A_TOKEN])
def test_an_id_that_looks_like_a_secret_is_kept_as_it_is(registry: Path, name: str) -> None:
    manager = SessionManager(registry)
    manager.create_session(name, {"api_key": "hunter2", "text": LIKE_A_TOKEN}, pid=None)
    manager.close_session(name)
    assert manager.get_session(name)["status"] == "success"
    assert manager.get_session(name)["config"] == {"api_key": "***", "text": "***"}


def test_paths_that_look_like_secrets_stay_paths(tmp_path: Path, registry: Path) -> None:
    script = tmp_path / LIKE_A_TOKEN / "fit.py"
    run = make_run_dir(script)
    write_record(run.path, {**new_record(run.id, script=script), "status": "success"})
    assert read_record(run.path)["script"] == str(script)
    assert len(reindex([tmp_path], registry)) == 1
    assert reindex([tmp_path], registry) == []
    (session,) = SessionManager(registry).list_sessions().values()
    assert session["run_dir"] == str(run.path)
    SessionManager(registry).update_session(run.id, tag="found")
    assert read_record(run.path)["tags"] == ["found"]


def test_a_link_to_nowhere_in_the_journal_hides_nothing_else(registry: Path) -> None:
    (registry / "journal").mkdir(parents=True)
    (registry / "journal" / "0.jsonl").symlink_to("/nowhere")
    manager = SessionManager(registry)
    manager.create_session("mine", {}, pid=None)
    assert list(manager.list_sessions()) == ["mine"]


def test_a_pattern_with_many_wild_cards_is_matched_at_once(registry: Path) -> None:
    manager = SessionManager(registry)
    manager.create_session("rx", {}, pid=None)
    manager.update_session("rx", note="a" * 300)
    assert manager.select({"note": ("like", "%" + "a%" * 12 + "b")}) == []
    assert len(manager.select({"note": ("like", "%" + "A%" * 12 + "_")})) == 1


def test_a_clock_that_is_set_back_changes_no_order(registry: Path) -> None:
    (registry / "journal").mkdir(parents=True)
    manager = SessionManager(registry)

    def append(hour: int, **fields: object) -> dict[str, Any]:
        event = {"id": "a", "time": f"2026-11-22T{hour:02}:00:00+00:00", **fields}
        with open(registry / "journal" / "here.jsonl", "a") as file:
            file.write(json.dumps(event) + "\n")
        return manager.get_session("a")

    append(8, event="create")
    append(8, event="update", note="first", tag="t")
    session = append(7, event="update", note="second", untag="t")
    assert (session["note"], session["tags"]) == ("second", [])
    assert append(7, event="remove") == {}
    session = append(7, event="create", config={"new": True})
    assert (session["config"], session["start_time"].hour) == ({"new": True}, 7)


@pytest.mark.parametrize("odd", [["a"], None, 5, "\ud800", "../x"])
def test_what_can_be_no_id_is_in_no_registry(registry: Path, odd: str) -> None:
    assert SessionManager(registry).get_session(odd) == {}


def test_too_many_filters_are_refused(registry: Path) -> None:
    with pytest.raises(InvalidValueError, match="at most 100 of them"):
        SessionManager(registry).select({f"config.k{number}": 1 for number in range(1500)})


def test_a_truth_value_is_no_process(registry: Path) -> None:
    with pytest.raises(InvalidTypeError, match="pid must be"):
        SessionManager(registry).create_session("a", {}, pid=True)


def test_an_index_that_lacks_a_table_is_made_again(registry: Path) -> None:
    journal_create(registry, "a", {"x": 1}, script_path=None, process=None)
    assert len(SessionManager(registry).select({"config.x": 1})) == 1
    with sqlite3.connect(index_file()) as index:
        index.execute("DROP TABLE facts")
    index.close()
    with pytest.warns(SessionWarning):
        assert len(SessionManager(registry).select({"config.x": 1})) == 1
    assert len(SessionManager(registry).select({"config.x": 1})) == 1


def test_numbers_of_removed_sessions_are_not_used_again(registry: Path) -> None:
    manager = SessionManager(registry)
    numbers = []
    for name in ("a", "b", "c"):
        manager.create_session(name, {}, pid=None)
        with sqlite3.connect(index_file()) as index:
            numbers += index.execute("SELECT n FROM sessions").fetchone()
        index.close()
        manager.remove(name)
        assert manager.list_sessions() == {}
    assert len(set(numbers)) == 3


def test_directories_can_be_given_as_text(tmp_path: Path) -> None:
    run = make_run_dir(tmp_path / "fit.py")
    write_record(run.path, new_record(run.id))
    append_event(os.fspath(run.path), "tag", tag="late")
    assert read_record(os.fspath(run.path))["tags"] == ["late"]
    assert json.loads((run.path / "session.json").read_text())["id"] == run.id


@pytest.mark.parametrize(
    "odd",
    [
        {"results": {"loss": float("nan")}},
        {"status": None},
        {"tags": "paper"},
        {"exit_status": "3"},
        {"started": "yesterday"},
        {"results": None},
    ],
)
def test_odd_records_are_registered_once(
    tmp_path: Path, registry: Path, odd: dict[str, object]
) -> None:
    run = make_run_dir(tmp_path / "fit.py")
    record = {**new_record(run.id), "status": "success", **odd}
    (run.path / "session.json").write_text(json.dumps(record))
    assert reindex([tmp_path], registry) == [run.path]
    assert reindex([tmp_path], registry) == []


def test_a_half_made_copy_is_no_run(tmp_path: Path, registry: Path) -> None:
    copying = tmp_path / "FINISHED_SUCCESS" / ".a.copying"
    copying.mkdir(parents=True)
    write_record(copying, {**new_record("a"), "status": "success"})
    assert reindex([tmp_path], registry) == []


def test_a_journal_that_was_made_anew_with_as_many_bytes_is_read_anew(registry: Path) -> None:
    SessionManager(registry).create_session("first", {}, pid=None)
    assert [*SessionManager(registry).list_sessions()] == ["first"]
    (file,) = (registry / "journal").iterdir()
    file.write_bytes(file.read_bytes().replace(b"first", b"other"))
    assert [*SessionManager(registry).list_sessions()] == ["other"]
