"""`scitex-session ls`: which runs it lists, and how they look in a pipe and on a terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import (
    RECORD_NAME,
    journal_close,
    journal_create,
    make_run_dir,
    new_record,
    registry_dir,
    write_record,
)
from support import start_script, wait_until

STYLE = re.compile(r"\x1b\[[\d;]*m")
FIELDS = (
    *("id", "status", "script", "function", "started", "ended", "duration_s", "exit_status"),
    *("arguments", "results", "tags", "note", "directory", "host", "user", "parent", "attempt"),
    *("sweep", "trial"),
)
NOW = datetime.now(UTC)
ODD = {
    "escape": "\x1b[2J\x1b]0;title\x07red",
    "wide": "機械学習の実験" * 8,
    "lines": "one\ntwo\r\tthree",
    "turned": "abc\u202edef",
    "combined": "e\u0301" * 30,
    "path": "/very/long/" * 20 + "end.csv",
    "number": 0.1 + 0.2,
    "nested": {"deep": [1, {"x": None}], "empty": {}},
    "no text": os.fsdecode(b"\xff\xfe"),
    "null": None,
    "flag": True,
}


def register(
    number: int,
    status: str = "success",
    *,
    script: str | None = "/lab/train.py",
    ago: timedelta = timedelta(0),
    name: str | None = None,
    arguments: dict[str, Any] | None = None,
    results: dict[str, Any] | None = None,
    run_dir: Path | None = None,
    host: str | None = None,
    **fields: Any,
) -> str:
    """Put a run on the registry, which began `number` seconds before now; give its ID."""
    began = NOW - ago - timedelta(seconds=number)
    run_id = name or f"2026Y-11M-22D-05h09m{number:02}s_{number:08}"
    journal_create(
        registry_dir(),
        run_id,
        {},
        script_path=script,
        process={"host": host} if host else None,
        run_dir=run_dir,
        arguments=arguments or {},
        time=began.isoformat(timespec="microseconds"),
    )
    if status != "running":
        end = (began + timedelta(seconds=90)).isoformat(timespec="microseconds")
        code = int(status != "success")
        journal_close(
            registry_dir(), run_id, status, code, time=end, results=results or {}, **fields
        )
    return run_id


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    """Give the table that a pipe gets, a dictionary for each run."""
    assert main(["ls", *words]) == 0
    title, *rows = (re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines())
    return [dict(zip(title, row, strict=True)) for row in rows]


def numbers(capsys: pytest.CaptureFixture[str], *words: str) -> list[int]:
    """Give the numbers of the runs that are listed, from the top."""
    assert main(["ls", *words]) == 0
    out = capsys.readouterr().out
    return [int(line.split()[0].rpartition("_")[2]) for line in out.splitlines()[1:]]


def on_terminal(capsys: pytest.CaptureFixture[str], width: int, *words: str) -> list[str]:
    """Give the lines that a terminal of this width shows, without colours."""
    os.environ.update(FORCE_COLOR="1", COLUMNS=str(width))
    try:
        assert main(["ls", *words]) == 0
    finally:
        del os.environ["FORCE_COLOR"], os.environ["COLUMNS"]
    return STYLE.sub("", capsys.readouterr().out).splitlines()


def test_no_runs_is_a_sentence_that_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    assert str(registry_dir()) in out
    assert "reindex" in out
    assert main(["ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    register(1)
    assert main(["ls", "status:failed", "--tag", "a b"]) == 0
    assert capsys.readouterr().out == "No run fits.\n"


def test_a_pipe_gets_whole_ids_and_every_column_that_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = {f"n{number:03}": number for number in range(200)}
    first = register(1, arguments={"same": 1, **many}, results={"acc": 0.5})
    second = register(2, "failed", arguments={"same": 1, **dict.fromkeys(many, -1)})
    rows = listed(capsys)
    assert [row["id"] for row in rows] == [first, second]
    assert [row["status"] for row in rows] == ["success", "failed"]
    assert [row["script"] for row in rows] == ["train.py", "train.py"]
    assert [row["duration"] for row in rows] == ["1.5 min", "1.5 min"]
    assert [row["acc"] for row in rows] == ["0.5", "-"]
    assert {*many} < {*rows[0]}
    assert "same" not in rows[0]
    started = datetime.strptime(rows[0]["started"], "%Y-%m-%d %H:%M:%S %z")
    assert started == (NOW - timedelta(seconds=1)).replace(microsecond=0)


def test_a_value_that_only_another_script_has_makes_no_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    register(1, arguments={"lr": 0.1}, results={"acc": 1})
    register(2, script="/lab/plot.py", arguments={"dpi": 300})
    assert not {"lr", "dpi", "acc"} & {*listed(capsys)[0]}
    register(3, "failed", arguments={"lr": 0.1})
    row, _, failed = listed(capsys)
    assert (row["acc"], failed["acc"]) == ("1", "-")


def test_one_run_alone_shows_all_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    register(1, arguments={"lr": 0.1, "model": {"depth": 3}}, results={"lr": 0.2})
    (row,) = listed(capsys)
    assert (row["arguments.lr"], row["results.lr"], row["model.depth"]) == ("0.1", "0.2", "3")


def test_numbers_are_short_unless_two_would_look_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    register(1, arguments={"near": 0.1 + 0.2, "far": 0.1 + 0.2, "between": 1.00001, "large": 1e3})
    register(2, arguments={"near": 0.3, "far": 1 / 3, "between": 1.0, "large": 12345.678})
    rows = listed(capsys)
    assert [row["far"] for row in rows] == ["0.3", "0.3333"]
    assert [row["between"] for row in rows] == ["1.00001", "1"]
    assert [row["large"] for row in rows] == ["1000", "12345.7"]
    assert [row["near"] for row in rows] == ["0.30000000000000004", "0.3"]


def test_the_column_that_runs_are_sorted_by_is_shown_though_they_do_not_differ(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(3):
        register(number, results={"acc": 0.5})
    assert [row["acc"] for row in listed(capsys, "--sort", "-acc")] == ["0.5"] * 3


def test_short_ids_are_the_shortest_ends_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    stamp = "2026Y-11M-22D-05h09m00s_"
    names = ["AAAA1111", "AAAB1111", "ZZZZ2222", "YYYYZ222"]
    for number, name in enumerate(names):
        register(number, name=stamp + name)
    register(5, name="nightly-import")
    shown = [line.split()[0] for line in on_terminal(capsys, 100)[1:]]
    assert shown == ["A1111", "B1111", "2222", "Z222", "nightly-import"]
    for name, short in zip(names, shown, strict=False):
        assert [*filter(lambda each: each.endswith(short), names)] == [name]


def test_scripts_of_one_name_are_told_apart_by_their_folders(
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = ["/lab/a/train.py", "/lab/b/train.py", "/other/b/train.py", "/lab/plot.py", None]
    for number, path in enumerate(paths):
        register(number, script=path)
    shown = [row["script"] for row in listed(capsys)]
    assert shown == ["a/train.py", "lab/b/train.py", "other/b/train.py", "plot.py", "-"]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_whatever_runs_hold(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.cells import cell_len

    many = {f"argument_with_a_long_name_{number}": number for number in range(200)}
    script = f"/{ODD['wide']}.py"
    register(1, script=script, arguments={**ODD, **many}, tags=["\x1b[31m", "機械"])
    register(2, "failed", script=script, results={"\x1b[2Jname": 1}, note="\x1b[2J")
    lines = on_terminal(capsys, width)
    assert max(map(cell_len, lines)) <= width
    text = "".join(lines)
    assert text.isprintable()
    rows = lines[1:3]
    assert [row.split()[0] for row in rows] == ["0001", "0002"]
    assert re.search(r"\+ \d+ more columns", " ".join(map(str.strip, lines)))


def test_odd_values_in_a_pipe_stay_one_line_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    register(1, arguments={**ODD, "long": "x" * 1_000_000}, tags=["\x1b[31m"])
    register(2, arguments={})
    assert main(["ls"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == out.count("\n") == 3
    assert out.replace("\n", "").isprintable()
    assert len(out) < 5000


def test_a_wide_terminal_shows_what_a_narrow_one_leaves_out_and_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(3):
        values = {f"parameter{n}": number + n for n in range(9)}
        register(number, arguments=values, results={"acc": number})
    wide, narrow = on_terminal(capsys, 200), on_terminal(capsys, 80)
    assert len(wide) == 4
    left_out = len(wide[0].split()) - len(narrow[0].split())
    assert narrow[-1] == f"+ {left_out} more columns (--json has all)"
    assert {"parameter0", "acc"} < {*narrow[0].split()}
    assert "parameter8" in wide[0]


def test_a_terminal_whose_width_is_said_to_be_0_shows_runs_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(1)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "0")
    assert main(["ls"]) == 0
    assert "✓ success" in capsys.readouterr().out


def test_each_status_has_a_sign_and_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    for number, status in enumerate(("success", "failed", "finished", "running")):
        register(number, status)
    told = [line.split()[1:3] for line in on_terminal(capsys, 80)[1:]]
    assert told == [["✓", "success"], ["✗", "failed"], ["■", "finished"], ["●", "running"]]
    narrow = [line.split()[1] for line in on_terminal(capsys, 40)[1:5]]
    assert narrow == ["✓", "✗", "■", "●"]


def test_colours_are_for_terminals_and_can_be_turned_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(1)
    assert main(["ls"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["ls"]) == 0
    assert "\x1b[32m✓ success" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["ls"]) == 0
    assert "\x1b[32m" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["--script", "train.py"], [1, 2, 3]),
        (["--script", "/lab/train.py"], [1, 3]),
        (["--script", "rain.py"], []),
        (["--status", "failed"], [2]),
        (["--status", "failed, finished"], [2, 4]),
        (["--since", "2h"], [1, 2, 3]),
        (["--since", "1h30m"], [1, 2]),
        (["--since", "yesterday"], [1, 2, 3, 4]),
        (["--since", "2020-01-01"], [1, 2, 3, 4, 5]),
        (["--tag", "paper"], [3, 4]),
        (["--tag", "paper", "--script", "train.py"], [3]),
        (["lr<0.25"], [1, 2]),
        (["lr<0.25", "status:failed"], [2]),
        (["lr=0.1", "or", "lr=0.3", "--status=success"], [1, 3]),
        (["note:'two words'"], [4]),
        (['note:"two words" and tag:other'], []),
        (["--sort", "lr"], [1, 2, 3, 4, 5]),
        (["--sort", "-lr"], [5, 4, 3, 2, 1]),
        (["--sort=-acc", "--limit", "2"], [3, 1]),
        (["--limit", "2"], [1, 2]),
        (["--limit", "0"], [1, 2, 3, 4, 5]),
    ],
)
def test_options_and_query_say_together_which_runs(
    words: list[str], expected: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    hour, arguments = timedelta(hours=1), [{"lr": number / 10} for number in range(6)]
    register(1, arguments=arguments[1], results={"acc": 0.5})
    register(2, "failed", arguments=arguments[2], script="/other/train.py", ago=hour)
    register(3, arguments=arguments[3], results={"acc": 0.9}, tags=["paper"], ago=1.8 * hour)
    fields: dict[str, Any] = {"tags": ["paper", "x"], "note": "two words"}
    # Within yesterday, or today.
    noon = datetime.now().astimezone().replace(hour=12) - timedelta(days=1)
    ago = max(NOW - noon, 3 * hour)
    register(4, "finished", script="/lab/plot.py", arguments=arguments[4], ago=ago, **fields)
    register(5, script="/lab/Train.pyc", arguments=arguments[5], ago=100 * hour)
    if not expected:
        assert main(["ls", *words]) == 0
        assert capsys.readouterr().out.startswith("No run fits.")
        return
    assert numbers(capsys, *words) == expected


def test_here_is_below_the_working_directory_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, folder in enumerate(("a_b", "a_b/deep", "aXb", "A_B", "a_b2", ".")):
        register(number, script=os.path.abspath(f"{folder}/train.py"))
    Path("a_b").mkdir()
    os.chdir("a_b")
    assert numbers(capsys, "--here") == [0, 1]
    assert numbers(capsys, "--here", "--limit", "1") == [0]
    assert numbers(capsys, "--here", "--limit", "2", "--sort", "started") == [1, 0]
    os.chdir("..")
    assert numbers(capsys, "--here") == [0, 1, 2, 3, 4, 5]
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    assert main(["ls", "--here"]) == 2
    assert "--here: the working directory is gone" in capsys.readouterr().err


def test_the_newest_fifty_and_a_word_about_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(51):
        register(number)
    for words in ([], ["--json"]):
        assert main(["ls", *words]) == 0
        told = capsys.readouterr()
        assert told.err == "The newest 50 runs; --limit 0 shows all.\n"
        assert "00000000" in told.out
        assert "00000050" not in told.out
    assert main(["ls", "--limit", "51"]) == 0
    told = capsys.readouterr()
    assert (told.err, len(told.out.splitlines())) == ("", 52)
    assert on_terminal(capsys, 80, "--sort", "id", "--limit", "1")[-1].startswith("The first run;")


def test_what_is_gone_is_shown_as_gone(capsys: pytest.CaptureFixture[str]) -> None:
    there = make_run_dir(Path("fit.py").absolute())
    write_record(there.path, new_record(there.id))
    register(1, run_dir=there.path, name=there.id)
    register(2, "failed", run_dir=Path("train_out/FINISHED_ERROR/2").absolute())
    register(3)  # never had one
    assert [row["status"] for row in listed(capsys)] == ["success", "failed (gone)", "success"]
    assert [line.split()[2] for line in on_terminal(capsys, 80)[1:]] == [
        "success",
        "gone",
        "success",
    ]
    # Another machine may have a disk of its own, unless the folder of the runs is seen from here.
    register(4, run_dir=Path("/scratch/train_out/FINISHED_SUCCESS/4"), host="elsewhere")
    register(5, run_dir=there.path.parent.with_name("FINISHED_SUCCESS") / "5", host="elsewhere")
    assert [row["status"] for row in listed(capsys)][3:] == ["success", "success (gone)"]
    (there.path / RECORD_NAME).unlink()  # as in what version 0.3.1 left
    assert listed(capsys)[0]["status"] == "success"
    there.path.rename("elsewhere")
    assert listed(capsys)[0]["status"] == "success (gone)"


def test_json_has_the_fields_of_find_with_times_in_iso(capsys: pytest.CaptureFixture[str]) -> None:
    register(1, arguments=ODD, results={"acc": 0.5}, tags=["paper"], note="\x1b[2J")
    register(2, "running")
    assert main(["ls", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "\x1b" not in told.out
    runs = json.loads(told.out)
    assert [tuple(run) for run in runs] == [FIELDS, FIELDS]
    for shown, found in zip(runs, stx.find(), strict=True):
        for name in ("started", "ended"):
            time = shown.pop(name)
            assert (time and datetime.fromisoformat(time)) == found.pop(name)
        if found["status"] == "running":
            assert shown.pop("duration_s") <= found.pop("duration_s")
        assert shown == found


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--limit", "-1"], "--limit -1: give a number of runs, or 0 for all"),
        (["--limit", "9" * 5000], "--limit"),
        (["--since", "soon"], "--since soon: give how long ago (2d, 3h, 30min), or a time"),
        (["--status", "succes"], "did you mean 'success'?"),
        (["lr<<1"], "\n  lr<<1\n     ^\n"),
        (["--watch"], "--watch needs a terminal that knows codes"),
        (["--watch", "--json"], "--watch can't be used with --json"),
        (["--statsu", "failed"], "Unknown option: --statsu. Did you mean --status?"),
        (["--limit", "many"], "many"),
        (["--since", "\x1b[2J"], "--since \\x1b[2J: give"),
    ],
)
def test_a_mistake_is_said_and_ends_with_2(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("scitex-session: error: ")
    assert why in told.err
    assert told.err.replace("\n", "").isprintable()


WORDS = (
    *("--limit", "--sort", "--script", "--status", "--since", "--json", "--limit=1", "--sort=-lr"),
    *("--script=", "--tag=paper", "0", "007", "-1", "1_0", "-lr", "lr", "train.py", "none", "lr<1"),
    *("--", "-", "-x", "--json=true", "--lim", "--no-json", "failed", "2h", "--limit=", "é", ""),
)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=4))
@example(words=["--sort", "-lr", "--limit", "1"])
@example(words=["--json", "--json"])
@example(words=["lr<1", "--limit=1", "--script", "none"])
def test_plain_command_lines_mean_what_cyclopts_reads_in_them(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if not stx.find():
        register(1, arguments={"lr": 0.1})
        register(2, "failed", arguments={"lr": 0.2})
    both = []
    for first in ([], ["--here=false"]):  # which only cyclopts reads, and which changes nothing
        status = main(["ls", *first, *words])
        both.append((status, *capsys.readouterr()))
    assert both[0] == both[1], shlex.join(words)


def test_a_pipe_costs_neither_rich_nor_cyclopts_nor_lark() -> None:
    register(1)
    code = (
        "import sys\n"
        "from scitex_session.__main__ import main\n"
        "main(['ls', '--limit', '3', '--status', 'success', '--since', '2d'])\n"
        "print(*{'rich', 'cyclopts', 'lark', 'pandas', 'numpy'} & {*sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "\n"
    assert "00000001" in done.stdout


def test_what_the_encoding_lacks_is_shown_in_ascii() -> None:
    register(1, arguments={"name": "機械"})
    done = subprocess.run(
        [sys.executable, "-m", "scitex_session", "ls"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "FORCE_COLOR": "1", "COLUMNS": "100"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    out = STYLE.sub("", done.stdout.decode("ascii"))
    assert "+ success" in out
    assert "\\u6a5f" in out


def test_a_run_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    script = """
        import sys, time
        import scitex_session as stx
        @stx.session
        def main():
            for number in stx.progress(range(4)):
                time.sleep(600 if number == 1 else 1.1)
        if __name__ == "__main__":
            main()
    """
    with start_script(script) as process:
        wait_until(lambda: "running 25 %" in shown(capsys), what="running 25 %")
        (line,) = on_terminal(capsys, 120)[1:2]
        assert "● ━━┄┄┄┄┄┄ 25 %" in line
        process.terminate()
        process.communicate(timeout=60)
    assert [row["status"] for row in listed(capsys)] == ["failed"]


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["ls"]) == 0
    return capsys.readouterr().out


def watching(*words: str, columns: int = 80, lines: int = 12) -> Any:
    """Give a terminal on which `ls --watch` runs."""
    terminal = pytest.importorskip("support.terminal", reason="this system has no pseudo-terminals")
    argv = [sys.executable, "-m", "scitex_session", "ls", "--watch", *words]
    return terminal.Terminal("", argv=argv, columns=columns, lines=lines)


def screen_of(written: bytes, columns: int, lines: int) -> list[str]:
    """Give the lines that a terminal shows after what was written to it."""
    pyte = pytest.importorskip("pyte")
    screen = pyte.Screen(columns, lines)
    pyte.ByteStream(screen).feed(written)
    return [line.rstrip() for line in screen.display]


def test_watch_shows_runs_as_they_come_and_follows_the_size_of_the_window() -> None:
    for number in range(3):
        register(number, arguments={"lr": number})
    with watching(lines=8) as terminal:
        written = terminal.read(until=b"q ends.")
        assert [line[:4] for line in screen_of(written, 80, 8)[1:4]] == ["0000", "0001", "0002"]
        assert "\x1b[2J" not in written.decode()  # what is cleared first, flickers
        for number in range(10, 20):
            register(number, ago=timedelta(seconds=-100), arguments={"lr": number})
        written += terminal.read(until=b"More are below.")
        assert [line[:4] for line in screen_of(written, 80, 8)[1:6]] == [
            *("0010", "0011", "0012", "0013", "0014")
        ]
        terminal.resize(30, 20)
        written = terminal.read(until=b"q ends.") + terminal.read(until=b"q ends.")
        assert [line[:4] for line in screen_of(written, 30, 20)[1:14]][-1] == "0002"
        terminal.send(b"q")
        terminal.read()
        assert terminal.close() == 0


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (b"q", 0),
        (b"\x03", 130),
        *(
            pytest.param(end, status, marks=pytest.mark.slow)
            for end, status in (("SIGTERM", -15), ("SIGHUP", -1), (b"\x1a", 0))
        ),
    ],
)
def test_watch_leaves_the_terminal_as_it_was(end: bytes | str, status: int) -> None:
    termios = pytest.importorskip("termios")
    register(1)
    with watching() as terminal:
        before = termios.tcgetattr(terminal.number)
        written = terminal.read(until=b"q ends.")
        assert termios.tcgetattr(terminal.number) != before
        if isinstance(end, str):
            os.kill(terminal.pid, getattr(signal, end))
        else:
            terminal.send(end)
        if end == b"\x1a":  # Ctrl-Z, and `fg`
            written += terminal.read(until=b"\x1b[?1049l")
            wait_until(lambda: os.waitpid(terminal.pid, os.WNOHANG | os.WUNTRACED)[0])
            assert termios.tcgetattr(terminal.number) == before
            os.kill(terminal.pid, signal.SIGCONT)
            written += terminal.read(until=b"q ends.")
            terminal.send(b"q")
        written += terminal.read(until=b"\x1b[?1049l")
        wait_until(lambda: termios.tcgetattr(terminal.number) == before)
        written += terminal.read()
        assert terminal.close() == status
    # The cursor, and the second screen.
    assert written.count(b"\x1b[?25l") == written.count(b"\x1b[?25h") > 0
    assert written.count(b"\x1b[?1049h") == written.count(b"\x1b[?1049l") > 0
    assert b"Traceback" not in written


@pytest.mark.slow
def test_watch_refuses_a_terminal_that_knows_no_codes() -> None:
    terminal = pytest.importorskip("support.terminal", reason="this system has no pseudo-terminals")
    command = [sys.executable, "-m", "scitex_session", "ls", "--watch"]
    with terminal.Terminal("", argv=["/usr/bin/env", "TERM=dumb", *command]) as dumb:
        assert b"--watch needs a terminal that knows codes" in dumb.read()
        assert dumb.close() == 2


@pytest.mark.slow
def test_watch_says_a_mistake_on_the_terminal_that_it_has_given_back() -> None:
    register(1)
    with watching("lr<<1") as terminal:
        written = terminal.read()
        assert terminal.close() == 2
    assert b"lr<<1" in written.rpartition(b"\x1b[?1049l")[2]
