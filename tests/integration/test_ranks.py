"""The ranks of a job share one run, whichever comes first, ends last, or dies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scitex_session as stx
from scitex_session_core import reap, registry_dir
from support import Finished, read_json, read_json_lines, run_script, wait_until, write_script
from support.ranks import SCRIPT, ends, environment, events, finish, runs, settled, start, the_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX are missing here")

EACH_SAVES = """
        stx.io.save({"rank": rank}, "rank.json")
        stx.log(step=1, loss=rank)
"""
THE_OTHERS_GO_ON = "time.sleep(0 if rank == 0 else 0.5)"


def command(*words: str) -> Finished:
    done = subprocess.run(
        [sys.executable, "-m", "scitex_session", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def test_the_ranks_of_a_job_are_one_run() -> None:
    assert finish(start(EACH_SAVES, 3)) == [0, 0, 0]
    run, record = the_run("FINISHED_SUCCESS")
    others = [read_json(run / f"rank-{rank}" / "session.json") for rank in (1, 2)]
    assert {own["id"] for own in others} == {record["id"]} == {run.name}
    assert {own["seed"] for own in others} == {record["seed"]}
    assert [own["process"]["rank"] for own in (record, *others)] == [0, 1, 2]
    assert record["results"] == {"rank": 0}
    assert record["ranks"]["size"] == 3
    assert record["ranks"]["launcher"] == "torchrun"
    assert ends(record) == {"0": "success", "1": "success", "2": "success"}
    paths = [artifact["path"] for artifact in record["artifacts"]]
    assert paths == ["rank.json", "rank-1/rank.json", "rank-2/rank.json"]
    for rank, place in enumerate((run, run / "rank-1", run / "rank-2")):
        assert (place / "logs" / "stdout.log").read_text() == f"this is rank {rank}\n"
        assert read_json_lines(place / "metrics.jsonl")[0]["loss"] == rank
        assert not (place / "heartbeat").exists()
    assert run.parent.parent.joinpath("latest").resolve() == run.resolve()


def test_the_registry_has_one_row_for_all_ranks() -> None:
    finish(start(EACH_SAVES, 3))
    (found,) = stx.find()
    assert (found["status"], found["results"]) == ("success", {"rank": 0})
    assert len(events("close")) == 1
    run, _ = the_run("FINISHED_SUCCESS")
    Path("copy.json").write_bytes((run / "rank-1" / "rank.json").read_bytes())
    (maker,) = stx.whence("copy.json")
    assert (maker["id"], maker["artifact"]) == (run.name, "rank-1/rank.json")


def test_ranks_draw_different_numbers_from_the_seed_they_share() -> None:
    body = "return {'own': float(rngg('a').random()), 'all': float(rngg.shared('a').random())}"
    finish(start(body, 2))
    run, record = the_run("FINISHED_SUCCESS")
    first, second = (
        read_json(place / "session.json")["results"] for place in (run, run / "rank-1")
    )
    assert first["all"] == second["all"]
    assert first["own"] != second["own"]
    assert record["seed"] != 42


def test_without_a_second_rank_nothing_changes() -> None:
    assert finish(start("pass", 1)) == [0]
    run, record = the_run("FINISHED_SUCCESS")
    assert "ranks" not in record
    assert not (run.parent.parent / ".jobs").exists()


def test_rank_0_leaves_before_the_others_and_the_last_one_moves_the_run() -> None:
    body = "wait = Path('go')\n        while rank and not wait.exists(): time.sleep(0.01)"
    processes = start(body, 3)
    assert processes[0].wait(60) == 0
    run, record = the_run("RUNNING")
    assert record["status"] == "running"
    assert ends(record) == {"0": "success"}
    assert stx.record(run.name)["status"] == "running"
    assert reap(Path.cwd()) == []
    Path("go").touch()
    assert finish(processes) == [0, 0, 0]
    assert ends(the_run("FINISHED_SUCCESS")[1]) == {"0": "success", "1": "success", "2": "success"}


@pytest.mark.parametrize("rank", [0, 1])
def test_the_status_of_a_run_is_that_of_its_worst_rank(rank: int) -> None:
    statuses = finish(start(f"if rank == {rank}: raise ValueError('no data')", 3))
    assert statuses == [int(number == rank) for number in range(3)]
    run, record = the_run("FINISHED_ERROR")
    assert (record["status"], record["exit_status"]) == ("failed", 1)
    why = {"kind": "exception", "type": "ValueError", "message": "no data", "rank": rank}
    assert record["reason"] == why
    place = run / f"rank-{rank}" if rank else run
    assert (place / "logs" / "stderr.log").read_text().endswith("ValueError: no data\n")


def test_what_failed_first_is_the_reason_where_the_launcher_ends_the_others() -> None:
    body = """
        if rank == 2: raise ValueError('no data')
        Path(f'ready-{rank}').touch()
        time.sleep(60)"""
    processes = start(body, 3)
    processes[2].wait(60)
    for rank in (0, 1):
        wait_until(Path(f"ready-{rank}").exists)
        processes[rank].terminate()
    finish(processes)
    _, record = settled()
    assert ends(record) == {"0": "failed", "1": "failed", "2": "failed"}
    assert (record["reason"]["rank"], record["reason"]["type"]) == (2, "ValueError")


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_rank_that_is_killed_fails_the_run_and_is_named(rank: int) -> None:
    body = f"time.sleep(rank * 0.2)\n        if rank == {rank}: os.kill(os.getpid(), 9)"
    finish(start(body, 3))
    run, record = settled()
    assert run.parent.name == "FINISHED_ERROR"
    assert (record["status"], record["exit_status"]) == ("crashed", None)
    reason = record["reason"]
    assert (reason["kind"], reason["signal"], reason["rank"]) == ("crashed", 9, rank)
    assert ends(record)[str(rank)] == "crashed"
    shown = command("show", run.name).stdout
    assert f"rank {rank}: killed by SIGKILL" in shown
    assert f"1 of 3 ranks failed: {rank}" in shown
    assert f"crashed (1 of 3 ranks failed: {rank})" in command("ls").stdout
    wait_until(lambda: len(events("close")) == 1)


def test_a_run_whose_ranks_died_with_their_companions_is_filed_by_whoever_reaps() -> None:
    processes = start("Path(f'ready-{rank}').touch(); time.sleep(60)", 2)
    for rank in (0, 1):
        wait_until(Path(f"ready-{rank}").exists)
    run, _ = the_run("RUNNING")
    for companion in _companions(run):
        os.kill(companion, signal.SIGKILL)
    for process in processes:
        process.kill()
    finish(processes)
    assert stx.record(run.name)["status"] == "crashed"
    (moved,) = reap(Path.cwd(), registry=registry_dir())
    assert moved.parent.name == "FINISHED_ERROR"
    assert ends(read_json(moved / "session.json")) == {"0": "crashed", "1": "crashed"}
    assert read_json(moved / "rank-1" / "session.json")["status"] == "crashed"


def _companions(run: Path) -> list[int]:
    """Give the companions of a run: they alone hold its heartbeats open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            names = [os.readlink(number) for number in (process / "fd").iterdir()]
        except OSError:
            continue
        beats = [name for name in names if name.endswith("/heartbeat") and run.name in name]
        if beats and b"_companion" in (process / "cmdline").read_bytes():
            found.append(int(process.name))
    assert len(found) == 2
    return found


@pytest.mark.parametrize(("came", "size"), [([0], 2), ([0, 2], 3), ([1], 3)])
def test_a_rank_that_does_not_come_is_said_and_files_the_run(came: list[int], size: int) -> None:
    missing = [rank for rank in range(size) if rank not in came]
    assert finish(start("pass", size, ranks=came)) == [0] * len(came)
    run, record = the_run("RUNNING")
    assert command("reap").stdout == "filed 0 runs\n"
    (found,) = stx.find()
    assert found["status"] == "running"
    assert f"rank {missing[0]}  has not come yet" in command("show", run.name).stdout
    # A minute goes by.
    record["started"] = record["started"].replace("20", "19", 1)
    (run / "session.json").write_text(json.dumps(record))
    said = "it did not come within 60 s"
    assert f"rank {missing[0]}  missing: {said}" in command("show", run.name).stdout
    assert stx.find()[0]["status"] == "crashed"
    assert f"crashed: rank {missing[0]}: {said}" in command("reap").stdout
    assert f"ranks failed: {missing[0]}" in command("ls").stdout
    _, record = the_run("FINISHED_ERROR")
    reason = {"kind": "missing", "waited_s": 60, "rank": missing[0]}
    assert (record["status"], record["reason"]) == ("crashed", reason)


def test_each_session_of_a_process_is_a_run_of_all_ranks() -> None:
    script = write_script("""
        import scitex_session as stx
        @stx.session
        def main(lr: float = 0.1):
            return {"lr": lr}
        if __name__ == "__main__":
            for lr in (0.1, 0.2):
                main.run(lr=lr)
    """)
    processes = [
        subprocess.Popen([sys.executable, script], env={**os.environ, **environment(rank, 2)})
        for rank in (0, 1)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    records = [read_json(run / "session.json") for run in runs()]
    assert sorted(record["results"]["lr"] for record in records) == [0.1, 0.2]
    assert [ends(record) for record in records] == [{"0": "success", "1": "success"}] * 2


def test_a_second_launch_with_the_same_variables_is_another_run() -> None:
    for _ in range(2):
        assert finish(start("sys.exit(3)", 2)) == [3, 3]
    assert [path.parent.name for path in runs()] == ["FINISHED_ERROR"] * 2


def test_a_rank_whose_place_is_taken_begins_another_run() -> None:
    first = start("Path(f'ready-{rank}').touch(); time.sleep(60)", 2)
    for rank in (0, 1):
        wait_until(Path(f"ready-{rank}").exists)
    script = SCRIPT.format(body="pass")
    write_script(script)
    second = start("pass", 2)
    assert finish(second) == [0, 0]
    for process in first:
        process.terminate()
    finish(first)
    assert sorted(path.parent.name for path in runs()) == ["FINISHED_ERROR", "FINISHED_SUCCESS"]


def test_a_restart_of_all_ranks_is_the_next_attempt_of_their_run() -> None:
    save = "stx.io.save({'rank': rank}, f'{stx.resumed()}.json')\n        "
    finish(start(f"{save}if rank == 1: raise ValueError('no data')", 3))
    (first,) = runs()
    seed = read_json(first / "session.json")["seed"]
    assert finish(start(save, 3, restarts=1)) == [0, 0, 0]
    run, record = the_run("FINISHED_SUCCESS")
    assert run.name == first.name
    assert (record["attempt"], record["seed"], record["results"]) == (2, seed, {"rank": 0})
    (earlier,) = record["attempts"]
    assert (earlier["status"], earlier["reason"]["rank"]) == ("failed", 1)
    assert ends(record) == {"0": "success", "1": "success", "2": "success"}
    kept = run / "attempts" / "1"
    assert ends(read_json(kept / "session.json"))["1"] == "failed"
    assert read_json(kept / "rank-1" / "session.json")["reason"]["message"] == "no data"
    assert (run / "rank-1" / "logs" / "stdout.log").read_text() == "this is rank 1\n"
    made = {(artifact["path"], artifact["attempt"]) for artifact in record["artifacts"]}
    places = ("", "rank-1/", "rank-2/")
    assert made == {(f"{place}{n}.json", a) for place in places for n, a in ((0, 1), (2, 2))}
    assert [(found["status"], found["attempt"]) for found in stx.find()] == [("success", 2)]
    assert not [*Path("script_out/.jobs").iterdir()]


def test_a_restart_after_a_success_is_a_new_run() -> None:
    finish(start("pass", 2))
    finish(start("pass", 2, restarts=1))
    assert [path.parent.name for path in runs()] == ["FINISHED_SUCCESS"] * 2


def test_ranks_are_not_resumed_by_name() -> None:
    finish(start("sys.exit(3)", 2))
    (run,) = runs()
    (only,) = start("pass", 2, "--session.resume", run.name, ranks=[0])
    _, stderr = only.communicate(timeout=60)
    assert only.returncode != 0
    assert "the ranks of a job go on only where their launcher restarts it" in stderr


def test_a_program_that_a_rank_starts_is_no_rank() -> None:
    Path("helper.py").write_text(
        "import scitex_session as stx\n@stx.session\ndef main():\n    pass\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    body = "import subprocess\n        "
    body += "if rank == 0: subprocess.run([sys.executable, 'helper.py'], check=True)"
    assert finish(start(body, 2)) == [0, 0]
    (helper,) = runs("helper")
    assert helper.parent.name == "FINISHED_SUCCESS"
    assert "ranks" not in read_json(helper / "session.json")


def test_with_an_sdir_the_ranks_share_it_and_a_later_run_puts_theirs_away() -> None:
    script = write_script("""
        import os
        import scitex_session as stx
        @stx.session(sdir="chosen")
        def main():
            stx.io.save([1], "made.json")
        if __name__ == "__main__":
            main()
    """)
    ids = []
    for _ in range(2):
        processes = [
            subprocess.Popen([sys.executable, script], env={**os.environ, **environment(rank, 2)})
            for rank in (1, 0)
        ]
        assert [process.wait(60) for process in processes] == [0, 0]
        record = read_json(Path("chosen/session.json"))
        assert ends(record) == {"0": "success", "1": "success"}
        assert record["process"]["rank"] == 0
        assert read_json(Path("chosen/rank-1/session.json"))["id"] == record["id"]
        ids.append(record["id"])
    earlier = Path("chosen/previous", ids[0], "rank-1", "session.json")
    assert read_json(earlier)["id"] == ids[0]


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"},  # a batch step
        {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"},
        {"RANK": "0", "WORLD_SIZE": "2"},  # nothing says of which job
        {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"},
    ],
)
def test_a_process_that_shares_its_job_with_none_is_a_run_of_its_own(
    variables: dict[str, str],
) -> None:
    script = "import scitex_session as stx\n@stx.session\ndef main(): pass\nmain()\n"
    assert run_script(script, env=variables).returncode == 0
    assert "ranks" not in the_run("FINISHED_SUCCESS")[1]


@pytest.mark.slow
def test_sixteen_ranks_that_start_at_once_are_one_run() -> None:
    assert finish(start(THE_OTHERS_GO_ON, 16)) == [0] * 16
    _, record = the_run("FINISHED_SUCCESS")
    assert [*ends(record).values()] == ["success"] * 16
    assert len(events("close")) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ranks_killed_at_any_moment_leave_one_true_run_that_moved_once() -> None:
    drawn = random.Random(16)
    seen: list[Path] = []
    for number in range(30):
        processes = start("time.sleep(0.3)", 3, port=number + 1)
        killed = drawn.sample(range(3), drawn.choice([1, 1, 2, 3]))
        for rank in killed:
            time.sleep(drawn.random() * drawn.choice([0.2, 0.8]))
            processes[rank].kill()
        statuses = finish(processes)
        deadline = time.monotonic() + 2
        while _unfiled() and time.monotonic() < deadline:
            time.sleep(0.02)
        # Of a rank that was killed before it had a companion, or a record, only `reap` tells.
        for run in Path("script_out/RUNNING").glob("*/session.json"):
            record = read_json(run)
            run.write_text(json.dumps({**record, "started": "2026-01-01T00:00:00+00:00"}))
        reap(Path.cwd(), registry=registry_dir())
        assert not [*Path("script_out/RUNNING").glob("*/session.json")]
        new = [run for run in runs() if run not in seen and (run / "session.json").exists()]
        # None of them, if all were killed before they had a record.
        assert len(new) == 1 or (not new and len(killed) == 3)
        seen += new
        if not new:
            continue
        record = read_json(new[0] / "session.json")
        for rank, status in enumerate(statuses):
            # A kill may come when all is filed, and the process about to exit.
            told = ends(record)[str(rank)]
            assert told == "success" if status == 0 else told in ("crashed", "success")
        worst = "success" if {*ends(record).values()} == {"success"} else "crashed"
        assert record["status"] == worst
    closed = [event["id"] for event in events("close")]
    assert sorted(closed) == sorted(run.name for run in seen)


def _unfiled() -> list[Path]:
    """Give the records in RUNNING of ranks that have not been filed."""
    found = []
    for path in Path("script_out/RUNNING").glob("**/session.json"):
        record = read_json(path)
        if record["status"] == "running" and "0" not in record["ranks"].get("ended", ()):
            found.append(path)
    return found
