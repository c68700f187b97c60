"""A run that has ended goes on under its ID, as its next attempt."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from scitex_session import NotResumableError, Session, record, runs, whence
from scitex_session_core import SessionManager, reindex, runs_of_script
from support import Finished, read_json, run_script, start_script, write_script

TRAINING = """
    import os, sys, time
    import scitex_session as stx
    @stx.session
    def train(data: str, lr: float = 0.1, layers: list[int] = [8, 8], until: int = 4):
        path = stx.checkpoint_dir / "epoch.txt"
        first = int(path.read_text()) + 1 if stx.resumed() else 0
        for epoch in range(first, 4):
            path.write_text(str(epoch))
            stx.io.save({"epoch": epoch}, f"epoch-{epoch}.json")
            stx.log(epoch, attempt=stx.resumed())
            print("epoch", epoch, lr, layers, rngg("draw").integers(1000), flush=True)
            if epoch + 1 == until:
                if data == "sleep":
                    time.sleep(60)
                raise ValueError("the end of the data")
        return {"epochs": 4 - first, "lr": lr}
    if __name__ == "__main__":
        train()
"""


def ended(folder: str = "FINISHED_ERROR") -> Path:
    (found,) = Path("script_out", folder).iterdir()
    return found.absolute()


def refusal(finished: Finished) -> str:
    """Give the one line with which a script is refused."""
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1), (
        finished
    )
    return finished.stderr


def failed_run(*words: str) -> Path:
    """Give the directory of a run that stopped after its second epoch."""
    assert run_script(TRAINING, "--data", "d.csv", "--until", "2", *words).returncode == 1
    return ended()


def test_a_resumed_run_keeps_its_id_and_its_files_and_tells_of_both_attempts() -> None:
    failed = failed_run("--lr", "0.2", "--layers", "3", "4")
    run_id = read_json(failed / "session.json")["id"]
    done = run_script(TRAINING, "--session.resume", run_id[-8:], "--until", "9")
    assert done.returncode == 0, done
    assert "epoch 2 0.2 [3, 4]" in done.stdout
    assert (
        f"attempt 1 of {run_id}, which ended as failed, now with until=9 (2 before)" in done.stderr
    )
    run = ended("FINISHED_SUCCESS")
    assert run.name == run_id
    assert not failed.exists()
    known = record(run_id)
    assert (known["status"], known["attempt"], known["results"]) == (
        "success",
        2,
        {"epochs": 2, "lr": 0.2},
    )
    (before,) = known["attempts"]
    assert (before["attempt"], before["status"], before["exit_status"]) == (1, "failed", 1)
    assert before["reason"]["message"] == "the end of the data"
    assert sorted((each["attempt"], each["path"]) for each in known["artifacts"]) == [
        *((1, name) for name in ("checkpoints/epoch.txt", "epoch-0.json", "epoch-1.json")),
        *((2, name) for name in ("checkpoints/epoch.txt", "epoch-2.json", "epoch-3.json")),
    ]
    assert "epoch 1" in (run / "attempts/1/logs/stdout.log").read_text()
    assert "epoch 1" not in (run / "logs/stdout.log").read_text()
    assert read_json(run / "attempts/1/session.json")["arguments"]["until"] == 2
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4


def test_the_registry_has_one_row_with_the_last_attempt_and_reindex_reads_the_same() -> None:
    failed_run("--session.tags", "paper", "--session.note", "first")
    run_id = record("latest")["id"]
    shutil.copy(ended() / "checkpoints/epoch.txt", "old.txt")
    run_script(TRAINING, "--session.resume", run_id, "--until", "9")
    (row,) = runs().to_dict("records")
    assert (row["status"], row["tags"], row["note"]) == ("success", ["paper"], "first")
    known = SessionManager().get_session(run_id)
    assert (known["attempt"], known["artifacts"]) == (2, 6)
    assert [each["id"] for each in whence("old.txt")] == [run_id]
    assert reindex(Path.cwd()) == []
    assert reindex(Path.cwd(), "other") == [ended("FINISHED_SUCCESS")]
    anew = SessionManager("other").get_session(run_id)
    for name in ("attempt", "status", "start_time", "end_time", "tags", "note", "results"):
        assert anew[name] == known[name]


def test_seed_and_arguments_are_the_earlier_ones_unless_they_are_given() -> None:
    failed_run("--session.seed", "7")
    first = (ended() / "logs/stdout.log").read_text().split()[-1]
    done = run_script(TRAINING, env={"SCITEX_SESSION_RESUME": ended().name})
    assert done.returncode == 0  # `until` is 2, and epoch 2 is the next one
    assert record("latest")["seed"] == 7
    again = run_script(TRAINING, "--session.resume", ended("FINISHED_SUCCESS").name[:10])
    assert again.returncode == 0
    assert record("latest")["attempt"] == 3
    assert first.isdecimal()


def test_a_default_that_was_edited_meanwhile_does_not_replace_the_earlier_value() -> None:
    failed_run()
    edited = write_script(TRAINING.replace("lr: float = 0.1", "lr: float = 0.9"))
    assert "epoch 2 0.1" in run_script(edited, "--session.resume", ended().name).stdout


def test_a_killed_run_is_filed_before_it_goes_on() -> None:
    with start_script(TRAINING, "--data", "sleep", "--until", "2") as process:
        assert process.stdout is not None
        while "epoch 1" not in process.stdout.readline():
            pass
        process.kill()
    done = run_script(TRAINING, "--session.resume", "2026", "--until", "9")
    assert done.returncode == 0, done
    (before,) = record("latest")["attempts"]
    assert before["status"] == "crashed"
    assert before["reason"]["kind"] == "crashed"


def test_of_processes_that_resume_a_run_at_once_one_does_and_the_others_are_refused() -> None:
    failed = failed_run()
    slow = write_script(TRAINING.replace("for epoch", "time.sleep(2)\n        for epoch"))
    words = ("--session.resume", failed.name, "--until", "9")
    with ExitStack() as stack:
        processes = [stack.enter_context(start_script(slow, *words)) for _ in range(4)]
        ends = [(each.communicate(timeout=60)[1], each.returncode) for each in processes]
    assert sorted(status for _, status in ends) == [0, 2, 2, 2], ends
    for told, status in ends:
        if status:
            assert "can't be resumed: " in told
            assert len(told.splitlines()) == 1
    assert record("latest")["attempt"] == 2


def test_a_run_that_still_runs_is_refused() -> None:
    with start_script(TRAINING, "--data", "sleep", "--until", "1") as process:
        assert process.stdout is not None
        process.stdout.readline()
        (alive,) = Path("script_out/RUNNING").iterdir()
        refused = refusal(run_script(TRAINING, "--session.resume", alive.name))
    assert "can't be resumed: it is still running" in refused


def test_a_run_that_may_be_alive_on_another_machine_is_refused() -> None:
    place = failed_run()
    known = read_json(place / "session.json")
    process = {**known["process"], "host": "elsewhere"}
    (place / "session.json").write_text(
        json.dumps({**known, "status": "running", "process": process})
    )
    Path("script_out/RUNNING").mkdir(exist_ok=True)
    place = place.rename(Path("script_out/RUNNING", place.name).absolute())
    refused = refusal(run_script(TRAINING, "--session.resume", place.name))
    assert "whether it still runs on elsewhere can't be told from here" in refused
    assert runs_of_script(Path("script.py").absolute()) == [place]


@pytest.mark.parametrize(("command", "how"), [("archive", "archived"), ("rm", "removed")])
def test_a_run_that_was_put_away_is_refused_until_it_is_restored(command: str, how: str) -> None:
    script = TRAINING.replace("@stx.session", '@stx.session(sdir_suffix="first")')
    assert run_script(script, "--data", "d.csv", "--until", "2").returncode == 1
    run_id = (failed := ended()).name.removesuffix("-first")
    subprocess.run([sys.executable, "-m", "scitex_session", command, run_id], check=True)
    restore = ["scitex-session", "restore", run_id]
    for name in (run_id, run_id[-8:], failed.name, str(failed)):
        refused = refusal(run_script(TRAINING, "--data", "d", "--session.resume", name))
        assert f"it was {how}; `{' '.join(restore)}` brings it back" in refused
    refused = refusal(run_script(TRAINING, "--data", "d", "--session.resume", "nothing"))
    assert "there is no such run in" in refused
    assert runs_of_script(Path("script.py").absolute()) == []
    subprocess.run([sys.executable, "-m", "scitex_session", *restore[1:]], check=True)
    assert run_script(TRAINING, "--session.resume", run_id).returncode == 0


def test_a_run_of_another_script_is_refused() -> None:
    failed = failed_run()
    other = Path("other.py")
    other.write_text(Path("script.py").read_text())
    refused = refusal(run_script(other, "--data", "d", "--session.resume", str(failed)))
    assert f"it is a run of {Path('script.py').absolute()}" in refused


def test_latest_is_the_run_of_the_script_that_began_last() -> None:
    failed_run()
    assert run_script(TRAINING, "--data", "d.csv", "--until", "9").returncode == 0
    latest = ended("FINISHED_SUCCESS")
    assert run_script(TRAINING, "--session.resume", "latest").returncode == 0
    assert read_json(latest / "session.json")["attempt"] == 2


def test_a_name_that_two_runs_have_is_refused() -> None:
    failed_run()
    run_script(TRAINING, "--data", "d.csv", "--until", "2")
    refused = refusal(run_script(TRAINING, "--session.resume", "2026"))
    assert "it could be one of 2 runs, such as 2026Y" in refused


def test_a_run_with_a_directory_of_its_own_is_refused() -> None:
    script = TRAINING.replace("@stx.session", '@stx.session(sdir="own")')
    assert run_script(script, "--data", "d.csv", "--until", "2").returncode == 1
    refused = refusal(run_script(TRAINING, "--data", "d.csv", "--session.resume", "own"))
    assert "it has a directory of its own (sdir)" in refused


def test_a_session_of_another_function_begins_a_new_run() -> None:
    two = """
        import scitex_session as stx
        @stx.session
        def prepare():
            return {"prepared": True}
        @stx.session
        def fit(fail: bool = False):
            if not stx.resumed():
                raise SystemExit(3)
        if __name__ == "__main__":
            prepare()
            fit()
    """
    assert run_script(two).returncode == 3
    failed = ended()
    done = run_script(two, env={"SCITEX_SESSION_RESUME": failed.name})
    assert done.returncode == 0, done
    assert done.stderr.count("is not of prepare, which begins a new run") == 1
    kinds = sorted((row["function"], row["status"]) for row in runs().to_dict("records"))
    assert kinds == [("fit", "success"), ("prepare", "success"), ("prepare", "success")]
    assert record(failed.name)["attempt"] == 2


def test_a_crash_of_an_earlier_attempt_that_is_filed_late_changes_nothing() -> None:
    import scitex_session_core as core

    failed = failed_run()
    earlier = read_json(failed / "session.json")
    run_script(TRAINING, "--session.resume", failed.name, "--until", "9")
    late = {**earlier, "status": "crashed", "exit_status": None}
    core.register_start(core.registry_dir(), late, failed)
    core.register_end(core.registry_dir(), late, failed)
    assert SessionManager().get_session(failed.name)["status"] == "success"
    core.file_crash(ended("FINISHED_SUCCESS"), registry=core.registry_dir(), judged=earlier)
    assert record(failed.name)["status"] == "success"


def test_a_session_by_hand_goes_on_too(tmp_path: Path) -> None:
    with Session(file=str(tmp_path / "by_hand.py"), seed=3, tags=["a"]) as s:
        run_id = s.CONFIG.ID
        s.results["score"] = 1
    with Session(file=str(tmp_path / "by_hand.py"), resume=run_id, tags=["b"]) as s:
        assert run_id == s.CONFIG.ID
    known = record(run_id)
    assert (known["attempt"], known["seed"], known["tags"]) == (2, 3, ["a", "b"])
    assert known["results"] == {}
    with pytest.raises(NotResumableError, match="there is no such run"):
        Session(file=str(tmp_path / "other.py"), resume=run_id).__enter__()


def test_show_lists_the_attempts() -> None:
    failed = failed_run()
    run_script(TRAINING, "--session.resume", failed.name, "--until", "9")
    command = [sys.executable, "-m", "scitex_session", "show", "latest"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "ValueError: the end of the data (exit status 1), after" in shown
    assert re.search(r"^  epoch-1.json +\d+ B, of attempt 1$", shown, re.MULTILINE)


JOB = {"SLURM_CLUSTER_NAME": "none", "SLURM_JOB_ID": "7"}
AGAIN = {**JOB, "SLURM_RESTART_COUNT": "1"}
LOOP = """
    import scitex_session as stx
    @stx.session
    def fit(lr: float):
        if lr > 0.1 and not stx.resumed():
            raise SystemExit(3)
        return {"attempt": stx.resumed()}
    if __name__ == "__main__":
        for lr in (0.1, 0.2):
            fit.run(lr)
"""


def test_a_requeued_job_without_a_run_or_with_several_begins_a_new_one_and_says_so() -> None:
    words = ("--data", "d.csv", "--until", "1")
    none = run_script(TRAINING, *words, env=AGAIN)
    assert "this job was requeued, and no run of it could go on: a new run begins" in none.stderr
    for _ in range(2):
        run_script(TRAINING, *words, env=JOB)
    several = run_script(TRAINING, *words, env=AGAIN)
    assert "and 2 runs of it could go on: a new run begins" in several.stderr
    assert len(runs()) == 4


def test_of_the_runs_in_a_loop_each_goes_on_with_its_own() -> None:
    assert run_script(LOOP, env=JOB).returncode == 3
    failed = ended().name
    again = run_script(LOOP, env=AGAIN)
    assert again.returncode == 0, again
    assert record(failed)["results"] == {"attempt": 2}
    assert record(failed)["arguments"] == {"lr": 0.2}
    assert len(runs()) == 3  # that with 0.1 had succeeded, and ran anew


@pytest.mark.parametrize("changed", [{"SLURM_JOB_ID": "8"}, {"SLURM_STEP_ID": "0"}])
def test_the_run_of_another_job_or_step_is_left_alone(changed: dict[str, str]) -> None:
    run_script(TRAINING, "--data", "d.csv", "--until", "1", env=JOB)
    other = run_script(TRAINING, "--data", "d.csv", "--until", "1", env={**AGAIN, **changed})
    assert "no run of it could go on" in other.stderr
    assert record("latest")["attempt"] == 1
