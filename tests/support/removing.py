"""A run that is removed, archived or restored by a process that fails or is killed at a call."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scitex_session_core import (
    SessionManager,
    Trash,
    archive_of,
    archive_runs,
    find_place,
    is_trashed,
    open_run_file,
    point_latest,
    read_record,
    reindex,
    removed_runs,
    restore_archived,
    run_files,
)
from support._strace import killed_at_each_call, need_strace
from support.runs import ended_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Note = Callable[[str, str], None]

LIVES = Path(__file__).with_name("removing_lives.py")
FILES = {"logs/stdout.log": b"hello\n" * 1000}
CALLS = re.compile(r"(\w+)\(")


def begin(directory: Path) -> Path:
    """Make a run in a directory of its own, in a registry of its own."""
    os.environ["SCITEX_SESSION_REGISTRY"] = str(directory / "registry")
    os.environ["SCITEX_SESSION_CACHE"] = str(directory / "cache")
    run = ended_run(str(directory / "fit.py"))
    for name, content in FILES.items():
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(content)
    point_latest(run)
    SessionManager().select()
    return run


def begin_removed(directory: Path) -> None:
    """Make a run that is in the trash."""
    run = begin(directory)
    with Trash(directory / "fit_out", directory / "registry") as trash:
        trash.put(run, run.name)


def begin_archived(directory: Path) -> None:
    """Make a run that is in an archive."""
    run = begin(directory)
    archive_runs(directory / "fit_out", [run], directory / "registry")


PREPARED = {
    "remove": begin,
    "archive": begin,
    "restore": begin_removed,
    "unpack": begin_archived,
}


def argv(life: str, directory: Path) -> list[str]:
    """Give the command that lives a life; its directory has one run."""
    found = [path.parent.name for path in directory.glob("fit_out/*/2*/session.json")]
    if life == "unpack" and directory.exists():
        (path,) = directory.glob("fit_out/ARCHIVE/2*.zip")
        from zipfile import ZipFile

        with ZipFile(path) as file:
            found = [name.split("/")[0] for name in file.namelist() if "session.json" in name]
    return [sys.executable, str(LIVES), life, str(directory), *found]


def whole_somewhere(directory: Path) -> str:
    """Check that the run is whole, in one place that counts, and tell which that is."""
    registry = directory / "registry"
    os.environ["SCITEX_SESSION_REGISTRY"] = str(registry)
    os.environ["SCITEX_SESSION_CACHE"] = str(directory / "cache")
    sessions = SessionManager(registry).select()
    removed = removed_runs(registry)
    if sessions:
        (session,) = sessions
        run_id = session["id"]
        place = find_place(session["run_dir"])
        assert place is not None, directory
    else:
        ((run_id, place),) = removed.items()
    assert read_record(place)["id"] == run_id
    assert {*FILES} <= {*run_files(place)}, directory
    for name, content in FILES.items():
        with open_run_file(place, name) as file:
            assert file.read() == content, (directory, name)
    directories = [
        path.parent
        for path in directory.rglob("session.json")
        if not path.parent.parent.name.endswith(".doomed") and path.parent.name[0] != "."
    ]
    assert len(directories) == (archive_of(place) is None or bool(directories)), directories
    if archive_of(place) is not None:
        return "in the archive"
    assert directories == [place], (directories, place)
    return "in the trash" if is_trashed(place) else "in its directory"


def goes_on(life: str, directory: Path) -> None:
    """Check that the next call does what this one was to do, and leaves nothing behind."""
    out_dir, registry = directory / "fit_out", directory / "registry"
    run_dir = (SessionManager(registry).select() or [{"run_dir": None}])[0]["run_dir"]
    place = next(iter(removed_runs(registry).values())) if run_dir is None else find_place(run_dir)
    assert place is not None
    if life == "remove":
        with Trash(out_dir, registry) as trash:
            if run_dir is not None:
                trash.put(place, place.name)
        assert whole_somewhere(directory) == "in the trash"
        assert not SessionManager(registry).select()
        assert not os.path.lexists(out_dir / "latest")
    elif life == "archive":
        archive_runs(out_dir, [place], registry)
        reindex(out_dir, registry)  # where its journal could not be written
        assert whole_somewhere(directory) == "in the archive"
        (session,) = SessionManager(registry).select()
        assert archive_of(session["run_dir"]) is not None
        assert len(os.listdir(out_dir / "ARCHIVE")) == 1
        assert not os.path.lexists(out_dir / "latest")
    else:
        if archive_of(place) is not None:
            restore_archived(place, registry)
        elif is_trashed(place):
            with Trash(out_dir, registry) as trash:
                trash.take_back(place)
        reindex(out_dir, registry)
        assert whole_somewhere(directory) == "in its directory"
        (session,) = SessionManager(registry).select()
        assert Path(session["run_dir"]).parent == out_dir / "FINISHED_SUCCESS"
        hidden = {path.name for path in (out_dir / "FINISHED_SUCCESS").glob(".*")}
        assert not hidden, hidden
    assert [n for n in os.listdir(out_dir / ".trash") if n.endswith(".doomed")] == []


ERRORS = ("EIO", "ENOSPC", "EACCES", "EINTR")


def calls_within(life: str, root: Path) -> Iterator[tuple[str, int]]:
    """Give the name of each call that touches the run's files, and the how manieth it is."""
    need_strace()
    for number in range(2):  # the first one may have to write bytecode
        directory = root / f"traced-{number}"
        directory.mkdir()
        PREPARED[life](directory)
        trace = root / "trace"
        strace = ["strace", "-qq", "-y", "-s", "4096", "-e", "signal=none"]
        strace += ["-e", "trace=%file,%desc", "-o", str(trace)]
        subprocess.run([*strace, *argv(life, directory)], check=True, capture_output=True)
    seen: dict[str, int] = {}
    for line in trace.read_text(errors="replace").splitlines():
        if begins := CALLS.match(line):
            name = begins[1]
            seen[name] = seen.get(name, 0) + 1
            # The lock and the index are of other packages.
            if str(directory / "fit_out") in line and name not in ("execve", "flock", "ioctl"):
                yield name, seen[name]


def kill_at_each_call(life: str, root: Path, caused: Note) -> None:
    """Kill a life at each call in turn; check that the run is whole and the next call goes on."""
    for killed in killed_at_each_call(lambda d: argv(life, d), root, PREPARED[life]):
        where = whole_somewhere(killed.directory)
        goes_on(life, killed.directory)
        shutil.rmtree(killed.directory)
        caused(f"{life}: SIGKILL at a call", f"the run is whole {where}; the next call goes on")


def fail_at_each_call(life: str, kind: str, root: Path, caused: Note, *, every: int = 1) -> None:
    """Let each call of a life fail in turn, or be interrupted; check the same."""
    for number, (name, when) in enumerate([*calls_within(life, root)][len(kind) % every :: every]):
        directory = root / str(number)
        directory.mkdir()
        PREPARED[life](directory)
        fault = ERRORS[number % len(ERRORS)] if kind == "errors" else "SIGINT"
        action = f"error={fault}" if kind == "errors" else "signal=INT"
        inject = ["-e", f"trace={name}", "-e", f"inject={name}:{action}:when={when}"]
        strace = ["strace", "-qq", *inject, "-e", "signal=none", "-o", os.devnull]
        done = subprocess.run(
            [*strace, *argv(life, directory)], capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1, -signal.SIGINT), done
        where = whole_somewhere(directory)
        goes_on(life, directory)
        shutil.rmtree(directory)
        ended = "done" if done.returncode == 0 else "said"
        caused(f"{life}: {fault} of a call", f"{ended}; the run is whole {where}")
