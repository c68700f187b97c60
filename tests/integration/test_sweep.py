"""`scitex-session sweep` and `main.sweep`: a run for each combination, and what is known of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from support import read_json, read_json_lines, run_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAIN = """
    import os, time
    import scitex_session as stx
    @stx.session
    def main(lr: float = 0.1, seed: int = 0, name: str = "a", flag: bool = False, until: str = ""):
        while until and not os.path.exists(until):
            time.sleep(0.01)
        if seed == 13:
            raise ValueError("unlucky")
        return {"acc": lr * seed}
    if __name__ == "__main__":
        main()
"""


@pytest.fixture
def train(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    lines = TRAIN.split("\n")
    path.write_text("\n".join(line[4:] for line in lines), encoding="utf-8")
    return str(path)


def sweep(*tokens: str) -> int:
    return main(["sweep", *tokens])


def sweeps() -> list[Path]:
    """Give the directories of the sweeps of ``train.py``, the oldest first."""
    found = Path("train_out", "SWEEPS").glob("*/sweep.json")
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]


def arguments(sweep_id: str, *names: str) -> list[tuple[Any, ...]]:
    runs = stx.find(where={"sweep": sweep_id}, sort="trial")
    return [tuple(run["arguments"][name] for name in names) for run in runs]


@contextmanager
def started(*tokens: str) -> Iterator[subprocess.Popen[str]]:
    """Start a sweep as a process; what still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scitex_session", "sweep", *tokens],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def running() -> list[dict[str, Any]]:
    return stx.find("status:running")


def test_each_combination_is_a_run_of_the_sweep(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--lr", "1e-3", "0.5", "--seed", "1", "--name=b,c", "-j", "2") == 0
    (directory,) = sweeps()
    assert arguments(directory.name, "lr", "seed", "name") == [
        *((0.001, 1, "b"), (0.001, 1, "c"), (0.5, 1, "b"), (0.5, 1, "c")),
    ]
    run = stx.find(f"sweep:{directory.name} and trial:3")[0]
    assert stx.record(run["id"])["sweep"] == {"id": directory.name, "trial": 3}
    assert (run["sweep"], run["trial"], run["tags"]) == (
        *(directory.name, 3),
        [f"sweep-{directory.name}"],
    )
    table, progress = capfd.readouterr()
    assert table.split("\n", 1)[0].split()[-4:] == ["lr", "name", "acc", "tags"]
    assert "4/4 trial" in progress
    assert main(["ls", "--sweep", directory.name.lower()]) == 0
    assert capfd.readouterr().out == table


def test_zipped_parameters_go_together_and_a_flag_is_the_same_for_all(train: str) -> None:
    assert sweep("--zip", "lr,seed", train, "--lr", "1", "2", "--flag", "--seed", "3", "4") == 0
    (directory,) = sweeps()
    assert arguments(directory.name, "lr", "seed", "flag") == [(1.0, 3, True), (2.0, 4, True)]


def test_a_file_describes_a_sweep_and_options_replace_what_it_says(train: str) -> None:
    Path("sweep.yaml").write_text(
        f"script: {os.path.basename(train)}\n"
        "parameters:\n  lr: [1e-3, 2e-3]\n  seed: 0..1\n  name: 'a,b'\n  flag: true\n"
        "zip: lr, seed\njobs: 2\n",
        encoding="utf-8",
    )
    assert sweep("sweep.yaml", "--lr=5,6") == 0
    (directory,) = sweeps()
    expected = [(5.0, 0, "a,b", True), (6.0, 1, "a,b", True)]
    assert arguments(directory.name, "lr", "seed", "name", "flag") == expected


def test_a_file_names_an_option_as_the_script_does(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(
        "import argparse\nimport scitex_session as stx\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--learning_rate', type=float)\n"
        "stx.run(lambda given: {'lr': given.learning_rate}, parser.parse_args)\n",
        encoding="utf-8",
    )
    Path("old.yaml").write_text("script: old.py\nparameters: {learning_rate: [1, 2]}\n")
    assert sweep("old.yaml") == 0
    assert [run["results"]["lr"] for run in stx.find(sort="trial")] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ([], "name the script first"),
        (["--lr", "1"], "name the script first"),
        (["nothing.py"], "nothing.py: there is no such script"),
        (["train.py", "--lr", "1", "2", "--zip", "lr,sed"], "sed is given no values"),
        (["train.py", "--lr", "1,2", "--seed", "0..2", "--zip", "lr,seed"], "lr has 2, seed has 3"),
        (["train.py", "--lr", "1,2", "--zip", "lr"], "two parameters or more"),
        (["train.py", "--seed", "0..4..-1"], "4 is never reached"),
        (["train.py", "--lr", "0.1..0.5"], "needs a step"),
        (["train.py", "--lr", "1,,2"], "a value is missing"),
        (["train.py", "--seed", "0..999", "--lr", "0..999"], "1,000,000 trials"),
        (["train.py", "-j", "0"], "--jobs 0: give 1 or more"),
        (["train.py", "-j", "2.5"], 'Invalid value for --jobs: unable to convert "2.5" into int'),
        (["train.py", "-j2.5"], 'Invalid value for --jobs: unable to convert "2.5" into int'),
        (["train.py", "--memory", "much"], "give a size such as 4G"),
        (["train.py", "--slurm=--quiet"], "--slurm: --quiet can't be given"),
        (["train.py", "--wait"], "--wait goes with --slurm"),
        (["--missing", "K7QX2M9A"], "there is no such sweep, and no such script"),
        (["--missing", "./K7QX2M9A"], "there is no such sweep, and no such script"),
        (["K7QX2M9A"], "there is no such sweep, and no such script"),
        (["wrong.yaml"], "unknown key scirpt; did you mean script?"),
        (["zip.yaml"], "zip 3: give the names of parameters"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_starts(
    train: str, capfd: pytest.CaptureFixture[str], tokens: list[str], why: str
) -> None:
    Path("wrong.yaml").write_text(f"scirpt: {train}\n", encoding="utf-8")
    Path("zip.yaml").write_text(f"script: {train}\nzip: 3\n", encoding="utf-8")
    assert sweep(*tokens) == 2
    error = capfd.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert not sweeps()


def test_what_the_script_refuses_is_shown_once_and_no_other_trial_starts(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--lrr", *map(str, range(300))) == 2
    error = capfd.readouterr().err
    assert error.count("Unknown option: --lrr. Did you mean --lr?") == 1
    (directory,) = sweeps()
    events = [line["event"] for line in read_json_lines(directory / "trials.jsonl")]
    assert events == ["run", "start", "end", "over"]
    assert "Unknown option" in (directory / "trial-1.log").read_text(encoding="utf-8")


def test_a_trial_that_leaves_no_run_on_purpose_does_not_stop_the_others(
    train: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the files of the failed trial stay
    assert sweep(train, "--seed", "13", "14", "--session.no-save") == 1
    error = capfd.readouterr().err
    assert "2/2 trial 2 (seed=14): success" in error
    why = "failed, without a run on record, exit status 1: ValueError: unlucky; its output is in"
    assert f"trial 1 (seed=13): {why}" in error
    assert sweep(train, "--seed", "15", "--session.no-save=yes") == 0
    assert "recorded no session" not in capfd.readouterr().err
    assert stx.find() == []


def test_a_failed_trial_is_the_exit_status_and_the_others_run(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--seed", "12..14", "--json") == 1
    told = json.loads(capfd.readouterr().out)
    statuses = [(trial["status"], trial["exit_status"]) for trial in told["trials"]]
    assert statuses == [("success", 0), ("failed", 1), ("success", 0)]
    # Its output is in the log of its run, and nowhere else.
    assert not [*sweeps()[0].glob("*.log")]


def test_missing_runs_what_failed_again_under_the_same_numbers(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--seed", "12", "13") == 1
    (directory,) = sweeps()
    Path(train).write_text(
        Path(train).read_text(encoding="utf-8").replace("== 13", "== 0"), encoding="utf-8"
    )
    assert sweep("--missing", directory.name) == 0
    assert arguments(directory.name, "seed") == [(12,), (13,), (13,)]
    assert [run["trial"] for run in stx.find("seed:13")] == [2, 2]
    assert sweep("--missing", str(directory)) == 0
    assert "nothing is missing" in capfd.readouterr().err
    assert len(stx.find()) == 3


@pytest.mark.parametrize("seed", ["1", "13"])
def test_a_trial_whose_run_was_removed_is_missing(
    train: str, seed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sweep(train, "--seed", "3", seed)
    (directory,) = sweeps()
    assert main(["rm", stx.find(where={"trial": 2})[0]["id"]]) == 0
    capfd.readouterr()
    assert sweep(directory.name) == 1
    assert capfd.readouterr().err == (
        f"sweep {directory.name}: 1 success, 1 removed; "
        f"run what is missing: scitex-session sweep --missing {directory.name}\n"
    )
    assert sweep("--missing", directory.name) == int(seed == "13")
    assert arguments(directory.name, "seed") == [(3,), (int(seed),)]


def test_missing_compares_arguments_by_value_and_tells_changed_code(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Path(train)
    assert run_script(script, "--lr", "1e-3", "--seed", "2").returncode == 0
    assert run_script(script, "--lr", "0.5", "--seed", "2", "--name", "b").returncode == 0
    script.write_text(script.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert sweep(train, "--lr", "0.001", "0.5", "--seed", "2", "--missing") == 0
    (directory,) = sweeps()
    # The second run had another name, which this sweep leaves to the script's default.
    assert arguments(directory.name, "lr", "name") == [(0.5, "a")]
    said = capfd.readouterr().err
    assert "1 of 2 trials has a successful run (1 with other code: train.py changed since)" in said
    assert sweep(train, "--lr=5e-1", "--seed=2", "--missing") == 0
    assert len(sweeps()) == 1


def test_missing_tells_files_of_one_name_in_two_folders_apart(
    train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lr in ("0.5", "2"):
        Path(lr).mkdir()
        Path(lr, "c.yaml").write_text(f"lr: {lr}\n", encoding="utf-8")
    for lr in ("0.5", "2", "2"):
        with monkeypatch.context() as there:
            there.chdir(lr)
            assert sweep(train, "--config", "c.yaml", "--seed", "1", "--missing") == 0
    assert [run["arguments"]["lr"] for run in stx.find(sort="started")] == [0.5, 2.0]


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_ends_all_trials_and_files_them(train: str, signum: int, status: int) -> None:
    with started(train, "--seed", "0..5", "--until", "never", "-j", "2") as process:
        wait_until(lambda: len(running()) == 2)
        process.send_signal(signum)
        table, said = process.communicate(timeout=30)
    assert process.returncode == status
    runs = stx.find()
    assert {(run["status"], run["exit_status"]) for run in runs} == {("failed", status)}
    assert len(runs) == 2
    assert "2 failed, 4 not run" in said
    assert table.count("\n") == 3


def test_what_ran_is_known_after_the_sweep_was_killed(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with started(train, "--seed", "0..2", "--until", "go", "-j", "2") as process:
        wait_until(lambda: len(running()) == 2)
        process.kill()
        process.communicate(timeout=30)
    (directory,) = sweeps()
    # The trials that ran go on to their end; nobody starts them again meanwhile.
    with started("--missing", directory.name) as process:
        wait_until(lambda: len(running()) == 3)
        Path("go").touch()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "left alone, as waiting or running for all that is known: trials 1, 2" in said
    wait_until(lambda: not running())
    assert sweep("--missing", directory.name) == 0
    assert "nothing is missing" in capfd.readouterr().err
    runs = stx.find(sort="trial")
    assert [(run["trial"], run["status"]) for run in runs] == [(n, "success") for n in (1, 2, 3)]


def test_what_a_sweep_that_runs_has_still_to_start_is_not_missing(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with started(train, "--seed", "0..1", "--until", "go") as process:
        wait_until(running)
        (directory,) = sweeps()
        assert sweep(directory.name) == 0
        assert f"sweep {directory.name}: 1 running, 1 waiting\n" in capfd.readouterr().err
        assert sweep("--missing", directory.name) == 0
        Path("go").touch()
        process.communicate(timeout=30)
    assert [run["trial"] for run in stx.find(sort="trial")] == [1, 2]


def test_a_sweep_whose_progress_nobody_reads_any_more_goes_on(train: str) -> None:
    with started(train, "--seed", "0..2") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("sweep ")
        process.stderr.close()
        assert process.wait(timeout=30) == 0
    assert [run["status"] for run in stx.find()] == ["success"] * 3


def test_a_sweep_named_by_its_directory_runs_the_same_script(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--seed", "13") == 1
    (directory,) = sweeps()
    for tokens in ([f"{directory}/"], ["--missing", str(directory)]):
        capfd.readouterr()
        assert sweep(*tokens) == 1
        assert f"sweep {directory.name}: 1 failed" in capfd.readouterr().err
    assert {run["script"] for run in stx.find()} == {os.path.abspath(train)}


def test_a_sweep_none_of_whose_trials_has_begun_goes_on_by_its_id(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    mended = Path(train).read_text(encoding="utf-8")
    Path(train).write_text("raise SystemExit(3)", encoding="utf-8")
    assert sweep(train, "--seed", "1") == 1
    Path(train).unlink()
    assert sweep("--missing", sweeps()[0].name) == 2
    assert f"{train} is gone" in capfd.readouterr().err
    Path(train).write_text(mended, encoding="utf-8")
    assert sweep("--missing", sweeps()[0].name) == 0
    assert [run["script"] for run in stx.find()] == [os.path.abspath(train)]


def test_a_trial_is_no_rank_and_what_it_starts_is_no_trial(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(
        "import scitex_session as stx\n"
        "@stx.session\ndef main(): pass\n"
        "if __name__ == '__main__': main()\n",
        encoding="utf-8",
    )
    (tmp_path / "train.py").write_text(
        "import os, subprocess, sys\nimport scitex_session as stx\n"
        "@stx.session\ndef main(n: int = 0):\n"
        "    subprocess.run([sys.executable, 'child.py'], check=True)\n"
        "    return {'world': os.environ.get('WORLD_SIZE', 'none')}\n"
        "if __name__ == '__main__': main()\n",
        encoding="utf-8",
    )
    os.environ["WORLD_SIZE"] = "4"
    try:
        assert sweep("train.py", "--n", "1") == 0
    finally:
        del os.environ["WORLD_SIZE"]
    by_script = {os.path.basename(run["script"]): run for run in stx.find()}
    assert by_script["child.py"]["sweep"] is None
    assert by_script["train.py"]["trial"] == 1
    assert by_script["train.py"]["results"] == {"world": "none"}


def test_no_more_trials_run_at_once_than_fit_into_memory(
    train: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sweep(train, "--seed", "0", "1", "-j", "2", "--memory", "900T") == 0
    assert "one trial needs 900 TiB" in capfd.readouterr().err
    first, second = stx.find(sort="started")
    assert first["ended"] < second["started"]


def test_a_secret_is_not_written_and_a_sweep_with_one_is_not_run_again_without_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text(
        "import scitex_session as stx\n@stx.session\n"
        "def main(api_key: str = '', n: int = 0):\n    return n\n"
        "if __name__ == '__main__': main()\n",
        encoding="utf-8",
    )
    assert sweep("train.py", "--api-key", "xyzzy-plugh-1234", "--n", "0..1") == 1
    for name in ("sweep.json", "trials.jsonl"):
        assert b"xyzzy" not in (sweeps()[0] / name).read_bytes()
    assert sweep("--missing", sweeps()[0].name) == 2
    assert "had secrets" in capfd.readouterr().err


def test_a_function_sweeps_its_own_script(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import scitex_session as stx\n@stx.session\n"
        "def main(lr: float, seed: int = 0, name: str | None = 'a', layers: list[int] = []):\n"
        "    if seed == 1: raise ValueError(seed)\n"
        "    return {'acc': lr * seed}\n"
        "if __name__ == '__main__':\n"
        "    found = main.sweep(lr=[0.5, 2], seed=range(2), name=None, layers=[[64, 32]], jobs=2)\n"
        "    print(found.id, found.failed, found.runs()['trial'].tolist())\n",
        encoding="utf-8",
    )
    finished = run_script(script)
    assert finished.returncode == 0, finished
    (directory,) = sweeps()
    assert finished.stdout == f"{directory.name} [2, 4] [1, 2, 3, 4]\n"
    assert arguments(directory.name, "lr", "seed", "name", "layers") == [
        *((0.5, 0, None, [64, 32]), (0.5, 1, None, [64, 32])),
        *((2.0, 0, None, [64, 32]), (2.0, 1, None, [64, 32])),
    ]


def test_a_function_is_swept_from_another_module(
    train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(os.path.dirname(train))
    module: Any = __import__("train")
    monkeypatch.delitem(sys.modules, "train")
    found = module.main.sweep({"session.seed": [1, 2]}, lr=[1, 2], zip=["lr", "session.seed"])
    assert found.failed == []
    assert [stx.record(run)["seed"] for run in found.runs()["id"]] == [1, 2]
    again = module.main.sweep({"session.seed": [1, 2]}, lr=[1.0, 2.0], missing=True)
    # 1 ran with the first seed, 2 with the second.
    assert sorted(arguments(again.id, "lr")) == [(1.0,), (2.0,)]
    with pytest.raises(stx.UsageError, match="main has no parameter lrr; did you mean lr"):
        module.main.sweep(lrr=[1])
    with pytest.raises(stx.UsageError, match="lr has no values"):
        module.main.sweep(lr=[])
    with pytest.raises(stx.UsageError, match="a command line can't give object"):
        module.main.sweep(lr=[object()])


def test_a_function_without_a_file_can_not_be_swept() -> None:
    namespace: dict[str, Any] = {"stx": stx, "__name__": "nowhere"}
    exec("@stx.session\ndef main(n: int = 0): pass", namespace)
    with pytest.raises(stx.UnsuitableFunctionError, match="must stand in a file of Python"):
        namespace["main"].sweep(n=[1])


def test_the_sweep_on_disk_says_what_it_runs(train: str) -> None:
    assert sweep(train, "--seed", "3", "4", "-j2") == 0
    told = read_json(sweeps()[0] / "sweep.json")
    assert told["id"] == sweeps()[0].name
    assert (told["script"], told["parameters"]) == (train, {"--seed": ["3", "4"]})
    assert [trial["argv"] for trial in told["trials"]] == ["--seed=3", "--seed=4"]
    assert told["options"].items() >= {"jobs": 2, "memory": None}.items()
    begin, *events, end = read_json_lines(sweeps()[0] / "trials.jsonl")
    assert (begin["event"], end["event"]) == ("run", "over")
    assert sorted((line["event"], line["trial"]) for line in events) == [
        *(("end", 1), ("end", 2), ("start", 1), ("start", 2))
    ]


def write_waiting(folder: Path, body: str) -> None:
    (folder / "train.py").write_text(
        "import time\nimport scitex_session as stx\n@stx.session\n"
        f"def main(n: int = 0):\n{body}if __name__ == '__main__': main()\n",
        encoding="utf-8",
    )


def test_a_ctrl_c_that_comes_twice_at_once_lets_trials_file_their_end(tmp_path: Path) -> None:
    write_waiting(
        tmp_path, "    try:\n        time.sleep(60)\n    finally:\n        time.sleep(0.2)\n"
    )
    with started("train.py", "--n", "1", "2") as process:
        wait_until(lambda: len(running()) == 1)
        process.send_signal(signal.SIGINT)  # as timeout(1) does it: to the process, and its group
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 failed, 1 not run" in said


def test_the_second_ctrl_c_kills_trials_that_do_not_end(tmp_path: Path) -> None:
    write_waiting(
        tmp_path,
        "    while True:\n"
        "        try:\n            time.sleep(60)\n"
        "        except KeyboardInterrupt:\n            open('asked', 'w').close()\n",
    )
    with started("train.py", "--n", "1", "2") as process:
        wait_until(lambda: len(running()) == 1)
        process.send_signal(signal.SIGINT)
        wait_until(Path("asked").exists)
        time.sleep(0.6)  # what comes sooner is the same Ctrl-C
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 crashed, 1 not run" in said
    (run,) = stx.find()
    wait_until(lambda: stx.record(run["id"])["status"] == "crashed")


def test_short_options_are_swept(train: str) -> None:
    assert sweep(train, "-l", "-1", "2", "--seed=1,2", "--zip", "l,seed") == 0
    assert arguments(sweeps()[0].name, "lr", "seed") == [(-1.0, 1), (2.0, 2)]


def test_a_worker_that_imports_its_script_starts_no_sweep() -> None:
    finished = run_script("""
        import multiprocessing
        import scitex_session as stx
        @stx.session
        def main(n: int = 0):
            pass
        if __name__ != "__main__":
            main.sweep(n=[1, 2])
        else:
            worker = multiprocessing.get_context("spawn").Process(target=print)
            worker.start()
            worker.join()
            print(worker.exitcode)
    """)
    assert finished.stdout == "1\n"
    assert "sweep() belongs below if __name__ == '__main__'" in finished.stderr
    assert not stx.find()
