"""A file is traced to the sessions that made it, by its content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    SessionManager,
    append_event,
    ended_record,
    journal_close,
    journal_create,
    make_run_dir,
    new_record,
    outcome,
    read_record,
    register_end,
    register_start,
    reindex,
    write_record,
)


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def run(registry: Path, script: Path, *contents: str, role: str = "output") -> Path:
    """Let a run of this process make files with these contents, and go on."""
    place = make_run_dir(script)
    record = new_record(place.id, script=script)
    write_record(place.path, record)
    register_start(registry, record, place.path)
    for number, content in enumerate(contents):
        fields = {"path": f"{number}.txt", "bytes": len(content), "role": role}
        append_event(place.path, "artifact", sha256=digest(content), **fields)
    return place.path


def end(registry: Path, run_dir: Path) -> None:
    exit_status, reason = outcome(0)
    record = ended_record(read_record(run_dir), exit_status=exit_status, reason=reason)
    write_record(run_dir, record)
    register_end(registry, record, run_dir)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [session["id"] for session in found]


def test_a_file_is_found_by_its_content_once_the_run_has_ended(
    registry: Path, script: Path
) -> None:
    first, second = run(registry, script, "a", "b"), run(registry, script, "c")
    end(registry, first)
    end(registry, second)
    manager = SessionManager(registry)
    assert ids(manager.makers(digest("b"))) == [first.name]
    assert ids(manager.makers(digest("c").upper())) == [second.name]
    assert manager.makers(digest("d")) == []


def test_a_file_of_a_running_run_is_found(registry: Path, script: Path) -> None:
    running = run(registry, script, "a")
    (found,) = SessionManager(registry).makers(digest("a"))
    assert (found["id"], found["status"]) == (running.name, "running")


def test_the_newest_of_several_makers_comes_first(registry: Path, script: Path) -> None:
    older, newer = run(registry, script, "a"), run(registry, script, "a")
    end(registry, newer)
    end(registry, older)
    assert ids(SessionManager(registry).makers(digest("a"))) == [newer.name, older.name]


def test_a_file_that_was_only_read_is_not_found(registry: Path, script: Path) -> None:
    end(registry, run(registry, script, "a", role="input"))
    assert SessionManager(registry).makers(digest("a")) == []


def test_a_file_saved_twice_is_found_as_it_is_now(registry: Path, script: Path) -> None:
    place = run(registry, script, "first")
    append_event(place, "artifact", path="0.txt", sha256=digest("second"), bytes=6, role="output")
    end(registry, place)
    manager = SessionManager(registry)
    assert ids(manager.makers(digest("second"))) == [place.name]
    assert manager.makers(digest("first")) == []


def test_a_session_that_was_removed_is_not_found(registry: Path, script: Path) -> None:
    place = run(registry, script, "a")
    end(registry, place)
    SessionManager(registry).remove(place.name)
    assert SessionManager(registry).makers(digest("a")) == []


def test_reindexing_finds_files_that_were_never_registered(registry: Path, script: Path) -> None:
    place = run(registry, script, "a")
    exit_status, reason = outcome(0)
    record = ended_record(read_record(place), exit_status=exit_status, reason=reason)
    write_record(place, record)
    # As an earlier version told the end: that files were made, and not which.
    journal_close(registry, place.name, "success", 0, run_dir=place, artifacts=1)
    manager = SessionManager(registry)
    assert manager.makers(digest("a")) == []
    assert reindex(script.parent, registry) == [place]
    assert ids(manager.makers(digest("a"))) == [place.name]


@pytest.mark.parametrize(
    "artifact",
    [None, 1, "x", [], {"role": "output"}]
    + [{"role": "output", "sha256": bad} for bad in (None, 7, "", digest("a")[:-1], "g" * 64)]
    + [{"role": "output", "sha256": digest("a").upper()}],
)
def test_artifacts_without_a_digest_are_passed_over(
    registry: Path, script: Path, artifact: Any
) -> None:
    place = make_run_dir(script)
    record = {**new_record(place.id), "artifacts": [artifact]}
    register_start(registry, record, place.path)
    register_end(registry, {**record, "status": "success"}, place.path)
    manager = SessionManager(registry)
    assert manager.makers(digest("a")) == []
    assert manager.get_session(place.id)["artifacts"] == 1


def test_the_same_content_saved_twice_is_found_once(registry: Path, script: Path) -> None:
    place = run(registry, script, "a", "a")
    end(registry, place)
    assert ids(SessionManager(registry).makers(digest("a"))) == [place.name]


def test_a_digest_of_any_digits_is_found(registry: Path) -> None:
    for name in "0f":
        journal_create(registry, name, {}, script_path=None, process=None)
        journal_close(registry, name, "success", 0, made=[name * 15])
    manager = SessionManager(registry)
    assert ids(manager.makers("f" * 64)) == ["f"]
    assert ids(manager.makers("0" * 64)) == ["0"]


@pytest.mark.parametrize("made", [["f" * 14], ["g" * 15], [None], "f" * 15, {"f": 1}])
def test_garbage_in_the_journal_is_passed_over(registry: Path, made: Any) -> None:
    journal_create(registry, "x", {}, script_path=None, process=None)
    journal_close(registry, "x", "success", 0, made=made)
    assert SessionManager(registry).makers("f" * 64) == []
    assert SessionManager(registry).get_session("x")["status"] == "success"


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, digest("a")[:-1], digest("a") + "0"])
def test_what_is_no_digest_is_refused(registry: Path, sha256: str) -> None:
    with pytest.raises(InvalidValueError, match="sha256 must be the SHA-256 of a file, in 64"):
        SessionManager(registry).makers(sha256)


@pytest.mark.parametrize("sha256", [None, 7, b"a" * 64, Path(os.curdir)])
def test_what_is_no_text_is_refused(registry: Path, sha256: Any) -> None:
    with pytest.raises(InvalidTypeError, match="sha256 must be the SHA-256 of a file"):
        SessionManager(registry).makers(sha256)
