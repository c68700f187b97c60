"""Sixteen processes at once, reapers among them: every session is recorded once, and truly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from scitex_session_core import SessionManager, read_record, reap
from support import run_together

if TYPE_CHECKING:
    from collections.abc import Callable

# Each third run dies instead of ending.
MEMBER = """
import os, sys
from pathlib import Path
from scitex_session_core import *
folder, registry, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
script = folder / "fit.py"
print("up", flush=True)
sys.stdin.readline()
for n in range(6):
    dies = (number + n) % 3 == 0
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        reap(script.with_name("fit_out"), registry=registry, most=8, within=0.01)
        continue
    run = make_run_dir(script)
    record = new_record(run.id, script=script)
    write_record(run.path, record)
    journal_create(registry, run.id, {}, script_path=str(script), process=record["process"],
                   run_dir=run.path)
    append_event(run.path, "tag", tag=run.id)
    if dies:
        os.kill(os.getpid(), 9)
    status = n % 2
    record = ended_record(read_record(run.path), exit_status=status, reason={"kind": "returned"})
    write_record(run.path, record)
    moved = move_to_finished(run.path, record["status"])
    journal_close(registry, run.id, record["status"], status, run_dir=moved)
    os._exit(0)
"""
MEMBERS, EACH = 16, 6


def test_all_begin_end_die_and_reap_at_once(
    tmp_path: Path, registry: Path, caused: Callable[[str, str], None]
) -> None:
    run_together([MEMBER, str(tmp_path), str(registry), str(number)] for number in range(MEMBERS))
    reap(tmp_path, registry=registry)
    paths = [path.parent for path in (tmp_path / "fit_out").glob("*/*/session.json")]
    records = [read_record(path) for path in paths]
    expected = Counter(
        "crashed" if (number + n) % 3 == 0 else ("failed" if n % 2 else "success")
        for number in range(MEMBERS)
        for n in range(EACH)
    )
    assert Counter(record["status"] for record in records) == expected
    assert len({record["id"] for record in records}) == MEMBERS * EACH
    assert all(record["tags"] == [record["id"]] for record in records)
    place = {"success": "FINISHED_SUCCESS", "failed": "FINISHED_ERROR", "crashed": "FINISHED_ERROR"}
    assert all(p.parent.name == place[r["status"]] for p, r in zip(paths, records, strict=True))
    sessions = SessionManager(registry).list_sessions()
    assert {name: session["status"] for name, session in sessions.items()} == {
        record["id"]: record["status"] for record in records
    }
    caused("16 processes begin, end, die and reap at once", f"{sum(expected.values())} of 96 true")
