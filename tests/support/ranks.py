"""Jobs of several processes, started as a launcher starts its ranks, and what they left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scitex_session_core import registry_dir
from support._processes import write_script
from support._waiting import read_json, read_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCRIPT = """
    import os, signal, sys, time
    from pathlib import Path
    import scitex_session as stx

    @stx.session(seed=None)
    def main(lr: float = 0.1):
        rank = int(os.environ["RANK"])
        print("this is rank", rank)
        {body}
        return {{"rank": rank}}

    if __name__ == "__main__":
        main()
"""


def environment(rank: int, size: int, port: int = 29500, **more: str) -> dict[str, str]:
    """Give the variables by which torchrun tells a process on one node its rank."""
    here = {"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(size)}
    master = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    return {"RANK": str(rank), "WORLD_SIZE": str(size), **here, **master, **more}


def start(
    body: str,
    size: int,
    *args: str,
    ranks: Iterable[int] | None = None,
    port: int = 29500,
    restarts: int = 0,
) -> list[subprocess.Popen[str]]:
    """Start the ranks of a job at once; with `ranks`, only these of them."""
    more = {"TORCHELASTIC_RESTART_COUNT": str(restarts)}
    script = write_script(SCRIPT.format(body=body))
    return [
        subprocess.Popen(
            [sys.executable, script, *args],
            env={**os.environ, **environment(rank, size, port, **more)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (range(size) if ranks is None else ranks)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[int]:
    """Wait for all, and give the statuses with which they exited."""
    for process in processes:
        process.communicate(timeout=100)
    return [process.returncode for process in processes]


def runs(script: str = "script") -> list[Path]:
    """Give the directories of all runs, wherever they are."""
    return sorted(Path(f"{script}_out").glob("[A-Z]*/2*"))  # not .environments/2…


def the_run(folder: str) -> tuple[Path, dict[str, Any]]:
    """Give directory and record of the only run, which must stand under `folder`."""
    found = runs()
    assert [path.parent.name for path in found] == [folder]
    return found[0], read_json(found[0] / "session.json")


def settled(within: float = 20) -> tuple[Path, dict[str, Any]]:
    """Wait until the only run has left RUNNING, and give its directory and record."""
    deadline = time.monotonic() + within
    while any(path.parent.name == "RUNNING" for path in runs()):
        assert time.monotonic() < deadline, runs()
        time.sleep(0.02)
    return the_run(runs()[0].parent.name)


def ends(record: Mapping[str, Any]) -> dict[str, str]:
    """Give the status of each rank, by its number."""
    return {rank: end["status"] for rank, end in record["ranks"]["ended"].items()}


def events(kind: str) -> list[dict[str, Any]]:
    """Give the events of a kind in the journal of the registry."""
    files = (registry_dir() / "journal").glob("*.jsonl")
    return [event for file in files for event in read_json_lines(file) if event["event"] == kind]
