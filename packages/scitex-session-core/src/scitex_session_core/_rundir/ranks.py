"""The directory of a run that several processes share: the ranks of a job.

Nobody waits for another. The first to come makes the directory and publishes, with link(2), what
the ranks have in common; the last to end moves it. If rank 0 moved it at its own end, the others
would write to names that are gone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from itertools import count
from typing import NamedTuple

from scitex_session_core._atomic import OpenDirectory, create_whole, read_regular
from scitex_session_core._errors import (
    InvalidSessionIdError,
    NotResumableError,
    RecordError,
    RunDirectoryBusyError,
    warn,
)
from scitex_session_core._paths import (
    EVENTS_NAME,
    JOBS,
    RECORD_NAME,
    RUNNING,
    DirectoryLock,
    absolute,
    check_id,
    locate_run,
    out_dir_for,
    out_dir_of,
    rank_dir,
    run_of_rank,
    state_dir,
)
from scitex_session_core._record.masker import dumps
from scitex_session_core._record.ranks import rank_states, ranks_of, settled_record
from scitex_session_core._record.record import SCHEMA, read_record, utc_now, write_record
from scitex_session_core._registry.journal import register_crash

from .directory import RunDir, check_place, make_run_dir, move_to_finished, point_latest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session_core._record.ranks import Rank, State

_MOST_BYTES = 1 << 16
# An `sdir` is claimed by a record, which the ranks that come meanwhile find before they find what
# is published.
_PATIENCE_S = 5.0
_PAUSE_S = 0.01


class RankDir(NamedTuple):
    """The directory of a rank, and what it has in common with the others.

    Attributes
    ----------
    directory : RunDir
        The directory.
    seed : int
        The seed.
    resumed : dict or None
        The record with which a resumed run begins its next attempt.
    """

    directory: RunDir
    seed: int
    resumed: dict[str, Any] | None


def make_rank_dir(
    rank: Rank,
    seed: int,
    script: Path | None = None,
    *,
    registry: Path | None = None,
    sdir: str | os.PathLike[str] | None = None,
    suffix: str | None = None,
    clear: bool = False,
    debug: bool = False,
    out: str | os.PathLike[str] | None = None,
) -> RankDir | None:
    """Claim the directory of a rank in the run of its job, which begins now or has begun.

    Where the launcher has restarted the job, its run goes on as the next attempt.

    Parameters
    ----------
    rank : Rank
        The rank.
    seed : int
        The seed, if this rank is the first to come.
    registry : Path, optional
        The registry, for the death of an earlier attempt that nobody has filed.
    script, sdir, suffix, clear, debug, out
        As for `make_run_dir`. With an `sdir`, rank 0 writes there.

    Returns
    -------
    RankDir or None
        None where the ranks can't share a run: the file system has no links, or no place can be
        written that all of them know.

    Raises
    ------
    InvalidValueError, RunDirectoryBusyError, OSError
        As from `make_run_dir`.
    """
    out_dir = absolute(sdir) if sdir is not None else out_dir_for(script, out)
    made: RunDir | None = None
    deadline = time.monotonic() + _PATIENCE_S
    number = 0
    while True:
        entry = _entry(out_dir, rank.key, number)
        found = _read(entry)
        if found is None:
            try:
                if made is None and sdir is None and number == 0:
                    made = _resumed(out_dir, rank, registry)
                    seed = seed if made is None else _seed_of(made, seed)
                if made is None:
                    made = make_run_dir(
                        script, sdir=sdir, suffix=suffix, clear=clear, debug=debug, out=out
                    )
                    if sdir is not None:
                        _leave_to_rank_0(made, rank)
            except NotResumableError as error:
                if time.monotonic() > deadline:
                    warn(f"{error}: the ranks begin a new run")
                    rank = rank._replace(earlier=())
                time.sleep(_PAUSE_S)
                continue
            except RunDirectoryBusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)
                continue
            if made.out_dir != out_dir:  # which can't be written to
                if not made.out_dir.is_relative_to(state_dir()):  # but one of our own
                    os.rmdir(made.path)
                    return None
                out_dir = made.out_dir
                continue
            found = {"id": made.id, "name": made.path.name, "seed": seed, "attempt": made.attempt}
            try:
                if not _publish(entry, found):
                    continue
                for key in rank.earlier:  # their run goes by the new key
                    _entry(out_dir, key, 0).unlink(missing_ok=True)
            except OSError as error:
                warn(f"the ranks of this job can't share a run: {error}")
                if sdir is None and made.attempt == 1:
                    os.rmdir(made.path)
                return None
        place = _take(out_dir, found, rank, is_sdir=sdir is not None)
        if place is not None:
            break
        number += 1
    if made is not None and made.id != place.id and sdir is None:
        made.close()
        os.rmdir(made.path)
    return RankDir(place, found["seed"], _next_attempt(place) if place.attempt > 1 else None)


def _resumed(out_dir: Path, rank: Rank, registry: Path | None) -> RunDir | None:
    """Let the run go on that these ranks had before their launcher restarted them, if any.

    Raises
    ------
    NotResumableError
        Another rank is doing it, or the run may still be alive.
    """
    for key in rank.earlier:
        found = None
        for number in count():
            later = _read(_entry(out_dir, key, number))
            if later is None:
                break
            found = later
        if found is None:
            continue
        from .resume import check_resumable, resume_run  # few jobs are restarted

        place = locate_run(out_dir / RUNNING / found["name"])
        if not os.path.exists(place / RECORD_NAME):
            continue
        # That its launcher has begun again proves that the earlier attempt is over.
        record = check_resumable(place, is_over=True)
        if record["status"] == "success":
            return None
        directory, resumed = resume_run(place, record, registry=registry)
        process = None if rank.number else resumed["process"]
        write_record(directory, {**resumed, "process": process, "ranks": rank.on_record()})
        return directory
    return None


def _seed_of(directory: RunDir, default: int) -> int:
    seed = read_record(directory.path).get("seed")
    return seed if isinstance(seed, int) else default


def _next_attempt(place: RunDir) -> dict[str, Any]:
    """Return the record with which a rank goes on: rank 0 with that of the whole run."""
    run_dir = run_of_rank(place.path)
    record = read_record(run_dir)
    if run_dir == place.path:
        return record
    # Without those of earlier attempts, it would take their files for its own.
    prefix = f"{place.path.name}/"
    own = [
        {**artifact, "path": str(artifact["path"]).removeprefix(prefix)}
        for artifact in record.get("artifacts") or ()
        if str(artifact["path"]).startswith(prefix)
    ]
    return {"tags": [], "note": "", "artifacts": own}


def _entry(out_dir: Path, key: str, number: int) -> Path:
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    return out_dir / JOBS / f"{digest}-{number}.json"


def _read(entry: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(read_regular(entry, _MOST_BYTES))
        check_id(found["id"])
        check_id(found["name"])
        numbers = {name: int(found[name]) for name in ("seed", "attempt")}
        return {"id": found["id"], "name": found["name"], **numbers}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, InvalidSessionIdError) as error:
        raise RecordError(str(entry), f"does not say which run the ranks share: {error}") from error


def _publish(path: Path, value: Mapping[str, Any]) -> bool:
    """Write a new file; return False if there is one."""
    path.parent.mkdir(exist_ok=True)
    return create_whole(path, dumps(value, names=("id", "name", "script", "cwd")) + b"\n")


def _take(out_dir: Path, found: Mapping[str, Any], rank: Rank, *, is_sdir: bool) -> RunDir | None:
    """Take the place of a rank in a run; None if the run has ended, or the place is taken."""
    run_dir = out_dir if is_sdir else out_dir / RUNNING / found["name"]
    for folder in (out_dir, run_dir.parent):
        check_place(folder)
    if is_sdir and not _goes_on(run_dir, found["id"]):
        return None
    place = rank_dir(run_dir, rank.number)
    try:
        # Where the run has moved, this fails; where another process was here, what comes next.
        if rank.number:
            try:
                place.mkdir()
            except FileExistsError:  # of an earlier attempt
                pass
        os.close(os.open(place / EVENTS_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except (FileNotFoundError, FileExistsError):
        return None
    taken = RunDir(found["id"], place, out_dir, found["attempt"])
    with OpenDirectory(run_dir, follow=is_sdir) as whole:
        if not whole.is_own():
            raise PermissionError(errno.EPERM, "another user replaced it", str(run_dir))
    return taken


def _goes_on(sdir: Path, run_id: str) -> bool:
    try:
        record = read_record(sdir)
    except RecordError:
        return False
    return record["id"] == run_id and record.get("status") == "running"


def _leave_to_rank_0(sdir: RunDir, rank: Rank) -> None:
    """Let the record that claims an `sdir` say that it is a run's whose rank 0 has not come."""
    claim = {"schema": SCHEMA, "id": sdir.id, "status": "running", "started": utc_now()}
    write_record(sdir, {**claim, "process": None, "ranks": rank.on_record()})


def claim_for_ranks(run_dir: RunDir, record: Mapping[str, Any]) -> bool:
    """Write the first record of a run if its rank 0 has not; it says that rank 0 has not come.

    Parameters
    ----------
    run_dir : RunDir
        The directory of another rank.
    record : mapping
        The record of that rank.

    Returns
    -------
    bool
        Whether this call has written it.

    Raises
    ------
    OSError
        It can't be written.
    """
    root = run_of_rank(run_dir.path)
    return _publish(root / RECORD_NAME, {**record, "process": None})


def settle(
    place: Path,
    registry: Path | None = None,
    *,
    first: int = 0,
    force: bool = False,
    remove_src_dir: bool = True,
    max_wait: float = 60,
    deadline: float | None = None,
) -> Path | None:
    """End a run all of whose ranks have ended: write its record, move it, register its end.

    Ranks that died and that nobody has filed are filed.

    Parameters
    ----------
    place : Path
        The directory of the run, or of one of its ranks; at its first place or where it is now.
    registry : Path, optional
        The registry in which the end is registered.
    first : int
        The rank to look at first.
    force : bool
        Whether ranks of other machines count that are ``lost``.
    remove_src_dir, max_wait
        As for `move_to_finished`.
    deadline : float, optional
        Given by the end of a run, which files the deaths of others without asking a scheduler and
        without reading their files.

    Returns
    -------
    Path or None
        Where the run is now, if it is this call that ended it.

    Raises
    ------
    OSError
        The record could not be written.
    """
    named = run_of_rank(place)
    with DirectoryLock(named):
        run_dir = locate_run(named)
        try:
            record = read_record(run_dir)
        except RecordError:
            return None
        if ranks_of(record) is None:
            return None
        found = _ends(run_dir, record, first=first, force=force, deadline=deadline)
        if found is None:
            return None
        record = read_record(run_dir)  # with the death of rank 0, if that was filed just now
        settled = settled_record(record, found)
        was_settled = record.get("status") != "running"
        if was_settled and all(settled[name] == record[name] for name in ("ranks", "reason")):
            return None
        write_record(run_dir, settled)
        if was_settled:  # by somebody who did not see how a rank died, which its companion did
            return None
        moved = move_to_finished(
            run_dir, str(settled["status"]), remove_src_dir=remove_src_dir, max_wait=max_wait
        )
    _tell(settled, run_dir, moved, registry)
    return moved


def _ends(
    run_dir: Path, record: dict[str, Any], *, first: int, force: bool, deadline: float | None
) -> list[State] | None:
    """Return the states of the ranks if all have ended, and file those that died; else None."""
    found = []
    for rank, status, own in rank_states(run_dir, record, first):
        if status in ("running", "expected", "unknown"):
            return None
        filed = own
        if own is not None and own["status"] == "running":  # it died, and nobody has filed it
            if status == "lost" and not force:
                return None
            from scitex_session_core._death.post_mortem import write_crash  # few ranks die

            written = write_crash(rank_dir(run_dir, rank), None, status, deadline=deadline)
            if written is None:
                return None
            filed = written[1]
        found.append((rank, status, filed))
    return found


def _tell(record: dict[str, Any], began_in: Path, moved: Path, registry: Path | None) -> None:
    """Let ``latest`` and the registry know of a run that has ended."""
    try:
        if record["status"] == "success":
            _forget_entry(out_dir_of(began_in), record)
            point_latest(moved)
    except OSError as error:
        warn(f"{moved} has ended, and `latest` could not be pointed to it: {error}")
    try:
        if registry is not None:  # with its start: rank 0 may never have come
            register_crash(registry, record, began_in, moved)
    except OSError as error:
        warn(f"the end of {moved} could not be registered in {registry}: {error}")


def _forget_entry(out_dir: Path, record: Mapping[str, Any]) -> None:
    """Remove what the ranks of a successful run published: nobody will ask for it again."""
    for number in count():
        entry = _entry(out_dir, record["ranks"]["key"], number)
        found = _read(entry)
        if found is None:
            return
        if found["id"] == record["id"]:
            entry.unlink(missing_ok=True)
            return
