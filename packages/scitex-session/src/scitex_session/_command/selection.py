"""Choose the runs that a command removes or archives, and count what they take up."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta

from scitex_session._errors import UsageError
from scitex_session._suggest import suggest
from scitex_session_core import (
    STATUSES,
    RunKeptError,
    SessionManager,
    archive_of,
    check_removable,
    find_place,
    is_trashed,
)

from .find import find
from .names import named_run
from .query import before_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Any

_STATUSES = tuple(status for status in STATUSES if status != "running")


class Chosen:
    """A run that a command is to remove or archive, and the bytes and inodes that it takes up."""

    def __init__(self, run_id: str, place: Path, status: str, script: str) -> None:
        self.id = run_id
        self.place = place
        self.status = status
        self.script = script
        self.bytes, self.inodes = _usage(place)

    def as_dict(self) -> dict[str, Any]:
        """Return what the functions of this package tell of it."""
        return {
            "id": self.id,
            "directory": os.fspath(self.place),
            "bytes": self.bytes,
            "inodes": self.inodes,
        }


def named(runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Chosen]:
    """Return the runs with these names, each once."""
    several = [runs] if isinstance(runs, (str, os.PathLike)) else list(runs)
    if not several:
        raise UsageError("name at least one run")
    manager = SessionManager()
    found = {run.id: run for run in (named_run(name, manager) for name in several)}
    return [
        Chosen(
            run.id,
            run.directory(),
            str(run.session.get("status") or ""),
            os.path.basename(run.session.get("script_path") or ""),
        )
        for run in found.values()
    ]


def selected(
    *,
    older: str | timedelta | None = None,
    status: str | Sequence[str] = (),
    where: str | None = None,
    keep: int = 0,
    keep_tag: str | Sequence[str] = (),
) -> list[Chosen]:
    """Return the runs that have ended and meet all conditions of `gc`, the newest first.

    Runs that are in an archive already, and those whose directory is gone, are left out.
    """
    statuses = _checked_statuses(status)
    tags = {keep_tag} if isinstance(keep_tag, str) else set(keep_tag)
    before = None if older is None else moment_of(older)
    if keep < 0:
        raise UsageError(f"keep must be 0 or more, not {keep}")
    kept: dict[str, int] = {}
    found = []
    for run in find(where, strict=True):
        ended = run["ended"] or run["started"]
        if run["status"] == "running" or run["directory"] is None or tags & {*run["tags"]}:
            continue
        if statuses and run["status"] not in statuses:
            continue
        if before is not None and (ended is None or ended >= before):
            continue
        script = run["script"] or ""
        kept[script] = kept.get(script, 0) + 1
        if kept[script] > keep:
            found.append(run)
    chosen = []
    for run in found:
        place = find_place(run["directory"])
        if place is not None and archive_of(place) is None and not is_trashed(place):
            script = os.path.basename(run["script"] or "")
            chosen.append(Chosen(run["id"], place, run["status"], script))
    return chosen


def removable(chosen: Iterable[Chosen]) -> tuple[list[Chosen], list[RunKeptError]]:
    """Return the runs that may be removed or archived, and why others stay."""
    going, kept = [], []
    for run in chosen:
        try:
            check_removable(run.place)
            going.append(run)
        except RunKeptError as error:
            kept.append(error)
    return going, kept


def moment_of(age: str | timedelta) -> datetime:
    """Return the moment that lies so long ago."""
    found = datetime.now(UTC) - age if isinstance(age, timedelta) else before_now(age.strip())
    if found is None:
        raise UsageError(f"an age is a number and a unit, such as 12h, 30d or 2w, not {age!r}")
    return found


def _checked_statuses(status: str | Sequence[str]) -> set[str]:
    statuses = {status} if isinstance(status, str) else set(status)
    for each in statuses:
        if each not in _STATUSES:
            guess = suggest(each, _STATUSES)
            hint = f"; did you mean {guess!r}?" if guess else ""
            allowed = ", ".join(_STATUSES)
            raise UsageError(f"no status of an ended run is {each!r}: it is one of {allowed}{hint}")
    return statuses | ({"failed", "error"} if statuses & {"failed", "error"} else set())


def _usage(place: Path) -> tuple[int, int]:
    """Return the bytes and inodes that a directory takes up; a file with two names counts once."""
    seen: dict[tuple[int, int], int] = {}
    paths = [os.fspath(place)]
    while paths:
        path = paths.pop()
        try:
            found = os.lstat(path)
            seen[found.st_dev, found.st_ino] = getattr(found, "st_blocks", 0) * 512
            if stat.S_ISDIR(found.st_mode):
                paths += [os.path.join(path, name) for name in os.listdir(path)]
        except OSError:  # it can't be looked into, or is gone by now
            continue
    return sum(seen.values()), len(seen)
