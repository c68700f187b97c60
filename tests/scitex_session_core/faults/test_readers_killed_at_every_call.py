"""SIGKILL of a reader of the registry at every system call that changes a file loses nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import pytest

import scitex_session_core
from scitex_session_core import SessionManager, journal_close, journal_create
from support import killed_at_each_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support import Killed

    Note = Callable[[str, str], None]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATH = os.pathsep.join(
    str(Path(module.__file__ or "").parent.parent) for module in (scitex_session_core, filelock)
)
STATUSES = {"open": "running", "ended": "success", "failed": "failed"}


@pytest.fixture
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Iterator[Killed]]:
    """Live one of the lives of ``readers.py``, killed at each such call in turn."""
    program = request.path.with_name("readers.py")

    def live(name: str) -> Iterator[Killed]:
        def argv(directory: Path) -> list[str]:
            return [sys.executable, "-I", "-S", str(program), PATH, name, str(directory)]

        return killed_at_each_call(argv, tmp_path, told)

    return live


def told(directory: Path) -> None:
    """Begin with a journal of three sessions, a torn line and garbage."""
    registry = directory / "registry"
    for name in STATUSES:
        journal_create(registry, name, {"of": name}, script_path=None, process=None)
    journal_close(registry, "ended", "success", 0)
    journal_close(registry, "failed", "failed", 3)
    with open(sorted(registry.glob("journal/*.jsonl"))[0], "ab") as journal:
        journal.write(b'\n{"event": "create", "id": "to\n\0\xff garbage\n')


def statuses(directory: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Read the registry as the next reader does, with what the dead one left of the index."""
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(directory / "cache"))
    sessions = SessionManager(directory / "registry").list_sessions()
    return {name: session["status"] for name, session in sessions.items()}


def test_after_a_reader_is_killed_while_it_folds_the_next_one_reads_everything(
    lived: Callable[[str], Iterator[Killed]], caused: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    for killed in lived("fold"):
        assert statuses(killed.directory, monkeypatch) == STATUSES, killed.call
        if killed.call:
            caused("SIGKILL of who folds the journal", "all read by the next one")


def test_what_a_killed_manager_reported_as_done_is_done(
    lived: Callable[[str], Iterator[Killed]], caused: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    for killed in lived("manage"):
        found = statuses(killed.directory, monkeypatch)
        mine = found.pop("mine", None)
        assert found == STATUSES, killed.call
        if "closed" in killed.said:
            assert mine == "success", killed.call
        elif "created" in killed.said:
            assert mine in ("running", "success"), killed.call
        if killed.call:
            caused("SIGKILL of who registers and closes", f"{mine or 'no session'}, as was said")
