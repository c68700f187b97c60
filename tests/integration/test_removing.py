"""`rm`, `gc` and `restore`: what goes to the trash comes back as it was, and nothing else goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import (
    RunKeptError,
    append_event,
    make_run_dir,
    new_record,
    point_latest,
    read_record,
    register_start,
    registry_dir,
    reindex,
    write_record,
)
from support.runs import ended_run, running_run

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


def ended(script: str = "fit.py", *, days: float = 0, **fields: Any) -> Path:
    """Give the directory of a run that ended so many days ago, with a file and the latest link."""
    time = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    place = ended_run(script, started=time, ended=time, **fields)
    (place / "a.txt").write_text(place.name)
    if place.parent.name == "FINISHED_SUCCESS":
        point_latest(place)
    return place


def listed() -> set[str]:
    return {run["id"] for run in stx.find()}


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    """Give what a command prints as JSON."""
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Give the sentence with which a command refuses."""
    capsys.readouterr()
    assert main([*argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("scitex-session: error: "), err
    assert err.count("\n") == 1
    return err


def test_a_removed_run_is_not_listed_and_comes_back_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, other = ended(results={"acc": 0.5}), ended()
    append_event(place, "tag", tag="paper")
    before = read_record(place)
    assert main(["rm", place.name]) == 0
    assert "restore" in capsys.readouterr().out
    assert listed() == {other.name}
    assert not place.exists()
    assert main(["restore", place.name[-6:].lower()]) == 0
    assert read_record(place) == before
    (found,) = (run for run in stx.find() if run["id"] == place.name)
    assert (found["tags"], found["results"]) == (["paper"], {"acc": 0.5})
    assert found["directory"] == str(place)


def test_several_runs_are_only_listed_without_yes(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [ended(), ended()]
    names = [run.name for run in runs]
    assert main(["rm", *names]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    assert "2 runs would go to the trash" in out
    assert "8 inodes" in out
    assert "--yes" in out
    assert all(run.exists() for run in runs)
    done = told(capsys, "rm", *names, "--yes")
    assert done["done"]
    assert [run["id"] for run in done["runs"]] == names
    assert not any(run.exists() for run in runs)
    assert all(Path(run["trash"], "a.txt").exists() for run in done["runs"])


def test_a_run_named_twice_is_one_run() -> None:
    run = ended()
    assert main(["rm", run.name, str(run)]) == 0
    assert not run.exists()


@pytest.mark.parametrize("command", ["rm", "archive"])
def test_a_run_that_goes_on_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run, other = running_run(), ended()
    assert "still running" in refused(capsys, command, run.name)
    assert "still running" in refused(capsys, command, "--yes", run.name, other.name)
    assert run.exists()
    assert other.exists()


@pytest.mark.parametrize("command", ["rm", "archive"])
def test_a_run_that_may_go_on_elsewhere_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process = {**new_record("x")["process"], "host": "node7", "boot_id": "b", "pid": 1}
    run = running_run(process=process)
    assert "node7" in refused(capsys, command, run.name)
    assert run.exists()


@pytest.mark.parametrize("command", ["rm", "archive"])
def test_a_directory_of_the_users_choice_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run_dir(sdir="chosen")
    record = {**new_record(run.id), "status": "success", "ended": run.id}
    write_record(run.path, record)
    register_start(registry_dir(), record, run.path)
    assert "sdir" in refused(capsys, command, run.id)
    assert run.path.exists()


@needs_root
@pytest.mark.parametrize("command", ["rm", "archive"])
def test_a_run_of_another_user_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = ended()
    os.chown(run, 65534, 65534)
    assert "another user" in refused(capsys, command, run.name)
    assert run.exists()


def test_a_link_in_the_place_of_a_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run = ended()
    run.rename("elsewhere")
    run.symlink_to(Path("elsewhere").absolute())
    refused(capsys, "rm", run.name)
    assert Path("elsewhere", "a.txt").exists()
    assert run.is_symlink()


def test_a_run_whose_directory_is_gone_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    run = ended()
    run.rename("elsewhere")
    assert "gone from" in refused(capsys, "rm", run.name)


def test_if_one_of_several_is_refused_none_goes() -> None:
    runs = [ended(), running_run()]
    with pytest.raises(RunKeptError):
        stx.remove(run.name for run in runs)
    assert all(run.exists() for run in runs)


def dead() -> Path:
    """Give the directory of a run that died, and that nobody has filed."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from support.runs import running_run; "
        "print(running_run())"
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, tests], capture_output=True, check=True, text=True
    )
    return Path(done.stdout.strip())


def test_a_run_that_died_is_filed_and_then_removed() -> None:
    run = dead()
    assert main(["gc", "--older", "0s"]) == 0
    assert main(["archive", "--older", "0s"]) == 0
    assert run.exists()  # what only lists moves nothing
    (removed,) = stx.remove(run.name)
    assert not run.exists()
    assert read_record(removed["trash"])["status"] == "crashed"
    place = run.parents[1] / "FINISHED_ERROR" / run.name
    assert stx.restore(run.name) == place


def test_a_run_that_died_is_filed_and_then_archived() -> None:
    run = dead()
    (told,) = stx.archive(run.name)
    assert read_record(told["archive"])["status"] == "crashed"
    assert stx.restore(run.name) == run.parents[1] / "FINISHED_ERROR" / run.name


def test_a_run_that_is_closed_to_writing_goes_and_comes_back() -> None:
    run = ended()
    run.chmod(0o555)
    stx.remove(run.name)
    assert not run.exists()
    stx.restore(run.name)
    assert run.stat().st_mode & 0o777 == 0o555


def test_latest_leads_to_the_newest_that_is_left() -> None:
    first, second = ended(days=2), ended(days=1)
    latest = first.parents[1] / "latest"
    stx.remove(first.name)
    assert latest.resolve() == second
    stx.restore(first.name)
    assert latest.resolve() == second
    stx.remove(second.name)
    assert latest.resolve() == first
    stx.restore(second.name)
    assert latest.resolve() == second
    stx.remove([first.name, second.name])
    assert not os.path.lexists(latest)
    stx.restore(first.name)
    assert latest.resolve() == first


def test_a_latest_of_the_users_own_is_left_alone_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    latest = run.parents[1] / "latest"
    latest.unlink()
    latest.symlink_to("/somewhere")
    assert main(["rm", run.name]) == 0
    assert str(latest) in capsys.readouterr().err
    assert str(latest.readlink()) == "/somewhere"


def test_the_trash_is_hidden_from_reindex() -> None:
    run, other = ended(), ended()
    stx.remove(run.name)
    reindex(Path.cwd())
    assert listed() == {other.name}


@pytest.mark.parametrize(
    ("conditions", "going"),
    [
        (["--older", "30d"], {"old", "old failed", "paper"}),
        (["--status", "failed"], {"failed", "old failed"}),
        (["--status", "error", "--status", "finished"], {"failed", "old failed"}),
        (["--older", "30d", "--keep-tag", "paper"], {"old", "old failed"}),
        (["--keep", "2"], {"new", "failed", "old", "old failed", "paper"}),
        (["--older", "30d", "--keep", "1"], {"old failed", "paper"}),
        (["--where", "lr<0.5"], {"old"}),
        (["--where", "tag:paper or status:failed", "--older", "30d"], {"old failed", "paper"}),
        (["--older", "900w"], set()),
    ],
)
def test_gc_takes_what_meets_all_conditions(
    conditions: list[str], going: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {
        "paper": ended(days=50, tags=["paper"]),
        "old failed": ended(days=45, exit_status=1),
        "old": ended(days=40, arguments={"lr": 0.1}),
        "failed": ended(days=3, exit_status=1),
        "new": ended(days=2, arguments={"lr": 0.9}),
        "newer": ended(days=1),
        "running": running_run(),
        "newest": ended(),
    }
    dry = told(capsys, "gc", *conditions)
    names = {path.name: name for name, path in runs.items()}
    assert {names[run["id"]] for run in dry["runs"]} == going
    assert not dry["done"]
    assert all(path.exists() for path in runs.values())
    told(capsys, "gc", *conditions, "--yes")
    assert {name for name, path in runs.items() if not path.exists()} == going


def test_gc_keeps_so_many_of_each_script(capsys: pytest.CaptureFixture[str]) -> None:
    old = {ended("a.py", days=2).name, ended("b.py", days=2).name}
    ended("a.py", days=1), ended("b.py", days=1)
    assert {run["id"] for run in told(capsys, "gc", "--keep", "1")["runs"]} == old


def test_gc_leaves_what_rm_refuses_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run_dir(sdir="chosen")
    record = {**new_record(run.id), "status": "success", "ended": new_record("x")["started"]}
    write_record(run.path, record)
    reindex(Path.cwd())
    other = ended()
    assert main(["gc", "--older", "0s", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 run went to the trash")
    assert "sdir" in err
    assert run.path.exists()
    assert not other.exists()


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["gc"], "say which runs"),
        (["gc", "--yes"], "say which runs"),
        (["gc", "--older", "30"], "30d"),
        (["gc", "--older=-3d"], "number and a unit"),
        (["gc", "--status", "faild"], "did you mean 'failed'"),
        (["gc", "--status", "running"], "ended run"),
        (["gc", "--keep", "-1"], "0 or more"),
        (["gc", "--trash", "--status", "failed"], "--older"),
        (["archive"], "name runs"),
        (["archive", "latest", "--older", "3d"], "not both"),
        (["restore", "nosuch"], "nosuch"),
        (["rm", "nosuch"], "nosuch"),
        (["rm"], "at least one"),
    ],
)
def test_a_mistake_is_a_sentence_and_removes_nothing(
    argv: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended(days=3)
    assert why in refused(capsys, *argv)
    assert run.exists()


def test_a_name_that_no_run_has_removes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = ended()
    assert main(["gc", "--where", "nosuch<3", "--yes"]) == 2
    assert "nosuch" in capsys.readouterr().err
    assert run.exists()


def test_the_trash_is_emptied_for_good_when_that_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, other = ended(), ended()
    (removed,) = stx.remove(run.name)
    place = Path(removed["trash"])
    (place / "closed").mkdir()
    (place / "closed" / "file").touch()
    (place / "closed").chmod(0o500)
    assert told(capsys, "gc", "--trash", "--older", "1d", "--yes")["runs"] == []
    assert [r["id"] for r in told(capsys, "gc", "--trash")["runs"]] == [run.name]
    assert place.exists()
    assert main(["gc", "--trash", "--yes"]) == 0
    assert "1 run left the trash for good" in capsys.readouterr().out
    assert os.listdir(run.parents[1] / ".trash") == ["lock"]
    assert other.exists()
    assert run.name in refused(capsys, "restore", run.name)


def test_restore_lists_what_can_be_restored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore"]) == 0
    assert "Nothing" in capsys.readouterr().out
    run = ended()
    (removed,) = stx.remove(run.name)
    listed = told(capsys, "restore")
    assert listed == [{"id": run.name, "directory": removed["trash"]}]
    assert told(capsys, "restore", removed["trash"]) == [{"id": run.name, "directory": str(run)}]


def test_what_is_back_is_told_where_another_can_not_be_restored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    stx.remove(run.name)
    assert main(["restore", run.name, "nothing", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == [{"id": run.name, "directory": str(run)}]


def test_a_trash_that_can_not_be_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    trash = ended().parents[1] / ".trash"
    trash.symlink_to(trash)
    assert main(["gc", "--trash"]) == 0
    assert f"{trash} can't be read" in capsys.readouterr().err


def test_the_trash_of_a_folder_that_was_moved_is_found_after_reindex(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, _ = ended(), ended()
    stx.remove(run.name)
    moved = run.parents[1].rename("moved_out").absolute()
    assert told(capsys, "restore") == []
    reindex(moved)
    assert [found["id"] for found in told(capsys, "gc", "--trash")["runs"]] == [run.name]
    assert [found["id"] for found in told(capsys, "restore")] == [run.name]
    assert stx.restore(run.name) == moved / run.parent.name / run.name


@pytest.mark.parametrize("command", ["rm", "archive"])
def test_where_one_of_several_fails_those_that_went_are_told(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = ended("a.py"), ended("b.py")
    (second.parents[1] / ".trash").write_text("in the way")
    assert main([command, "--yes", first.name, second.name]) == 2
    err = capsys.readouterr().err
    assert (
        f"1 run went to {'the trash' if command == 'rm' else 'an archive'} before the error" in err
    )
    assert first.name in err
    assert not first.exists()
    assert second.exists()


def test_a_run_without_a_record_is_told_from_one_that_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    (run / "session.json").unlink()
    for command in ("rm", "archive", "path"):
        assert f"{run}, which holds no session.json" in refused(capsys, command, run.name)
    assert main(["ls"]) == 0
    assert "(gone)" not in capsys.readouterr().out
    run.rename("elsewhere")
    assert "(if it was moved: reindex PATH)" in refused(capsys, "rm", run.name)


def test_restore_refuses_what_is_not_away_and_what_would_be_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ended()
    assert "neither in the trash nor in an archive" in refused(capsys, "restore", run.name)
    (removed,) = stx.remove(run.name)
    run.mkdir()
    assert "stands where it would be restored" in refused(capsys, "restore", run.name)
    assert Path(removed["trash"], "a.txt").exists()


def test_a_run_is_removed_again_after_it_came_back() -> None:
    run = ended()
    for _ in range(3):
        stx.remove(run.name)
        assert listed() == set()
        stx.restore(run.name)
        assert listed() == {run.name}


def test_processes_that_remove_the_same_runs_lose_none_and_take_none_twice() -> None:
    runs = [ended() for _ in range(20)]
    argv = [sys.executable, "-m", "scitex_session", "rm", "--yes", *(run.name for run in runs)]
    both = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    found = [*(runs[0].parents[1] / ".trash").glob("*/FINISHED_SUCCESS/*/a.txt")]
    assert sorted(path.read_text() for path in found) == sorted(run.name for run in runs)
    assert listed() == set()
    for run in runs:
        stx.restore(run.name)
    assert listed() == {run.name for run in runs}
