"""What a crashed run did last is recorded short, safe to show, and without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_core import append_event, file_crash, new_record, read_record, write_record

TOKEN = "ghp_" + "a" * 36


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """The directory of a run that is dead, and that nobody filed."""
    (tmp_path / "logs").mkdir()
    return tmp_path


def filed(run_dir: Path) -> dict[str, Any]:
    """What the record of a crash says beside its kind."""
    record = new_record("x")
    write_record(run_dir, {**record, "process": {**record["process"], "start_ticks": 1}})
    file_crash(run_dir)
    reason = read_record(run_dir)["reason"]
    assert reason.pop("kind") == "crashed"
    assert isinstance(reason, dict)
    return reason


def last_line(run_dir: Path, output: bytes) -> str | None:
    """What is kept of a stdout.log."""
    (run_dir / "logs" / "stdout.log").write_bytes(output)
    line = filed(run_dir).get("last_output", {}).get("stdout")
    assert line is None or isinstance(line, str)
    return line


def test_a_run_that_did_nothing_has_none(run_dir: Path) -> None:
    assert filed(run_dir) == {}


def test_the_last_event_and_the_last_line_of_each_stream(run_dir: Path) -> None:
    append_event(run_dir, "tag", tag="first")
    append_event(run_dir, "result", results={"acc": 0.9})
    append_event(run_dir, "artifact", path="fit.png", bytes=12, role="output")
    (run_dir / "logs" / "stdout.log").write_text("epoch 1\nepoch 2\n\n")
    (run_dir / "logs" / "stderr.log").write_text("warning\nFatal Python error: Segmentation fault")
    found = filed(run_dir)
    assert found["last_event"].pop("time")
    assert found == {
        "last_event": {"event": "artifact", "path": "fit.png", "bytes": 12, "role": "output"},
        "last_output": {"stdout": "epoch 2", "stderr": "Fatal Python error: Segmentation fault"},
    }


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", None),
        (b"\n \n\r\n", None),
        (b"a\nb", "b"),
        (b"50%\r 70%\r100%\r", "100%"),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07now\n\x1b[2K\x1b[1A", "red now"),
        (b"bell \x07 and null \0.", "bell   and null  ."),
        ("größe ✓\n".encode(), "größe ✓"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 1000, "x" * 300 + "…"),
        (b"x" * 100_000, None),  # a line of which not even the beginning was looked at
        (b"x" * 100_000 + b"\nshort\n", "short"),
    ],
)
def test_a_line_as_a_reader_would_see_it(output: bytes, line: str | None, run_dir: Path) -> None:
    assert last_line(run_dir, output) == line


@settings(max_examples=25)  # each is a record that is synced three times
@given(st.binary(), st.integers(0, 9000))
def test_any_output_is_one_short_line_that_can_be_shown(output: bytes, before: int) -> None:
    Path("logs").mkdir(exist_ok=True)
    line = last_line(Path.cwd(), b"x" * before + output)
    assert line is None or (line.isprintable() and 0 < len(line) <= 301)


@pytest.mark.parametrize(
    "output",
    [
        f"token {TOKEN}\n",
        f"{TOKEN}\n",
        f"\x1b[31m{TOKEN[:6]}\x1b[0m{TOKEN[6:]}\n",
        "x" * 280 + f" {TOKEN}\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nMIIEpAIBAAKCAQEA\n",
        *(f"Bearer {TOKEN} " + "y" * n for n in (8150, 8160, 8170, 8180, 8190)),
    ],
)
def test_no_part_of_a_secret_is_kept(output: str, run_dir: Path) -> None:
    line = last_line(run_dir, output.encode()) or ""
    assert "aaa" not in line
    assert "MII" not in line


def test_a_secret_in_an_event_is_kept_no_more_than_in_the_events(run_dir: Path) -> None:
    append_event(run_dir, "note", note=f"used {TOKEN}")
    assert filed(run_dir)["last_event"]["note"] == "used ***"


def test_logs_that_can_not_be_read_are_none(run_dir: Path) -> None:
    (run_dir / "logs" / "stdout.log").mkdir()
    assert filed(run_dir) == {}
