"""Claims a run directory that the user chose, which may hold an earlier run and other files."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session_core._atomic import OpenDirectory, remove_leftovers
from scitex_session_core._death.post_mortem import crashed_record, write_own_end
from scitex_session_core._errors import (
    InvalidSessionIdError,
    InvalidValueError,
    RecordError,
    RunDirectoryBusyError,
)
from scitex_session_core._paths import (
    CONFIG_NAME,
    DIFF_NAME,
    EVENTS_NAME,
    HEARTBEAT_NAME,
    LOG_NAMES,
    PREVIOUS,
    RECORD_NAME,
    RUNNING,
    DirectoryLock,
    check_id,
    rank_dir,
)
from scitex_session_core._process import identify
from scitex_session_core._record.record import (
    SCHEMA,
    as_dict,
    current_status,
    read_record,
    utc_now,
    write_record,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# File by file, never a whole folder: the user may have a code/ and a logs/ of their own here.
_OURS = (EVENTS_NAME, HEARTBEAT_NAME, CONFIG_NAME, DIFF_NAME, *LOG_NAMES)


def make_sdir(sdir: Path) -> None:
    """Make the directory `sdir` if it is missing.

    Raises
    ------
    InvalidValueError
        `sdir` lies directly in a folder ``RUNNING``, from which runs are moved.
    OSError
        `sdir` can't be made.
    """
    if sdir.parent.name == RUNNING:
        allowed = f"a directory that does not lie directly in a folder {RUNNING}"
        raise InvalidValueError("sdir", str(sdir), allowed)
    sdir.mkdir(parents=True, exist_ok=True)


def claim_sdir(sdir: OpenDirectory, session_id: str, *, clear: bool) -> None:
    """Claim `sdir` for the run `session_id` that begins now.

    Raises
    ------
    RunDirectoryBusyError
        Another run writes to `sdir`, or may write to it.
    OSError
        `sdir` can't be written to.
    """
    with DirectoryLock(sdir.path):
        _put_earlier_run_away(sdir.path, clear=clear, replaced_by=session_id)
        remove_leftovers(sdir.path / RECORD_NAME)
        claim = {
            "schema": SCHEMA,
            "id": session_id,
            "status": "running",
            "started": utc_now(),
            "process": identify(),
        }
        write_record(sdir, claim)


def _put_earlier_run_away(sdir: Path, *, clear: bool, replaced_by: str) -> None:
    if not os.path.lexists(sdir / RECORD_NAME):
        return
    earlier = _readable_record(sdir)
    if earlier is None:
        # A broken record, or a file of the user's with this name: not ours to delete.
        _keep(sdir, f"unreadable-{replaced_by}", (RECORD_NAME,))
        return
    status = current_status(earlier, sdir)
    if status in ("running", "lost", "unknown"):
        raise RunDirectoryBusyError(str(sdir), earlier["id"], status)
    if earlier["status"] == "running":
        ended = write_own_end(sdir, earlier)
        if ended is None:
            earlier = crashed_record(earlier, sdir)
            write_record(sdir, earlier)
    # The record goes last: after a kill in between, the next start finds it and does the rest.
    # With files of the user's in them, the directories of ranks are kept in either case.
    _keep(sdir, earlier["id"], _rank_dirs(sdir, earlier))
    if clear:
        for name in (*_OURS, RECORD_NAME):
            (sdir / name).unlink(missing_ok=True)
    else:
        _keep(sdir, earlier["id"], (*_OURS, *_script_copy(sdir, earlier), RECORD_NAME))


def _rank_dirs(sdir: Path, record: dict[str, Any]) -> list[str]:
    """Return the directories of the other ranks of an earlier run."""
    size = as_dict(record.get("ranks")).get("size")
    places = (rank_dir(sdir, rank) for rank in range(1, size if isinstance(size, int) else 1))
    return [place.name for place in places if (place / RECORD_NAME).exists()]


def _readable_record(sdir: Path) -> dict[str, Any] | None:
    try:
        record = read_record(sdir)
        check_id(record["id"])
    except (RecordError, InvalidSessionIdError):
        return None
    return record


def _keep(sdir: Path, session_id: str, names: Iterable[str]) -> None:
    kept = sdir / PREVIOUS / session_id
    for name in names:
        if os.path.lexists(sdir / name):
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(sdir / name, kept / name)


def _script_copy(sdir: Path, record: dict[str, Any]) -> list[str]:
    script = Path(str(record.get("script") or ""))
    copy = f"code/{script.name}"
    if not script.name or not (sdir / copy).is_file():
        return []
    # With sdir="." and scripts in code/, this would be the script itself.
    return [] if script.exists() and os.path.samefile(script, sdir / copy) else [copy]
