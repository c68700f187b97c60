from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scitex_session._command.whence import Origin
from scitex_session._command.whence_report import printable, report
from scitex_session_plot import Stamp

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


def origin(**run: Any) -> Origin:
    found = Origin("fit.png", "stamp", "the-id", stamp=Stamp("the-id", script="fit.py"))
    found.run = run
    return found


def lines(found: Origin) -> dict[str, str]:
    title, *rows = report(found).splitlines()
    assert title.startswith("fit.png")
    return {row[2:13].strip(): row[13:] for row in rows}


def test_all_that_is_known() -> None:
    found = origin(**RUN)
    found.directory = Path("/home/u/fit_out/FINISHED_ERROR/the-id")
    shown = lines(found)
    assert shown["run"] == "the-id"
    assert shown["script"] == "/home/u/fit.py, function fit"
    assert shown["arguments"].startswith('lr=0.1, name="Größe", many=[0, 1, 2')
    assert shown["arguments"].endswith("…")
    assert shown["commit"] == f"{'c' * 40} on main, with changes that are not in it"
    assert shown["started"] == "2026-11-22 05:09:48 +0000, took 14.4 s"
    assert shown["status"] == "failed (exit status 3)"
    assert shown["directory"] == "/home/u/fit_out/FINISHED_ERROR/the-id"


def test_what_is_not_known_has_no_line() -> None:
    assert list(lines(origin())) == ["run", "found by", "script", "directory"]


def test_the_stamp_tells_when_the_figure_was_saved() -> None:
    saved = datetime(2026, 11, 22, 5, 9, 48, tzinfo=UTC)
    found = Origin("fit.png", "stamp", "x", stamp=Stamp("x", time=saved, member="a/b.png"))
    assert report(found).startswith("fit.png: a/b.png\n")
    assert lines(found)["saved"] == "2026-11-22 05:09:48 +0000"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.01, "0.01 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    run = {"started": RUN["started"], "duration_s": seconds}
    assert lines(origin(**run))["started"].endswith(f", took {shown}")


def test_others_with_the_same_content_are_named_up_to_three() -> None:
    found = Origin("fit.png", "content", "a")
    found.same = ["b", "c", "d", "e"]
    assert report(found).splitlines()[-1].split(maxsplit=3)[3] == "b, c, d, …"


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\u202e", "\udc80", "\x9b"])
def test_nothing_that_commands_a_terminal_is_printed(text: str) -> None:
    assert printable(text).isprintable()
    assert printable("Größe 中文") == "Größe 中文"
