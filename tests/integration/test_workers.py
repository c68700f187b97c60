"""A worker process belongs to the run that started it, forked or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import read_json, run_script

METHODS = ("fork", "spawn", "forkserver")
POOL = """
    import multiprocessing, random, sys
    import scitex_session as stx
    from scitex_session import CONFIG as imported

    def work(number):
        stx.io.save({"number": number}, f"part{number}.json")
        logger.info("part %s", number)
        assert imported.ID == CONFIG.ID and CONFIG.ARGS.size == 7
        return CONFIG.ID, rngg("x").random(), random.random()

    @stx.session
    def main(method: str, size: int = 3):
        with multiprocessing.get_context(method).Pool(2) as pool:
            found = pool.map(work, [1, 2], chunksize=1)
        stx.io.save({"found": found}, "found.json")
        return {id for id, *_ in found} != {CONFIG.ID}

    if __name__ == "__main__":
        main()
"""


def records() -> list[tuple[Path, dict[str, Any]]]:
    runs = sorted(Path("script_out", "FINISHED_SUCCESS").iterdir())
    return [(run, read_json(run / "session.json")) for run in runs]


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_saves_into_the_run_and_has_its_names(method: str) -> None:
    finished = run_script(POOL, "--method", method, "--size", "7", python_options=["-W", "error"])
    assert (finished.returncode, finished.stdout) == (0, "")
    assert sorted(finished.stderr.splitlines()) == ["INFO: part 1", "INFO: part 2"]
    ((run, record),) = records()
    assert {a["path"] for a in record["artifacts"]} == {"part1.json", "part2.json", "found.json"}
    assert json.loads((run / "part2.json").read_bytes()) == {"number": 2}
    assert sorted((run / "logs/stderr.log").read_text().splitlines()) == [
        "INFO: part 1",
        "INFO: part 2",
    ]
    # No two workers draw alike, from named or global generators.
    drawn = [
        number
        for _, *two in json.loads((run / "found.json").read_bytes())["found"]
        for number in two
    ]
    assert len(set(drawn)) == 4


@pytest.mark.parametrize("method", METHODS)
def test_the_workers_of_two_runs_in_one_process_belong_to_their_own(method: str) -> None:
    # The fork server is the same for both, and knows the environment of the first.
    finished = run_script(POOL + "        main()\n", "--method", method, "--size", "7")
    assert finished.returncode == 0, finished.stderr
    assert [len(record["artifacts"]) for _, record in records()] == [3, 3]


@pytest.mark.parametrize("method", METHODS)
def test_a_figure_drawn_in_a_worker_has_the_style_and_the_name_of_the_run(method: str) -> None:
    finished = run_script(
        """
        import multiprocessing
        import scitex_session as stx

        def draw():
            figure, axes = plt.subplots()
            axes.plot([1, 2], color=COLORS.blue)
            figure.savefig(CONFIG.SDIR_RUN / "figure.png")

        @stx.session(fig_size_mm=(50, 25), dpi_save=254)
        def main(method: str):
            worker = multiprocessing.get_context(method).Process(target=draw)
            worker.start()
            worker.join()
            return worker.exitcode

        if __name__ == "__main__":
            main()
        """,
        *("--method", method),
    )
    assert finished == (0, "", "")
    ((run, record),) = records()
    assert [a["path"] for a in record["artifacts"]] == ["figure.png"]
    data = (run / "figure.png").read_bytes()
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (500, 250)  # IHDR
    assert record["id"].encode() in data


@pytest.mark.parametrize("method", METHODS)
def test_a_session_function_can_be_the_target_of_a_process(method: str) -> None:
    finished = run_script(
        """
        import multiprocessing, sys
        import scitex_session as stx

        @stx.session
        def main(value: int = 1):
            print(CONFIG.ARGS.value)
            return 3

        if __name__ == "__main__":
            worker = multiprocessing.get_context(sys.argv.pop(1)).Process(target=main)
            worker.start()
            worker.join()
            sys.exit(worker.exitcode != 3)
        """,
        method,
    )
    assert (finished.returncode, finished.stdout) == (0, "1\n")
    (run,) = Path("script_out", "FINISHED_ERROR").iterdir()
    assert read_json(run / "session.json")["exit_status"] == 3


def test_a_worker_of_joblib_saves_into_the_run() -> None:
    pytest.importorskip("joblib", reason="joblib is not installed")
    finished = run_script("""
        import joblib
        import scitex_session as stx

        def work(number):
            stx.io.save([number], f"part{number}.json")

        @stx.session
        def main():
            joblib.Parallel(n_jobs=2)(joblib.delayed(work)(number) for number in range(2))

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    ((_, record),) = records()
    assert {a["path"] for a in record["artifacts"]} == {"part0.json", "part1.json"}


def test_a_program_that_a_run_starts_is_not_part_of_it() -> None:
    Path("other.py").write_text("import scitex_session as stx; stx.io.save([1], 'other.json')\n")
    finished = run_script("""
        import subprocess, sys
        import scitex_session as stx

        @stx.session
        def main():
            return subprocess.call([sys.executable, "other.py"])

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    assert Path("other.json").exists()
    ((_, record),) = records()
    assert record["artifacts"] == []
