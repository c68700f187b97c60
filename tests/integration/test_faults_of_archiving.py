"""Whatever fails or kills what archives runs, each stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.removing import fail_at_each_call, kill_at_each_call

if TYPE_CHECKING:
    from pathlib import Path

    from support.removing import Note

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LIVES = ("archive",)


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
    # Errors and Ctrl-C meet calls of their own: a minute is enough.
    fail_at_each_call(life, kind, tmp_path, caused, every=4)
