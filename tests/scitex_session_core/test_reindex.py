"""The registry can be made again from the run directories alone."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    InvalidTypeError,
    SessionManager,
    SessionWarning,
    append_event,
    ended_record,
    journal_close,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    reindex,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def manager(registry: Path) -> SessionManager:
    return SessionManager(registry)


def finished(script: Path, **fields: Any) -> Path:
    """Make a run that ended well."""
    run = make_run_dir(script)
    record = {**new_record(run.id, script=script, arguments={"lr": 0.1}), **fields}
    write_record(run.path, record)
    append_event(run.path, "result", results={"acc": 0.9})
    write_record(run.path, ended_record(read_record(run.path), exit_status=0, reason={}))
    return move_to_finished(run.path, "success")


def test_what_the_journal_does_not_know_is_registered(
    manager: SessionManager, registry: Path, script: Path, tmp_path: Path
) -> None:
    run_dir = finished(script, tags=["paper"])
    assert reindex(tmp_path, registry) == [run_dir]
    record = read_record(run_dir)
    (session,) = manager.select({"results.acc": 0.9, "arguments.lr": 0.1, "tags": "paper"})
    assert (session["id"], session["status"], session["exit_code"]) == (record["id"], "success", 0)
    assert session["start_time"] == datetime.fromisoformat(record["started"])
    assert session["end_time"] == datetime.fromisoformat(record["ended"])
    assert (session["script_path"], session["run_dir"]) == (str(script), str(run_dir))


def test_a_run_that_is_registered_as_it_is_is_not_registered_again(
    registry: Path, script: Path, tmp_path: Path
) -> None:
    finished(script)
    reindex([tmp_path], registry)
    before = [path.read_bytes() for path in sorted(registry.glob("journal/*.jsonl"))]
    assert reindex([tmp_path, str(tmp_path)], registry) == []
    assert [path.read_bytes() for path in sorted(registry.glob("journal/*.jsonl"))] == before


def test_what_it_knows_wrongly_is_put_right(
    manager: SessionManager, registry: Path, script: Path, tmp_path: Path
) -> None:
    run_dir = finished(script)
    session_id = run_dir.name
    journal_create(registry, session_id, {}, script_path=None, process=None)
    journal_close(registry, session_id, "crashed", None)
    assert reindex(tmp_path, registry) == [run_dir]
    assert manager.get_session(session_id)["status"] == "success"


def test_a_run_that_was_moved_is_found_where_it_is(
    manager: SessionManager, registry: Path, script: Path, tmp_path: Path
) -> None:
    run_dir = finished(script)
    reindex(tmp_path, registry)
    moved = tmp_path / "archive" / "2026" / run_dir.name
    moved.parent.mkdir(parents=True)
    run_dir.rename(moved)
    assert reindex(tmp_path, registry) == [moved]
    assert manager.get_session(run_dir.name)["run_dir"] == str(moved)


def test_a_copy_does_not_displace_the_run(
    manager: SessionManager, registry: Path, script: Path, tmp_path: Path
) -> None:
    run_dir = finished(script)
    reindex(tmp_path, registry)
    shutil.copytree(run_dir, tmp_path / "a-copy")
    assert reindex(tmp_path, registry) == []
    assert manager.get_session(run_dir.name)["run_dir"] == str(run_dir)


def test_a_running_run_goes_on_running(
    manager: SessionManager, registry: Path, script: Path, tmp_path: Path
) -> None:
    run = make_run_dir(script)
    write_record(run.path, new_record(run.id, script=script))
    reindex(tmp_path, registry)
    assert list(manager.get_active_sessions()) == [run.id]
    journal_close(registry, run.id, "failed", 1)
    write_record(run.path, ended_record(read_record(run.path), exit_status=1, reason={}))
    assert manager.get_session(run.id)["status"] == "failed"


def test_a_dead_run_reads_as_crashed(
    manager: SessionManager, registry: Path, dead_run: Callable[..., Path], tmp_path: Path
) -> None:
    run_dir = dead_run()
    reindex(tmp_path, registry)
    assert manager.get_session(run_dir.name)["status"] == "crashed"


def test_records_of_later_schemas_are_read_as_well_as_can_be(
    manager: SessionManager, registry: Path, tmp_path: Path
) -> None:
    record = {"schema": 7, "id": "later", "status": "success", "started": "2031-01-01T00:00:00Z"}
    record |= {"results": {"acc": 1}, "mood": {"good": True}, "tags": "no list", "exit_status": 0}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "session.json").write_text(json.dumps(record))
    reindex(tmp_path, registry)
    session = manager.get_session("later")
    assert (session["status"], session["results"], session["tags"]) == ("success", {"acc": 1}, [])


def test_other_programs_files_and_broken_records_are_left_alone(
    manager: SessionManager, registry: Path, tmp_path: Path
) -> None:
    for name, text in {"theirs": '{"id": "web-session", "user": 5}', "broken": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "session.json").write_text(text)
    with pytest.warns(SessionWarning, match="not registered: .*broken.*can't be read"):
        assert reindex(tmp_path, registry) == []
    assert manager.list_sessions() == {}


def test_what_an_sdir_held_before_is_found_too(
    manager: SessionManager, registry: Path, tmp_path: Path
) -> None:
    ids = []
    for _ in range(2):
        run = make_run_dir(sdir=tmp_path / "chosen")
        ids.append(run.id)
        record = ended_record(new_record(run.id), exit_status=0, reason={})
        write_record(run.path, record)
    reindex(tmp_path, registry)
    assert sorted(manager.list_sessions()) == sorted(ids)


def test_the_default_registry_is_the_users(script: Path, tmp_path: Path) -> None:
    run_dir = finished(script)
    reindex(tmp_path)
    assert SessionManager().get_session(run_dir.name)["status"] == "success"


def test_roots_that_are_none_are_refused(registry: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidTypeError, match="roots must be a path, or several, not 5"):
        reindex(5, registry)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="misspelt"):
        reindex(tmp_path / "misspelt", registry)


class TestWhatVersion031Left:
    @pytest.fixture
    def left(self, tmp_path: Path, here: Path) -> Path:
        return Path(shutil.copytree(here / "data" / "scitex-session-0.3.1", tmp_path / "old"))

    def test_its_runs_are_registered(
        self, manager: SessionManager, registry: Path, left: Path
    ) -> None:
        pytest.importorskip("yaml", reason="PyYAML is not installed: arguments are not told")
        assert len(reindex(left, registry)) == 4
        found = {s["id"][-4:]: s for s in manager.list_sessions().values()}
        told = {name: (s["status"], s["exit_code"]) for name, s in found.items()}
        assert told == {
            "XQ3j": ("success", 0),
            "fBIp": ("failed", 1),
            "oP6K": ("finished", None),
            "pCS6": ("unknown", None),
        }
        session = found["XQ3j"]
        assert session["script_path"] == "/home/user/project/analysis.py"
        assert session["arguments"] == {"threshold": 0.7, "fail": False}
        assert session["config"] == {"MODEL": {"LAYERS": 3}}
        assert session["start_time"] == datetime(2026, 11, 22, 8, 47, 3, 647184).astimezone()
        assert session["end_time"] == datetime(2026, 11, 22, 8, 47, 5, 673120).astimezone()
        assert session["run_dir"] == str(next(left.glob("analysis_out/FINISHED_SUCCESS/*")))
        assert found["pCS6"]["start_time"] == datetime(2026, 11, 22, 8, 48, 42).astimezone()
        assert reindex(left, registry) == []

    def test_its_debug_runs_are_known_by_their_names(
        self, manager: SessionManager, registry: Path, left: Path
    ) -> None:
        (run_dir,) = left.glob("analysis_out/FINISHED_SUCCESS/*")
        run_dir.rename(run_dir.with_name(f"DEBUG_{run_dir.name}"))
        reindex(left, registry)
        session = manager.get_session("DEBUG_2026Y-11M-22D-08h47m03s_XQ3j")
        assert session["status"] == "success"

    def test_without_pyyaml_the_main_fields_are_read(
        self,
        manager: SessionManager,
        registry: Path,
        left: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)  # an import of it fails
        reindex(left, registry)
        found = {s["id"][-4:]: s for s in manager.list_sessions().values()}
        session = found["fBIp"]
        assert (session["status"], session["exit_code"]) == ("failed", 1)
        assert session["script_path"] == "/home/user/project/analysis.py"
        assert session["end_time"] == datetime(2026, 11, 22, 8, 48, 42, 145212).astimezone()
        assert session["arguments"] == {}

    def test_pickles_are_not_opened(self, registry: Path, left: Path, tmp_path: Path) -> None:
        (run_dir,) = left.glob("analysis_out/FINISHED_SUCCESS/*")
        evil = b"cos\nsystem\n(S'touch " + str(tmp_path / "pwned").encode() + b"'\ntR."
        (run_dir / "CONFIGS" / "CONFIG.pkl").write_bytes(evil)
        (run_dir / "CONFIGS" / "CONFIG.yaml").write_text(
            f"EXIT_STATUS: 0\nE: !!python/object/apply:os.system ['touch {tmp_path}/pwned']\n"
        )
        reindex(left, registry)
        assert not (tmp_path / "pwned").exists()
