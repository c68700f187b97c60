"""SIGKILL at every system call that changes a file, one after the other: the truth survives."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session_core
from scitex_session_core import (
    SessionManager,
    append_event,
    check_resumable,
    current_status,
    ended_record,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    read_record,
    reap,
    register_end,
    resume_run,
    write_record,
)
from support import killed_at_each_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support import Killed

    Note = Callable[[str, str], None]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CORE = Path(scitex_session_core.__file__).parent.parent


@pytest.fixture
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Iterator[Killed]]:
    """Live one of the lives of ``lives.py``, killed at each such call in turn."""
    program = Path(request.path).with_name("lives.py")

    def live(name: str, prepare: Callable[[Path], object]) -> Iterator[Killed]:
        def argv(directory: Path) -> list[str]:
            return [
                *(sys.executable, "-I", "-S", str(program)),
                *(str(CORE), name, str(directory)),
            ]

        return killed_at_each_call(argv, tmp_path, prepare)

    return live


def nothing(_directory: Path) -> None:
    """Begin in an empty directory."""


def begun(process: dict[str, Any]) -> Callable[[Path], None]:
    """Begin with a registered run of `process`, with one tag."""

    def prepare(directory: Path) -> None:
        script = directory / "fit.py"
        run = make_run_dir(script)
        record = {**new_record(run.id, script=script), "process": process}
        write_record(run.path, record)
        append_event(run.path, "tag", tag="before")
        journal_create(
            directory / "registry",
            run.id,
            {},
            script_path=str(script),
            process=process,
            run_dir=run.path,
        )

    return prepare


def runs(directory: Path) -> list[Path]:
    """The directories of all runs that have a record."""
    return [path.parent for path in sorted((directory / "fit_out").glob("*/[!.]*/session.json"))]


def told(directory: Path) -> list[str]:
    """The statuses that the registry tells."""
    sessions = SessionManager(directory / "registry").list_sessions()
    return [session["status"] for session in sessions.values()]


def reaped_truth(killed: Killed, expected: list[str]) -> list[dict[str, Any]]:
    """Check what is true before, after, and long after the reaping; give the records."""
    directory = killed.directory
    found = runs(directory)
    assert [current_status(read_record(path), path) for path in found] == expected, killed
    registered = told(directory)
    # Written, but not yet said: the kill came before the closing of the file.
    assert registered == expected or (killed.said == ["recorded"] and not registered), killed
    reap(directory, registry=directory / "registry")
    assert reap(directory, registry=directory / "registry") == []
    after = runs(directory)
    records = [read_record(path) for path in after]
    assert [record["status"] for record in records] == expected, killed
    assert [path.name for path in after] == [path.name for path in found]
    assert all(path.parent.name != "RUNNING" for path in after), killed
    # Who files a crash registers the start, too.
    assert told(directory) == expected, killed
    assert not [left for path in after for left in path.rglob("*.tmp")], killed
    return records


def test_a_run_that_begins(lived: Callable[..., Iterator[Killed]], caused: Note) -> None:
    for killed in lived("create", nothing):
        expected = ["crashed"] if "recorded" in killed.said else []
        # Between the rename that makes the record and the saying of it there is no call.
        reaped_truth(killed, expected)
        outcome = "crashed, and reaped" if expected else "no record, left alone"
        caused("SIGKILL as a run begins", outcome)


def test_a_run_that_begins_in_a_directory_of_the_users(
    lived: Callable[..., Iterator[Killed]], caused: Note
) -> None:
    for killed in lived("create_in_sdir", nothing):
        sdir = killed.directory / "chosen"
        outcome = "no record, free for the next run"
        if (sdir / "session.json").exists():
            assert current_status(read_record(sdir), sdir) == "crashed"
            outcome = "crashed, kept for reference by the next run"
        else:
            assert not killed.said
        earlier = read_record(sdir)["id"] if (sdir / "session.json").exists() else None
        run = make_run_dir(sdir=sdir)
        assert read_record(sdir)["id"] == run.id
        if earlier:
            assert read_record(sdir / "previous" / earlier)["status"] == "crashed"
        assert os.listdir(sdir / "previous") == [earlier] if earlier else True
        caused("SIGKILL as a run begins in an sdir", outcome)


def test_a_process_that_tags_a_run(
    lived: Callable[..., Iterator[Killed]], dead_process: dict[str, Any], caused: Note
) -> None:
    for killed in lived("append", begun(dead_process)):
        (record,) = reaped_truth(killed, ["crashed"])
        tags = record["tags"]
        # One that was written and not yet said may be there, in its place; none may be missing.
        assert tags == ["before", "first", "second"][: len(tags)], killed
        assert tags[1 : len(killed.said) + 1] == killed.said, killed
        caused("SIGKILL as a run is tagged", "every tag said to be set is there")


def test_a_run_that_ends(
    lived: Callable[..., Iterator[Killed]], dead_process: dict[str, Any], caused: Note
) -> None:
    for killed in lived("close", begun(dead_process)):
        expected = "success" if "ended" in killed.said else "crashed"
        (record,) = reaped_truth(killed, [expected])
        assert record["tags"] == ["before"]
        assert record["exit_status"] == (0 if expected == "success" else None)
        caused("SIGKILL as a run ends", f"{expected}, where that belongs")


def test_a_run_that_is_copied(
    lived: Callable[..., Iterator[Killed]], dead_process: dict[str, Any], caused: Note
) -> None:
    for killed in lived("close_by_copy", begun(dead_process)):
        out_dir = killed.directory / "fit_out"
        copied = sorted(out_dir.glob("FINISHED_SUCCESS/[!.]*"))
        expected = "success" if "ended" in killed.said else "crashed"
        # The kill may have come between the rename of the copy and the saying of it.
        if copied:
            assert read_record(copied[0])["status"] == "success"
            assert reap(killed.directory) == []
            sources = sorted(out_dir.glob("RUNNING/*/session.json"))
            assert len(sources) == 1, "the source is to stay"
            outcome = "success, whole in both places"
        else:
            (record,) = reaped_truth(killed, [expected])
            assert record["tags"] == ["before"]
            outcome = f"{expected}, moved by the next one"
        assert not list(out_dir.glob("*/.*.copying")), killed
        caused("SIGKILL as a run is copied", outcome)


@pytest.mark.parametrize("life", ["file", "sweep"])
def test_a_process_that_files_a_crash(
    life: str,
    lived: Callable[..., Iterator[Killed]],
    dead_process: dict[str, Any],
    caused: Note,
) -> None:
    for killed in lived(life, begun(dead_process)):
        (record,) = reaped_truth(killed, ["crashed"])
        assert record["tags"] == ["before"]
        assert record["reason"].get("signal") in ((9,) if killed.said == ["filed"] else (9, None))
        caused("SIGKILL of who files a crash", "crashed, filed by the next one")


FILES = {
    "logs/stdout.log": "epoch 1",
    "CONFIGS/CONFIG.yaml": "ID: x",
    "code/fit.py": "pass",
    "logs/of the user's.txt": "kept",
    "model.bin": "weights",
}


def failed(process: dict[str, Any]) -> Callable[[Path], None]:
    """Begin with a run of `process` that failed, its files and events, or one that died."""

    def prepare(directory: Path) -> None:
        begun(process)(directory)
        (run,) = (directory / "fit_out/RUNNING").iterdir()
        for name, content in FILES.items():
            (run / name).parent.mkdir(exist_ok=True)
            (run / name).write_text(content)
        record = ended_record(
            json.loads((run / "session.json").read_text()), exit_status=1, reason={"kind": "exit"}
        )
        write_record(run, record)
        register_end(directory / "registry", record, move_to_finished(run, "failed"))

    return prepare


@pytest.mark.parametrize("first", ["failed", "died"])
def test_a_run_that_is_resumed(
    first: str,
    lived: Callable[..., Iterator[Killed]],
    dead_process: dict[str, Any],
    caused: Note,
) -> None:
    prepare = failed(dead_process) if first == "failed" else begun(dead_process)
    before = "failed" if first == "failed" else "crashed"
    for killed in lived("resume", prepare):
        (place,) = runs(killed.directory)
        # An attempt that has begun is dead with its process; else the earlier one's end stands.
        attempt = read_record(place)["attempt"]
        if killed.said:
            assert attempt == 2, killed
        expected = "crashed" if attempt == 2 else before
        assert current_status(read_record(place), place) == expected, killed
        reap(killed.directory, registry=killed.directory / "registry")
        (place,) = runs(killed.directory)
        record = read_record(place)
        assert (record["status"], record["attempt"]) == (expected, attempt), killed
        assert place.parent.name == "FINISHED_ERROR", killed
        assert record["tags"] == ["before"], killed
        assert told(killed.directory) == [expected], killed
        if attempt == 2:
            assert [(e["attempt"], e["status"]) for e in record["attempts"]] == [(1, before)]
            assert read_record(place / "attempts/1")["status"] == before
        else:
            assert not (place / "attempts/1").exists(), killed
        for name, content in FILES.items() if first == "failed" else ():
            kept = attempt == 2 and name.split("/")[-1] in ("stdout.log", "CONFIG.yaml", "fit.py")
            assert (place / "attempts/1" / name if kept else place / name).read_text() == content
        assert not [*place.rglob("*.tmp")], killed
        # And it can go on.
        run, record = resume_run(place, check_resumable(place))
        assert record["attempt"] == attempt + 1
        run.close()
        caused(
            "SIGKILL as a run is resumed", f"attempt {attempt} is {expected}, whole in its place"
        )
