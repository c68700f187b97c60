"""Whatever fails or kills what removes or archives runs or brings them back, each stays whole."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import Trash, removed_runs, run_files
from support import killed_at_each_call
from support._strace import EVERY_CALL
from support.removing import FILES, argv, begin_removed, fail_at_each_call, kill_at_each_call

if TYPE_CHECKING:
    from pathlib import Path

    from support.removing import Note

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# What is done, and which share of its calls meets an error or Ctrl-C, so that a minute is enough.
LIVES = {"remove": 3, "restore": 3, "archive": 6, "unpack": 6}


@pytest.mark.parametrize("life", LIVES)
def test_a_kill_at_any_call_leaves_the_run_whole_and_the_next_call_goes_on(
    life: str, tmp_path: Path, caused: Note
) -> None:
    kill_at_each_call(life, tmp_path, caused)


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("kind", ["errors", "interrupts"])
def test_a_fault_at_any_call_leaves_the_run_whole_and_the_next_call_goes_on(
    kind: str, life: str, tmp_path: Path, caused: Note
) -> None:
    fail_at_each_call(life, kind, tmp_path, caused, every=1 if EVERY_CALL else LIVES[life])


def test_a_kill_while_the_trash_is_emptied_restores_nothing_half_deleted(
    tmp_path: Path, caused: Note
) -> None:
    for killed in killed_at_each_call(lambda d: argv("empty", d), tmp_path, begin_removed):
        removed = removed_runs(killed.directory / "registry")
        for place in removed.values():
            assert {*FILES} <= {*run_files(place)}
        with Trash(killed.directory / "fit_out", killed.directory / "registry"):
            pass
        left = {*os.listdir(killed.directory / "fit_out" / ".trash")} - {"lock"}
        assert len(left) == len(removed)
        outcome = "the run can still be restored" if removed else "the run is deleted as a whole"
        caused("empty: SIGKILL at a call", outcome)
        shutil.rmtree(killed.directory)
