"""Resumes a run: it goes on under its ID, and what the earlier attempt left is kept beside it."""

from __future__ import annotations

import errno
import os

from scitex_session_core._atomic import names_in
from scitex_session_core._errors import NotResumableError, RecordError, warn
from scitex_session_core._paths import (
    ATTEMPTS,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    DirectoryLock,
    absolute,
    archive_of,
    is_trashed,
    locate_run,
    out_dir_for,
    out_dir_name,
    state_dir,
)
from scitex_session_core._process import identify, oom_kills
from scitex_session_core._record.record import (
    as_dict,
    attempt_of,
    fold_events,
    read_events,
    utc_now,
    write_record,
)
from scitex_session_core._registry.reader import current_status, read_record

from .attempts import put_away, put_back
from .crash import file_crash
from .directory import RunDir, repoint_latest
from .place import places_away

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

# What the record of the next attempt begins without.
_OF_THE_END = (
    *("artifacts_notes", "code", "reproducibility"),
    *("results_omitted", "stop_asked", "usage"),
)
_TOLD = ("status", "exit_status", "reason", "started", "ended", "duration_s")
_LATEST = "latest"
_NAMES = "an ID, the beginning or the end of one, latest, or the directory of a run"


def find_attempt(
    name: str | os.PathLike[str],
    script: Path | None,
    *,
    out: str | os.PathLike[str] | None = None,
) -> Path:
    """Return where a run is that is to be resumed.

    Parameters
    ----------
    name : str or path-like
        Its ID, a beginning or end of it that no other run of the script has, or its directory;
        ``latest`` is the run of the script that began last, however it ended.
    script : Path or None
        The script.
    out : path-like, optional
        The folder for ``<script>_out``, as for `make_run_dir`.

    Raises
    ------
    NotResumableError
        There is no such run, there are several, or it was removed or archived.
    """
    text = os.fspath(name)
    if text == _LATEST and (own := runs_of_script(script, out=out)):
        return max(own, key=_begun)
    place = locate_run(absolute(text))
    if place.parent.name in STATUS_OF_FOLDER and not os.path.exists(place / RECORD_NAME):
        place = locate_run(place.parents[1] / RUNNING / place.name)  # its end was another one
    if os.path.exists(place / RECORD_NAME):
        return place
    folders = _out_dirs(script, out)
    found = [] if os.sep in text else [*_named(text, folders)]
    if len(found) > 1:
        runs = ", ".join(sorted(each.name for each in found)[-3:])
        raise NotResumableError(text, f"it could be one of {len(found)} runs, such as {runs}")
    if not found:
        raise NotResumableError(text, _why_not_found(text, folders))
    return found[0]


def _why_not_found(text: str, out_dirs: list[Path]) -> str:
    name = os.path.basename(absolute(text))
    away = [each for out in out_dirs for each in places_away(out) if _is_named(each.name, name)]
    if len(away) != 1:
        return f"there is no such run in {out_dirs[0]}; give {_NAMES}"
    how = "removed" if is_trashed(away[0]) else "archived"
    try:
        run_id = read_record(away[0])["id"]  # without the suffix that its directory may have
    except RecordError:
        run_id = away[0].name
    return f"it was {how}; `scitex-session restore {run_id}` brings it back"


def runs_of_script(script: Path | None, *, out: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return where the runs of a script are, without those that were removed, the newest first."""
    return sorted(_named("", _out_dirs(script, out)), key=lambda place: place.name, reverse=True)


def _begun(place: Path) -> str:
    """Return when the last attempt of a run began; names are equal in one second."""
    try:
        return str(read_record(place).get("started"))
    except RecordError:
        return ""


def _out_dirs(script: Path | None, out: str | os.PathLike[str] | None) -> list[Path]:
    """Return where the runs of a script may lie: where they belong, and where that can't be."""
    return [out_dir_for(script, out), state_dir() / "runs" / out_dir_name(script)]


def _named(text: str, out_dirs: list[Path]) -> list[Path]:
    places = [out / name for out in out_dirs for name in (RUNNING, *STATUS_OF_FOLDER)]
    named = [place / name for place in places for name in names_in(place) if _is_named(name, text)]
    return [place for place in named if os.path.exists(place / RECORD_NAME)]


def _is_named(name: str, text: str) -> bool:
    """Tell whether a text means the directory of this name: behind its ID may be a suffix."""
    known, wanted = name.casefold(), text.casefold()
    return known.startswith(wanted) or known.endswith(wanted) or f"{wanted}-" in known


def check_resumable(place: Path, *, is_over: bool = False) -> dict[str, Any]:
    """Return the record of a run that can be resumed.

    Parameters
    ----------
    place : Path
        Where the run is.
    is_over : bool
        Whether it is known to have ended, whatever can be seen from here: its job has begun again.

    Raises
    ------
    NotResumableError
        It may be alive, or it lies where no run is resumed.
    """
    name = str(place)
    if archive_of(place) is not None or is_trashed(place):
        raise NotResumableError(name, "it was archived or removed; restore it first")
    try:
        record = read_record(place)
    except RecordError as error:
        raise NotResumableError(name, f"its record can't be read: {error}") from None
    if place.parent.name not in (RUNNING, *STATUS_OF_FOLDER):
        why = "it has a directory of its own (sdir); begin a new run there, which keeps the earlier"
        raise NotResumableError(name, why)
    status = current_status(record, place)
    if status == "running" and not is_over:
        raise NotResumableError(name, "it is still running")
    if status in ("lost", "unknown") and not is_over:
        host = as_dict(record.get("process")).get("host")
        why = f"whether it still runs on {host} can't be told from here; reap --force files it"
        raise NotResumableError(name, why)
    return record


def resume_run(
    place: Path, record: Mapping[str, Any], *, registry: Path | None = None
) -> tuple[RunDir, dict[str, Any]]:
    """Let a run that has ended go on as its next attempt, in this process.

    Parameters
    ----------
    place : Path
        Where the run is.
    record : mapping
        Its record, from `check_resumable`.
    registry : Path, optional
        The registry in which the death of the run is registered, if nobody has filed it yet.

    Returns
    -------
    tuple of (RunDir, dict)
        The run directory, in ``RUNNING`` again, and the record of the attempt that begins: it has
        the tags, the note and the artifacts of the earlier ones, and ``attempts``.

    Raises
    ------
    NotResumableError
        Another process was quicker, or the directory can't be moved.

    Notes
    -----
    The rename to ``RUNNING`` is the claim: of several processes, one succeeds. Until the new record
    is written, the run stands there as one that has ended. So whoever finds it after a kill in
    between moves it back, and `put_back` puts its files back.
    """
    if place.parent.name == RUNNING:
        place = file_crash(place, registry=registry, judged=record)
        if place.parent.name == RUNNING:
            why = "its process is still there, or another one has just resumed it"
            raise NotResumableError(str(place), why)
        record = read_record(place)
    out_dir = place.parents[1]
    running = out_dir / RUNNING / place.name
    with DirectoryLock(place):
        try:
            running.parent.mkdir(exist_ok=True)
            os.rename(place, running)
        except FileNotFoundError:
            why = "another process has just resumed it"
            raise NotResumableError(str(place), why) from None
        except OSError as error:
            why = f"it can't be moved to {running}: {error.strerror}"
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                why = f"there is something else at {running}"
            raise NotResumableError(str(place), why) from None
        try:
            claimed = RunDir(str(record["id"]), running, out_dir, attempt_of(record) + 1)
            resumed = _begin_attempt(claimed, record)
        except BaseException:
            os.rename(running, place)
            put_back(place, attempt_of(record))
            raise
    if STATUS_OF_FOLDER[place.parent.name] == "success":
        try:
            repoint_latest(out_dir)
        except OSError as error:
            warn(f"{out_dir / 'latest'} can't be pointed to another run: {error}")
    return claimed, resumed


def _begin_attempt(directory: RunDir, judged: Mapping[str, Any]) -> dict[str, Any]:
    """Put the files of the earlier attempt away, and write the record of the next one."""
    found = read_record(directory)
    if any(found.get(name) != judged.get(name) for name in ("attempt", *_TOLD)):
        why = "another process has resumed it meanwhile"
        raise NotResumableError(str(directory.path), why)
    number = attempt_of(found)
    kept = f"{ATTEMPTS}/{number}"
    put_away(directory, number)
    # Only now: what was appended until then belongs to the earlier attempt.
    record = fold_events(found, read_events(directory.path / kept))
    write_record(directory, record, name=f"{kept}/{RECORD_NAME}")
    resumed = {name: value for name, value in record.items() if name not in _OF_THE_END}
    resumed.update(
        status="running",
        exit_status=None,
        reason=None,
        message="",
        started=utc_now(),
        ended=None,
        duration_s=None,
        process={**identify(), "oom_kills": oom_kills()},
        results={},
        artifacts=[{"attempt": number, **each} for each in record.get("artifacts") or ()],
        attempt=number + 1,
        attempts=[*(record.get("attempts") or ()), _summary(record, number)],
    )
    write_record(directory, resumed)
    return resumed


def _summary(record: Mapping[str, Any], number: int) -> dict[str, Any]:
    told = {name: record.get(name) for name in _TOLD}
    host = as_dict(record.get("process")).get("host")
    return {"attempt": number, **told, "host": host, "env": record.get("env") or {}}
