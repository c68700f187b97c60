"""Filing the death of a run that could not do it itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ._atomic import remove_leftovers
from ._errors import RecordError, warn
from ._exclusive import Exclusive
from ._layout import (
    CLOCK_NAME,
    CONFIG_NAME,
    HEARTBEAT_NAME,
    RECORD_NAME,
    half_made_copy,
    whereabouts,
)
from ._move import move_to_finished
from ._process import liveness
from ._record import read_record, write_record
from ._telling import tell_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def crash_command(run_dir: Path, registry: Path | None) -> list[str]:
    """Return the command that files the crash of a run, for who watches over it.

    Parameters
    ----------
    run_dir : Path
        The run.
    registry : Path or None
        The registry to tell.

    Returns
    -------
    list of str
        To be run with one more argument: a JSON object of what was seen (``seen``, a time;
        ``signal``; ``exit_status``), each of which may be null.

    Notes
    -----
    It runs isolated and without site-packages (``-I -S``), so that it starts in milliseconds and
    nothing in the user's working directory or environment can break it.
    """
    # The directory above this package, so that it is found however the user's Python found it.
    package_parent = str(Path(__file__).absolute().parent.parent)
    start = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from scitex_session_core._crash import main; sys.exit(main(sys.argv[2:]))"
    )
    told = [package_parent, str(run_dir), str(registry or "")]
    return [sys.executable, "-I", "-S", "-c", start, *told]


def main(argv: list[str]) -> int:
    """File the crash that `crash_command` describes."""
    run_dir, registry, seen = argv
    try:
        file_crash(Path(run_dir), json.loads(seen), registry=Path(registry) if registry else None)
    except OSError as error:
        warn(f"the crash of {run_dir} could not be filed: {error}; the next run of it tries again")
        return 1
    return 0


def file_crash(
    run_dir: Path, seen: Mapping[str, Any] | None = None, *, registry: Path | None = None
) -> Path:
    """Write the end of a dead run into its record, and move it to ``FINISHED_ERROR``.

    A run that had written its last record and died before the rename did end as it says: it is
    moved where that says. A directory without a record, and a run whose process is alive, are left
    alone. Several may file the same crash at once: what only one of them saw is kept.

    Parameters
    ----------
    run_dir : Path
        The run, where it was when it began.
    seen : mapping, optional
        What is known of the death: ``seen``, ``signal``, ``exit_status``.
    registry : Path, optional
        The registry to tell. One that can't be written is warned about.

    Returns
    -------
    Path
        Where the run is now.

    Raises
    ------
    OSError
        The record could not be written: the run stays where it is, to be filed by someone else.
    """
    return end(run_dir, seen, "crashed", registry)


def end(run_dir: Path, seen: Mapping[str, Any] | None, status: str, registry: Path | None) -> Path:
    """File an end as `file_crash` does; `status` may also be ``lost``."""
    with Exclusive(run_dir):
        try:
            found = _ended(run_dir, seen, status)
        except FileNotFoundError:  # where locks are none, another filer moves it under our hands
            found = _ended(run_dir, seen, status)
        if found is None:
            return whereabouts(run_dir)
        run_dir, record = found
        moved = move_to_finished(run_dir, str(record["status"]))
        _tidy(moved)
    if registry is not None:
        _tell(registry, record, moved)
    return moved


def _ended(
    run_dir: Path, seen: Mapping[str, Any] | None, status: str
) -> tuple[Path, dict[str, Any]] | None:
    """Give where a dead run is, and its record, ended; None where nobody died."""
    run_dir = whereabouts(run_dir)
    try:
        if liveness(read_record(run_dir).get("process")) == "alive":
            return None  # someone else's by now: the next run in the same sdir
        # Read after that look: its last record may be younger than the first reading.
        record = read_record(run_dir)
    except RecordError:
        return None
    known = record.get("status")
    if known != "running" and (known not in ("crashed", "lost") or not seen):
        return run_dir, record  # it ended as it says, or all that is known of its crash was filed
    from ._post_mortem import crashed_record  # no run that ends well needs it

    record = crashed_record(record, run_dir, seen, status=status)
    write_record(run_dir, record)
    return run_dir, record


def _tidy(run_dir: Path) -> None:
    for name in (RECORD_NAME, CONFIG_NAME, CLOCK_NAME):
        remove_leftovers(run_dir / name)
    if os.path.exists(half_made := half_made_copy(run_dir)):  # the run died while it was copied
        import shutil

        shutil.rmtree(half_made, ignore_errors=True)
    try:
        # Its last beat stands in the record.
        os.unlink(run_dir / HEARTBEAT_NAME)
    except OSError:
        pass  # there was none, or the directory is read-only: it harms nobody


def _tell(registry: Path, record: Mapping[str, Any], run_dir: Path) -> None:
    try:
        tell_end(registry, record, run_dir)
    except OSError as error:
        warn(f"the registry {registry} could not be told of {run_dir}: {error}")
