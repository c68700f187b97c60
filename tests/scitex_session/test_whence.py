"""What `scitex-session whence` tells of a run, from its record."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import (
    ended_record,
    make_run_dir,
    new_record,
    outcome,
    read_record,
    register_end,
    register_start,
    registry_dir,
    write_record,
)

RUN: dict[str, Any] = {
    "status": "failed",
    "exit_status": 3,
    "script": "/home/u/fit.py",
    "function": "fit",
    "arguments": {"lr": 0.1, "name": "Größe", "many": list(range(1000))},
    "started": "2026-11-22T05:09:48+00:00",
    "duration_s": 14.3812,
    "git": {"commit": "c" * 40, "branch": "main", "dirty": True},
}


@pytest.fixture(autouse=True)
def in_utc() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()


def recorded(**fields: Any) -> Path:
    """Give the directory of a run whose record has these fields."""
    place = make_run_dir(Path("fit.py").absolute())
    write_record(place.path, {**new_record(place.id), "git": None, **fields})
    return place.path


def told(file: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Give the lines of what is told of a file, by what they tell."""
    assert main(["whence", str(file)]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == str(file)
    width = max(row.index(row[2:].split("  ")[-1].strip()) for row in rows)
    return {row[2:width].strip(): row[width:] for row in rows}


def test_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    place = recorded(**RUN)
    shown = told(place, capsys)
    assert shown["run"] == place.name
    assert shown["script"] == "/home/u/fit.py, function fit"
    assert shown["arguments"].startswith('lr=0.1, name="Größe", many=[0, 1, 2')
    assert shown["arguments"].endswith("…")
    assert shown["commit"] == f"{'c' * 40} on main, with changes that are not in it"
    assert shown["started"] == "2026-11-22 05:09:48 +0000, took 14.4 s"
    assert shown["status"] == "failed (exit status 3)"
    assert shown["directory"] == str(place)


def test_python_gets_what_json_says(capsys: pytest.CaptureFixture[str]) -> None:
    place = recorded(**RUN)
    assert main(["whence", "--json", str(place)]) == 0
    assert stx.whence(str(place)) == json.loads(capsys.readouterr().out)
    Path("stranger").touch()
    assert stx.whence("stranger") == []
    for missing in ("missing", ""):  # an empty path is not the working directory
        with pytest.raises(FileNotFoundError):
            stx.whence(missing)


def test_what_is_not_known_has_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(recorded(status="success"), capsys)
    assert list(shown) == ["run", "found by", "started", "status", "directory"]


def test_a_file_named_by_way_of_latest_has_the_directory_that_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = recorded(**RUN)
    (place / "table.csv").write_text("a,b\n")
    Path("latest").symlink_to(place)
    assert told(Path("latest/table.csv"), capsys)["directory"] == str(place)
    assert told(Path("latest"), capsys)["directory"] == str(place)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0129, "12.9 ms"),
        (1, "1 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = recorded(status="success", started=RUN["started"], duration_s=seconds)
    assert told(place, capsys)["started"].endswith(f", took {shown}")


def test_others_with_the_same_content_are_named_up_to_three(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import hashlib

    Path("table.csv").write_text("a,b\n")
    digest = hashlib.sha256(b"a,b\n").hexdigest()
    artifact = {"path": "table.csv", "sha256": digest, "bytes": 4, "role": "output"}
    names = []
    for _ in range(5):
        place = recorded(artifacts=[artifact])
        record = read_record(place)
        register_start(registry_dir(), record, place)
        exit_status, reason = outcome(0)
        record = ended_record(record, exit_status=exit_status, reason=reason)
        write_record(place, record)
        register_end(registry_dir(), record, place)
        names.append(place.name)
    shown = told(Path("table.csv"), capsys)
    assert shown["saved as"] == "table.csv"
    *others, last = shown["the same from"].split(", ")
    third, _, rest = last.partition(" ")
    assert rest == "and 1 more"
    assert len({shown["run"], *others, third} & set(names)) == 4


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\u202e", "\x9b"])
def test_nothing_that_commands_a_terminal_is_printed(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = recorded(status="success", script=f"{text} Größe 中文")
    shown = told(place, capsys)["script"]
    assert shown.isprintable()
    assert shown.endswith(" Größe 中文")
    Path(f"stranger {text}").touch()
    assert main(["whence", f"stranger {text}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("stranger ")
    assert said.removesuffix("\n").isprintable()


def test_an_end_that_only_the_registry_tells(capsys: pytest.CaptureFixture[str]) -> None:
    registry = registry_dir()
    dead = {**new_record("x")["process"], "pid": 2**22 + 1}
    place = recorded(process=dead)
    assert told(place, capsys)["status"].startswith("crashed")
    record = read_record(place)
    register_start(registry, record, place)
    register_end(registry, ended_record(record, exit_status=3, reason={}), place)
    assert told(place, capsys)["status"] == "failed (exit status 3)"
    assert told(place / "session.json", capsys)["status"] == "failed (exit status 3)"


def test_in_python_whence_returns_what_the_command_prints_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = recorded(**RUN)
    main(["whence", "--json", os.fspath(place)])
    assert stx.whence(place) == json.loads(capsys.readouterr().out)
    with pytest.raises(FileNotFoundError):
        stx.whence(place / "nothing")
