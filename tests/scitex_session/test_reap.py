"""Dead runs are filed, and lost registries made again, by a command that says what it did."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import (
    RecordError,
    SessionManager,
    make_run_dir,
    new_record,
    read_record,
    register_start,
    registry_dir,
    write_record,
)
from support import run_script
from support.runs import ended_run

LEFT = Path(__file__).parents[1] / "scitex_session_core" / "data" / "scitex-session-0.3.1"
IDENTIFY = (
    "import json; from scitex_session_core import new_record; "
    "print(json.dumps(new_record('x')['process']))"
)


@pytest.fixture(scope="session")
def dead_process() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", IDENTIFY], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def begun(script: Path, process: dict[str, Any], **place: Any) -> Path:
    """Make a run that began as every run does, whose process is what is given."""
    script.parent.mkdir(exist_ok=True, parents=True)
    run = make_run_dir(script, **place)
    record = {**new_record(run.id, script=script), "process": process}
    write_record(run.path, record)
    register_start(registry_dir(), record, run.path)
    return run.path


@pytest.fixture
def left_031(tmp_path: Path) -> Path:
    """Give a run that 0.3.1 left in ``RUNNING`` hours ago."""
    old = Path(shutil.copytree(LEFT, tmp_path / "old"))
    (run_dir,) = old.glob("never_closed_out/RUNNING/*")
    for path in (*run_dir.rglob("*"), run_dir):
        os.utime(path, (0, time.time() - 9999))
    return run_dir


def test_what_the_registry_knows_is_reaped_wherever_it_lies(
    tmp_path: Path, dead_process: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [begun(tmp_path / name / "fit.py", dead_process) for name in "ab"]
    own = begun(tmp_path / "fit.py", dead_process, sdir=tmp_path / "mine")
    alive = begun(tmp_path / "c" / "fit.py", new_record("x")["process"])
    assert main(["reap"]) == 0
    shown = capsys.readouterr().out
    for run in runs:
        assert f"from {run}\n" in shown
        assert f"to   {run.parent.parent / 'FINISHED_ERROR' / run.name}\n" in shown
    assert f"to   {own}\n" in shown
    assert shown.endswith("filed 3 runs\n")
    assert alive.is_dir()
    assert read_record(own)["status"] == "crashed"
    assert main(["reap"]) == 0
    assert capsys.readouterr().out == "filed 0 runs\n"


def test_only_what_lies_below_a_path_is_reaped(
    tmp_path: Path, dead_process: dict[str, Any]
) -> None:
    first, second = (begun(tmp_path / name / "fit.py", dead_process) for name in "ab")
    (filed,) = stx.reap(first.parent)
    assert (filed["id"], filed["status"]) == (first.name, "crashed")
    assert filed["reason"]["kind"] == "crashed"
    assert filed["source"] == str(first)
    assert read_record(filed["directory"])["id"] == first.name
    assert second.is_dir()


def test_why_a_run_is_dead_is_told_from_what_it_left(
    tmp_path: Path, dead_process: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = begun(tmp_path / "fit.py", dead_process)
    (run / "logs").mkdir()
    (run / "logs" / "stderr.log").write_text("epoch 3\nout of \x1b[31mluck\n")
    assert main(["reap", str(tmp_path)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{run.name}: crashed: the process ended without closing the run, ")
    assert first.endswith("its last line on stderr was 'out of luck'")


def test_as_json(
    tmp_path: Path, dead_process: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = begun(tmp_path / "fit.py", dead_process)
    assert main(["reap", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert list(told) == ["id", "status", "reason", "source", "directory"]
    assert told["id"] == run.name


def test_what_only_force_files_is_named(
    tmp_path: Path,
    left_031: Path,
    dead_process: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost = begun(tmp_path / "fit.py", {**dead_process, "host": "elsewhere"})
    (lost / "heartbeat").touch()
    os.utime(lost / "heartbeat", (0, time.time() - 9999))
    assert main(["reap", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert f"left as it is: {lost} (it is of elsewhere, and has been silent)\n" in shown
    assert main(["reap", str(left_031.parent.parent)]) == 0
    shown = capsys.readouterr().out
    assert f"left as it is: {left_031} (scitex-session 0.3.1 left it)\n" in shown
    assert "filed 0 runs (--force files what was left" in shown
    filed = stx.reap(tmp_path, left_031.parent.parent, force=True)
    assert {(run["id"], run["status"]) for run in filed} == {
        (lost.name, "lost"),
        (left_031.name, "lost"),
    }


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("misspelt", "misspelt is not a folder"),
        ("a.txt", "a.txt is not a folder"),
        ("fit_out/RUNNING/{}", "is one run; give the folder above RUNNING"),
    ],
)
def test_what_is_no_folder_of_runs_is_refused(
    tmp_path: Path,
    dead_process: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    given: str,
    why: str,
) -> None:
    Path("a.txt").touch()
    run = begun(tmp_path / "fit.py", dead_process)
    assert main(["reap", given.format(run.name)]) == 2
    assert why in capsys.readouterr().err
    with pytest.raises(stx.SessionError, match=why):
        stx.reap(given.format(run.name))
    assert run.is_dir()


def test_a_lost_registry_is_made_again(
    tmp_path: Path, dead_process: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = begun(tmp_path / "fit.py", dead_process)
    stx.reap()
    shutil.rmtree(registry_dir())
    assert SessionManager().list_sessions() == {}
    assert main(["reindex", str(tmp_path)]) == 0
    told = "registered 1 run that the registry did not know as they are\n"
    assert capsys.readouterr().out == told.replace("they are", "it is")
    assert SessionManager().get_session(run.name)["status"] == "crashed"
    assert main(["reindex", str(tmp_path), "."]) == 0
    assert capsys.readouterr().out.startswith("registered 0 runs")


def test_reindex_tells_programs_which_runs_it_registered(
    left_031: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended_run(registered=False)
    assert main(["reindex", "--json", str(run.parent), str(left_031.parent)]) == 0
    told = {entry["id"]: entry["directory"] for entry in json.loads(capsys.readouterr().out)}
    assert told == {run.name: str(run), left_031.name: str(left_031)}


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["misspelt"], "misspelt is not a folder"),
        ([""], "'' is not a folder"),
        ([], "reindex needs a PATH"),
    ],
)
def test_a_misspelt_path_is_a_sentence(
    capsys: pytest.CaptureFixture[str], argv: list[str], why: str
) -> None:
    assert main(["reindex", *argv]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert why in err


@pytest.mark.parametrize(
    ("exit_status", "folder", "status"),
    [
        (0, "FINISHED_SUCCESS", "success"),
        (3, "FINISHED_ERROR", "failed"),
        (None, "FINISHED", "finished"),
    ],
)
def test_running2finished_files_what_031_left(
    left_031: Path, exit_status: int | None, folder: str, status: str
) -> None:
    CONFIG = {"SDIR_RUN": str(left_031)}
    moved = Path(stx.running2finished(CONFIG, exit_status=exit_status)["SDIR_RUN"])
    assert moved == left_031.parent.parent / folder / left_031.name
    assert not left_031.exists()
    record = read_record(moved)
    assert (record["status"], record["exit_status"]) == (status, exit_status)
    assert record["versions"] == {"scitex-session": "0.3.1"}
    session = SessionManager().get_session(left_031.name)
    assert (session["status"], session["run_dir"]) == (status, str(moved))


def test_running2finished_takes_no_other_directory(tmp_path: Path) -> None:
    other = tmp_path / "RUNNING" / "notes"
    other.mkdir(parents=True)
    with pytest.raises(RecordError, match="there is no such record"):
        stx.running2finished({"SDIR_RUN": other}, exit_status=0)
    assert other.is_dir()


def test_a_run_needs_none_of_it() -> None:
    finished = run_script("""
        import atexit, sys
        import scitex_session as stx

        @atexit.register
        def tell():
            print(*(name for name in sys.modules if "_command." in name or "legacy" in name))

        stx.session(lambda: None)()
    """)
    assert finished.stdout.split() == []
