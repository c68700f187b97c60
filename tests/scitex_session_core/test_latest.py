"""`latest` leads to the successful run that ended last; a `latest` of the user's stays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scitex_session_core import SessionWarning, latest_run, move_to_finished, point_latest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def success(dead_run: Callable[..., Path]) -> Callable[[], Path]:
    """Make a successful run, and give its directory."""
    return lambda: move_to_finished(dead_run(status="success"), "success")


def test_it_leads_to_the_run_that_ended_last(success: Callable[[], Path]) -> None:
    first, second = success(), success()
    out = first.parent.parent
    for run in (first, second, first):
        point_latest(run)
        assert (out / "latest").resolve() == run
        assert latest_run(out) == run
    assert sorted(os.listdir(out)) == [".gitignore", "FINISHED_SUCCESS", "RUNNING", "latest"]


@pytest.mark.parametrize("status", ["failed", "finished"])
def test_a_run_that_is_no_success_changes_nothing(
    dead_run: Callable[..., Path], success: Callable[[], Path], status: str
) -> None:
    good = success()
    point_latest(good)
    point_latest(move_to_finished(dead_run(status=status), status))
    assert latest_run(good.parent.parent) == good


def test_where_links_can_not_be_it_is_a_small_file(
    success: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)  # as on FAT, which takes root to mount
    first, second = success(), success()
    for run in (first, second):
        point_latest(run)
        latest = run.parent.parent / "latest"
        assert latest.read_text() == f"FINISHED_SUCCESS/{run.name}\n"
        assert latest_run(run.parent.parent) == run


def make_file(path: Path) -> None:
    path.write_text("my notes")


def make_link(path: Path) -> None:
    path.symlink_to("../elsewhere")


@pytest.mark.parametrize("make", [make_file, make_link, Path.mkdir, os.mkfifo])
def test_what_the_user_calls_latest_stays(
    success: Callable[[], Path], make: Callable[[Path], object]
) -> None:
    run = success()
    latest = run.parent.parent / "latest"
    make(latest)
    before = latest.lstat()
    with pytest.warns(SessionWarning, match="latest is not ours"):
        point_latest(run)
    assert latest.lstat() == before
    assert latest_run(run.parent.parent) == run


def test_a_copy_that_follows_the_link_does_not_stay_the_latest(
    success: Callable[[], Path], tmp_path: Path
) -> None:
    first = success()
    point_latest(first)
    out = shutil.copytree(first.parent.parent, tmp_path / "copied" / "analysis_out")
    assert not (out / "latest").is_symlink()
    second = out / "FINISHED_SUCCESS" / success().name
    shutil.copytree(first.parent / second.name, second)
    point_latest(second)
    assert (out / "latest").resolve() == second
    (kept,) = out.glob("latest.*.copy")
    assert (kept / "session.json").read_bytes() == (first / "session.json").read_bytes()


def test_without_it_the_run_that_began_last_is_found(success: Callable[[], Path]) -> None:
    runs = [success() for _ in range(3)]
    out = runs[0].parent.parent
    for run, name in zip(runs, ("2026Y-01M_A", "DEBUG_2026Y-03M_B", "2026Y-02M_C"), strict=True):
        run.rename(run.with_name(name))
    assert latest_run(out) == out / "FINISHED_SUCCESS" / "DEBUG_2026Y-03M_B"


def test_a_run_that_is_gone_is_not_given(success: Callable[[], Path]) -> None:
    kept, gone = success(), success()
    point_latest(gone)
    gone.rename(kept.parent.parent / "moved-away")
    assert latest_run(kept.parent.parent) == kept


def test_a_folder_without_a_success_has_none(tmp_path: Path) -> None:
    assert latest_run(tmp_path) is None
    assert latest_run(tmp_path / "missing") is None
