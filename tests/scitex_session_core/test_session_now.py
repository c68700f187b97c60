"""The registry gives a session as it is at this moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    SessionManager,
    append_event,
    ended_record,
    journal_create,
    move_to_finished,
    new_record,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def this_process() -> dict[str, Any]:
    """What a record says of this process."""
    process = new_record("x")["process"]
    assert isinstance(process, dict)
    return process


class TestTheStatusNow:
    def seen(self, registry: Path, **fields: Any) -> dict[str, Any]:
        told = {"script_path": None, "process": None, **fields}
        journal_create(registry, "x", {}, **told)
        return SessionManager(registry).get_session("x")

    def test_a_live_process_runs(self, registry: Path) -> None:
        assert self.seen(registry, process=this_process())["status"] == "running"

    def test_a_dead_process_has_crashed(self, registry: Path, dead_process: dict[str, Any]) -> None:
        assert self.seen(registry, process=dead_process)["status"] == "crashed"

    def test_a_process_of_another_machine_is_unknown(
        self, registry: Path, dead_process: dict[str, Any]
    ) -> None:
        there = {**dead_process, "host": "elsewhere"}
        assert self.seen(registry, process=there)["status"] == "unknown"

    def test_a_session_without_a_process_runs_until_it_is_closed(self, registry: Path) -> None:
        assert self.seen(registry, process=None)["status"] == "running"

    @pytest.mark.parametrize("moved", [True, False])
    def test_an_end_that_is_only_on_record_counts(
        self,
        registry: Path,
        dead_run: Callable[..., Path],
        dead_process: dict[str, Any],
        moved: bool,
    ) -> None:
        run_dir = dead_run()
        journal_create(
            registry, run_dir.name, {}, script_path=None, process=dead_process, run_dir=run_dir
        )
        record = ended_record(read_record(run_dir), exit_status=0, reason={})
        write_record(run_dir, record)
        where = move_to_finished(run_dir, "success") if moved else run_dir
        now = SessionManager(registry).get_session(run_dir.name)
        assert (now["status"], now["exit_code"], now["run_dir"]) == ("success", 0, str(where))
        assert now["end_time"] == datetime.fromisoformat(record["ended"])

    def test_the_record_of_another_run_in_the_same_sdir_says_nothing(
        self, registry: Path, dead_run: Callable[..., Path], dead_process: dict[str, Any]
    ) -> None:
        other = dead_run(status="success")
        journal_create(registry, "x", {}, script_path=None, process=dead_process, run_dir=other)
        assert SessionManager(registry).get_session("x")["status"] == "crashed"

    def test_a_run_directory_that_is_gone_says_nothing(
        self, registry: Path, dead_process: dict[str, Any], tmp_path: Path
    ) -> None:
        now = self.seen(registry, process=dead_process, run_dir=tmp_path / "RUNNING" / "x")
        assert now["status"] == "crashed"

    def test_what_the_record_of_a_running_run_says_counts(
        self, registry: Path, dead_run: Callable[..., Path]
    ) -> None:
        run_dir = dead_run(process=this_process())
        journal_create(
            registry, run_dir.name, {}, script_path=None, process=this_process(), run_dir=run_dir
        )
        append_event(run_dir, "tag", tag="paper")
        append_event(run_dir, "artifact", path="a.png")
        now = SessionManager(registry).get_session(run_dir.name)
        assert (now["status"], now["tags"], now["artifacts"]) == ("running", ["paper"], 1)
