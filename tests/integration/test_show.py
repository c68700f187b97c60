"""What is told of one run: its page, its record as JSON; its tags and note; how it is stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import read_record
from support import run_script, start_script, wait_until
from support.runs import ended_run, running_run

SCRIPT = """
    import sys
    import helper
    import scitex_session as stx

    @stx.session
    def main(lr: float = 0.1, name: str = "a"):
        print("\\x1b[31mred\\x1b[0m")
        for done in range(5):
            print(f"\\r{done * 25}%", end="", file=sys.stderr)
        stx.log(1, loss=0.5)
        stx.io.save({"a": 1}, "a.json")
        stx.io.load("given.json")
        if name == "bad":
            raise ValueError("no \\x1b[31mdata")
        return {"acc": 0.9, "by": {"class": 1}}

    if __name__ == "__main__":
        main()
"""


def made(*arguments: str) -> None:
    Path("helper.py").touch()
    Path("given.json").write_text("{}")
    run_script(SCRIPT, *arguments)


def sections(page: str) -> dict[str, dict[str, str]]:
    """Give the rows of each section of a plain page."""
    found: dict[str, dict[str, str]] = {}
    for part in page.split("\n\n"):
        title, *rows = part.splitlines()
        found[title] = {
            row.split("  ")[1].strip(): row[2:].partition("  ")[2].strip() for row in rows
        }
    return found


def shown(run: object, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["show", str(run)]) == 0
    return capsys.readouterr().out


def test_the_page_tells_what_went_in_and_what_came_out(capsys: pytest.CaptureFixture[str]) -> None:
    made("--lr", "0.5")
    page = sections(shown("latest", capsys))
    head = page[next(iter(page))]
    run = read_record(head["directory"])
    assert next(iter(page)) == f"{run['id']}  success"
    assert head["script"] == f"{Path('script.py').absolute()}, function main"
    assert head["command"].endswith("script.py --lr 0.5")
    assert head["seed"] == "42"
    assert page["Arguments"] == {"lr": "0.5", "name": "a"}
    assert page["Results"] == {"acc": "0.9", "by.class": "1"}
    assert page["Metrics"] == {"logged": "1 time, in the end:", "step": "1", "loss": "0.5"}
    assert page["Code"]["own modules"] == "helper"
    assert page["Environment"]["python"].startswith(run["python"])
    assert page["Environment"]["installed"].endswith("….txt")
    assert page["Inputs"] == {str(Path("given.json").absolute()): "2 B"}
    assert page["Artifacts"] == {"a.json": "13 B"}
    assert page["The last lines of stdout"] == {"red": ""}
    assert page["The last lines of stderr"] == {"100%": ""}


def test_the_page_of_a_failed_run_tells_why_without_codes_for_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made("--name", "bad")
    page = shown("latest", capsys)
    title, times, *_ = page.splitlines()
    assert title.endswith("  failed: ValueError: no \\x1b[31mdata")
    assert times.startswith("  exit status 1, took ")
    assert "\x1b" not in page
    assert "raise ValueError" in page


@pytest.mark.parametrize(
    ("reason", "exit_status", "told"),
    [
        ({"kind": "returned", "value": 3}, 3, "failed: the function returned 3"),
        ({"kind": "exit", "code": "no data"}, 1, "failed: sys.exit: no data"),
        ({"kind": "exit", "code": 2}, 2, "failed: sys.exit(2)"),
        ({"kind": "exit", "code": None}, 0, "success"),
        ({"kind": "signal", "signal": 2, "name": "SIGINT"}, 130, "failed: ended by SIGINT"),
        ({"kind": "never_closed"}, None, "finished: the process ended without a call of close()"),
        ({"kind": "closed"}, 0, "success"),
        ({"kind": "crashed", "signal": 11}, None, "killed by SIGSEGV"),
        ({"kind": "crashed", "signal": 9, "out_of_memory": True}, None, "killed, out of memory"),
        (
            {"kind": "crashed", "exit_status": 7},
            None,
            "without closing the run, with exit status 7",
        ),
        ({"kind": "lost"}, None, "its heartbeat stopped"),
        ({"kind": "some later one"}, 0, "success"),
        ("none of ours", 0, "success"),
    ],
)
def test_every_way_to_end_is_told_in_words(
    reason: Any, exit_status: int | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended_run(exit_status=exit_status)
    record = json.loads((run / "session.json").read_bytes())
    (run / "session.json").write_text(json.dumps({**record, "reason": reason}))
    assert shown(run, capsys).splitlines()[0].endswith(told)


def test_json_is_the_record_with_its_events_its_status_now_and_its_directory(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended_run(arguments={"lr": 0.5})
    stx.tag(run, "paper")
    assert main(["show", run.name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == stx.record(run.name)
    assert found == {**read_record(run), "directory": str(run)}
    assert found["tags"] == ["paper"]


def test_the_status_of_a_dead_run_that_nobody_filed_is_that_of_this_moment() -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    process = {**stx.record(running_run())["process"], "pid": dead.pid}
    assert stx.record(running_run(process=process))["status"] == "crashed"


def test_whatever_stands_in_a_record_is_shown_or_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended_run()
    record = json.loads((run / "session.json").read_bytes())
    odd = [None, True, -1, 0.5, "x\x1b[2J\n", [1, [2]], {"a": {"b": None}}, ["\x9b1m"]]
    names = [name for name in record if name not in ("id", "schema")]
    broken = [{**record, **dict.fromkeys(names, value)} for value in odd]
    broken += [{**record, name: odd[4]} for name in names]
    for each in broken:
        (run / "session.json").write_text(json.dumps(each))
        assert not {"\x1b", "\x9b"} & {*shown(run, capsys)}
    unsized = {"role": "output", "path": "huge.bin"}
    (run / "session.json").write_text(json.dumps({**record, "artifacts": [unsized]}))
    assert "huge.bin" in shown(run, capsys)
    many = {**record, "arguments": {f"a{n}": n for n in range(1000)}, "note": "x" * 100_000}
    (run / "session.json").write_text(json.dumps(many))
    assert "and 980 more" in shown(run, capsys)


def test_on_a_terminal_the_page_fits_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich", reason="rich is not installed")
    from rich.cells import cell_len
    from rich.text import Text

    run = ended_run(
        arguments={"lr": 0.5, "title": "寸" * 300, "[bold]": "[/bold][red]"},
        note="a long note " * 40,
        logs={"stdout.log": b"\x1b[31m" + b"x" * 500 + b"\n"},
    )
    for columns in (40, 80, 200):
        os.environ.update(FORCE_COLOR="1", COLUMNS=str(columns), TERM="xterm-256color")
        page = Text.from_ansi(shown(run, capsys)).plain
        assert max(map(cell_len, page.splitlines())) <= columns
        assert "✓ success" in page
        assert "[/bold][red]" in page


def test_a_pipe_gets_plain_text_and_rich_is_not_imported() -> None:
    ended_run()
    code = """if True:
        import sys
        from scitex_session.__main__ import main
        assert main(["show", "latest"]) == 0
        assert "rich" not in sys.modules, "rich"
    """
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "\x1b" not in finished.stdout


def test_tags_and_note_reach_the_record_and_the_registry_of_ended_and_running_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for run in (ended_run(), running_run()):
        assert main(["tag", run.name, "paper", "figure 3", "paper"]) == 0
        assert main(["untag", run.name, "none such", "paper"]) == 0
        assert main(["note", run.name, "two", "words"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == (
            f"{run.name}: tags figure 3; note two words"
        )
        for known in (stx.record(run), stx.SessionManager().get_session(run.name)):
            assert (known["tags"], known["note"]) == (["figure 3"], "two words")
        assert main(["note", run.name, "", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found == {"id": run.name, "tags": ["figure 3"], "note": ""}


def test_a_run_that_no_registry_knows_is_tagged_in_its_directory() -> None:
    run = ended_run(registered=False)
    stx.tag(run, "paper")
    stx.note(run, "mine")
    assert (stx.record(run)["tags"], stx.record(run)["note"]) == (["paper"], "mine")


@pytest.mark.parametrize("tag", ["", " ", "a\nb", "\x1b[2J", "x" * 201])
def test_a_tag_that_is_none_is_refused(tag: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = ended_run()
    assert main(["tag", run.name, "good", tag]) == 2
    assert "a tag must be a text of 1 to 200 characters" in capsys.readouterr().err
    assert stx.record(run)["tags"] == []
    with pytest.raises(TypeError):
        stx.tag(run, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["tag", "untag", "note"])
def test_a_change_of_nothing_is_a_mistake(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, ended_run().name]) == 2
    assert f"error: {command} needs a T" in capsys.readouterr().err


def test_open_gives_the_directory_to_the_file_manager(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended_run()
    os.environ["PATH"] = "bin"
    assert main(["open", run.name]) == 2
    assert f"to open {run} with" in capsys.readouterr().err
    program = Path("bin", "open" if sys.platform == "darwin" else "xdg-open")
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$1" > opened\n')
    program.chmod(0o755)
    assert main(["open", run.name]) == 0
    assert Path("opened").read_text() == f"{run}\n"
    program.write_text("#!/bin/sh\nexit 4\n")
    assert main(["open", run.name]) == 2
    assert "it ended with 4" in capsys.readouterr().err


LONG = """
    import signal, sys, time
    import scitex_session as stx

    @stx.session
    def main(stubborn: bool = False):
        if stubborn:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("begun", flush=True)
        try:
            time.sleep(60)
        finally:
            stx.io.save({}, "cleaned.json")

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("now", [False, True])
def test_stop_ends_a_run_and_tells_how(now: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with start_script(LONG) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        assert main(["stop", "latest", *["--now"] * now]) == 0
        wanted = signal.SIGKILL if now else signal.SIGTERM
        assert process.wait(20) == -wanted
    told = capsys.readouterr()
    assert told.out.startswith(stx.record("latest")["id"])
    assert ("killed by SIGKILL" if now else "ended by SIGTERM (exit status 143)") in told.out
    assert stx.record("latest")["status"] == ("crashed" if now else "failed")
    assert (stx.path("latest") / "cleaned.json").exists() is not now
    assert stx.stop("latest") == read_record(stx.path("latest"))  # it stays as it ended


def test_a_run_that_does_not_end_kindly_is_killed() -> None:
    steps: list[str] = []
    with start_script(LONG, "--stubborn") as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        record = stx.stop("latest", patience=0.2, tell=steps.append)
        assert process.wait(20) == -signal.SIGKILL
    assert (record["status"], record["reason"]["signal"]) == ("crashed", signal.SIGKILL)
    assert [step.split()[0] for step in steps] == ["asked", "process"]
    wait_until(lambda: any(Path("script_out").glob("FINISHED_ERROR/*/session.json")))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"host": "node7"}, "it runs on node7; stop it there"),
        ({"boot_id": "another"}, "earlier boot"),
        ({"pid_ns": 1}, "another container"),
        ({"user": "somebody"}, "a run of the user somebody"),
        ({"pid": None}, "nobody knows its process"),
    ],
)
def test_a_process_that_is_not_surely_the_runs_is_left_alone(
    change: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process = {**stx.record(running_run())["process"], **change}
    run = running_run(process=process)
    (run / "heartbeat").touch()
    found = main(["stop", run.name, "--now"])
    said = capsys.readouterr()
    if change.get("boot_id") and found == 0:  # of an earlier boot of this disk: it is dead
        assert "crashed" in said.out
        return
    assert found == 2
    assert why in said.err
    assert stx.record(run)["status"] in ("running", "unknown", "lost")


def test_a_pid_that_is_another_programs_by_now_gets_no_signal() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        process = {**stx.record(running_run())["process"], "pid": other.pid, "start_ticks": 1}
        record = stx.stop(running_run(process=process), now=True)
        assert record["status"] == "crashed"
        assert other.poll() is None
        other.kill()


ANYTHING: Any = stx  # a type checker would refuse what the test is about


@pytest.mark.parametrize(
    "call",
    [
        lambda run: ANYTHING.find(3),
        lambda run: ANYTHING.find(sort=3),
        lambda run: ANYTHING.diff(run, 3),
        lambda run: ANYTHING.reap(3),
        lambda run: ANYTHING.stop(run, patience="long"),
        lambda run: ANYTHING.record(b"x"),
    ],
)
def test_a_value_of_a_wrong_type_is_a_session_error_and_a_type_error(call: Any) -> None:
    run = ended_run()
    with pytest.raises(TypeError, match="must be") as caught:
        call(run)
    assert isinstance(caught.value, stx.SessionError)


@pytest.mark.parametrize("command", ["show", "whence", "diff"])
def test_json_is_valid_where_another_program_wrote_numbers_that_json_lacks(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(token)

    runs = [ended_run(arguments={"lr": lr}) for lr in (float("nan"), 0.1)]
    record = runs[0] / "session.json"
    record.write_text(re.sub(r'"lr": "?(?i:nan)"?', '"lr": NaN', record.read_text()))
    names = map(str, runs if command == "diff" else runs[:1])
    main([command, "--json", *names])
    out = capsys.readouterr().out
    assert '"NaN"' in out
    json.loads(out, parse_constant=refuse)
