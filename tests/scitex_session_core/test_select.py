"""Selecting is filtering `list_sessions` by hand, sorting it, and cutting it off."""

from __future__ import annotations

import fnmatch
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    SessionManager,
    append_event,
    ended_record,
    journal_close,
    journal_create,
    new_record,
    read_record,
    write_record,
)
from scitex_session_core._registry import query

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("1", "2", "10", "a")
NAIVE = datetime.fromisoformat("2026-01-01")


@pytest.fixture
def manager(registry: Path) -> SessionManager:
    """Four sessions: two that succeeded, one that failed, one that runs."""
    for n, (name, lr) in enumerate(zip(NAMES, (0.1, 0.01, 1, "high"), strict=True)):
        journal_create(
            registry,
            name,
            {"MODEL": {"layers": n, "sizes": [64, 32 * n]}, "a.b": "dotted"},
            script_path=f"/home/u/train{n % 2}.py",
            process={"host": f"node{n % 2}", "user": "me", "rank": n} if n < 3 else None,
            arguments={"lr": lr, "flag": n == 1},
            env={"SLURM_ARRAY_TASK_ID": str(n + 8), "CONDA_DEFAULT_ENV": "base"} if n else None,
            function="fit",
            time=f"2026-11-22T05:0{n}:00+00:00",
        )
    time = "2026-11-22T05:02:00+00:00"
    journal_close(
        registry, "1", "success", 0, results={"acc": 0.9}, tags=["paper", "old"], time=time
    )
    journal_close(registry, "2", "error", 3, results={"acc": 0.5, "loss": "nan"}, note="Why?")
    journal_close(registry, "10", "success", 0, tags=["paper"], artifacts=2)
    return SessionManager(registry)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["1", "2", "10", "a"]),
        ({"status": "success"}, ["1", "10"]),
        ({"status": "failed"}, ["2"]),
        ({"status": "error"}, ["2"]),
        ({"status": ("!=", "failed")}, ["1", "10", "a"]),
        ({"status": ("in", ["error", "running"])}, ["2", "a"]),
        ({"status": "running"}, ["a"]),
        ({"exit_code": (">", 0)}, ["2"]),
        ({"exit_code": None}, ["a"]),
        ({"exit_code": ("!=", None)}, ["1", "2", "10"]),
        ({"script_path": ("like", "%TRAIN0.py")}, ["1", "10"]),
        ({"id": ("like", "_")}, ["1", "2", "a"]),
        ({"host": "node1", "user": "me"}, ["2"]),
        ({"rank": ("<=", 1)}, ["1", "2"]),
        ({"function": "fit", "attempt": 1, "parent": None}, ["1", "2", "10", "a"]),
        ({"start_time": (">=", datetime(2026, 11, 22, 5, 2, tzinfo=UTC))}, ["10", "a"]),
        ({"arguments.lr": (">", 0.01)}, ["1", "10"]),
        ({"arguments.lr": (">", "a")}, ["a"]),
        ({"arguments.lr": ("<", "z")}, ["a"]),
        ({"arguments.lr": 1.0}, ["10"]),
        ({"arguments.flag": True}, ["2"]),
        ({"config.MODEL.layers": 3}, ["a"]),
        ({"config.MODEL.sizes": 32}, ["2"]),
        ({"config.a.b": "dotted"}, ["1", "2", "10", "a"]),
        ({"config.nothing": None}, ["1", "2", "10", "a"]),
        ({"results.acc": (">=", np.float64(0.9))}, ["1"]),
        ({"results.acc": None}, ["10", "a"]),
        ({"results.acc": ("in", [0.5, None])}, ["2", "10", "a"]),
        ({"results.loss": "nan"}, ["2"]),
        ({"tags": "paper"}, ["1", "10"]),
        ({"tags": ("!=", "paper")}, ["2", "a"]),
        ({"tags": ("like", "o%")}, ["1"]),
        ({"note": "Why?"}, ["2"]),
        ({"artifacts": (">", 0)}, ["10"]),
        ({"tags": "paper", "results.acc": (">", 0), "config.MODEL.layers": 0}, ["1"]),
        ({"id": ("in", [])}, []),
        ({"script": "train0.py"}, ["1", "10"]),
        ({"script": ("~", "^train[1-9]")}, ["2", "a"]),
        ({"script_path": ("~", "^train")}, []),
        ({"arguments.lr": ("~", "i.h$")}, ["a"]),
        ({"tags": ("~", "^(old|new)$")}, ["1"]),
        ({"note": ("~", "")}, ["1", "2", "10", "a"]),
        ({"note": ("~", r"\?")}, ["2"]),
        ({"duration_s": ("<", 150)}, ["1"]),
        ({"duration_s": ("!=", None)}, ["1", "2", "10", "a"]),
        ({"env.SLURM_ARRAY_TASK_ID": "10"}, ["10"]),
        ({"env.SLURM_ARRAY_TASK_ID": (">", 9)}, ["10", "a"]),
        ({"env.SLURM_ARRAY_TASK_ID": ("like", "1_")}, ["10", "a"]),
        ({"env.CONDA_DEFAULT_ENV": None}, ["1"]),
        ({"start_time": (">=", "2026-11-22T05:02:00Z")}, ["10", "a"]),
        ({"start_time": ("<", "2026-11-22T06:01:00+01:00")}, ["1"]),
        ({"end_time": (">", "2000-01-01")}, ["1", "2", "10"]),
        (("or", {"id": "1"}, {"id": "a"}), ["1", "a"]),
        (("or",), []),
        (("and",), ["1", "2", "10", "a"]),
        (("and", {"arguments.lr": (">", 0.01)}, {"arguments.lr": ("<", 1)}), ["1"]),
        (("not", {"arguments.lr": (">", 0.01)}), ["2", "a"]),
        (("not", ("not", {"note": ("~", "^W")})), ["2"]),
        (
            ("or", {"tags": "paper"}, ("and", {"status": "running"}, {"rank": None})),
            ["1", "10", "a"],
        ),
        (("and", ("not", {"tags": "old"}), ("or", {"rank": 0}, {"rank": 2})), ["10"]),
    ],
)
def test_filters(manager: SessionManager, filters: Any, expected: list[str]) -> None:
    assert [s["id"] for s in manager.select(filters, sort="start_time")] == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-start_time", ["a", "10", "2", "1"]),
        ("-results.acc", ["1", "2", "a", "10"]),
        ("results.acc", ["2", "1", "10", "a"]),
        ("arguments.lr", ["2", "1", "10", "a"]),
        ("-config.MODEL.sizes", ["a", "2", "10", "1"]),
        ("exit_code", ["1", "10", "2", "a"]),
        ("-end_time", ["10", "2", "1", "a"]),
    ],
)
def test_sorting(manager: SessionManager, sort: str, expected: list[str]) -> None:
    assert [s["id"] for s in manager.select(sort=sort)] == expected
    assert [s["id"] for s in manager.select(sort=sort, limit=3)] == expected[:3]


def test_the_newest_come_first_and_a_limit_cuts_the_rest(manager: SessionManager) -> None:
    assert [s["id"] for s in manager.select(limit=2)] == ["a", "10"]
    assert manager.select(limit=0) == []
    assert manager.select(limit=2)[0] == manager.get_session("a")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filters": {"colour": 1}}, InvalidValueError, "a field must be one of id, status, start"),
        ({"filters": {"config": 1}}, InvalidValueError, "results.<name>, env.<name>, not 'config"),
        ({"filters": {"id; DROP TABLE": 1}}, InvalidValueError, "a field must be one of"),
        ({"filters": {5: 1}}, InvalidTypeError, "a field must be one of"),
        ({"filters": [1]}, InvalidTypeError, "filters must be a mapping"),
        ({"filters": {"id": ("?", "x")}}, InvalidValueError, "an operator .=, !=, <, <=, >, >=, i"),
        ({"filters": {"id": ("=",)}}, InvalidValueError, "the filter on id must be a value, or an"),
        ({"filters": {"exit_code": "3"}}, InvalidTypeError, "must be a number or None, not '3'"),
        ({"filters": {"status": 3}}, InvalidTypeError, "the filter on status must be a text or No"),
        ({"filters": {"results.acc": [1]}}, InvalidTypeError, "a text, a number, a bool or None"),
        ({"filters": {"results.acc": float("nan")}}, InvalidValueError, "not nan"),
        ({"filters": {"results.acc": ("<", None)}}, InvalidTypeError, "the filter on results.acc"),
        ({"filters": {"start_time": NAIVE}}, InvalidTypeError, "with a zone"),
        ({"filters": {"start_time": "2026-13-01"}}, InvalidValueError, "a time in ISO 8601"),
        (
            {"filters": {"status": "succes"}},
            InvalidValueError,
            "did you mean 'success'?",
        ),
        ({"filters": {"status": ("in", ["lost", "Failed"])}}, InvalidValueError, "mean 'failed'?"),
        ({"filters": {"statsu": 1}}, InvalidValueError, "not 'statsu'; did you mean 'status'?"),
        ({"filters": {"result.acc": 1}}, InvalidValueError, "did you mean 'results.acc'?"),
        ({"filters": {"id": ("~", "(a")}}, InvalidValueError, "a regular expression that Python"),
        ({"filters": {"exit_code": ("~", "a")}}, InvalidTypeError, "a number or None, not 'a'"),
        ({"filters": ("xor", {}, {})}, InvalidValueError, "a tuple of 'and', 'or' or 'not'"),
        ({"filters": ()}, InvalidValueError, "a tuple of 'and', 'or' or 'not'"),
        ({"filters": ("not", {}, {})}, InvalidValueError, "one filter after 'not'"),
        ({"filters": ("or", [1])}, InvalidTypeError, "filters must be a mapping"),
        ({"filters": ("or", *[{"id": "a"}] * 101)}, InvalidValueError, "at most 100 of them"),
        ({"filters": {"exit_code": ("like", "3")}}, InvalidTypeError, "a number or None"),
        ({"filters": {"id": ("like", "%" * 1001)}}, InvalidValueError, "at most 1000 characters"),
        ({"filters": {"id": ("in", "abc")}}, InvalidTypeError, "a list of at most 10000 values"),
        ({"filters": {"id": ("in", ["a"] * 10001)}}, InvalidValueError, "at most 10000 values"),
        ({"sort": "colour"}, InvalidValueError, "a field must be one of"),
        ({"sort": 5}, InvalidTypeError, "sort must be the name of a field"),
        ({"limit": -1}, InvalidValueError, "limit must be an integer of 0 or more, or None"),
        ({"limit": "5"}, InvalidTypeError, "limit must be an integer of 0 or more, or None"),
    ],
)
def test_what_can_not_be_asked_is_refused(
    manager: SessionManager, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        manager.select(**arguments)


def test_values_and_names_can_not_break_out_of_a_query(manager: SessionManager) -> None:
    evil = "x' OR 1=1; DROP TABLE sessions; --"
    assert manager.select({"id": evil}) == []
    assert manager.select({f"results.{evil}": evil}) == []
    assert manager.select({f"config.{evil}": ("like", evil)}, sort=f"results.{evil}") == []
    assert len(manager.list_sessions()) == 4


def test_the_status_is_the_one_at_this_moment(
    registry: Path, dead_run: Callable[..., Path], dead_process: dict[str, Any]
) -> None:
    ended, dead = dead_run(), dead_run()
    for run_dir in (ended, dead):
        journal_create(
            registry, run_dir.name, {}, script_path=None, process=dead_process, run_dir=run_dir
        )
    record = {**read_record(ended), "results": {"acc": 1}}
    write_record(ended, ended_record(record, exit_status=0, reason={}))
    manager = SessionManager(registry)
    assert [s["id"] for s in manager.select({"status": "success"})] == [ended.name]
    assert [s["id"] for s in manager.select({"status": "crashed"})] == [dead.name]
    assert [s["id"] for s in manager.select({"results.acc": 1})] == [ended.name]
    assert manager.select({"status": "running"}) == []


@pytest.mark.slow
def test_a_hostile_expression_ends_with_an_error(manager: SessionManager) -> None:
    manager.update_session("2", note="a" * 60 + "!")
    with pytest.raises(InvalidValueError, match="a regular expression that is matched in 3 s"):
        manager.select({"note": ("~", "^(a+)+$")})
    assert [s["id"] for s in manager.select({"note": ("~", "^a+!$")})] == ["2"]


def test_filters_may_be_nested_deeply_and_not_without_end(manager: SessionManager) -> None:
    more: Any = {"id": "1", "arguments.lr": 0.1, "config.nothing": None}
    tree: Any = {"arguments.lr": 0.1}
    deep: Any = {"arguments.lr": 0.1}
    for _ in range(10):
        tree = ("not", ("not", tree))
    for _ in range(9):
        deep = ("and", more, ("or", ("and", {"id": "2"}, {"id": "1"}), deep))
    assert [s["id"] for s in manager.select(tree)] == ["1"]
    assert [s["id"] for s in manager.select(deep)] == ["1"]
    with pytest.raises(InvalidValueError, match="at most 20 deep"):
        manager.select(("not", tree))


def test_the_names_are_those_of_all_values(manager: SessionManager, registry: Path) -> None:
    assert sorted(manager.names()) == [
        *("arguments.flag", "arguments.lr"),
        *("config.MODEL.layers", "config.MODEL.sizes", "config.a.b"),
        *("env.CONDA_DEFAULT_ENV", "env.SLURM_ARRAY_TASK_ID", "results.acc", "results.loss"),
    ]
    assert SessionManager(registry / "empty").names() == []


def test_a_result_of_a_running_run_has_a_name_and_is_found(
    registry: Path, dead_run: Callable[..., Path]
) -> None:
    process = new_record("x")["process"]
    run_dir = dead_run(process=process)
    journal_create(registry, run_dir.name, {}, script_path=None, process=process, run_dir=run_dir)
    append_event(run_dir, "result", results={"best": "so far"})
    manager = SessionManager(registry)
    assert manager.names() == ["results.best"]
    assert len(manager.select({"results.best": ("~", "so")})) == 1


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.5, -1.0, 2**70, "", "a", "A", "ab", "é", "\0", "nan"])
)
INNER = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("d"), SCALARS)
MAPS = st.dictionaries(st.sampled_from("mn"), INNER, max_size=2)
ENVIRONMENTS = st.dictionaries(st.sampled_from("mn"), st.sampled_from(["1", "-2", "a", "", "1 "]))
SESSIONS = st.lists(
    st.fixed_dictionaries(
        {"arguments": MAPS, "config": MAPS, "results": MAPS, "env": ENVIRONMENTS},
        optional={
            "status": st.sampled_from(["success", "error", "failed", "crashed"]),
            "exit_code": st.integers(-1, 2) | st.none(),
            "time": st.sampled_from(["2026-11-22T05:00:00+00:00", "2026-11-22T06:00:00+00:00"]),
            "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
            "script_path": st.sampled_from(["a", "A.py", "ab", "b/a"]),
            "ended": st.sampled_from(["2026-11-22T06:00:01+00:00", "2026-11-22T06:00:02+00:00"]),
        },
    ),
    max_size=6,
)
FIELDS = ["status", "exit_code", "script", "script_path", "tags", *(
    f"{mapping}.{name}" for mapping in ("arguments", "config", "results", "env")
    for name in ("m", "n", "m.d")
)]  # fmt: skip
KINDS = {"status": st.sampled_from(["success", "failed", "running"]),
         "script": st.sampled_from(["a", "A.py"]),
         "script_path": st.sampled_from(["a", "A.py"]),
         "duration_s": st.sampled_from([1, 2.0, 3601.5, 1e5]),
         "exit_code": st.integers(-1, 2)}  # fmt: skip


@st.composite
def filter_on(draw: st.DrawFn) -> tuple[str, str, Any]:
    field = draw(st.sampled_from([*FIELDS, "duration_s"]))
    operator = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "like"]))
    values = KINDS.get(field, SCALARS)
    if operator == "in":
        return field, operator, draw(st.lists(values, max_size=3))
    if operator == "like":
        field = "tags" if field in ("exit_code", "duration_s") else field
        return field, operator, draw(st.sampled_from(["a%", "%B", "_", "%", "", "é"]))
    value = draw(values)
    return field, "=" if value is None else operator, value


def found_in(session: dict[str, Any], field: str) -> list[Any]:
    """Give the values of a field, naively."""
    if field == "status":
        return ["failed" if session["status"] == "error" else session["status"]]
    if field == "script":
        path = session["script_path"]
        return [] if path is None else [path.split("/")[-1]]
    if field == "duration_s":
        end = session["end_time"] or (datetime.now(UTC) if session["status"] == "running" else None)
        begin = session["start_time"]
        return [(end - begin).total_seconds()] if begin and end else []
    value: Any = session
    for key in field.split("."):
        value = [item.get(key) for item in value if isinstance(item, dict)] if isinstance(
            value, list
        ) else value.get(key) if isinstance(value, dict) else None  # fmt: skip
    values = value if isinstance(value, list) else [value]
    if field.startswith("env."):
        values += [int(value) for value in values if value in ("1", "-2")]
    return [v for v in values if v is not None and not isinstance(v, (dict, list))]


def compared(value: Any) -> Any:
    """The form in which a value is compared: SQLite ends a text at a NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def holds(values: list[Any], operator: str, asked: Any) -> bool:
    if operator == "!=":
        return not holds(values, "=", asked)
    if operator == "in":
        return any(holds(values, "=", one) for one in asked)
    if asked is None:
        return not values
    asked = compared(asked)
    same = [compared(v) for v in values if isinstance(v, str) == isinstance(asked, str)]
    if operator == "like":
        pattern = asked.lower().replace("%", "*").replace("_", "?")
        return any(fnmatch.fnmatchcase(v.lower(), pattern) for v in same)
    return any(
        {"=": v == asked, "<": v < asked, "<=": v <= asked, ">": v > asked, ">=": v >= asked}[
            operator
        ]
        for v in same
    )


def meets(session: dict[str, Any], tree: Any) -> bool:
    """Whether a session meets a tree of filters, naively."""
    if isinstance(tree, dict):
        return all(holds(found_in(session, name), *asked) for name, asked in tree.items())
    kind, *parts = tree
    met = [meets(session, part) for part in parts]
    return {"and": all(met), "or": any(met), "not": not any(met)}[str(kind)]


MAPPINGS = st.lists(filter_on(), max_size=2).map(lambda some: {f: (op, v) for f, op, v in some})
TREES = st.recursive(
    MAPPINGS,
    lambda tree: st.tuples(st.sampled_from(["and", "or"]), tree, tree)
    | st.tuples(st.just("not"), tree),
    max_leaves=4,
)


@settings(deadline=None, max_examples=80)
@given(SESSIONS, TREES, st.sampled_from(["start_time", *FIELDS]),
       st.booleans(), st.none() | st.integers(0, 4))  # fmt: skip
def test_selecting_is_filtering_the_list(
    sessions: list[dict[str, Any]],
    asked: Any,
    field: str,
    descending: bool,
    limit: int | None,
) -> None:
    registry = Path(f"registry-{os.urandom(4).hex()}").absolute()
    (registry / "journal").mkdir(parents=True)
    with open(registry / "journal" / "all.jsonl", "wb") as file:
        for number, fields in enumerate(sessions):
            created = {"event": "create", "id": str(number), "process": None}
            shown = ("arguments", "config", "env", "time")
            created |= {k: v for k, v in fields.items() if k in shown}
            created |= {"script_path": fields.get("script_path")}
            file.write(json.dumps(created).encode() + b"\n")
            closed = {"event": "close", "id": str(number), "results": fields["results"]}
            closed |= {"time": fields["ended"]} if "ended" in fields else {}
            closed |= {k: fields[k] for k in ("status", "exit_code", "tags") if k in fields}
            if "status" in fields:
                file.write(json.dumps(closed).encode() + b"\n")
    manager = SessionManager(registry)
    everything = list(manager.list_sessions().values())
    assert len(everything) == len(sessions)
    expected = [session for session in everything if meets(session, asked)]
    found = manager.select(asked, sort=f"-{field}" if descending else field)
    assert sorted(s["id"] for s in found) == sorted(s["id"] for s in expected)

    def key(session: dict[str, Any]) -> tuple[Any, ...] | None:
        values = (
            [start.timestamp() for start in [session["start_time"]] if start is not None]
            if field == "start_time"
            else found_in(session, field)
        )
        keys = [(isinstance(v, str), compared(v)) for v in values]
        return None if not keys else max(keys) if descending else min(keys)

    keyed = [s for s in expected if key(s) is not None]
    keyed.sort(key=lambda s: (key(s), s["id"]), reverse=descending)
    rest = sorted((s for s in expected if key(s) is None), key=lambda s: s["id"],
                  reverse=descending)  # fmt: skip
    assert [s["id"] for s in found] == [s["id"] for s in keyed + rest]
    for many, first in ((1, 3000), (1, 2), (5000, 3000)):  # whichever way they are looked up
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(query, "_MANY_FACTS", many)
            patch.setattr(query, "_FIRST_LOOK", first)
            cut = manager.select(asked, sort=f"-{field}" if descending else field, limit=limit)
        assert cut == found[:limit]
