"""A session follows from its events, whatever the order in which they are read."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scitex_session_core._registry.fold import fold
from scitex_session_core._registry.query import session_now


def at(second: int) -> str:
    return f"2026-11-22T05:00:{second:02d}+00:00"


def create(second: int = 0, **fields: Any) -> dict[str, Any]:
    return {"event": "create", "id": "x", "time": at(second), **fields}


def close(second: int, status: str, **fields: Any) -> dict[str, Any]:
    return {"event": "close", "id": "x", "time": at(second), "status": status, **fields}


def update(second: int, **fields: Any) -> dict[str, Any]:
    return {"event": "update", "id": "x", "time": at(second), **fields}


def of(*events: dict[str, Any]) -> dict[str, Any]:
    session = fold((1, event) for event in events)
    assert session is not None
    return session


def test_a_life() -> None:
    session = of(
        create(0, config={"lr": 1}, script_path="a.py", run_dir="/r/x", arguments={"n": 1}),
        close(9, "failed", exit_code=3, run_dir="/f/x", results={"acc": 1}, tags=["t"]),
    )
    assert session == {
        "id": "x",
        "config": {"lr": 1},
        "status": "failed",
        "start_time": datetime(2026, 11, 22, 5, tzinfo=UTC),
        "end_time": datetime(2026, 11, 22, 5, 0, 9, tzinfo=UTC),
        "exit_code": 3,
        "script_path": "a.py",
        "function": None,
        "arguments": {"n": 1},
        "env": {},
        "results": {"acc": 1},
        "tags": ["t"],
        "note": "",
        "artifacts": 0,
        "made": [],
        "parent": None,
        "attempt": 1,
        "sweep": None,
        "run_dir": "/f/x",
        "process": None,
    }


def test_without_a_creation_there_is_no_session() -> None:
    assert fold([(1, close(1, "success"))]) is None


def test_the_first_end_is_the_end() -> None:
    events = [create(), close(1, "failed", exit_code=3), close(2, "success"), close(3, "crashed")]
    assert (of(*events)["status"], of(*events)["exit_code"]) == ("failed", 3)


def test_a_sessions_own_end_outweighs_a_crash_seen_by_others() -> None:
    assert of(create(), close(1, "crashed"), close(2, "success"))["status"] == "success"
    assert of(create(), close(1, "crashed"), close(2, "crashed"))["end_time"].second == 1


def test_in_one_file_the_first_creation_counts_whatever_its_clock_says() -> None:
    assert of(create(5, script_path="first"), create(1, script_path="second"))[
        "script_path"
    ] == "first"  # fmt: skip


def test_among_files_the_earliest_creation_counts() -> None:
    told = [(1, create(5, script_path="late")), (2, create(3, script_path="early"))]
    for events in (told, told[::-1]):
        session = fold(events)
        assert session is not None
        assert session["script_path"] == "early"


def test_tags_are_what_the_end_says_and_what_was_added_and_taken_away() -> None:
    events = [
        create(0, tags=["a"]),
        update(1, tag="b"),
        close(2, "success", tags=["a", "b"]),
        update(3, untag="a"),
        update(4, tag="c", results={"acc": 1}),
        update(5, note="good", results={"f1": 2}),
    ]
    session = of(*events)
    assert (session["tags"], session["note"]) == (["b", "c"], "good")
    assert session["results"] == {"acc": 1, "f1": 2}


def test_an_addition_is_not_lost_to_an_end_with_a_later_clock() -> None:
    assert of(create(), update(1, tag="b"), close(9, "success", tags=[]))["tags"] == ["b"]


def test_the_highest_attempt_counts_and_the_files_of_the_earlier_stay() -> None:
    first = [
        create(0, run_dir="/r/x", note="n", tags=["a"]),
        update(1, tag="b"),
        update(1, results={"acc": 1}),
        close(
            2, "failed", exit_code=1, run_dir="/f/x", results={"acc": 2}, artifacts=3, made=["a"]
        ),
    ]
    second = [create(5, attempt=2, run_dir="/r/x", tags=["a", "b"], note="m")]
    running = of(*first, *second)
    assert (running["status"], running["attempt"], running["run_dir"]) == ("running", 2, "/r/x")
    assert running["start_time"] == datetime(2026, 11, 22, 5, 0, 5, tzinfo=UTC)
    assert (running["tags"], running["note"], running["results"]) == (["a", "b"], "m", {})
    assert (running["artifacts"], running["made"]) == (3, ["a"])
    ended = of(*first, *second, close(9, "success", attempt=2, results={"acc": 3}))
    assert (ended["status"], ended["results"], ended["made"]) == ("success", {"acc": 3}, ["a"])


def test_the_end_of_an_earlier_attempt_that_comes_late_changes_nothing() -> None:
    life = [create(0), create(5, attempt=2)]
    for late in (close(7, "crashed"), close(7, "failed", exit_code=1)):
        assert of(*life, create(0), late)["status"] == "running"
        ended = [*life, close(6, "success", attempt=2)]
        assert of(*ended, create(0), late)["status"] == "success"
    assert of(*life, update(6, tag="t"))["tags"] == ["t"]


def test_a_removal_cancels_all_events_before_it() -> None:
    gone = [create(), close(1, "success"), {"event": "remove", "id": "x", "time": at(2)}]
    assert fold((1, event) for event in gone) is None
    assert of(*gone, create(3))["status"] == "running"


def test_a_record_that_was_found_replaces_all_events_before_it() -> None:
    found: dict[str, Any] = {"event": "record", "id": "x", "time": at(20), "status": "success"}
    found |= {"started": at(1)} | {
        "exit_code": 0,
        "ended": at(2),
        "tags": ["t"],
        "run_dir": "/moved/x",
    }
    before = [create(), update(2, tag="old"), close(3, "crashed", run_dir="/r/x")]
    session = of(*before, found, update(21, tag="new"))
    assert (session["status"], session["run_dir"]) == ("success", "/moved/x")
    assert session["tags"] == ["t", "new"]
    assert (session["start_time"].second, session["end_time"].second) == (1, 2)
    assert of(found) == {**session, "tags": ["t"]}


def test_a_record_of_a_run_that_goes_on_can_still_be_closed() -> None:
    found = {"event": "record", "id": "x", "time": at(5), "started": at(1), "status": "running"}
    assert of(found, close(9, "failed"))["status"] == "failed"


KINDS = ["create", "close", "update", "remove", "record", "other"]
VALUES = st.sampled_from(
    [
        None,
        True,
        5,
        -1,
        2**70,
        "",
        "crashed",
        "running",
        at(1),
        at(2),
        "\0",
        [],
        ["a", 5],
        {"a": [1]},
    ]
)
NAMES = ("time", "status", "config", "process", "run_dir", "tags", "results", "attempt", "ended")


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.fixed_dictionaries(
                {"event": st.sampled_from(KINDS), "id": st.just("x")},
                optional=dict.fromkeys(NAMES, VALUES),
            ),
        ),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_lines_of_the_wrong_types_harm_nothing_and_no_order_matters(
    told: list[tuple[int, dict[str, Any]]], order: random.Random
) -> None:
    session = fold(told)
    files = {file: [found for found in told if found[0] == file] for file, _ in told}
    mixed = []
    while any(files.values()):
        mixed.append(files[order.choice([f for f in files if files[f]])].pop(0))
    assert fold(mixed) == session
    if session is not None:
        now = session_now(session)
        assert isinstance(now["config"], dict)
        assert isinstance(now["status"], str)
        assert isinstance(now["start_time"], datetime | None)
