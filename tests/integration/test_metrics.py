"""What a run logs while it runs is on disk, line by line, whatever becomes of the run."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from support import read_json, run_script, start_script, wait_until


def the_run(status: str = "SUCCESS") -> Path:
    (run,) = Path("script_out", f"FINISHED_{status}").iterdir()
    return run


def logged(run: Path) -> list[dict[str, Any]]:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    lines = (run / "metrics.jsonl").read_bytes().splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_each_call_is_a_line_of_strict_json() -> None:
    finished = run_script("""
        import numpy as np
        import scitex_session as stx

        @stx.session
        def main():
            stx.log(0, loss=0.5)
            stx.log(np.int64(1), loss=np.float32(0.25), best=True, phase="warm", missing=None)
            stx.log(1.5, loss=float("nan"), most=float("inf"))
            stx.log(password="hunter2")

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    lines = logged(the_run())
    assert all(isinstance(line.pop("time"), float) for line in lines)
    assert lines == [
        {"step": 0, "loss": 0.5},
        {"step": 1, "loss": 0.25, "best": True, "phase": "warm", "missing": None},
        {"step": 1.5, "loss": "NaN", "most": "Infinity"},
        {"password": "***"},
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_log_whole_lines_into_the_file_of_the_run(method: str) -> None:
    finished = run_script(
        """
        import multiprocessing, sys
        import scitex_session as stx

        def work(worker):
            for step in range(1000):
                stx.log(step, worker=worker, text="x" * 200)

        @stx.session
        def main(method: str):
            stx.log(worker=-1)
            with multiprocessing.get_context(method).Pool(3) as pool:
                pool.map(work, range(3), chunksize=1)
            stx.log(worker=-2)

        if __name__ == "__main__":
            main()
        """,
        *("--method", method),
    )
    assert finished == (0, "", "")
    lines = logged(the_run())
    assert (lines[0]["worker"], lines[-1]["worker"], len(lines)) == (-1, -2, 3002)
    for worker in range(3):
        assert [row["step"] for row in lines if row["worker"] == worker] == list(range(1000))


def test_a_killed_run_loses_nothing() -> None:
    with start_script("""
        import scitex_session as stx

        @stx.session
        def main():
            step = 0
            while True:
                step += 1
                stx.log(step, loss=1 / step)
                print(step, flush=True)

        if __name__ == "__main__":
            main()
    """) as process:
        wait_until(lambda: any(Path("script_out").glob("RUNNING/*/metrics.jsonl")))
        wait_until(lambda: any(Path("script_out").glob("RUNNING/*/logs/stdout.log")))
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: any(Path("script_out").glob("FINISHED_ERROR/*/session.json")))
    run = the_run("ERROR")
    printed = len((run / "logs/stdout.log").read_bytes().splitlines())
    assert len(logged(run)) - printed in (0, 1)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("stx.log(0, curve=[1, 2])", "curve must be a number, a text, True, False or None"),
        ("stx.log(0, time=3)", "another one: log sets the time"),
    ],
)
def test_what_is_no_metric_is_refused_in_a_sentence(call: str, error: str) -> None:
    finished = run_script(f"""
        import scitex_session as stx

        @stx.session
        def main():
            {call}

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 1
    assert error in finished.stderr.splitlines()[-1]


def test_without_a_session_it_says_so() -> None:
    with pytest.raises(stx.NoSessionError, match=r"^stx\.log belongs to a running session"):
        stx.log(0, loss=1.0)


def test_a_disk_that_is_full_is_warned_about_once_and_the_run_goes_on() -> None:
    finished = run_script("""
        import resource, scitex_session as stx

        @stx.session
        def main():
            stx.log(-1, loss=0.5)  # Python would write half of our bytecode, and read it later
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
            for step in range(1000):
                stx.log(step, loss=0.5)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            stx.log(1000, loss=0.5)

        if __name__ == "__main__":
            main()
    """)
    assert finished.returncode == 0
    assert finished.stderr.count("metrics can't be written") == 1
    *_, torn, last = (the_run() / "metrics.jsonl").read_bytes().splitlines()
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(torn)
    assert json.loads(last)["step"] == 1000
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert len(stx.metrics(the_run())) > 50


def test_the_table_of_a_run_is_found_by_directory_id_and_config() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            for step in range(3):
                stx.log(step, loss=float("nan") if step == 1 else 0.5)
            assert list(stx.metrics(CONFIG)["step"]) == [0, 1, 2]

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    run = the_run()
    for named in (run, str(run), run.parent.parent / "RUNNING" / run.name, run.name):
        table = stx.metrics(named)
        assert list(table) == ["time", "step", "loss"]
        assert [math.isnan(x) for x in table["loss"]] == [False, True, False]
    with pytest.raises(stx.UnknownRunError, match="no ID in the registry"):
        stx.metrics("2020Y-nothing")


PROGRESS = """
    import sys
    {before}
    import scitex_session as stx

    @stx.session
    def main():
        for item in stx.progress({items}, desc="steps"):
            if item == 2:
                print((CONFIG.SDIR_RUN / "heartbeat").read_text().strip())
        print((CONFIG.SDIR_RUN / "heartbeat").read_text().strip())

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize(("items", "total"), [("range(4)", 4), ("iter(range(4))", None)])
def test_other_processes_can_tell_how_far_a_run_is(items: str, total: int | None) -> None:
    finished = run_script(PROGRESS.format(before="sys.modules['tqdm'] = None", items=items))
    assert (finished.returncode, finished.stderr) == (0, "")
    first, last = map(json.loads, finished.stdout.splitlines())
    assert first == {"done": 0, "total": total, "desc": "steps"}
    assert last == {"done": 4, "total": total, "desc": "steps"}
    assert read_json(the_run() / "session.json")["status"] == "success"
    assert not (the_run() / "heartbeat").exists()


def test_the_bar_is_that_of_tqdm() -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    finished = run_script(PROGRESS.format(before="", items="range(4)"))
    assert finished.returncode == 0
    assert "steps: 100%" in finished.stderr
    assert "4/4" in finished.stderr


def test_a_loop_outside_of_a_session_has_its_progress_too() -> None:
    assert list(stx.progress([1, 2, 3])) == [1, 2, 3]
