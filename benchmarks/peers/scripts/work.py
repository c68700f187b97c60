"""What every script does, whoever records it; the variable WORK says what."""

import os
import time
from pathlib import Path

LINES = 1_000_000
LINES_BEFORE_KILL = 1000


def work() -> float:
    """Do nothing, print a million lines, or print some and wait to be killed."""
    kind = os.environ.get("WORK", "nothing")
    for i in range({"print": LINES, "wait": LINES_BEFORE_KILL}.get(kind, 0)):
        print("epoch", i, "loss", 0.25)
    if kind == "wait":
        Path(os.environ["READY"]).write_text(f"{os.getpid()}\n")
        time.sleep(600)
    return 0.25
