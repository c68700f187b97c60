"""Runs on disk and in the registry, made by the public functions of core, without a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scitex_session_core import (
    ended_record,
    make_run_dir,
    move_to_finished,
    new_record,
    register_end,
    register_start,
    registry_dir,
    write_record,
)


def ended_run(
    script: str = "fit.py",
    *,
    exit_status: int | None = 0,
    reason: dict[str, Any] | None = None,
    ended: str | None = None,
    logs: dict[str, bytes] | None = None,
    registered: bool = True,
    **fields: Any,
) -> Path:
    """Give the directory of a run that has ended, with these fields in its record."""
    run = running_run(script, logs=logs, registered=registered, **fields)
    record = {**new_record(run.name), "script": str(Path(script).absolute()), **fields}
    reason = reason or {"kind": "returned"}
    record = ended_record(record, exit_status=exit_status, reason=reason, ended=ended)
    write_record(run, record)
    place = move_to_finished(run, record["status"])
    if registered:
        register_end(registry_dir(), record, place)
    return place


def running_run(
    script: str = "fit.py",
    *,
    logs: dict[str, bytes] | None = None,
    registered: bool = True,
    **fields: Any,
) -> Path:
    """Give the directory of a run of this process, with these fields in its record."""
    path = Path(script).absolute()
    run = make_run_dir(path).path
    record = {**new_record(run.name), "script": str(path), **fields}
    write_record(run, record)
    (run / "logs").mkdir()
    for name, content in (logs or {}).items():
        (run / "logs" / name).write_bytes(content)
    if registered:
        register_start(registry_dir(), record, run)
    return run
