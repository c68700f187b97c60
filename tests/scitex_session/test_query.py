"""A query finds the runs that it describes, and a mistake in it is shown at its place."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from scitex_session._command.query import FIELDS
from scitex_session_core import SessionWarning, journal_close, journal_create, new_record
from support.runs import ended_run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry of the test's own."""
    path = tmp_path / "registry"
    os.environ["SCITEX_SESSION_REGISTRY"] = str(path)
    return path


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """A zone two hours ahead of UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "XXX-2"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture
def five(registry: Path) -> None:
    """Five runs; the last one runs."""
    arguments = [
        {"lr": 0.1, "name": "adam", "flag": True, "depth": None},
        {"lr": 1e-4, "name": "sgd", "model": {"depth": 3}},
        {"lr": "0.1", "name": "true", "seed": 7},
        {"lr": 1, "name": "two words", "acc": 5},
        {"lr": 0.1, "name": "adam"},
    ]
    for n, given in enumerate(arguments):
        journal_create(
            registry,
            f"r{n}",
            {"MODEL": {"layers": n}},
            script_path=f"/home/u/{'debug' if n == 1 else 'train'}.py",
            process={"host": f"node{n}", "user": "me"} if n < 4 else None,
            arguments=given,
            env={"SLURM_ARRAY_TASK_ID": str(8 + n)},
            time=f"2026-11-0{n + 1}T22:30:00+00:00",
        )
    ends: list[dict[str, Any]] = [
        {"status": "success", "exit_code": 0, "results": {"acc": 0.95}, "tags": ["paper"]},
        {"status": "failed", "exit_code": 1, "results": {"acc": 0.5, "loss": "NaN"}},
        {"status": "success", "exit_code": 0, "results": {"pass@1": 0.3}, "note": 'say "hi"'},
        {"status": "crashed", "exit_code": None, "tags": ["old", "paper"]},
    ]
    for n, end in enumerate(ends):
        seconds = timedelta(seconds=(5, 90, 3660, 200_000)[n])
        at = datetime.fromisoformat(f"2026-11-0{n + 1}T22:30:00+00:00") + seconds
        journal_close(registry, f"r{n}", **end, time=at.isoformat())


def ids(query: str, **more: Any) -> str:
    """The numbers of the runs that are found, in order."""
    found = stx.find(query, **{"sort": "started", **more})
    return "".join(run["id"].removeprefix("r") for run in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "01234"),
        ("lr<1e-3", "1"),
        ("lr:0.1", "024"),
        ('lr:"0.1"', "2"),
        ("lr!=0.1", "13"),
        ("lr>=0.1", "034"),
        ("lr=1.0", "3"),
        (
            "lr<1e-3 and (status:failed or tag:paper) and results.acc>0.4 and not script~'^train'",
            "1",
        ),
        ("status:success tag:paper", "0"),
        ("status:error", "1"),
        ("status:failed or status:crashed", "13"),
        ("status:success OR status:failed AND lr<1", "012"),
        ("(status:success or status:failed) lr<1", "01"),
        ("not tag:paper", "124"),
        ("NOT not tag:paper", "03"),
        ("tags:none", "124"),
        ("name:adam", "04"),
        ("name:'two words'", "3"),
        ("name~wo", "3"),
        (r'name~"^\w+$"', "0124"),
        ("name:true", ""),
        ('name:"true"', "2"),
        ("name<b", "04"),
        ("flag:true", "0"),
        ("flag!=True", "1234"),
        ("depth:none", ""),
        ("seed:none", "0134"),
        ("model.depth:3", "1"),
        ("arguments.model.depth>2", "1"),
        ('"pass@1">0.2', "2"),
        ('results."pass@1":0.3', "2"),
        ("loss:nan", "1"),
        ("note:'say \"hi\"'", "2"),
        (r'note:"say \"hi\""', "2"),
        ("config.MODEL.layers>=3", "34"),
        ("env.SLURM_ARRAY_TASK_ID:9", "1"),
        ("env.SLURM_ARRAY_TASK_ID>9", "234"),
        ("script:debug.py", "1"),
        ("script:/home/u/debug.py", "1"),
        ("script~/u/d", "1"),
        ("host:node3 or user:you", "3"),
        ("exit_status>0", "1"),
        ("exit_status:none", "34"),
        ("started:2026-11-02", "0"),  # local
        ("started<2026-11-03", "0"),
        ("started<=2026-11-03", "01"),
        ("started>2026-11-03", "234"),
        ("started>=2026-11-03", "1234"),
        ("started!=2026-11-03", "0234"),
        ("started:2026-11-03T00", "1"),
        ("started:2026-11-02T00:30", "0"),
        ("started>2026-11-04T22:29:59Z", "34"),
        ("started:'2026-11-02 00:30:00'", "0"),
        ("ended:none", "4"),
        ("duration<10s", "0"),
        ("duration:90s", "1"),
        ("duration:1m", "1"),
        ("duration>1m duration<2h", "12"),
        ("duration_s>=3660", "234"),
        ("duration:1h", "2"),
        ("duration>1h30m", "34"),
        ("duration>2d", "34"),
        ("  status : success\n  ", "02"),
    ],
)
@pytest.mark.usefixtures("five")
def test_a_query_finds_what_it_describes(query: str, expected: str) -> None:
    assert ids(query) == expected


@pytest.mark.parametrize(
    ("query", "column", "why"),
    [
        ("lr<", 4, "after an operator comes a value"),
        ("lr<1 and", 9, "here a condition begins"),
        ("lr", 3, "after the name lr comes an operator (: = != < <= > >= ~)"),
        ("failed", 7, "did you mean status:failed?"),
        ("lr<1 (acc>2", 12, "a parenthesis is never closed"),
        ("lr<1)", 5, "this parenthesis was never opened"),
        ("and lr<1", 1, "here a condition begins, such as lr<0.1 or status:failed, not 'and'"),
        ("lr<1 or or acc>1", 9, "not 'or'"),
        ("lr<<1", 4, "after an operator comes a value, not '<'"),
        ('note:"abc', 6, "this quote is never closed"),
        ("%", 1, "here a condition begins"),
        ("lr<1 %", 6, "after a condition comes 'and', 'or' or another condition, not '%'"),
        ("status:succes", 8, "not 'succes'; did you mean 'success'?"),
        ("lr<1 started>yesteryear", 14, "started must be a date such as 2026-11-01"),
        ("started>2026-02-30", 9, "started must be a date"),
        ("duration>5x", 10, "a duration such as 90s, 10m, 1h30m or 2d"),
        ("exit_status:zero", 13, "exit_status must be a number"),
        ('exit_status:"0"', 13, "exit_status must be a number"),
        (
            'script~"(a"',
            8,
            "script must be a regular expression (missing ), unterminated",
        ),
        ("lr<none", 4, "lr must be a finite number or a text, to be compared by <"),
        ("loss<=inf", 7, "finite number"),
        ("loss>-Infinity", 6, "finite number"),
        ("x" * 10_001, 10_000, "a query has at most 10000 characters"),
    ],
)
@pytest.mark.usefixtures("five")
def test_a_mistake_is_shown_at_its_place(query: str, column: int, why: str) -> None:
    with pytest.raises(stx.QueryError) as caught:
        stx.find(query)
    assert why in caught.value.why
    assert caught.value.column == column
    sentence, line, mark = str(caught.value).split("\n")
    assert (sentence, line) == (caught.value.why, f"  {caught.value.query}")
    assert mark == " " * (column + 1) + "^"


@pytest.mark.usefixtures("five")
def test_a_query_of_any_depth_is_answered_or_refused() -> None:
    assert ids("(" * 3000 + "lr<1e-3" + ")" * 3000) == "1"
    assert ids("not " * 2000 + "lr<1e-3") == "1"
    assert ids("lr<1 (id:r0 or id:r1 or (" * 7 + "started:2026-11-02" + "))" * 7) == "01"
    with pytest.raises(stx.QueryError, match="nested at most 15 deep") as caught:
        ids("lr<1 (id:r0 or " * 500 + "lr<1" + ")" * 500)
    assert caught.value.column == 7 * len("lr<1 (id:r0 or ") + len("lr<1 (") + 1
    with pytest.raises(stx.SessionError, match="at most 100 of them, not '101 filters'"):
        ids("lr<1 " * 101)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("lrr<1", "'lrr'; did you mean lr?"),
        ("statsu:failed", "'statsu'; did you mean status?"),
        ("results.acu>1 or lr<1", "'results.acu'; did you mean results.acc?"),
        ("not config.MODEL.nothing:1", "'config.MODEL.nothing'"),
    ],
)
def test_a_name_that_no_run_has_gives_nothing_and_a_warning(query: str, near: str) -> None:
    with pytest.warns(SessionWarning, match="no run has a field, an argument or a result") as said:
        assert ids(query) == ""
    assert near in str(said[0].message)
    with pytest.raises(stx.QueryError, match="no run has a field"):
        ids(query, strict=True)


def test_a_run_that_ended_before_it_began_has_no_duration() -> None:
    run = ended_run(started="2099-01-01T00:00:00+00:00")  # the clock was set back meanwhile
    (found,) = stx.find()
    assert (found["id"], found["duration_s"]) == (run.name, stx.record(run)["duration_s"])


@pytest.mark.usefixtures("five")
def test_a_name_of_an_argument_and_a_result_is_told_and_refused_where_runs_go() -> None:
    with pytest.warns(SessionWarning, match=r"write arguments.acc or results.acc; it is taken for"):
        assert ids("acc>1") == "3"
    with pytest.raises(stx.QueryError, match=r"write arguments.acc or results.acc"):
        ids("lr>0 acc>1", strict=True)
    assert ids("results.acc<1 and lr<1", strict=True) == "01"


def test_a_field_of_the_record_comes_before_an_argument_which_is_told(registry: Path) -> None:
    journal_create(registry, "r0", {}, script_path=None, process=None, arguments={"host": "db"})
    with pytest.warns(SessionWarning, match=r"arguments.host is something else"):
        assert ids("host:db") == ""
    assert ids("arguments.host:db") == "0"


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-started", "43210"),
        ("started", "01234"),
        ("-results.acc", "01432"),
        ("arguments.lr", "10432"),
        ("lr", "10432"),
        ("-duration", "43210"),
        ("exit_status", "02134"),
    ],
)
def test_runs_are_sorted_by_any_name(sort: str, expected: str) -> None:
    found = "".join(run["id"][1:] for run in stx.find(sort=sort))
    assert found == expected
    assert found[:2] == "".join(run["id"][1:] for run in stx.find(sort=sort, limit=2))


@pytest.mark.usefixtures("five")
def test_a_name_of_nothing_to_sort_by_is_told() -> None:
    with pytest.warns(SessionWarning, match="did you mean lr?"):
        assert ids("", sort="lrr") == "43210"
    with pytest.raises(stx.UsageError, match="sort: no run has a field"):
        stx.find(sort="lrr", strict=True)


@pytest.mark.usefixtures("five")
def test_conditions_as_values_join_the_query() -> None:
    assert ids("lr:0.1", where={"host": ("in", ["node0", "node2"])}) == "02"
    assert ids("lr:0.1", where=("not", {"tags": "paper"})) == "24"


def test_a_run_that_goes_on_is_found_by_its_duration_so_far(registry: Path) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=5)
    process = new_record("x")["process"]
    journal_create(registry, "r0", {}, script_path=None, process=process, time=begin.isoformat())
    assert ids("duration>4m status:running") == "0"
    assert ids("duration>6m") == ""
    assert ids("started>=today or started:yesterday") == "0"
    (run,) = stx.find()
    assert 300 <= run["duration_s"] <= 360
    assert (run["status"], run["ended"]) == ("running", None)


def test_a_session_of_this_machine_carries_its_environment(registry: Path) -> None:
    os.environ["SLURM_ARRAY_TASK_ID"] = "12"

    def fit(lr: float = 0.1) -> dict[str, float]:
        return {"acc": lr}

    assert registry.parent == Path.cwd()
    stx.session(file=__file__, sdir=Path.cwd() / "run")(fit).run(lr=0.5)
    assert [run["results"] for run in stx.find("env.SLURM_ARRAY_TASK_ID>=12")] == [{"acc": 0.5}]
    assert stx.find("env.SLURM_ARRAY_TASK_ID:13") == []


@pytest.mark.usefixtures("five")
def test_the_page_on_queries_names_every_field_and_its_examples_are_answered() -> None:
    page = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
    names = page.partition("## Names")[2].partition("## Values")[0]
    assert {*re.findall(r"`([\w.]+)`", names)} >= {*FIELDS} - {"duration_s", "tags"}
    (asked,) = re.findall(r"^lr<1e-3.*$", page, flags=re.MULTILINE)
    assert ids(asked) == ""
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        namespace: dict[str, Any] = {}
        if "stx.runs" in code:
            pytest.importorskip("pandas")
        exec(code.replace("epochs:5", "lr:0.1"), namespace)
        if "best" in namespace:
            assert [run["id"] for run in namespace["best"]] == ["r0", "r2"]


@pytest.mark.usefixtures("five")
def test_runs_are_a_table_with_a_column_for_each_argument_and_result() -> None:
    pandas = pytest.importorskip("pandas")
    table = stx.runs("not id:r2", sort="started")
    assert list(table["id"]) == ["r0", "r1", "r3", "r4"]
    assert list(table.columns[:9]) == [
        *("id", "status", "script", "function", "started", "ended", "duration_s"),
        *("exit_status", "arguments.lr"),
    ]
    assert str(table["started"].dtype).endswith("UTC]")
    assert table["ended"].isna().tolist() == [False, False, False, True]
    kinds = table.dtypes.astype(str).to_dict()
    wanted = {
        "exit_status": "Int64",
        "arguments.lr": "float64",
        "arguments.flag": "boolean",
        "arguments.model.depth": "Int64",
        "arguments.acc": "Int64",
        "results.acc": "float64",
        "results.loss": "object",
        "attempt": "int64",
        "duration_s": "float64",
    }
    assert {name: kinds[name] for name in wanted} == wanted
    assert table["tags"].tolist() == [["paper"], [], ["old", "paper"], []]
    best = table.sort_values("results.acc").dropna(subset="results.acc")
    assert best["results.acc"].tolist() == [0.5, 0.95]
    assert table["arguments.name"].tolist() == ["adam", "sgd", "two words", "adam"]
    nothing = stx.runs("id:nothing")
    assert len(nothing) == 0
    assert list(nothing.columns[:3]) == ["id", "status", "script"]
    assert isinstance(nothing, pandas.DataFrame)


def test_a_result_that_is_no_number_is_one_in_a_table_of_numbers(registry: Path) -> None:
    pytest.importorskip("pandas")
    for n, loss in enumerate((0.5, "NaN", "-Infinity")):
        journal_create(registry, f"r{n}", {}, script_path=None, process=None)
        journal_close(registry, f"r{n}", "success", 0, results={"loss": loss})
    table = stx.runs(sort="id")
    assert table["results.loss"].dtype == "float64"
    assert table["results.loss"].isna().tolist() == [False, True, False]


def test_without_pandas_a_sentence_names_the_command(registry: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import scitex_session as stx\n"
        "try: stx.runs()\n"
        "except ImportError as error: print(error)"
    )
    environment = {**os.environ, "SCITEX_SESSION_REGISTRY": str(registry)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert "pip install pandas" in done.stdout
