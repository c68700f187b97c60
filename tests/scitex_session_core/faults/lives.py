"""What a run and those around it do, to be killed anywhere in between: ``lives.py CORE LIFE DIR``.

Run with ``-I -S``: nothing but the core and the standard library it needs. Each step that is done
is said on stdout, so that what must be true after a kill is known.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from scitex_session_core import (  # found only now
    append_event,
    check_resumable,
    ended_record,
    file_crash,
    journal_close,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    opened,
    read_record,
    reap,
    resume_run,
    write_record,
)


def say(step: str) -> None:
    """Say that a step is done; a pipe is no file."""
    os.write(1, f"{step}\n".encode())


def the_run(directory: Path) -> Path:
    """Give the one run there is."""
    (run_dir,) = (directory / "fit_out" / "RUNNING").iterdir()
    return run_dir


def create(directory: Path, sdir: Path | None = None) -> None:
    """Begin a run."""
    script = directory / "fit.py"
    run = make_run_dir(script, sdir=sdir)
    record = new_record(run.id, script=script)
    write_record(run, record)
    say("recorded")
    journal_create(
        directory / "registry",
        run.id,
        {},
        script_path=str(script),
        process=record["process"],
        run_dir=run.path,
    )
    say("registered")


def create_in_sdir(directory: Path) -> None:
    """Begin a run in a directory of the user's choice."""
    create(directory, directory / "chosen")


def append(directory: Path) -> None:
    """Tag a run twice."""
    for tag in ("first", "second"):
        append_event(the_run(directory), "tag", tag=tag)
        say(tag)


def close(directory: Path) -> None:
    """End a run."""
    run_dir = the_run(directory)
    record = ended_record(read_record(run_dir), exit_status=0, reason={"kind": "returned"})
    # Held open, so that nothing happens to it between the writing and the saying.
    with opened(run_dir) as directory_of_run:
        write_record(directory_of_run, record)
        say("ended")
    moved = move_to_finished(run_dir, "success")
    say("moved")
    journal_close(directory / "registry", record["id"], "success", 0, run_dir=moved)
    say("closed")


def close_by_copy(directory: Path) -> None:
    """End a run, and copy it to where it belongs."""
    run_dir = the_run(directory)
    record = ended_record(read_record(run_dir), exit_status=0, reason={"kind": "returned"})
    # Held open, so that nothing happens to it between the writing and the saying.
    with opened(run_dir) as directory_of_run:
        write_record(directory_of_run, record)
        say("ended")
    move_to_finished(run_dir, "success", remove_src_dir=False)
    say("copied")


def file(directory: Path) -> None:
    """File the crash of a run, as its companion would."""
    seen = {"seen": "2026-11-22T05:10:02+00:00", "signal": 9}
    file_crash(the_run(directory), seen, registry=directory / "registry")
    say("filed")


def resume(directory: Path) -> None:
    """Go on with a run that failed, as its second attempt."""
    (place,) = (directory / "fit_out").glob("*/2*")
    run, record = resume_run(place, check_resumable(place), registry=directory / "registry")
    say("resumed")
    run.close()
    os.write(1, f"{record['attempt']}\n".encode())


def sweep(directory: Path) -> None:
    """Reap the runs of a tree."""
    reap(directory, registry=directory / "registry")
    say("reaped")


if __name__ == "__main__":
    LIVES = {
        "create": create,
        "create_in_sdir": create_in_sdir,
        "append": append,
        "close": close,
        "close_by_copy": close_by_copy,
        "file": file,
        "resume": resume,
        "sweep": sweep,
    }
    LIVES[sys.argv[2]](Path(sys.argv[3]))
