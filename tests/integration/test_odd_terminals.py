"""The command where standard streams, the working directory or the locale are not as usual."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import ended_run

COMMAND = f"{sys.executable} -m scitex_session"


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix closes descriptors")
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "<&- 1>&- 2>&-"])
def test_a_closed_standard_stream_is_no_crash(closed: str) -> None:
    place = ended_run(logs={"stdout.log": b"out\n", "stderr.log": b"err\n"})
    script = "; ".join(
        f"{COMMAND} {command} {place.name} {closed}; test $? = 0 || exit 1"
        for command in ("show", "logs", "path")
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that a process is in")
def test_runs_are_found_where_the_working_directory_is_gone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from scitex_session.__main__ import main

    place = ended_run()
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert main(["path", place.name[-6:]]) == 0
    assert capfd.readouterr().out == f"{place}\n"
    assert main(["reindex", "."]) == 2
    assert capfd.readouterr().err == "scitex-session: error: the working directory is gone\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_where_an_answer_can_not_be_written_one_line_says_so() -> None:
    place = ended_run(logs={"stdout.log": b"out\n"})
    for command in ("show", "logs", "path"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [*COMMAND.split(), command, place.name],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.stderr == "scitex-session: error: No space left on device\n", command
        assert done.returncode == 2


def test_help_without_docstrings_says_what_a_command_does() -> None:
    help_of_show = [sys.executable, "-OO", "-m", "scitex_session", "show", "--help"]
    done = subprocess.run(help_of_show, capture_output=True, text=True, check=True)
    assert "Show all that is known of a run." in done.stdout
    assert "\nParameters\n" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one encoding of names")
def test_no_run_is_called_gone_whose_name_the_locale_lacks() -> None:
    place = ended_run("é.py")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "scitex_session", *arguments],
            env={**os.environ, **ascii_only},
            capture_output=True,
            check=False,
        )

    listed = run("ls")
    assert listed.returncode == 0
    assert b"gone" not in listed.stdout
    shown = run("show", place.name)
    assert shown.returncode == 2
    assert shown.stderr.endswith(b"; set PYTHONUTF8=1\n")
    forgotten = run("doctor", "--forget", "--yes")
    assert forgotten.returncode == 2
    assert run("ls").stdout == listed.stdout
