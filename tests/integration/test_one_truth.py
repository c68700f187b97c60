"""A run that could only register its end is filed as it ended, whoever files it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import (
    SessionManager,
    current_status,
    file_crash,
    read_record,
    reap,
    reindex,
)
from support import run_script, write_script

if TYPE_CHECKING:
    from collections.abc import Callable

# The run closes its own directory, and its record, to writing; neither can be written at its end.
SCRIPT = """
    import os, sys
    import scitex_session as stx
    @stx.session{options}
    def main(ending: str = "close"):
        if ending == "close":
            os.chmod(CONFIG.SDIR_RUN / "session.json", 0o400)
            os.chmod(CONFIG.SDIR_RUN, 0o500)
            {body}
    if __name__ == "__main__":
        main()
"""
ENDINGS = {"return 0": (0, "success"), "sys.exit(3)": (3, "failed")}
BELIEVED = "the registry is believed"


def heeding_permissions(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python so that it heeds the permissions of files, also where root runs the tests."""
    if os.name != "posix":
        pytest.skip("permissions of POSIX")
    dropped = "-dac_override,-dac_read_search,-fowner"
    heeding = [] if os.geteuid() else ["setpriv", f"--bounding-set={dropped}"]
    if heeding and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    command = [*heeding, sys.executable, *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def unrecorded(body: str, options: str = "") -> Path:
    """Make a run whose end is registered and not on record, and give its directory."""
    script = write_script(SCRIPT.format(body=body, options=options))
    finished = heeding_permissions(str(script))
    exit_status, status = ENDINGS[body]
    assert finished.returncode == exit_status, finished
    (session,) = SessionManager().list_sessions().values()
    assert session["status"] == status, finished
    run_dir = Path(session["run_dir"])
    os.chmod(run_dir, 0o700)
    os.chmod(run_dir / "session.json", 0o600)
    assert json.loads((run_dir / "session.json").read_text())["status"] == "running"
    assert not (run_dir / "events.jsonl").exists()
    return run_dir


def id_of(run_dir: Path) -> str:
    return str(json.loads((run_dir / "session.json").read_text())["id"])


def by_reap(run_dir: Path) -> str:
    with pytest.warns(match=BELIEVED) as said:
        reap(run_dir.parent.parent, registry=default_registry())
    return "\n".join(str(warning.message) for warning in said)


def by_reap_without_a_registry(run_dir: Path) -> str:
    with pytest.warns(match=BELIEVED) as said:
        reap(run_dir.parent.parent)
    return "\n".join(str(warning.message) for warning in said)


def by_a_witness(run_dir: Path) -> str:
    with pytest.warns(match=BELIEVED) as said:
        file_crash(run_dir, {"signal": 9}, registry=default_registry())
    return "\n".join(str(warning.message) for warning in said)


def by_the_next_run(run_dir: Path) -> str:
    script = run_dir.parent.parent.parent / "script.py"
    finished = run_script(script, "--ending", "open")
    assert finished.returncode == 0, finished
    return finished.stderr


def by_reindex(run_dir: Path) -> str:
    with pytest.warns(match=BELIEVED) as said:
        reindex(run_dir.parent.parent)
    assert [path.name for path in reap(run_dir.parent.parent)] == [run_dir.name]  # silently
    return "\n".join(str(warning.message) for warning in said)


def default_registry() -> Path:
    return Path(os.environ["SCITEX_SESSION_REGISTRY"])


def check_one_truth(run_dir: Path, body: str, session_id: str) -> None:
    exit_status, status = ENDINGS[body]
    record = json.loads((run_dir / "session.json").read_text())
    session = SessionManager().get_session(session_id)
    assert (record["id"], record["status"], record["exit_status"]) == (
        session_id,
        status,
        exit_status,
    )
    assert (session["status"], session["exit_code"]) == (status, exit_status)
    assert datetime.fromisoformat(record["ended"]) == session["end_time"]
    assert record["duration_s"] >= 0
    assert record["reason"] is None


@pytest.fixture(autouse=True)
def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", str(tmp_path / "the registry"))


@pytest.mark.parametrize("body", ENDINGS)
@pytest.mark.parametrize(
    "files",
    [by_reap, by_reap_without_a_registry, by_a_witness, by_the_next_run, by_reindex],
)
def test_whoever_files_a_run_believes_its_own_end(
    files: Callable[[Path], str], body: str, caused: Callable[[str, str], None]
) -> None:
    run_dir = unrecorded(body)
    session_id = id_of(run_dir)
    said = files(run_dir)
    assert said.count(BELIEVED) == 1, said
    status = ENDINGS[body][1]
    assert f"says 'running', the registry {default_registry()} {status!r}" in said
    folder = "FINISHED_SUCCESS" if status == "success" else "FINISHED_ERROR"
    moved = run_dir.parent.parent / folder / run_dir.name
    check_one_truth(moved, body, session_id)
    if files in (by_reap_without_a_registry, by_reindex):  # which do not register the move
        reindex(moved.parent.parent)
    assert SessionManager().get_session(session_id)["run_dir"] == str(moved)
    assert reindex(moved.parent.parent) == []
    assert reap(moved.parent.parent) == []
    check_one_truth(moved, body, session_id)
    caused("own directory closed at the end", "filed as the registry says, by all, and said once")


@pytest.mark.parametrize("body", ENDINGS)
def test_an_sdir_is_filed_as_it_ended(body: str, tmp_path: Path) -> None:
    run_dir = unrecorded(body, '(sdir="mine")')
    session_id = id_of(run_dir)
    with pytest.warns(match=BELIEVED):
        assert reindex(tmp_path) == []  # it is registered as it ended
    check_one_truth(run_dir, body, session_id)
    assert reindex(tmp_path) == []


@pytest.mark.parametrize("body", ENDINGS)
def test_the_next_run_in_an_sdir_puts_it_away_as_it_ended(body: str) -> None:
    run_dir = unrecorded(body, '(sdir="mine")')
    session_id = id_of(run_dir)
    finished = run_script(Path("script.py"), "--ending", "open")
    assert finished.returncode == 0, finished
    assert finished.stderr.count(BELIEVED) == 1
    check_one_truth(run_dir / "previous" / session_id, body, session_id)


@pytest.mark.parametrize("body", ENDINGS)
def test_who_only_reads_the_directory_believes_the_runs_own_end(
    body: str, caused: Callable[[str, str], None]
) -> None:
    exit_status, status = ENDINGS[body]
    run_dir = unrecorded(body)
    with pytest.warns(match=BELIEVED) as said:
        record = read_record(run_dir)
    assert f"the record in {run_dir} says 'running'" in str(said[0].message)
    assert (record["status"], record["exit_status"]) == (status, exit_status)
    assert record["ended"] > record["started"]
    written = json.loads((run_dir / "session.json").read_text())
    with pytest.warns(match=BELIEVED):
        assert current_status(written, run_dir) == status
    with pytest.warns(match=BELIEVED) as said:
        assert current_status(written) == status
    assert f"the record of {record['id']} says 'running'" in str(said[0].message)
    assert written["status"] == "running"  # nothing is written by a reader
    caused("own directory closed at the end", "read as the registry says, and said")


def test_a_reader_believes_nothing_of_a_run_that_registered_no_end() -> None:
    run_script("""
        import os
        from pathlib import Path
        from scitex_session_core import make_run_dir, new_record, register_start, registry_dir
        from scitex_session_core import write_record
        run_dir = make_run_dir(Path("script.py").absolute())
        record = new_record(run_dir.id, script=None, function=None, arguments={}, argv=[],
                            config={}, seed=1, parent=None)
        write_record(run_dir, record)
        register_start(registry_dir(), record, run_dir.path)
        os._exit(9)
    """)
    (run_dir,) = Path("script_out").glob("RUNNING/2*")
    record = read_record(run_dir)
    assert record["status"] == "running"
    assert current_status(record, run_dir) == current_status(record) == "crashed"


def test_where_the_record_still_cant_be_written_no_crash_is_filed(tmp_path: Path) -> None:
    run_dir = unrecorded("return 0")
    os.chmod(run_dir / "session.json", 0o400)
    os.chmod(run_dir, 0o500)
    code = (
        "import sys; from pathlib import Path; from scitex_session_core import reap, reindex\n"
        "root, registry = map(Path, sys.argv[1:])\n"
        "reap(root, registry=registry); reindex(root, registry)\n"
    )
    finished = heeding_permissions("-c", code, str(tmp_path), str(default_registry()))
    assert finished.returncode == 0, finished
    assert "the record still can't be written" in finished.stderr
    (session,) = SessionManager().list_sessions().values()
    assert (session["status"], session["exit_code"]) == ("success", 0)
    assert "crashed" not in "".join(p.read_text() for p in default_registry().rglob("*.jsonl"))
    os.chmod(run_dir, 0o700)
