"""The command `scitex-session`: exit statuses, and one sentence for each mistake."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scitex_session.__main__ import main
from scitex_session_core import __version__, make_run_dir, new_record, write_record


@pytest.fixture
def run_dir() -> Path:
    script = Path("fit.py").absolute()
    place = make_run_dir(script)
    write_record(place.path, {**new_record(place.id, script=script), "status": "success"})
    return place.path


def test_a_run_is_found_from_its_files(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["whence", str(run_dir / "session.json")]) == 0
    shown, said = capsys.readouterr()
    assert f"  run        {run_dir.name}\n" in shown
    assert said == ""


def test_the_worst_file_decides_and_the_others_are_told_of(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("stranger").touch()
    assert main(["whence", "stranger", str(run_dir)]) == 1
    assert main(["whence", "missing", "stranger", str(run_dir)]) == 2
    shown, said = capsys.readouterr()
    assert shown.count(run_dir.name) > 2
    first, second, third = said.splitlines()
    assert first == third
    assert first.startswith("stranger: ")
    assert second == f"scitex-session: error: missing: {os.strerror(errno.ENOENT)}"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["whence"], "whence needs a FILE (try scitex-session whence --help)"),
        (["whence", "--jsn", "x"], "--json"),
        (["whense", "x"], '"whence"'),
        (["--nope"], "--nope"),
        (["show", "a", "b"], "show takes no more words: 'b' is too much"),
        (["ls", "--limit", "2.7"], 'Invalid value for --limit: unable to convert "2.7" into int'),
        (["doctor", "--forget", "git"], "doctor --forget takes no SUBJECT, not 'git'"),
        (["doctor", "--yes"], "doctor takes --yes with --forget only"),
    ],
)
def test_a_mistake_is_one_line_with_what_was_meant(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    shown, said = capsys.readouterr()
    assert shown == ""
    assert said.startswith("scitex-session: error: ")
    assert sentence in said
    assert said.count("\n") == 1


def test_a_file_whose_name_begins_with_a_dash(run_dir: Path) -> None:
    os.symlink(run_dir / "session.json", "-x")
    Path("-y").touch()
    assert main(["whence", "--", "-y"]) == 1


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            "diff",
            "The exit status is 0 if nothing differs, 1 if something does, and 2 for a mistake.",
        ),
        ("stop", "killed if it has not ended after 10 seconds."),
        ("reap", "by default all that the registry knows of."),
        ("ls", "Put it in quotes"),
    ],
)
def test_the_help_of_a_command_says_all_within_80_columns(
    command: str,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) == 80
    assert sentence in " ".join(shown.replace("│", " ").split())
    assert "None" not in shown


def test_an_unknown_command_names_all_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"]) == 2
    assert "doctor, whence" in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, expected in (
        (["--version"], __version__),
        (["--help"], "whence"),
        (["whence", "-h"], "FILE..."),
        ([], "whence"),
    ):
        assert main(argv) == 0
        assert expected in capsys.readouterr().out


def test_a_registry_that_is_an_address_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", "redis://host")
    Path("x").touch()
    assert main(["whence", "x"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("scitex-session: error: SCITEX_SESSION_REGISTRY must be")
    assert said.count("\n") == 1


def test_a_reader_that_has_read_enough_is_no_error(run_dir: Path) -> None:
    command = f'"{sys.executable}" -m scitex_session whence {run_dir} {run_dir} | true'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_the_letters_is_told_all_the_same(run_dir: Path) -> None:
    place = Path("Größe")
    place.mkdir()
    run_dir.rename(place / "x")
    done = subprocess.run(
        [sys.executable, "-m", "scitex_session", "whence", "Größe/x"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rb"Gr\xf6\xdfe" in done.stdout
