"""The files that a run made in its directory by whatever hand: `to_csv`, `np.savez`, `open`.

A run that made none does not import this.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from datetime import UTC, datetime

from scitex_session_core._atomic import opened
from scitex_session_core._paths import (
    ATTEMPTS,
    ENVIRONMENTS,
    JOBS,
    PREVIOUS,
    RUN_FILES,
    is_rank_name,
)
from scitex_session_core._record.record import attempt_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from scitex_session_core._atomic import OpenDirectory

# What the end of a run may spend: it is to be as quick after 10 GB as after none.
_MOST_FILES = 1000
_MOST_LOOKED_AT = 20_000
_LARGEST = 32 << 20
_MOST_HASHED = 32 << 20
_HASHING_S = 0.1
_LOOKING_S = 0.1
_INEXACT_S = 2.0  # of the clocks of file servers
# Folders of ours, and those with the files of other runs.
_NOT_THEIRS = {"code", PREVIOUS, ATTEMPTS, ENVIRONMENTS, JOBS}


def made_files(
    run_dir: Path | OpenDirectory,
    record: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    *,
    hashing_s: float = _HASHING_S,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the artifacts that are not on record yet, or have changed since.

    Parameters
    ----------
    run_dir : Path or OpenDirectory
        The run directory.
    record : mapping
        The record: when the run began, and the artifacts that it knows.
    events : sequence of mapping
        The events, which tell when an artifact was recorded.
    hashing_s : float
        How long to read files, in seconds. A file of more than 32 MiB, and whatever is left when
        32 MiB have been read or the time is over, is recorded without its digest.

    Returns
    -------
    tuple of (list of dict, list of str)
        The artifacts, and what is missing among them, for the record.
    """
    known = {
        str(artifact.get("path")): artifact.get("bytes")
        for artifact in record["artifacts"]
        if artifact.get("role") == "output"
    }
    # By the time of the last change of any kind, which nobody sets: a copy may have an old date.
    began = datetime.fromisoformat(record["started"]).timestamp() - _INEXACT_S
    # Of an earlier attempt there are no events: what is newer than this one was written by it.
    times = dict.fromkeys(known, record["started"]) if attempt_of(record) > 1 else {}
    times |= {str(event.get("path")): event.get("time") for event in events if "path" in event}
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    left_out = unread = 0
    ends = time.monotonic() + hashing_s
    budget = _MOST_HASHED
    with opened(run_dir) as directory:
        for path, status in _files(directory, notes):
            if path not in known and status.st_ctime < began:  # an `sdir` with files in it
                continue
            if path in known and not _is_newer(status, known[path], times.get(path)):
                continue
            if len(found) >= _MOST_FILES:
                left_out += 1
                continue
            digest = None
            if status.st_size <= min(_LARGEST, budget) and time.monotonic() <= ends:
                budget -= status.st_size
                digest = _digest(directory, path)
            artifact = {
                "path": path,
                "sha256": digest,
                "bytes": status.st_size,
                "role": "output",
            }
            if attempt_of(record) > 1:
                artifact["attempt"] = attempt_of(record)
            if digest is None:
                unread += 1
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                artifact["modified"] = modified.isoformat(timespec="microseconds")
            found.append(artifact)
    if unread:
        notes.append(
            f"files without sha256: {unread}; the end of a run reads no file of more than "
            f"{_LARGEST >> 20} MiB, and no more than {_MOST_HASHED >> 20} MiB or {hashing_s} s"
        )
    if left_out:
        notes.append(f"files that are not listed: {left_out}; the end of a run adds {_MOST_FILES}")
    return found, notes


def _files(directory: OpenDirectory, notes: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the regular files of the user's in a run directory; links are not followed."""
    if not hasattr(os, "fwalk"):  # Windows
        notes.append("files that others than `save` made are not looked for on this system")
        return
    ends = time.monotonic() + _LOOKING_S
    looked_at = 0
    top = directory.folder(".")
    try:
        for folder, names, files, number in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            below = folder.removeprefix(".").lstrip("/")
            names[:] = sorted(n for n in names if below or not _is_ours(n))
            for name in sorted(files):
                looked_at += 1
                if looked_at > _MOST_LOOKED_AT or time.monotonic() > ends:
                    notes.append(
                        "not all files were looked at; the end of a run stops after "
                        f"{_MOST_LOOKED_AT} or {_LOOKING_S} s"
                    )
                    return
                path = f"{below}/{name}" if below else name
                if path in RUN_FILES or (name.startswith(".") and name.endswith(".tmp")):
                    continue
                try:
                    status = os.stat(name, dir_fd=number, follow_symlinks=False)
                except OSError:  # removed meanwhile
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield path, status
    finally:
        os.close(top)


def _is_ours(folder: str) -> bool:
    return folder in _NOT_THEIRS or is_rank_name(folder)


def _is_newer(status: os.stat_result, size: object, recorded: object) -> bool:
    """Tell whether a file on record has been written to since."""
    if status.st_size != size:
        return True
    try:
        return status.st_mtime > datetime.fromisoformat(str(recorded)).timestamp()
    except ValueError:
        return False


def _digest(directory: OpenDirectory, path: str) -> str | None:
    try:
        with open(directory.open(path, os.O_RDONLY), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # may not be read, or is gone
        return None
