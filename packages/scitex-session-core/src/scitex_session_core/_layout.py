"""The names of a run's files, and the directories a run passes through."""

from __future__ import annotations

import os
from pathlib import Path

RECORD_NAME = "session.json"
EVENTS_NAME = "events.jsonl"
HEARTBEAT_NAME = "heartbeat"
CLOCK_NAME = "clock"  # of files that live for a moment, to read a file server's clock
CONFIG_NAME = "CONFIGS/CONFIG.yaml"
LOG_NAMES = ("logs/stdout.log", "logs/stderr.log", "logs/stdout.txt", "logs/stderr.txt")
DIFF_NAME = "code/changes.diff"
PREVIOUS = "previous"
COPYING = ".copying"

RUN_FILES = (RECORD_NAME, EVENTS_NAME, HEARTBEAT_NAME, CONFIG_NAME, *LOG_NAMES, DIFF_NAME)
"""The files of a run directory that are the session's own, relative to it."""

RUNNING = "RUNNING"
_FINISHED = {"success": "FINISHED_SUCCESS", "finished": "FINISHED"}
_ERROR = "FINISHED_ERROR"
# What a directory says of its runs where the disk was too full for the record to say it.
STATUS_IN = {"FINISHED_SUCCESS": "success", "FINISHED": "finished", _ERROR: "failed"}


def finished_place(run_dir: Path, status: str) -> Path:
    """Return where a run that ended with `status` belongs: `run_dir` itself outside ``RUNNING``."""
    if run_dir.parent.name != RUNNING:
        return run_dir
    return run_dir.parent.parent / _FINISHED.get(status, _ERROR) / run_dir.name


def out_dir_of(run_dir: Path) -> Path:
    """Return what holds the runs of a script: `run_dir` itself for one that is never moved."""
    return run_dir.parent.parent if run_dir.parent.name == RUNNING else run_dir


def half_made_copy(target: Path) -> Path:
    """Return where the copy of a run is made before it gets its name.

    Always the same, so that what a killed copier left is found without listing all runs.
    """
    return target.with_name(f".{target.name}{COPYING}")


def places(run_dir: str | os.PathLike[str]) -> list[Path]:
    """Return where a run may be by now, in the order in which it gets there."""
    run_dir = Path(run_dir)
    if run_dir.parent.name != RUNNING:
        return [run_dir]
    out_dir = run_dir.parent.parent
    return [run_dir, *(out_dir / name / run_dir.name for name in STATUS_IN)]


def whereabouts(run_dir: str | os.PathLike[str]) -> Path:
    """Return where a run is now: the place that holds its record, `run_dir` where none does.

    Whoever was told of ``RUNNING/<ID>`` (a companion, a child, another reaper) may come after the
    run has moved on.
    """
    for place in places(run_dir):
        if os.path.exists(place / RECORD_NAME):
            return place
    return Path(run_dir)
