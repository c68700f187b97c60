"""Whatever stands in the journal, folding it gives each session once, with its true status."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core import (
    SessionWarning,
    ended_record,
    journal_close,
    journal_create,
    move_to_finished,
    read_record,
    write_record,
)
from scitex_session_core._fold import JournalFold, seen_now
from scitex_session_core._journal import journal_files
from scitex_session_core._process import identify

if TYPE_CHECKING:
    from collections.abc import Callable


def create(registry: Path, session_id: str, **fields: Any) -> None:
    told = {"script_path": None, "process": None, **fields}
    journal_create(registry, session_id, {}, **told)


def folded(registry: Path) -> dict[str, dict[str, Any]]:
    fold = JournalFold(registry)
    fold.refresh()
    return fold.sessions


def statuses(registry: Path) -> dict[str, str]:
    return {name: session["status"] for name, session in folded(registry).items()}


def append(registry: Path, data: bytes, name: str = "other.jsonl") -> None:
    (registry / "journal").mkdir(parents=True, exist_ok=True)
    with open(registry / "journal" / name, "ab") as file:
        file.write(data)


def test_a_life(registry: Path) -> None:
    before = datetime.now(UTC)
    journal_create(registry, "x", {"lr": 1}, script_path="a.py", process=None, run_dir=Path("/r/x"))
    assert folded(registry)["x"].pop("start_time") >= before
    journal_close(registry, "x", "failed", 3, run_dir=Path("/f/x"), time="2026-11-22T05:00:00Z")
    (session,) = folded(registry).values()
    session.pop("start_time")
    assert session == {
        "id": "x",
        "config": {"lr": 1},
        "status": "failed",
        "end_time": datetime(2026, 11, 22, 5, tzinfo=UTC),
        "exit_code": 3,
        "script_path": "a.py",
        "run_dir": "/f/x",
        "process": None,
    }


def test_refreshing_reads_only_what_is_new(registry: Path) -> None:
    fold = JournalFold(registry)
    fold.refresh()
    create(registry, "a")
    fold.refresh()
    (path,) = journal_files(registry)
    path.write_bytes(b"#" * path.stat().st_size)  # read before, so never looked at again
    create(registry, "b")
    fold.refresh()
    assert list(fold.sessions) == ["a", "b"]


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(registry: Path) -> None:
    line = json.dumps({"event": "create", "id": "x", "time": "2026-11-22T05:00:00Z"}).encode()
    fold = JournalFold(registry)
    append(registry, b"\n" + line[:20])
    fold.refresh()
    assert not fold.sessions
    append(registry, line[20:] + b"\n")
    fold.refresh()
    assert list(fold.sessions) == ["x"]


def test_torn_and_garbage_lines_are_skipped(registry: Path) -> None:
    create(registry, "a")
    (path,) = journal_files(registry)
    append(registry, b'\n{"event": "create", "id": "torn', path.name)
    create(registry, "b")
    append(registry, b"\n\xff\xfe\n[]\n5\n{}\n" + b"[" * 100_000 + b"\n", path.name)
    append(registry, b'{"event": "create", "id": 5}\n{"event": "later", "id": "a"}\n', path.name)
    create(registry, "c")
    assert statuses(registry) == dict.fromkeys("abc", "running")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"event": st.sampled_from(["create", "close"]), "id": st.sampled_from(["a", "b"])},
            optional=dict.fromkeys(("time", "status", "config", "process", "run_dir"), JSON),
        )
    )
)
def test_lines_of_the_wrong_types_harm_nothing(events: list[dict[str, Any]]) -> None:
    registry = Path(f"registry-{os.urandom(4).hex()}")
    append(registry, b"".join(json.dumps(event).encode() + b"\n" for event in events))
    for session in folded(registry).values():
        now = seen_now(session)
        assert isinstance(now["config"], dict)
        assert isinstance(now["status"], str)
        assert isinstance(now["start_time"], datetime | None)


def test_the_order_of_files_and_lines_does_not_matter(registry: Path) -> None:
    lines = [
        {"event": "create", "id": "a", "time": "2026-11-22T05:00:00+00:00"},
        {"event": "close", "id": "a", "status": "crashed", "run_dir": "/e/a"},
        {"event": "close", "id": "a", "status": "success", "exit_code": 0, "run_dir": "/e/a"},
        {"event": "create", "id": "b", "time": "2026-11-22T05:00:01+00:00"},
        {"event": "close", "id": "b", "status": "crashed", "exit_code": None},
    ]
    order = random.Random(1)
    for number in range(30):
        order.shuffle(lines)
        there = registry / str(number)
        for line in lines:
            name = f"{order.randrange(3)}.jsonl"
            append(there, b"\n" + json.dumps(line).encode() + b"\n", name)
        assert statuses(there) == {"a": "success", "b": "crashed"}


def test_the_first_end_is_the_end(registry: Path) -> None:
    create(registry, "x")
    journal_close(registry, "x", "failed", 3)
    journal_close(registry, "x", "success", 0)
    journal_close(registry, "x", "crashed", None)
    session = folded(registry)["x"]
    assert (session["status"], session["exit_code"]) == ("failed", 3)


def test_a_second_creation_changes_nothing(registry: Path) -> None:
    create(registry, "x", script_path="first.py")
    journal_close(registry, "x", "success", 0)
    create(registry, "x", script_path="second.py")
    session = folded(registry)["x"]
    assert (session["status"], session["script_path"]) == ("success", "first.py")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_said_once(registry: Path) -> None:
    create(registry, "mine")
    append(registry, b"", "theirs.jsonl")
    (registry / "journal" / "theirs.jsonl").chmod(0)
    self_said_once(registry)


def test_a_file_that_can_not_be_read_is_said_once(registry: Path) -> None:
    create(registry, "mine")
    (registry / "journal" / "theirs.jsonl").mkdir()
    self_said_once(registry)


def self_said_once(registry: Path) -> None:
    fold = JournalFold(registry)
    with pytest.warns(SessionWarning, match=r"a part of the registry can't be read: .*theirs"):
        fold.refresh()
    fold.refresh()
    assert list(fold.sessions) == ["mine"]


class TestTheStatusNow:
    def seen(self, registry: Path, **fields: Any) -> dict[str, Any]:
        create(registry, "x", **fields)
        return seen_now(folded(registry)["x"])

    def test_the_living_run(self, registry: Path) -> None:
        assert self.seen(registry, process=identify())["status"] == "running"

    def test_the_dead_have_crashed(self, registry: Path, dead_process: dict[str, Any]) -> None:
        assert self.seen(registry, process=dead_process)["status"] == "crashed"

    def test_of_others_it_is_unknown(self, registry: Path, dead_process: dict[str, Any]) -> None:
        there = {**dead_process, "host": "elsewhere"}
        assert self.seen(registry, process=there)["status"] == "unknown"

    def test_who_claims_no_life_runs_until_closed(self, registry: Path) -> None:
        assert self.seen(registry, process=None)["status"] == "running"

    @pytest.mark.parametrize("moved", [True, False])
    def test_an_end_that_only_the_record_tells_is_the_end(
        self,
        registry: Path,
        dead_run: Callable[..., Path],
        dead_process: dict[str, Any],
        moved: bool,
    ) -> None:
        run_dir = dead_run()
        create(registry, run_dir.name, process=dead_process, run_dir=run_dir)
        record = ended_record(read_record(run_dir), exit_status=0, reason={})
        write_record(run_dir, record)
        where = move_to_finished(run_dir, "success") if moved else run_dir
        now = seen_now(folded(registry)[run_dir.name])
        assert (now["status"], now["exit_code"], now["run_dir"]) == ("success", 0, str(where))
        assert now["end_time"] == datetime.fromisoformat(record["ended"])

    def test_the_record_of_another_run_in_the_same_sdir_says_nothing(
        self, registry: Path, dead_run: Callable[..., Path], dead_process: dict[str, Any]
    ) -> None:
        other = dead_run(status="success")
        create(registry, "x", process=dead_process, run_dir=other)
        assert seen_now(folded(registry)["x"])["status"] == "crashed"

    def test_a_run_directory_that_is_gone_says_nothing(
        self, registry: Path, dead_process: dict[str, Any], tmp_path: Path
    ) -> None:
        now = self.seen(registry, process=dead_process, run_dir=tmp_path / "RUNNING" / "x")
        assert now["status"] == "crashed"

    def test_what_is_given_out_can_be_changed_without_harm(self, registry: Path) -> None:
        journal_create(registry, "x", {"a": {"b": 1}}, script_path=None, process=None)
        sessions = folded(registry)
        seen_now(sessions["x"])["config"]["a"]["b"] = 2
        assert sessions["x"]["config"] == {"a": {"b": 1}}
