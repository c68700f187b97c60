"""What appears in the run directory by whatever hand is an artifact at the end, once each."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import SessionManager, read_record
from support import run_script, wait_until

START = """
    import os, sys
    from pathlib import Path
    import scitex_session as stx
"""
MAIN = """
    if __name__ == "__main__":
        main()
"""


def run(body: str, *, status: int = 0) -> tuple[dict[str, Any], Path]:
    """Run a script; return its record with the events folded in, and where it is."""
    finished = run_script(START + body + MAIN)
    assert finished.returncode == status, finished
    assert "scitex-session:" not in finished.stderr, finished
    (run_dir,) = wait_until(lambda: list(Path("script_out").glob("FINISHED_*/*")))
    return read_record(run_dir), run_dir


def digests(record: dict[str, Any]) -> dict[str, Any]:
    paths = [artifact["path"] for artifact in record["artifacts"]]
    assert len(paths) == len(set(paths)), paths
    return {artifact["path"]: artifact["sha256"] for artifact in record["artifacts"]}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_files_that_were_written_by_whatever_hand_are_artifacts() -> None:
    record, run_dir = run("""
    import numpy as np
    import pandas as pd
    @stx.session
    def main():
        here = CONFIG.SDIR_RUN
        pd.DataFrame({"a": [1]}).to_csv(here / "table.csv")
        (here / "deep" / "er").mkdir(parents=True)
        np.savez(here / "deep" / "er" / "arrays.npz", x=np.arange(3))
        with open(here / "logs" / "mine.txt", "w") as file:
            file.write("x")
        os.system(f"printf abc > {here}/by_a_child.txt")
        (here / "link").symlink_to("table.csv")
        os.mkfifo(here / "pipe")
        stx.io.save({"a": 1}, "saved.json")
    """)
    made = ("table.csv", "deep/er/arrays.npz", "logs/mine.txt", "by_a_child.txt", "saved.json")
    assert digests(record) == {path: sha256((run_dir / path).read_bytes()) for path in made}
    assert all(artifact["role"] == "output" for artifact in record["artifacts"])
    assert "artifacts_notes" not in record


def test_the_registry_finds_the_run_by_such_a_file() -> None:
    record, _ = run("""
    @stx.session
    def main():
        (CONFIG.SDIR_RUN / "a.txt").write_text("found by content")
    """)
    (session,) = SessionManager().makers(sha256(b"found by content"))
    assert session["id"] == record["id"]


def test_a_run_that_makes_no_file_looks_no_further() -> None:
    record, _ = run("""
    import atexit
    atexit.register(lambda: print("scitex_session_core._record.files" in sys.modules))
    @stx.session
    def main():
        pass
    """)
    assert record["artifacts"] == []


def test_a_file_that_is_written_again_is_on_record_as_it_is_in_the_end() -> None:
    record, _ = run("""
    @stx.session
    def main():
        stx.io.save({"a": 1}, "same_size.json")
        stx.io.save({"a": 1}, "longer.json")
        stx.io.save({"a": 1}, "untouched.json")
        path = CONFIG.SDIR_RUN / "same_size.json"
        path.write_bytes(path.read_bytes().replace(b"1", b"2"))
        (CONFIG.SDIR_RUN / "longer.json").write_text("another text")
    """)
    found = digests(record)
    assert len(found) == 3
    assert found["longer.json"] == sha256(b"another text")
    assert found["same_size.json"] != found["untouched.json"]
    assert [a["bytes"] for a in record["artifacts"] if a["path"] == "longer.json"] == [12]


@pytest.mark.parametrize("again", ["", "path.write_text('other')"])
def test_a_run_that_is_killed_has_its_files_on_record(again: str) -> None:
    record, run_dir = run(
        f"""
    @stx.session
    def main():
        path = CONFIG.SDIR_RUN / "model.pt"
        path.write_bytes(b"weights")
        path = stx.io.save({{"a": 1}}, "saved.json")
        {again}
        os.kill(os.getpid(), 9)
    """,
        status=-signal.SIGKILL,
    )
    assert record["status"] == "crashed"
    made = ("model.pt", "saved.json")
    assert digests(record) == {path: sha256((run_dir / path).read_bytes()) for path in made}


def test_large_files_are_on_record_without_being_read_and_that_is_said() -> None:
    record, _ = run("""
    @stx.session
    def main():
        for name in ("a.bin", "z.txt"):
            with open(CONFIG.SDIR_RUN / name, "wb") as file:
                file.truncate(10 << 30 if name == "a.bin" else 3)
    """)
    large, small = sorted(record["artifacts"], key=lambda artifact: str(artifact["path"]))
    assert (large["sha256"], large["bytes"]) == (None, 10 << 30)
    assert large["modified"] > record["started"]
    assert small["sha256"] == sha256(b"\0\0\0")
    (note,) = record["artifacts_notes"]
    assert note.startswith("files without sha256: 1;")


def test_more_files_than_a_record_holds_are_counted() -> None:
    record, _ = run("""
    @stx.session
    def main():
        for number in range(1010):
            (CONFIG.SDIR_RUN / f"{number:04}.txt").touch()
    """)
    # On a busy machine the time is over first.
    assert 0 < len(record["artifacts"]) <= 1000
    ways = ("files that are not listed: 10;", "not all files were looked at")
    assert any(note.startswith(ways) for note in record["artifacts_notes"])


def test_what_stood_in_an_sdir_before_is_not_the_runs(tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.mkdir()
    (place / "earlier.txt").write_text("not mine")
    finished = run_script(
        START
        + f"""
    import time
    time.sleep(2.5)
    @stx.session(sdir={str(place)!r})
    def main():
        (CONFIG.SDIR_RUN / "made.txt").write_text("mine")
    """
        + MAIN
    )
    assert finished.returncode == 0, finished
    assert set(digests(read_record(place))) == {"made.txt"}
