"""The journal: every event of every session, one line each, appended and never changed.

Writers only append: no lock, no database, nothing that could hang on the file system of a cluster
or slow down with the number of sessions.
"""

from __future__ import annotations

import os
import time as _time

from ._atomic import append_line
from ._events import utc_now
from ._jsonable import dumps
from ._machine import writer_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

JOURNAL_NAME = "journal"


def journal_create(
    registry: Path,
    session_id: str,
    config: Mapping[str, Any],
    *,
    script_path: str | None,
    process: Mapping[str, Any] | None,
    run_dir: Path | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    parent: str | None = None,
    attempt: int = 1,
    tags: Iterable[str] = (),
    time: str | None = None,
) -> str:
    """Tell the registry that a session began.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    config : mapping
        The user's configuration.
    script_path : str or None
        The script.
    process : mapping or None
        Whose life counts; None claims none.
    run_dir : Path, optional
        The run directory.
    function : str, optional
        The function that runs.
    arguments : mapping, optional
        The values its parameters have.
    parent : str, optional
        The session that this one belongs to.
    attempt : int
        The how-manieth attempt at the same thing.
    tags : iterable of str
        What it is tagged with from the start.
    time : str, optional
        When it began, in ISO 8601; now by default.

    Returns
    -------
    str
        What tells this line from any other that would create the same session.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    line = os.urandom(8).hex()
    event: dict[str, Any] = {
        "event": "create",
        "id": session_id,
        "time": time or utc_now(),
        "line": line,
        "config": config,
        "script_path": script_path,
        "process": process,
        "run_dir": run_dir,
    }
    more = {"function": function, "arguments": arguments, "parent": parent, "tags": list(tags)}
    event.update((name, value) for name, value in more.items() if value)
    if attempt != 1:
        event["attempt"] = attempt
    append(registry, event)
    return line


def journal_close(
    registry: Path,
    session_id: str,
    status: str,
    exit_code: int | None,
    *,
    run_dir: Path | None = None,
    time: str | None = None,
    results: Mapping[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    note: str | None = None,
    artifacts: int | None = None,
    made: Iterable[str] = (),
) -> None:
    """Tell the registry that a session ended.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    status : str
        How it ended.
    exit_code : int or None
        Its exit status.
    run_dir : Path, optional
        Where its directory is now.
    time : str, optional
        When it ended, in ISO 8601; now by default.
    results, tags, note
        As they are in its record at the end; None where nothing is to be said of them.
    artifacts : int, optional
        How many it has.
    made : iterable of str
        What `made_by` says of them.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    event: dict[str, Any] = {
        "event": "close",
        "id": session_id,
        "time": time or utc_now(),
        "status": status,
        "exit_code": exit_code,
        "run_dir": run_dir,
    }
    more = {
        "results": results,
        "tags": None if tags is None else list(tags),
        "note": note,
        "artifacts": artifacts,
        "made": list(made) or None,
    }
    event.update((name, value) for name, value in more.items() if value is not None)
    append(registry, event)


def journal_update(
    registry: Path,
    session_id: str,
    *,
    tag: str | None = None,
    untag: str | None = None,
    note: str | None = None,
    results: Mapping[str, Any] | None = None,
) -> None:
    """Tell the registry what is to be added to a session, whether it has ended or not.

    Parameters
    ----------
    registry : Path
        The directory of the registry.
    session_id : str
        The session.
    tag, untag : str, optional
        A tag to be given, and one to be taken away.
    note : str, optional
        Takes the place of the note it has.
    results : mapping, optional
        Merged into the results it has.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    told = {"tag": tag, "untag": untag, "note": note, "results": results}
    given = {name: value for name, value in told.items() if value is not None}
    append(registry, {"event": "update", "id": session_id, "time": utc_now(), **given})


def journal_remove(registry: Path, session_id: str) -> None:
    """Tell the registry to forget a session. Its run directory is left alone.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    append(registry, {"event": "remove", "id": session_id, "time": utc_now()})


def journal_files(registry: Path) -> list[Path]:
    """Return the files of the journal.

    Raises
    ------
    OSError
        The journal can't be listed.
    """
    folder = registry / JOURNAL_NAME
    try:
        names = os.listdir(folder)  # Path.glob takes ten times as long
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names) if name.endswith(".jsonl")]


def append(registry: Path, event: Mapping[str, Any]) -> None:
    """Append an event to the file of this writer and month.

    Raises
    ------
    OSError
        The journal could not be written.
    """
    folder = registry / JOURNAL_NAME
    month = _time.strftime("%Y-%m", _time.gmtime())
    path = folder / f"{writer_name(folder)}-{month}.jsonl"
    line = encoded(event)
    try:
        append_line(path, line)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        append_line(path, line)


def encoded(event: Mapping[str, Any]) -> bytes:
    """Return the line of an event."""
    return dumps(event, names=("id", "run_dir", "script_path", "parent"))
