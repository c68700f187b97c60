"""Telling the registry of a run what its record says."""

from __future__ import annotations

from ._journal import journal_close, journal_create
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
