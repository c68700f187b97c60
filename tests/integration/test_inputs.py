"""What a run has read is on record, and one script finds what another one made."""

from __future__ import annotations

import hashlib
import os
import textwrap
from pathlib import Path
from typing import Any

from support import Finished, read_json, run_script

MAKES = """
    import sys
    import scitex_session as stx

    @stx.session
    def main(fail: bool = False, value: int = 1):
        stx.io.save({"value": value}, "table.json")
        return int(fail)

    if __name__ == "__main__":
        main()
"""
READS = """
    import scitex_session as stx

    @stx.session
    def main(path: str = "prepare_out/table.json"):
        for _ in range(2):
            print(stx.io.load(path)["value"])

    if __name__ == "__main__":
        main()
"""


def run(source: str, name: str, *args: str) -> Finished:
    Path(name).write_text(textwrap.dedent(source))
    return run_script(Path(name), *args)


def record(out: str) -> dict[str, Any]:
    (run,) = Path(out, "FINISHED_SUCCESS").iterdir()
    found: dict[str, Any] = read_json(run / "session.json")
    return found


def test_a_file_that_is_read_is_an_input_with_its_hash() -> None:
    Path("data").mkdir()
    data = Path("data", "numbers.json")
    data.write_text('{"value": 3}')
    assert run_script(READS, "--path", "data/numbers.json") == (0, "3\n3\n", "")
    assert record("script_out")["artifacts"] == [
        {
            "path": str(data.absolute()),
            "sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
            "bytes": 12,
            "role": "input",
        }
    ]


def test_a_file_of_another_script_is_found_in_its_newest_successful_run() -> None:
    assert run(MAKES, "prepare.py", "--value", "1").returncode == 0
    assert run(MAKES, "prepare.py", "--value", "2").returncode == 0
    assert run(MAKES, "prepare.py", "--value", "3", "--fail").returncode == 1
    newest = Path("prepare_out/latest").resolve()

    finished = run(READS, "plot.py")
    assert finished.returncode == 0
    assert finished.stdout == "2\n2\n"
    where = newest / "table.json"
    assert finished.stderr == (f"scitex-session: prepare_out/table.json is read from {where}\n")
    (found,) = record("plot_out")["artifacts"]
    sha256 = hashlib.sha256(where.read_bytes()).hexdigest()
    assert found == {
        "path": "table.json",
        "sha256": sha256,
        "bytes": where.stat().st_size,
        "role": "input",
        "run": newest.name,
    }


def test_a_file_read_through_latest_is_known_as_that_runs() -> None:
    assert run(MAKES, "prepare.py").returncode == 0
    finished = run(READS, "plot.py", "--path", "prepare_out/latest/table.json")
    assert finished == (0, "1\n1\n", "")
    (found,) = record("plot_out")["artifacts"]
    assert (found["path"], found["run"]) == (
        "table.json",
        Path("prepare_out/latest").resolve().name,
    )


def test_a_file_that_stands_there_itself_is_the_one() -> None:
    assert run(MAKES, "prepare.py").returncode == 0
    Path("prepare_out/table.json").write_text('{"value": 9}')
    assert run(READS, "plot.py") == (0, "9\n9\n", "")


def test_a_file_that_no_run_made_is_missing() -> None:
    assert run(MAKES, "prepare.py").returncode == 0
    finished = run(READS, "plot.py", "--path", "prepare_out/other.json")
    assert finished.returncode == 1
    assert "prepare_out/other.json" in finished.stderr.splitlines()[-1]


def test_what_a_run_saved_and_read_again_is_both() -> None:
    finished = run_script("""
        import scitex_session as stx

        @stx.session
        def main():
            stx.io.save({"a": 1}, "mine.json")
            stx.io.load("mine.json")

        if __name__ == "__main__":
            main()
    """)
    assert finished == (0, "", "")
    found = record("script_out")["artifacts"]
    assert [(a["path"], a["role"]) for a in found] == [
        ("mine.json", "output"),
        ("mine.json", "input"),
    ]


def test_a_pipe_in_the_place_of_a_record_above_an_input_keeps_no_run() -> None:
    Path("data").mkdir()
    Path("data", "numbers.json").write_text('{"value": 3}')
    os.mkfifo("data/session.json")
    finished = run(READS, "script.py", "--path", "data/numbers.json")
    assert finished == (0, "3\n3\n", "")
    (found,) = record("script_out")["artifacts"]
    assert found["path"] == str(Path("data/numbers.json").absolute())
