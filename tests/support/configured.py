"""Sessions that read files of ``config/``: what they made of them."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import scitex_session as stx

_NUMBERS = count()


class Read(NamedTuple):
    """What a session made of its files.

    ``values`` is what stands in `CONFIG`, ``recorded`` what stands in the record, ``written`` the
    text of CONFIG.yaml.
    """

    values: dict[str, Any]
    recorded: dict[str, Any]
    written: str
    debug: bool


def write(**files: str) -> None:
    """Write ``config/<name>.yaml`` for each name."""
    Path("config").mkdir(exist_ok=True)
    for name, text in files.items():
        Path(f"config/{name}.yaml").write_text(text, encoding="utf-8")


def read(script: str | None = None, **files: str) -> Read:
    """Start and close a session with these files, and tell what it read.

    Without a script, the files count that are in the working directory.
    """
    write(**files)
    config, *_ = stx.start(file=script, sdir=f"run{next(_NUMBERS)}", verbose=False, capture="none")
    try:
        recorded = json.loads((config.SDIR_RUN / "session.json").read_text("utf-8"))["config"]
        written = (config.SDIR_RUN / "CONFIGS" / "CONFIG.yaml").read_text("utf-8")
        own = {"ID", "PID", "FILE", "SDIR_RUN", "SDIR", "SDIR_OUT", "ARGS", "DEBUG"}
        own |= {"START_DATETIME", "END_DATETIME", "RUN_DURATION", "EXIT_STATUS"}
        values = {name: value for name, value in config.items() if name not in own}
        return Read(values, recorded or {}, written, config.DEBUG)
    finally:
        stx.close(config, verbose=False, exit_status=0)


def written_config(args: object) -> Path:
    """Start and close a session with these arguments, and give its CONFIG.yaml."""
    config, *_ = stx.start(args=args, sdir=f"run{next(_NUMBERS)}", verbose=False, capture="none")
    stx.close(config, verbose=False, exit_status=0)
    return Path(config.SDIR_RUN, "CONFIGS", "CONFIG.yaml")
