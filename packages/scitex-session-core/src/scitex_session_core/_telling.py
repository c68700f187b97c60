"""Telling the registry of a run what its record says."""

from __future__ import annotations

from ._events import utc_now
from ._journal import append, journal_close, journal_create
from ._made import made_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


def tell_begin(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Register a run that begins.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record.
    run_dir : Path
        Where it is.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    journal_create(
        registry,
        record["id"],
        record["config"],
        script_path=record["script"],
        process=record["process"],
        run_dir=run_dir,
        function=record["function"],
        arguments=record["arguments"],
        parent=record["parent"],
        attempt=record["attempt"],
        tags=record["tags"],
        time=record["started"],
    )


def tell_end(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Tell how a run ended, and what came of it.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record, of any schema.
    run_dir : Path
        Where it is now.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    journal_close(
        registry,
        record["id"],
        str(record["status"]),
        record.get("exit_status"),
        run_dir=run_dir,
        time=record.get("ended"),
        results=record.get("results"),
        tags=record.get("tags"),
        note=record.get("note"),
        artifacts=len(record.get("artifacts") or ()),
        made=made_by(record.get("artifacts")),
    )


def tell_found(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    """Tell of a run whose directory was found; what it was told before is void.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    record : mapping
        Its record, its events folded in.
    run_dir : Path
        Where it was found.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    append(registry, record_event(record, run_dir))


def record_event(record: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """Return the event that tells of a run whose directory was found."""
    names = ("config", "function", "arguments", "results", "tags", "note", "parent", "attempt")
    artifacts = record.get("artifacts")
    return {
        "event": "record",
        "id": record["id"],
        "time": utc_now(),
        **{name: record[name] for name in names if record.get(name)},
        "script_path": record.get("script"),
        "process": record.get("process"),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "status": record.get("status"),
        "exit_code": record.get("exit_status"),
        "artifacts": len(artifacts) if isinstance(artifacts, list) else 0,
        "made": made_by(artifacts),
        "run_dir": run_dir,
    }
