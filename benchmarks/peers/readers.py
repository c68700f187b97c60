"""Read back what a peer has recorded in the working directory; runs with the Python of the peer.

``python readers.py PEER`` prints a JSON list with a run each: its `number`, its `status` in the
peer's own word, and how many `lines` its log has, each None where the peer does not say.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Run = tuple[int | None, str | None, int | None]

HERE = Path()
BIN = Path(sys.executable).parent


def lines_of(path: Path) -> int:
    """Count the printed lines in a log."""
    try:
        return path.read_text("utf-8", "replace").count("epoch ")
    except FileNotFoundError:
        return 0


def scitex_session() -> Iterator[Run]:
    """Give our runs, as ``scitex-session ls`` gives them."""
    ls = [str(BIN / "scitex-session"), "ls", "--json", "--limit", "0"]
    for run in json.loads(subprocess.run(ls, stdout=subprocess.PIPE, check=True).stdout):
        lines = lines_of(Path(run["directory"]) / "logs/stdout.log")
        yield run["arguments"]["number"], run["status"], lines


def scitex_session_0_3_1() -> Iterator[Run]:
    """Give the directories of 0.3.1: the folder is the status."""
    for folder in HERE.glob("*_out/*/*"):
        try:
            config = (folder / "CONFIGS/CONFIG.yaml").read_text("utf-8")
            number = int(config.partition("number:")[2].split()[0])
        except (OSError, IndexError, ValueError):
            number = None
        yield number, folder.parent.name, lines_of(folder / "logs/stdout.log")


def sacred() -> Iterator[Run]:
    """Give the files of the FileStorageObserver."""
    for folder in (each for each in HERE.glob("runs/*") if each.name.isdigit()):
        try:
            number = json.loads((folder / "config.json").read_text())["number"]
            status = json.loads((folder / "run.json").read_text())["status"]
        except (OSError, ValueError, KeyError):
            number = status = None
        yield number, status, lines_of(folder / "cout.txt")


def hydra() -> Iterator[Run]:
    """Give the output directories; there is no status in them."""
    for file in HERE.glob("outputs/*/*/.hydra/overrides.yaml"):
        numbers = re.findall(r"number=(\d+)", file.read_text())
        yield int(numbers[0]) if len(numbers) == 1 else None, None, None


def signac() -> Iterator[Run]:
    """Give the jobs; they have no status, so we look whether there is a result."""
    import signac as package

    for job in package.get_project():
        done = job.doc.get("loss") is not None
        yield job.sp["number"], "has a result" if done else "has no result", None


def mlflow() -> Iterator[Run]:
    """Give the runs of the experiment."""
    import mlflow as package

    found: Any = package.search_runs(
        experiment_names=["bench"], output_format="list", max_results=50_000
    )
    for run in found:
        number = run.data.params.get("number")
        yield None if number is None else int(number), run.info.status, None


def wandb() -> Iterator[Run]:
    """Give the folders of offline runs, whose status nothing reads back offline."""
    for folder in HERE.glob("wandb/offline-run-*"):
        data = b"".join(file.read_bytes() for file in folder.glob("*.wandb"))
        numbers = re.findall(rb"number[^0-9]{1,4}(\d+)", data)
        yield int(numbers[0]) if numbers else None, None, lines_of(folder / "files/output.log")


def aim() -> Iterator[Run]:
    """Give the runs, once indexed as ``aim up`` does."""
    from aim import Repo

    index = [str(BIN / "aim"), "storage", "reindex", "--yes"]
    subprocess.run(index, input="y\n", text=True, capture_output=True, check=False)
    for run in Repo(".").iter_runs():
        yield run.get("number"), "active" if run.active else "ended", None


def trackio() -> Iterator[Run]:
    """Give the runs of the project, which have no status."""
    import trackio as package

    for run in package.Api().runs("bench"):
        yield run.config.get("number"), getattr(run, "status", None), None


def con_duct() -> Iterator[Run]:
    """Give the ``info.json`` of each execution."""
    for file in HERE.glob(".duct/logs/*info.json"):
        info = json.loads(file.read_text() or "{}")
        code = info.get("execution_summary", {}).get("exit_code")
        number = int(info["command"].split()[-1]) if "command" in info else None
        log = file.with_name(file.name.replace("info.json", "stdout"))
        yield number, None if code is None else f"exit code {code}", lines_of(log)


if __name__ == "__main__":
    runs = globals()[re.sub(r"\W", "_", sys.argv[1])]()
    print(json.dumps([dict(zip(("number", "status", "lines"), run, strict=True)) for run in runs]))
