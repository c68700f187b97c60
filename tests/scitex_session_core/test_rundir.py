"""A run directory belongs to one run, and making it costs nobody their files."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    RunDirectoryBusyError,
    SessionWarning,
    ended_record,
    make_run_dir,
    new_record,
    read_record,
    write_record,
)
from support import read_json, run_script, start_script

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT = """
import json, os, sys
from pathlib import Path
from scitex_session_core import make_run_dir
"""


def names(folder: Path) -> list[str]:
    """Every file beneath, but for what is in directories kept from earlier runs."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found)


class TestBesideTheScript:
    def test_it_lies_in_running_under_its_id(self, script: Path) -> None:
        run = make_run_dir(script)
        assert run.out_dir == script.parent / "analysis_out"
        assert run.path == run.out_dir / "RUNNING" / run.id
        assert os.listdir(run.path) == []

    def test_a_debug_run_says_so_in_its_name(self, script: Path) -> None:
        run = make_run_dir(script, suffix="draft", debug=True)
        assert run.id.startswith("DEBUG_2")
        assert run.path.name == f"{run.id}-draft"

    def test_a_suffix_follows_the_id(self, script: Path) -> None:
        run = make_run_dir(script, suffix="größe 3")
        assert run.path.name == f"{run.id}-größe 3"
        assert make_run_dir(script, suffix="").path.name.count("-") == 3

    @pytest.mark.parametrize(
        "bad", ["a/b", "a\\b", "..\\x", "a\nb", "a:b", "x" * 101, "é" * 51, "\udcff"]
    )
    def test_a_suffix_that_is_no_part_of_a_name_is_refused(self, bad: str, script: Path) -> None:
        with pytest.raises(InvalidValueError, match="sdir_suffix must be a text of at most 100"):
            make_run_dir(script, suffix=bad)
        assert not (script.parent / "analysis_out").exists()

    def test_a_suffix_that_is_no_text_is_a_type_error(self, script: Path) -> None:
        with pytest.raises(InvalidTypeError, match="sdir_suffix must be a text"):
            make_run_dir(script, suffix=5)  # type: ignore[arg-type]

    def test_git_does_not_see_it_and_a_gitignore_of_the_user_stays(self, script: Path) -> None:
        out_dir = make_run_dir(script).out_dir
        assert (out_dir / ".gitignore").read_text() == "*\n"
        (out_dir / ".gitignore").write_text("mine\n")
        make_run_dir(script)
        assert (out_dir / ".gitignore").read_text() == "mine\n"

    def test_sixteen_processes_in_the_same_second_share_nothing(
        self, script: Path, registry: Path
    ) -> None:
        done = run_script(
            REPORT
            + """
from scitex_session_core import journal_create, new_record, write_record
script, registry = Path(sys.argv[1]), Path(sys.argv[2])
ready, go = os.pipe()
children = []
for _ in range(16):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)
        for _ in range(6):
            run = make_run_dir(script)
            record = new_record(run.id, script=script)
            write_record(run.path, record)
            journal_create(registry, run.id, {}, script_path=str(script),
                           process=record["process"], run_dir=run.path)
        os._exit(0)
    children.append(child)
os.close(go)
print([os.waitpid(child, 0)[1] for child in children] == [0] * 16)
""",
            str(script),
            str(registry),
        )
        assert done.stdout == "True\n", done.stderr
        running = script.parent / "analysis_out" / "RUNNING"
        ids = sorted(os.listdir(running))
        assert len(ids) == 96
        assert [read_record(running / name)["id"] for name in ids] == ids
        (journal,) = (registry / "journal").iterdir()
        lines = [json.loads(line) for line in journal.read_bytes().splitlines() if line]
        assert sorted(line["id"] for line in lines) == ids

    def test_a_folder_that_can_not_be_written_is_no_reason_not_to_run(self, script: Path) -> None:
        (script.parent / "analysis_out").write_text("a file in the way")
        with pytest.warns(SessionWarning, match="can't write to .*analysis_out .*is kept in"):
            run = make_run_dir(script)
        state = Path(os.environ["XDG_STATE_HOME"]) / "scitex-session"
        assert run.path == state / "runs" / "analysis_out" / "RUNNING" / run.id
        assert run.path.is_dir()

    def test_at_the_very_last_it_lies_in_a_temporary_directory_of_this_user_alone(
        self, script: Path, tmp_path: Path
    ) -> None:
        (script.parent / "analysis_out").write_text("a file in the way")
        (tmp_path / "state").write_text("another")
        (tmp_path / "tmp").mkdir()
        done = run_script(
            REPORT + "print(make_run_dir(Path(sys.argv[1])).path)",
            str(script),
            env={"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path / "tmp")},
        )
        path = Path(done.stdout.strip())
        assert path.is_dir()
        refuge = path.parents[2]
        assert refuge.parent == tmp_path / "tmp"
        assert stat.S_IMODE(refuge.stat().st_mode) == 0o700
        assert "SessionWarning" in done.stderr

    @pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no shared memory")
    def test_with_nowhere_else_to_write_it_lies_in_shared_memory(
        self, script: Path, tmp_path: Path
    ) -> None:
        (script.parent / "analysis_out").write_text("a file in the way")
        (tmp_path / "state").write_text("another")
        done = run_script(
            REPORT
            + "import tempfile; tempfile.tempdir = sys.argv[1]\n"
            + "print(make_run_dir(Path(sys.argv[1])).path)",
            str(script),
            env={"XDG_STATE_HOME": str(tmp_path / "state")},
        )
        assert done.returncode == 0, done
        run = Path(done.stdout.splitlines()[-1])
        refuge = run.parents[2]
        assert refuge.parent == Path("/dev/shm")
        assert stat.S_IMODE(refuge.stat().st_mode) == 0o700
        shutil.rmtree(refuge)

    def test_a_full_disk_is_no_reason_not_to_run(
        self, full_disk: Path, fill: Callable[[Path], Path]
    ) -> None:
        fill(full_disk)
        for number in range(10_000):
            try:
                (full_disk / str(number)).mkdir()
            except OSError:
                break
        with pytest.warns(SessionWarning, match="No space left on device"):
            run = make_run_dir(full_disk / "fit.py")
        assert full_disk not in run.path.parents

    def test_without_a_script_it_lies_in_the_state_directory(self) -> None:
        run = make_run_dir()
        assert run.out_dir.name == "interactive_out"
        assert run.path.is_dir()


class TestWhereTheUserChose:
    def test_it_is_made_and_claimed(self, tmp_path: Path) -> None:
        run = make_run_dir(sdir=tmp_path / "a" / "b")
        assert run.path == run.out_dir == tmp_path / "a" / "b"
        claim = read_record(run.path)
        assert (claim["id"], claim["status"]) == (run.id, "running")
        assert claim["process"]["pid"] == os.getpid()

    def test_a_debug_run_says_so_in_its_id(self, tmp_path: Path) -> None:
        run = make_run_dir(sdir=tmp_path / "a", debug=True)
        assert run.id.startswith("DEBUG_2")
        assert read_record(run.path)["id"] == run.id

    def test_a_relative_one_is_taken_from_the_working_directory(self, tmp_path: Path) -> None:
        assert make_run_dir(sdir="results").path == tmp_path / "results"

    def test_a_run_that_is_still_running_keeps_it(self, tmp_path: Path) -> None:
        run = make_run_dir(sdir=tmp_path / "x")
        before = (run.path / "session.json").read_bytes()
        with pytest.raises(RunDirectoryBusyError, match=f"{run.id}, which is still running"):
            make_run_dir(sdir=tmp_path / "x", clear=True)
        assert (run.path / "session.json").read_bytes() == before

    def test_a_run_of_another_machine_may_still_be_running(
        self, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        there = {**new_record("theirs"), "process": {**dead_process, "host": "elsewhere"}}
        write_record(tmp_path, there)
        with pytest.raises(RunDirectoryBusyError, match="can't be told from this machine"):
            make_run_dir(sdir=tmp_path, clear=True)
        assert read_record(tmp_path) == there

    def test_of_many_that_want_it_at_once_one_gets_it(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        ended = ended_record(new_record("earlier"), exit_status=0, reason={})
        write_record(tmp_path / "x", ended)
        done = run_script(
            REPORT
            + """
import signal, time
from scitex_session_core import RunDirectoryBusyError
report, write = os.pipe()
children = []
for _ in range(8):
    child = os.fork()
    children.append(child)
    if child == 0:
        try:
            answer = make_run_dir(sdir=sys.argv[1]).id
        except RunDirectoryBusyError as error:
            answer = "busy"
        os.write(write, answer.encode() + b"\\n")
        time.sleep(30)  # it must live while the others ask
answers = b""
while answers.count(b"\\n") < 8:
    answers += os.read(report, 1000)
print(json.dumps(answers.decode().split()), flush=True)
for child in children:
    os.kill(child, signal.SIGKILL)
""",
            str(tmp_path / "x"),
        )
        answers = json.loads(done.stdout)
        (winner,) = set(answers) - {"busy"}
        assert answers.count("busy") == 7
        assert read_record(tmp_path / "x")["id"] == winner
        assert read_record(tmp_path / "x" / "previous" / "earlier") == ended

    def leave(self, folder: Path, **fields: Any) -> dict[str, Any]:
        """What an earlier run of ``folder/code/fit.py`` leaves, and the user's own files."""
        for name in ("CONFIGS", "logs", "code"):
            (folder / name).mkdir(parents=True)
        record = {
            **ended_record(new_record("earlier"), exit_status=0, reason={}),
            "script": str(folder.parent / "fit.py"),
            **fields,
        }
        write_record(folder, record)
        for name in (
            *("events.jsonl", "heartbeat", "CONFIGS/CONFIG.yaml", "code/fit.py"),
            *("logs/stdout.log", "logs/stderr.log", "logs/stdout.txt"),
            *("code/mine.py", "logs/mine.log", "CONFIGS/mine.yaml", "results.csv"),
        ):
            (folder / name).write_text("")
        return record

    MINE = ("CONFIGS/mine.yaml", "code/mine.py", "logs/mine.log", "results.csv")
    OURS = (
        *("CONFIGS/CONFIG.yaml", "code/fit.py", "events.jsonl", "heartbeat"),
        *("logs/stderr.log", "logs/stdout.log", "logs/stdout.txt", "session.json"),
    )

    def test_what_an_earlier_run_left_is_kept_and_the_users_files_stay(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "x"
        record = self.leave(folder)
        make_run_dir(sdir=folder)
        assert names(folder / "previous" / "earlier") == sorted(self.OURS)
        kept = {f"previous/earlier/{name}" for name in self.OURS}
        assert set(names(folder)) == {"session.json", *self.MINE, *kept}
        assert read_record(folder / "previous" / "earlier") == record

    def test_clearing_deletes_what_is_ours_and_nothing_else(self, tmp_path: Path) -> None:
        folder = tmp_path / "x"
        self.leave(folder)
        run = make_run_dir(sdir=folder, clear=True)
        # The script's copy is overwritten by the next one; it might be the script itself.
        assert names(folder) == sorted(["session.json", "code/fit.py", *self.MINE])
        assert read_record(folder)["id"] == run.id

    @pytest.mark.parametrize("clear", [True, False])
    def test_a_script_that_lies_where_its_copy_would_is_never_touched(
        self, tmp_path: Path, clear: bool
    ) -> None:
        folder = tmp_path / "x"
        self.leave(folder, script=str(folder / "code" / "fit.py"))
        make_run_dir(sdir=folder, clear=clear)
        assert (folder / "code" / "fit.py").exists()

    def test_a_run_that_crashed_there_is_kept_as_crashed(
        self, tmp_path: Path, dead_process: dict[str, Any]
    ) -> None:
        write_record(tmp_path, {**new_record("earlier"), "process": dead_process})
        run = make_run_dir(sdir=tmp_path)
        kept = read_json(tmp_path / "previous" / "earlier" / "session.json")
        assert (kept["status"], kept["reason"]) == ("crashed", {"kind": "crashed"})
        assert kept["ended"] is not None
        assert read_record(tmp_path)["id"] == run.id

    @pytest.mark.parametrize(
        "content", ['{"shopping": "session"}', "", '{"id": ".."}', '{"id": "a/b"}']
    )
    def test_a_file_of_the_users_with_the_name_of_the_record_is_put_aside(
        self, tmp_path: Path, content: str
    ) -> None:
        (tmp_path / "session.json").write_text(content)
        run = make_run_dir(sdir=tmp_path, clear=True)
        kept = tmp_path / "previous" / f"unreadable-{run.id}" / "session.json"
        assert kept.read_text() == content

    def test_it_may_not_lie_where_runs_are_moved_from(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidValueError, match="sdir must be a directory that does not lie"):
            make_run_dir(sdir=tmp_path / "RUNNING" / "mine")
        assert not (tmp_path / "RUNNING").exists()

    def test_a_file_in_its_place_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "x").touch()
        with pytest.raises(FileExistsError):
            make_run_dir(sdir=tmp_path / "x")

    def test_killed_before_any_operation_of_a_successor_no_run_is_lost(
        self, tmp_path: Path, lives: Callable[..., list[dict[str, Any]]],
        dead_process: dict[str, Any],
    ) -> None:  # fmt: skip
        for n in range(1, 60):
            folder = tmp_path / str(n) / "chosen"
            self.leave(folder, status="running", process=dead_process, tags=["kept"])
        found = lives("successor", 59)
        assert len(found) > 10
        for life in found:
            folder = Path(life["directory"]) / "chosen"
            # Whatever the first left undone, the next start finishes.
            run = make_run_dir(sdir=folder)
            assert read_record(folder)["id"] == run.id
            kept = {path.name: read_record(path) for path in (folder / "previous").iterdir()}
            assert kept["earlier"]["tags"] == ["kept"]
            assert {record["status"] for record in kept.values()} == {"crashed"}
            assert len(kept) == (2 if "claimed" in life["said"] else 1)
            assert names(folder / "previous" / "earlier") == sorted(self.OURS)
            assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]

    def test_the_lock_of_a_process_that_was_killed_holds_nobody_up(self, tmp_path: Path) -> None:
        code = (
            "import fcntl, os, time\n"
            "fcntl.flock(os.open('x', os.O_RDONLY), fcntl.LOCK_EX)\n"
            "print('held', flush=True); time.sleep(60)\n"
        )
        (tmp_path / "x").mkdir()
        with start_script(code) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            # Held by a living one, it is waited for, and then done without.
            assert make_run_dir(sdir=tmp_path / "x").path.is_dir()
            holder.kill()
        assert not [name for name in os.listdir(tmp_path / "x") if name != "session.json"]


def test_a_directory_whose_run_elsewhere_is_lost_is_not_taken_from_it(
    tmp_path: Path, dead_process: dict[str, Any]
) -> None:
    sdir = tmp_path / "chosen"
    sdir.mkdir()
    write_record(sdir, {**new_record("x"), "process": {**dead_process, "host": "elsewhere"}})
    (sdir / "heartbeat").touch()
    os.utime(sdir / "heartbeat", (0, 0))
    with pytest.raises(RunDirectoryBusyError, match="can't be told from this machine") as caught:
        make_run_dir(sdir=sdir)
    assert caught.value.status == "lost"


def test_a_folder_for_the_runs_stands_above_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCITEX_SESSION_OUT_DIR", str(tmp_path / "variable"))
    found = make_run_dir(tmp_path / "script.py", out=tmp_path / "chosen")
    assert found.out_dir == tmp_path / "chosen" / "script_out"
    assert found.path.is_dir()
    assert not (tmp_path / "variable").exists()
