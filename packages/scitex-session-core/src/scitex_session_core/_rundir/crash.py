"""The crash of a run is filed: by its companion, or by whoever finds it dead."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path

from scitex_session_core._atomic import OpenDirectory, names_in, remove_leftovers
from scitex_session_core._errors import RecordError, warn
from scitex_session_core._paths import (
    ATTEMPTS,
    CONFIG_NAME,
    HEARTBEAT_NAME,
    PROBE_NAME,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    DirectoryLock,
    finished_dir,
    locate_run,
    run_of_rank,
    unfinished_copy,
)
from scitex_session_core._record.record import attempt_of, is_job_over, observed, read_record
from scitex_session_core._registry.journal import (
    JournalTooLongError,
    append,
    record_event,
    register_crash,
)

from .directory import move_to_finished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any


def crash_command(
    run_dir: Path,
    registry: Path | None,
    judged: Mapping[str, Any] | None = None,
    then: Sequence[str] = (),
) -> list[str]:
    """Return the command that files the crash of a run, for a process that watches it.

    Parameters
    ----------
    run_dir : Path
        The run directory.
    registry : Path or None
        The registry in which the end is registered.
    judged : mapping, optional
        The ``attempt`` and the ``process`` whose crash it files, as the record has them. Without
        it, it files that of whichever the record tells.
    then : sequence of str
        A command to be started afterwards, which nobody waits for, with no streams. It gets where
        the run is then as one more argument.

    Returns
    -------
    list of str
        The command. It takes one more argument, a JSON object of what the watcher saw: ``seen``
        (when, in ISO 8601), ``signal``, ``exit_status``; each may be null.

    Notes
    -----
    Python starts isolated and without site-packages (``-I -S``): it takes milliseconds, and nothing
    in the user's working directory or environment can break it. What it reads on stdin, if
    anything, is the code of `code_dir` as it was while the run went on, for the case that it is
    there no more.
    """
    life = {name: judged[name] for name in ("attempt", "process")} if judged else None
    places = [str(code_dir().parent), str(run_dir), str(registry or "")]
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *places, json.dumps(life), *then]


def code_dir() -> Path:
    """Return the folder of this package's code, which the crash command imports."""
    # With the folder above, it is found however the user's Python found it.
    return Path(__file__).absolute().parents[1]


# First the package where it was. A long run may outlive it: an upgrade has removed it, or put one
# there that fails. Then the code counts that the watcher has kept and gives on stdin: for each file
# a line with its path, a line with its length, and its content.
_PROGRAM = """
import os, sys
folder, *rest = sys.argv[1:]
PACKAGE = "scitex_session_core"

def crash_main():
    from scitex_session_core._rundir.crash import crash_main
    return crash_main(rest)

class Kept:
    def __init__(self, text):
        self.files = {}
        while text:
            path, length, text = text.split(b"\\n", 2)
            names = os.fsdecode(path)[:-3].split(os.sep)
            names = names[:-1] if names[-1] == "__init__" else names
            is_package = path.endswith(b"__init__.py")
            self.files[".".join([PACKAGE, *names])] = text[:int(length)], is_package
            text = text[int(length):]

    def find_spec(self, name, path=None, target=None):
        if name in self.files:
            from importlib.util import spec_from_loader
            return spec_from_loader(name, self, is_package=self.files[name][1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = os.path.join(folder, *module.__name__.split(".")) + ".py"
        exec(compile(self.files[module.__name__][0], module.__file__, "exec"), vars(module))

sys.path.insert(0, folder)
try:
    status = crash_main()
except Exception:
    text = sys.stdin.buffer.read() if sys.stdin else b""
    if not text:
        raise
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.meta_path.insert(0, Kept(text))
    status = crash_main()
sys.exit(status)"""


def crash_main(argv: list[str]) -> int:
    """Run the command that `crash_command` returns."""
    run_dir, registry, judged, *then, seen = argv
    try:
        place = _own_place(Path(run_dir))
        filed = file_crash(
            place,
            json.loads(seen),
            registry=Path(registry) if registry else None,
            judged=json.loads(judged),
        )
    except OSError as error:
        again = "the next run of the script tries again"
        warn(f"the crash of {run_dir} could not be filed: {error}; {again}")
        return 1
    if then:
        _start([*then, str(filed)])
    return 0


def _start(command: list[str]) -> None:
    from subprocess import DEVNULL, Popen

    try:
        Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)
    except OSError as error:
        warn(f"{command[0]} can't be started: {error.strerror}")


def _own_place(run_dir: Path) -> Path:
    """Return the directory of a run of this user, if another user's stands in its place.

    Raises
    ------
    PermissionError
        There is none beside it.
    """
    place = locate_run(run_dir)
    if run_dir.parent.name != RUNNING or _made_by_us(place) is not False:
        return run_dir
    for name in os.listdir(run_dir.parent):
        found = run_dir.parent / name
        try:
            if _made_by_us(found) and run_dir.name.startswith(read_record(found)["id"]):
                return found
        except RecordError:
            continue
    raise PermissionError(errno.EPERM, "another user replaced it", str(place))


def _made_by_us(directory: Path) -> bool | None:
    """Return whether a directory is this user's; None if there is none."""
    try:
        with OpenDirectory(directory, follow=False) as found:
            return found.is_own()
    except FileNotFoundError:
        return None
    except OSError:  # a link, for one
        return False


def file_crash(
    run_dir: Path,
    seen: Mapping[str, Any] | None = None,
    *,
    registry: Path | None = None,
    judged: Mapping[str, Any] | None = None,
) -> Path:
    """Write the end of a dead run into its record, and move it to ``FINISHED_ERROR``.

    If a run wrote its final record and died before the move, only the move is done. If it could
    only register its own end, it is filed as that says, with a warning. A directory without a
    record, and a run whose process is alive, are left alone. Several processes may file the same
    crash; their observations are merged.

    Parameters
    ----------
    run_dir : Path
        The run directory, at its first place or where it is now.
    seen : mapping, optional
        What a witness saw of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    registry : Path, optional
        The registry in which the end is registered. If it can't be written, a warning says so.
        Without one, the user's own is only asked whether it knows how the run ended.
    judged : mapping, optional
        The ``attempt`` and the ``process`` that died, as the record has them. If the record tells
        of another one by now, which another machine may have resumed, it is left alone.

    Returns
    -------
    Path
        Where the run is now.

    Raises
    ------
    OSError
        The record could not be written. The run stays where it is, for another process to file.
    """
    return _file(run_dir, seen, "crashed", registry, judged=judged)


def _file(
    run_dir: Path,
    seen: Mapping[str, Any] | None,
    status: str,
    registry: Path | None,
    deadline: float | None = None,
    judged: Mapping[str, Any] | None = None,
) -> Path:
    from scitex_session_core._death.post_mortem import write_crash  # no run that ends well needs it

    with DirectoryLock(run_of_rank(run_dir)):
        told: dict[str, Any] = {"registry": registry, "deadline": deadline, "judged": judged}
        try:
            found = write_crash(run_dir, seen, status, **told)
        except FileNotFoundError:  # without locks, another process moved it meanwhile
            found = write_crash(run_dir, seen, status, **told)
        if found is None:
            return locate_run(run_dir)
        run_dir, record, is_registered = found
        is_shared = bool(record.get("ranks"))
        moved = run_dir if is_shared else move_to_finished(run_dir, str(record["status"]))
        _clean_up(moved, attempt_of(record))
    if is_shared:
        from .ranks import settle  # few runs have several ranks

        force = status == "lost"
        return settle(run_dir, registry, force=force, deadline=deadline) or locate_run(run_dir)
    if registry is not None:
        try:
            if not is_registered:
                register_crash(registry, record, run_dir, moved)
            elif moved != run_dir:  # else the registry knows it all
                append(registry, record_event(record, moved))
        except OSError as error:
            warn(f"the end of {moved} could not be registered in {registry}: {error}")
    return moved


def _clean_up(run_dir: Path, attempt: int) -> None:
    if os.path.isdir(run_dir / ATTEMPTS / str(attempt)):  # whoever resumed it was killed
        from .attempts import put_back

        put_back(run_dir, attempt)
    for name in (RECORD_NAME, CONFIG_NAME, PROBE_NAME):
        remove_leftovers(run_dir / name)
    if os.path.exists(unfinished := unfinished_copy(run_dir)):  # the run died while it was copied
        import shutil

        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        os.unlink(run_dir / HEARTBEAT_NAME)  # the record has the time of the last beat
    except OSError:
        pass  # there is none, or the directory is read-only: no harm done


def reap(
    root: Path,
    *,
    registry: Path | None = None,
    force: bool = False,
    most: int | None = None,
    within: float | None = None,
) -> list[Path]:
    """File the ends of runs whose processes are dead.

    A run that wrote its last record and died before the move is moved where its status says. So is
    a run that could only register its own end: it is filed as that says, and a warning tells it. A
    directory without a record is left alone, and so are runs of other machines, and runs of which
    nobody can tell whether they live: see `force`. But where SLURM says that the job of such a run
    is over, the run is dead, and is filed.

    Parameters
    ----------
    root : Path
        A folder. The runs in every ``RUNNING`` folder below it are checked.
    registry : Path, optional
        The registry in which the ends are registered. Without one, the user's own is only asked
        whether it knows how a run ended.
    force : bool
        Also file runs of other machines that are ``lost`` (they missed five heartbeats), with the
        status ``lost``. Only you can know that their machines are not suspended. So are runs of
        scitex-session 0.3.1, which have neither a record nor a heartbeat, unless a process here
        holds a file of theirs open, or one of their files has just changed.
    most : int, optional
        Check no more runs than this, and only those directly in ``root/RUNNING``. So much may a
        run do for others at its end. No scheduler is asked then.
    within : float, optional
        Check no further run after this many seconds. A run is left alone, too, if it takes longer
        to look into the registry for its own end.

    Returns
    -------
    list of Path
        Where the reaped runs are now.
    """
    deadline = None if within is None else time.monotonic() + within
    reaped = []
    for run_dir in _runs_below(root) if most is None else _sample(_runs_in(root), most):
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            record = read_record(run_dir)
            status = _status_to_file(run_dir, record, force=force, asking=most is None)
            if status is not None:
                deadline = _after_imports(deadline)
                reaped.append(_file(run_dir, None, status, registry, deadline, record))
        except RecordError:
            if force and not os.path.lexists(run_dir / RECORD_NAME):
                reaped += _file_legacy(run_dir, registry)
        except JournalTooLongError:
            continue  # for a `reap` that has the time
        except OSError as error:
            warn(f"the crash of {run_dir} could not be filed: {error}")
    return reaped


def _file_legacy(run_dir: Path, registry: Path | None) -> list[Path]:
    from .legacy import file_legacy  # reads the registry's index, which no run needs

    try:
        moved = file_legacy(run_dir, registry)
    except OSError as error:
        warn(f"{run_dir}, which scitex-session 0.3.1 left, could not be filed: {error}")
        return []
    return [] if moved is None else [moved]


def _after_imports(deadline: float | None) -> float | None:
    """Import what filing needs, and return the deadline without the time that this took.

    Where no bytecode is kept it takes longer than a run may spend: nothing would ever be filed.
    """
    begun = time.monotonic()
    import scitex_session_core._death.post_mortem
    import scitex_session_core._registry.own_end  # noqa: F401

    return None if deadline is None else deadline + time.monotonic() - begun


def _status_to_file(
    run_dir: Path, record: dict[str, Any], *, force: bool, asking: bool
) -> str | None:
    """Return ``crashed``, with `force` also ``lost``; None for a run to be left alone.

    With `asking`, a scheduler is asked for what can't be seen from here.
    """
    if locate_run(run_dir) != run_dir:
        # Another process moved it, or a child that outlived the run made the directory again.
        return None
    status = str(record.get("status"))
    if status != "running" and (finished_dir(run_dir, status) / RECORD_NAME).exists():
        return None  # the source of a copy, kept on purpose
    if status != "running" and record.get("process") is None:
        return status  # of 0.3.1: whoever filed it died before the move
    found = observed(record, run_dir)
    if asking and found in ("lost", "unknown"):
        from scitex_session_core._death.scheduler import with_cause  # no run asks at its end

        record = with_cause(record, run_dir)
    if found in ("lost", "unknown") and is_job_over(record):
        return "crashed"
    if found == "lost":
        return found if force else None
    # A run of several ranks may have ended in whatever way: its last one died before the move.
    return None if found in ("running", "unknown") else "crashed"


def _runs_below(root: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(root, onerror=_warn_skipped):
        if RUNNING in names:
            yield from _runs_in(Path(folder))
            # What is in the directories of runs belongs to the users.
            names[:] = [name for name in names if name != RUNNING and name not in STATUS_OF_FOLDER]


def _runs_in(out_dir: Path) -> list[Path]:
    remove_leftovers(out_dir / PROBE_NAME)
    return [out_dir / RUNNING / name for name in sorted(names_in(out_dir / RUNNING))]


def _sample(run_dirs: list[Path], most: int) -> list[Path]:
    if len(run_dirs) <= most:
        return run_dirs
    # Begin anywhere: from the first, eight runs of other machines would always hide the rest.
    first = int.from_bytes(os.urandom(4), "big") % len(run_dirs)
    return (run_dirs[first:] + run_dirs[:first])[:most]


def _warn_skipped(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # it disappeared in the meantime
        warn(f"runs below {error.filename} are left as they are: {error.strerror}")
