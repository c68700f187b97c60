"""Many runs of one script in the same second."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scitex_session import SessionManager
from support import read_json, write_script

AT_A_TIME = 16


@pytest.mark.parametrize("runs", [20, pytest.param(96, marks=pytest.mark.slow)])
def test_each_of_many_starts_at_a_time_leaves_its_directory_and_a_true_record(runs: int) -> None:
    script = write_script("""
        import scitex_session as stx

        @stx.session
        def main(number: int = 0):
            print("number", number)
            return number % 3

        if __name__ == "__main__":
            main()
    """)

    def run(number: int) -> int:
        command = [sys.executable, os.fspath(script), "--number", str(number)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        codes = list(pool.map(run, range(runs)))

    assert codes == [number % 3 for number in range(runs)]
    places = list(Path("script_out").glob("FINISHED_*/2*"))
    records = {read_json(path / "session.json")["arguments"]["number"]: path for path in places}
    assert sorted(records) == list(range(runs))
    for number, path in records.items():
        record = read_json(path / "session.json")
        assert record["exit_status"] == number % 3
        assert path.parent.name == ("FINISHED_ERROR" if number % 3 else "FINISHED_SUCCESS")
        assert (path / "logs" / "stdout.log").read_text() == f"number {number}\n"
    assert list(Path("script_out/RUNNING").iterdir()) == []
    sessions = SessionManager().list_sessions()
    assert len(sessions) == runs
    assert {s["status"] for s in sessions.values()} == {"success", "failed"}
