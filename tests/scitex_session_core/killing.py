"""A life, lived again and again, and killed before its first, second, third … file operation.

Run as a script: ``killing.py LIFE DIRECTORY``. Each life is a function of a directory of its own
and of `say`, which reports a step that is done (a pipe, which is no file operation). It runs in a
forked child whose audit hook sends it SIGKILL right before the n-th operation on a path under that
directory; n grows until a life comes to its end. Prints one JSON line per life: what it said,
and whether it was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scitex_session_core import (
    append_event,
    ended_record,
    file_crash,
    journal_close,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    write_atomic,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], None]

OPERATIONS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir")


def atomic(directory: Path, say: Say) -> None:
    """Replace a file."""
    write_atomic(directory / "file", b"new" * 1000)
    say("written")


def run(directory: Path, say: Say) -> None:
    """A whole run."""
    live(directory, say, None)


def run_in_sdir(directory: Path, say: Say) -> None:
    """A whole run in a directory of the user's choice."""
    live(directory, say, directory / "chosen")


def live(directory: Path, say: Say, sdir: Path | None) -> None:
    script, registry = directory / "fit.py", directory / "registry"
    run_dir = make_run_dir(script, sdir=sdir)
    record = new_record(run_dir.id, script=script)
    write_record(run_dir.path, record)
    say("recorded")
    process = record["process"]
    journal_create(
        registry, run_dir.id, {}, script_path=str(script), process=process, run_dir=run_dir.path
    )
    say("registered")
    append_event(run_dir.path, "tag", tag="paper")
    say("tagged")
    ended = ended_record(read_record(run_dir.path), exit_status=0, reason={"kind": "returned"})
    write_record(run_dir.path, ended)
    say("ended")
    moved = move_to_finished(run_dir.path, "success")
    say("moved")
    journal_close(registry, run_dir.id, "success", 0, run_dir=moved)
    say("closed")


def filer(directory: Path, say: Say) -> None:
    """Another process that files the crash of a run."""
    (run_dir,) = (directory / "fit_out" / "RUNNING").iterdir()
    file_crash(run_dir, {"signal": 9}, registry=directory / "registry")
    say("filed")


def successor(directory: Path, say: Say) -> None:
    """A new run in the directory of one that crashed."""
    make_run_dir(sdir=directory / "chosen")
    say("claimed")


LIVES = {"atomic": atomic, "run": run, "run_in_sdir": run_in_sdir, "filer": filer,
         "successor": successor}  # fmt: skip


def killed_before(n: int, life: Callable[[Path, Say], None], directory: Path) -> dict[str, object]:
    """Live once, in a child that dies before its n-th operation."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0
        beneath = os.fspath(directory)

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            # A relative path is relative to a run directory that is held open.
            path = str(arguments[0]) if event in OPERATIONS else "/"
            if path.startswith(beneath) or not os.path.isabs(path):
                seen += 1
                if seen == n:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

        def say(step: str) -> None:
            os.write(writer, step.encode() + b"\n")

        life(directory, say)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="ascii") as pipe:
        said = pipe.read().split()
    _, status = os.waitpid(child, 0)
    exit_status = os.waitstatus_to_exitcode(status)
    return {"said": said, "killed": exit_status == -signal.SIGKILL, "exit": exit_status}


def main(name: str, root: Path, most: int) -> None:
    """Live until a life comes to its end; the directories ``1``, ``2`` … may be prepared."""
    for n in range(1, most + 1):
        directory = root / str(n)
        directory.mkdir(parents=True, exist_ok=True)
        report = killed_before(n, LIVES[name], directory)
        print(json.dumps({**report, "directory": str(directory)}), flush=True)
        if not report["killed"]:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
