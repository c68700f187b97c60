"""The trash of an out dir: where removed runs lie until it is emptied.

A run is removed by one rename to ``<out>/.trash/<time>/<folder>/<name>``, on the same file system,
and is whole there. What is deleted for good is renamed first, to ``….doomed``: half deleted, it
must not pass for a run that could be restored.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scitex_session_core._atomic import OpenDirectory, names_in
from scitex_session_core._errors import RecordError, RunKeptError, warn
from scitex_session_core._paths import (
    DOOMED_SUFFIX,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    TRASH,
    archive_of,
    is_trashed,
    make_folders,
    new_id,
)
from scitex_session_core._process import liveness
from scitex_session_core._record.record import as_dict, read_record
from scitex_session_core._registry.journal import (
    append,
    journal_files,
    journal_remove,
    record_event,
)
from scitex_session_core._registry.reader import current_status

from .crash import file_crash
from .directory import check_place, point_latest, repoint_latest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Self

    from filelock import BaseFileLock

_LOCK_NAME = "lock"
_PATIENCE_S = 30.0
_TIME = "%Y-%m-%dT%H-%M-%SZ"


class Trashed(NamedTuple):
    """A run in the trash.

    Attributes
    ----------
    place : Path
        Where it lies.
    removed : datetime
        When it was removed.
    """

    place: Path
    removed: datetime


class Trash:
    """The trash of an out dir, held by one process at a time.

    Whoever removes, archives or restores runs holds it: two that do so at once neither lose a run
    nor take one twice. Runs themselves never wait for it.

    Parameters
    ----------
    out_dir : Path
        The directory that holds the runs of a script.
    registry : Path
        The registry that is told.

    Raises
    ------
    RunKeptError
        Another process holds it, and does not let go.
    OSError
        The trash can't be made.
    """

    def __init__(self, out_dir: Path, registry: Path) -> None:
        self.out_dir = out_dir
        self.registry = registry
        self.path = out_dir / TRASH
        self._batch: Path | None = None
        self._doomed: Path | None = None
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> Self:
        from filelock import FileLock, Timeout

        check_place(self.path)
        make_folders(self.path)
        self._lock = FileLock(self.path / _LOCK_NAME)
        try:
            self._lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            why = "another process removes, archives or restores runs there; try again later"
            raise RunKeptError(str(self.out_dir), why) from None
        except NotImplementedError:  # a file system without locks: renames still are atomic
            pass
        self.delete_doomed()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._batch is not None:
            _remove_if_empty(self._batch)
        try:
            repoint_latest(self.out_dir)
        except OSError as error:
            warn(f"{self.out_dir / 'latest'} could not be pointed anew: {error}")
        finally:
            if self._lock is not None:
                self._lock.release()

    def put(self, run_dir: Path, run_id: str) -> Path:
        """Move a run here, and return its place.

        Parameters
        ----------
        run_dir : Path
            Its directory.
        run_id : str
            Its ID, for a run whose record can't be read.

        Raises
        ------
        RunKeptError
            It is not one to be removed.
        OSError
            It could not be moved.
        """
        if is_trashed(run_dir):  # by a process that was killed before it told the registry
            target = run_dir
        else:
            run_dir = filed(run_dir, self.registry)
            target = self._room() / run_dir.parent.name / run_dir.name
            target.parent.mkdir(exist_ok=True)
            _rename(run_dir, target)
        self._told(target, lambda: journal_remove(self.registry, run_id, target))
        return target

    def take_back(self, place: Path) -> Path:
        """Move a run from the trash to where it was, and return its directory.

        Raises
        ------
        RunKeptError
            Something else stands there.
        RecordError
            Its record can't be read.
        OSError
            It could not be moved.
        """
        target = self.out_dir / place.parent.name / place.name
        check_free(place, target)
        record = read_record(place)
        target.parent.mkdir(exist_ok=True)
        check_place(target.parent)
        # The registry first: a run that it expects in its folder is looked for here, too.
        self.register(record, target)
        _rename(place, target)
        self.point_latest(target, record)
        _remove_if_empty(place.parent.parent)
        return target

    def point_latest(self, run_dir: Path, record: dict[str, Any]) -> None:
        """Let `latest` lead to a run that is back, if that ended last."""
        try:
            newest = read_record(self.out_dir / "latest").get("ended")
        except RecordError:
            newest = None
        if newest is None or str(record.get("ended") or "") > str(newest):
            try:
                point_latest(run_dir)
            except OSError as error:
                warn(f"{self.out_dir / 'latest'} could not be pointed anew: {error}")

    def register(self, record: dict[str, Any], place: Path) -> None:
        """Tell the registry where a run is now; a warning says where it can't be told."""
        self._told(place, lambda: append(self.registry, record_event(record, place)))

    def doom(self, run_dir: Path) -> Path:
        """Move a run to where it will be deleted, and return that place."""
        if self._doomed is None:
            self._doomed = self.path / f"{new_id()}{DOOMED_SUFFIX}"
            self._doomed.mkdir()
        target = self._doomed / run_dir.name
        _rename(run_dir, target)
        return target

    def spare(self, doomed: Path, run_dir: Path) -> None:
        """Move a run back that was doomed."""
        _rename(doomed, run_dir)

    def empty(self, before: datetime) -> list[Trashed]:
        """Delete what was removed before a time, and return it."""
        gone = [found for found in trashed_runs(self.out_dir) if found.removed < before]
        for folder in {found.place.parent.parent for found in gone}:
            _rename(folder, self.path / f"{folder.name}{DOOMED_SUFFIX}")
        self.delete_doomed()
        return gone

    def delete_doomed(self) -> None:
        """Delete what is doomed, also by a process that was killed meanwhile."""
        self._doomed = None
        for name in os.listdir(self.path):
            if name.endswith(DOOMED_SUFFIX):
                delete_tree(self.path / name)

    def _room(self) -> Path:
        if self._batch is None:
            token = os.urandom(4).hex()
            self._batch = self.path / f"{datetime.now(UTC).strftime(_TIME)}_{token}"
            self._batch.mkdir()
        return self._batch

    def _told(self, place: Path, tell: Callable[[], object]) -> None:
        try:
            tell()
        except OSError as error:
            warn(f"{place} could not be registered in {self.registry}: {error}")


def check_removable(run_dir: Path) -> None:
    """Check that a run has ended, and may be removed or archived.

    Raises
    ------
    RunKeptError
        It may be running, it is in an archive or already in the trash, another user's, or an
        explicit `sdir`.
    """
    folder = run_dir.parent.name
    path = str(run_dir)
    if archive_of(run_dir) is not None:
        raise RunKeptError(path, "it lies in an archive; restore it first")
    if is_trashed(run_dir):
        raise RunKeptError(path, "it is in the trash; restore it first")
    if folder != RUNNING and folder not in STATUS_OF_FOLDER:
        raise RunKeptError(path, "its directory was chosen by you (sdir); remove it yourself")
    if not os.path.lexists(run_dir):
        raise RunKeptError(path, "it is not there any more")
    try:
        with OpenDirectory(run_dir, follow=False) as held:
            is_own = held.is_own()
    except PermissionError:
        is_own = False
    except OSError as error:
        raise RunKeptError(path, f"it is no directory that can be opened ({error})") from error
    if not is_own:
        raise RunKeptError(path, f"it belongs to another user ({_owner(run_dir)})")
    if folder == RUNNING:
        _check_dead(run_dir)


def filed(run_dir: Path, registry: Path) -> Path:
    """Return where a run is to be taken from. One that died in ``RUNNING`` is filed first.

    Raises
    ------
    RunKeptError
        It is not one to be removed; see `check_removable`.
    """
    check_removable(run_dir)
    if run_dir.parent.name != RUNNING:
        return run_dir
    moved = file_crash(run_dir, registry=registry)
    if moved == run_dir or run_dir.exists():
        raise RunKeptError(str(run_dir), "it has ended, and could not be moved out of RUNNING")
    return moved


def _check_dead(run_dir: Path) -> None:
    try:
        record = read_record(run_dir)
    except RecordError as error:
        raise RunKeptError(str(run_dir), f"whether it runs can't be told: {error}") from error
    status = current_status(record, run_dir)
    alive = liveness(record.get("process")) == "alive"
    if status == "running" or alive:
        raise RunKeptError(str(run_dir), "it is still running; stop it first")
    if status in ("lost", "unknown"):
        host = as_dict(record.get("process")).get("host") or "another machine"
        why = f"its status is {status}: it may still run, on {host}"
        raise RunKeptError(str(run_dir), why)


def _owner(path: Path) -> str:
    number = os.lstat(path).st_uid
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)


def check_free(place: Path, target: Path) -> None:
    """Raise `RunKeptError` if something stands where a run is to be restored."""
    if os.path.lexists(target):
        raise RunKeptError(str(place), f"{target} stands where it would be restored")


def trashed_runs(out_dir: Path) -> list[Trashed]:
    """Return the runs in the trash of an out dir, those that were removed last first."""
    found = []
    for batch in sorted(_listed(out_dir / TRASH), reverse=True):
        try:
            removed = datetime.strptime(batch.partition("_")[0], _TIME).replace(tzinfo=UTC)
        except ValueError:  # the lock; what is doomed
            continue
        if batch.endswith(DOOMED_SUFFIX):
            continue
        for folder in STATUS_OF_FOLDER:
            place = out_dir / TRASH / batch / folder
            found += [Trashed(place / name, removed) for name in sorted(_listed(place))]
    return found


def removed_runs(registry: Path) -> dict[str, Path]:
    """Return where the removed runs are that can be restored, by ID; the last removed come last.

    Raises
    ------
    OSError
        The journal can't be read.
    """
    found: dict[str, tuple[str, Path]] = {}
    for path in journal_files(registry):
        with open(path, "rb") as file:
            for line in file:
                if b'"remove"' not in line:
                    continue
                try:
                    event = json.loads(line)
                    place, time = Path(event["run_dir"]), str(event["time"])
                    is_removal = event["event"] == "remove" and is_trashed(place)
                except (ValueError, TypeError, KeyError, RecursionError):
                    continue
                if is_removal and os.path.exists(place / RECORD_NAME):
                    run_id = str(event["id"])
                    found[run_id] = max((time, place), found.get(run_id, ("", place)))
    return {run_id: place for run_id, (_, place) in sorted(found.items(), key=lambda item: item[1])}


def _listed(folder: Path) -> list[str]:
    """Return the names in a folder; a warning says why it can't be read."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        warn(f"{folder} can't be read: {error.strerror}")
        return []


def _remove_if_empty(batch: Path) -> None:
    for folder in (*(batch / name for name in names_in(batch)), batch):
        with suppress(OSError):  # it holds runs
            folder.rmdir()


def delete_tree(folder: Path) -> None:
    """Delete a folder and what is in it; a warning says what could not be."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for inside, _, _ in os.walk(folder):  # a run may have closed a folder to writing
        try:
            os.chmod(inside, stat.S_IRWXU)
        except OSError:  # the second attempt fails for the same reason, and says so
            continue
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        warn(f"{folder} could not be deleted: {error}")


def _rename(source: Path, target: Path) -> None:
    """Move a directory, also one that is closed to writing: its link to the folder above changes.

    Raises
    ------
    RunKeptError
        It lies on another file system.
    OSError
        It could not be moved.
    """
    try:
        with _writable(source):
            os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        why = f"it lies on another file system than {target.parent}"
        raise RunKeptError(str(source), why) from error


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    mode = stat.S_IMODE(os.lstat(folder).st_mode)
    if mode & stat.S_IWUSR or os.name != "posix":
        yield
        return
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fchmod(held, mode | stat.S_IWUSR)
        yield
    finally:
        os.fchmod(held, mode)
        os.close(held)
