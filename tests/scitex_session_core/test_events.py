"""Events are appended by anybody at any time, and folding them is idempotent."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    SessionWarning,
    append_event,
    fold_events,
    move_to_finished,
    read_events,
    read_record,
)
from support import read_json_lines, start_script

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.sampled_from(["a", "b", "c"])
EVENTS = st.lists(
    st.fixed_dictionaries({"event": st.just("tag"), "tag": NAMES})
    | st.fixed_dictionaries({"event": st.just("untag"), "tag": NAMES})
    | st.fixed_dictionaries({"event": st.just("note"), "note": st.text()})
    | st.fixed_dictionaries(
        {"event": st.just("result"), "results": st.dictionaries(NAMES, st.integers())}
    )
    | st.fixed_dictionaries(
        {"event": st.just("artifact"), "path": NAMES, "sha256": NAMES, "role": NAMES}
    )
    | st.fixed_dictionaries({"event": st.just("git"), "dirty": st.booleans()})
    | st.fixed_dictionaries(
        {
            "event": st.just("end"),
            "status": st.sampled_from(["success", "failed"]),
            "exit_status": st.integers(0, 1),
            "reason": st.just({"kind": "returned"}),
        }
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
GARBAGE = st.lists(
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(
                ["artifact", "git", "note", "result", "tag", "untag", "later", "end"]
            )
        },
        optional=dict.fromkeys(("path", "tag", "note", "results", "commit", "status"), JSON),
    )
)


@given(EVENTS, EVENTS)
def test_folding_twice_changes_nothing(before: list[Any], events: list[Any]) -> None:
    record = fold_events({"id": "x"}, before)
    once = fold_events(record, events)
    assert fold_events(once, events) == once


@given(EVENTS, EVENTS)
def test_folding_at_the_close_and_again_later_is_folding_everything(
    before: list[Any], after: list[Any]
) -> None:
    closed = fold_events({"id": "x"}, before)
    assert fold_events(closed, before + after) == fold_events({"id": "x"}, before + after)


@given(EVENTS)
def test_folding_leaves_the_record_it_was_given_alone(events: list[Any]) -> None:
    record = {"id": "x", "tags": ["a"], "results": {"a": 1}, "artifacts": [{"path": "a"}]}
    before = json.dumps(record)
    fold_events(record, events)
    assert json.dumps(record) == before


@given(st.dictionaries(st.sampled_from(["tags", "artifacts", "results", "git"]), JSON), GARBAGE)
def test_garbage_makes_no_record_unreadable(record: dict[str, Any], events: list[Any]) -> None:
    folded = fold_events(record, events)
    assert all(isinstance(tag, str) for tag in folded["tags"])
    assert isinstance(folded["artifacts"], list)


@given(st.binary() | st.just(b"[" * 100_000))
def test_any_line_is_an_object_or_nothing(line: bytes) -> None:
    Path("events.jsonl").write_bytes(line + b'\n{"event": "last"}\n')
    found = read_events(Path())
    assert all(isinstance(event, dict) for event in found)
    assert found[-1] == {"event": "last"}


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "session.json").write_text('{"id": "x", "status": "running", "tags": ["old"]}')
    return tmp_path


def test_what_is_appended_is_read_back_in_order(run_dir: Path) -> None:
    append_event(run_dir, "tag", tag="paper")
    append_event(run_dir, "untag", tag="old")
    append_event(run_dir, "note", note="first")
    append_event(run_dir, "note", note="zweite\n✓")
    append_event(run_dir, "result", results={"acc": 0.9, "n": 1})
    append_event(run_dir, "result", results={"n": 2})
    append_event(run_dir, "artifact", path="a.png", sha256="1", bytes=3, role="output")
    append_event(run_dir, "artifact", path="a.png", sha256="2", bytes=4, role="output")
    append_event(run_dir, "artifact", path="a.png", sha256="0", bytes=2, role="input")
    append_event(run_dir, "git", dirty=True)
    record = read_record(run_dir)
    assert record["tags"] == ["paper"]
    assert record["note"] == "zweite\n✓"
    assert record["results"] == {"acc": 0.9, "n": 2}
    assert record["artifacts"] == [
        {"path": "a.png", "sha256": "2", "bytes": 4, "role": "output"},
        {"path": "a.png", "sha256": "0", "bytes": 2, "role": "input"},
    ]
    assert record["git"]["dirty"] is True
    assert set(record["git"]["as_of"]) == {"dirty"}


def test_an_event_has_its_time(run_dir: Path) -> None:
    before = datetime.now(UTC)
    append_event(run_dir, "tag", tag="x")
    (event,) = read_json_lines(run_dir / "events.jsonl")
    when = datetime.fromisoformat(event["time"])
    assert before <= when <= datetime.now(UTC)
    assert when.tzinfo == UTC


def test_torn_and_foreign_lines_are_skipped(run_dir: Path) -> None:
    (run_dir / "events.jsonl").write_bytes(
        b'\n{"event": "tag", "tag": "a"}\n\n{"event": "tag", "ta'
        b'\n{"event": "tag", "tag": "b"}\n\xff\xfe\n[1]\n{"event": "from the future"}\n'
    )
    assert read_record(run_dir)["tags"] == ["old", "a", "b"]


def test_a_run_without_events_has_none(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []
    assert read_events(tmp_path / "gone") == []


def test_an_event_finds_a_run_that_moved(dead_run: Callable[..., Path]) -> None:
    run_dir = dead_run()
    moved = move_to_finished(run_dir, "success")
    append_event(run_dir, "tag", tag="late")
    assert read_record(moved)["tags"] == ["late"]
    assert not run_dir.exists()


def test_an_event_skips_a_directory_that_a_late_child_made_again(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run()
    moved = move_to_finished(run_dir, "success")
    run_dir.mkdir()
    append_event(run_dir, "tag", tag="late")
    assert read_record(moved)["tags"] == ["late"]
    assert os.listdir(run_dir) == []


def test_an_unknown_event_names_those_that_there_are(run_dir: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"event must be one of artifact, .*, not 'tagg'"):
        append_event(run_dir, "tagg", tag="x")
    assert not (run_dir / "events.jsonl").exists()


def test_an_event_about_nothing_names_what_is_missing(run_dir: Path) -> None:
    with pytest.raises(InvalidValueError, match="the fields of 'tag' must be with tag"):
        append_event(run_dir, "tag", note="x")


@pytest.mark.parametrize(
    ("event", "fields", "said"),
    [
        ("tag", {"tag": 5}, "tag must be a string, not 5"),
        ("untag", {"tag": None}, "tag must be a string, not None"),
        ("note", {"note": ["a"]}, "note must be a string"),
        ("result", {"results": [1]}, "results must be a mapping"),
        ("artifact", {"path": 3}, "path must be a path, not 3"),
    ],
)
def test_what_readers_could_not_fold_is_refused(
    event: str, fields: dict[str, Any], said: str, run_dir: Path
) -> None:
    with pytest.raises(InvalidTypeError, match=said):
        append_event(run_dir, event, **fields)
    assert not (run_dir / "events.jsonl").exists()


def test_an_event_waits_until_those_before_it_are_carried_over(
    dead_run: Callable[..., Path],
) -> None:
    run_dir = dead_run()
    moved = move_to_finished(run_dir, "success")
    late = threading.Thread(target=append_event, args=(run_dir, "untag"), kwargs={"tag": "a"})
    carrier = os.open(moved, os.O_RDONLY)
    fcntl.flock(carrier, fcntl.LOCK_EX)
    late.start()
    late.join(0.1)
    append_event(moved, "tag", tag="a")
    os.close(carrier)
    late.join()
    assert read_record(moved)["tags"] == []


TAGGER = """
import sys
from pathlib import Path
from scitex_session_core import append_event
for n in range(100_000):
    append_event(Path(sys.argv[1]), "tag", tag=str(n))
    print(n, flush=True)
"""


def test_events_during_a_copy_to_another_file_system_are_not_lost(
    dead_run: Callable[..., Path], other_disk: Callable[[Path], None]
) -> None:
    run_dir = dead_run(status="success")
    other_disk(run_dir.parent.parent / "FINISHED_SUCCESS")
    with start_script(TAGGER, str(run_dir)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2000):
            # Refused, and said, where an event came before the end of the copying.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SessionWarning)
                moved = move_to_finished(run_dir, "success")
            if moved != run_dir:
                break
        time.sleep(0.05)
        process.kill()
        said = process.stdout.read().split()
    assert moved != run_dir
    tags = read_record(moved)["tags"]
    assert tags == [str(n) for n in range(len(tags))]
    assert len(tags) > int(said[-1])


def test_a_run_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        append_event(tmp_path / "gone", "tag", tag="x")


def test_an_end_counts_only_where_the_record_has_none(run_dir: Path) -> None:
    end = {"status": "success", "exit_status": 0, "reason": {"kind": "returned"}}
    append_event(run_dir, "end", **end)
    record = read_record(run_dir)
    assert record.items() >= end.items()
    (event,) = read_events(run_dir)
    crashed = fold_events({**record, "status": "crashed", "exit_status": None}, [event])
    assert (crashed["status"], crashed["exit_status"]) == ("crashed", None)
