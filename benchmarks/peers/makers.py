"""Make many runs for a listing, the quickest way that a peer's users have; runs with its Python.

``python makers.py PEER COUNT SECONDS`` prints how many it made in the working directory.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from functools import cache
from pathlib import Path


def signac(number: int) -> None:
    """Make a job."""
    import signac as package

    package.init_project().open_job({"number": number}).init()


def mlflow(number: int) -> None:
    """Make a run."""
    import mlflow as package

    package.set_experiment("bench")
    with package.start_run():
        package.log_param("number", number)


def aim(number: int) -> None:
    """Make a run that tracks neither system nor terminal."""
    from aim import Run

    run = Run(system_tracking_interval=None, capture_terminal_logs=False)
    run["number"] = number
    run.close()


def trackio(number: int) -> None:
    """Make a run."""
    import trackio as package

    package.init(project="bench", config={"number": number})
    package.log({"loss": 0.25})
    package.finish()


def con_duct(number: int) -> None:
    """Copy the files of the execution that is there."""
    for file in _files_of_duct():
        head, _, kind = file.name.partition("_")
        shutil.copy(file, file.with_name(f"copy-{head}{number}_{kind}"))


@cache
def _files_of_duct() -> list[Path]:
    return [*Path(".duct/logs").iterdir()]


if __name__ == "__main__":
    make = globals()[re.sub(r"\W", "_", sys.argv[1])]
    end = time.monotonic() + float(sys.argv[3])
    made = 0
    while made < int(sys.argv[2]) and time.monotonic() < end:
        make(made)
        made += 1
    print(f"\nmade {made}")
