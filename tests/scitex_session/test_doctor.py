"""The doctor sees what is wrong, says what mends it, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scitex_session as stx
from scitex_session.__main__ import main
from scitex_session_core import (
    SessionManager,
    ended_record,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    register_end,
    register_start,
    registry_dir,
    write_record,
)
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scitex_session._command.probes import Check

SUBJECTS = [
    *("installation", "registry", "cwd", "journal", "cache", "matplotlib", "completion", "git"),
    "schedulers",
]
UNHURRIED = 60.0  # the machine may be busy with other tests


def wrong(*subjects: str) -> list[Check]:
    found = stx.doctor(*subjects, within=UNHURRIED)
    assert {check.subject for check in found} == set(subjects)
    return [check for check in found if check.state == "wrong"]


def finished(script: Path, process: dict[str, Any] | None = None) -> Path:
    """Make a run that ended well, and that the registry knows."""
    script.parent.mkdir(exist_ok=True)
    run = make_run_dir(script)
    record = new_record(run.id, script=script)
    record["process"] = {**record["process"], **(process or {})}
    register_start(registry_dir(), record, run.path)
    record = ended_record(record, exit_status=0, reason={"kind": "returned"})
    write_record(run.path, record)
    moved = move_to_finished(run.path, "success")
    register_end(registry_dir(), record, moved)
    return moved


def test_all_is_looked_at_and_what_is_wrong_has_a_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path / "fit.py")
    before = sorted(tmp_path.rglob("*"))
    status = main(["doctor", "--json", "--within", str(UNHURRIED)])
    told = json.loads(capsys.readouterr().out)
    assert list(dict.fromkeys(check["subject"] for check in told)) == SUBJECTS
    assert all(list(check) == ["subject", "state", "found", "mend"] for check in told)
    assert {check["state"] for check in told} <= {"ok", "wrong", "absent"}
    ill = [check for check in told if check["state"] == "wrong"]
    assert all(check["mend"] for check in ill)
    assert status == bool(ill)
    assert sorted(tmp_path.rglob("*")) == before


def test_all_is_well_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(tmp_path / "fit.py")
    assert main(["doctor", "registry", "cwd", "cache", "--within", str(UNHURRIED)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "all is well"
    assert all(line.startswith("✓ ") for line in lines[:-1])
    assert "in 1 file of the journal" in lines[0]


def test_an_unknown_subject_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "regsitry"]) == 2
    assert f"one of {', '.join(SUBJECTS)}, not 'regsitry'" in capsys.readouterr().err
    with pytest.raises(stx.SessionError, match="within must be a number of seconds above 0"):
        stx.doctor(within=0)


def test_what_gives_no_answer_in_time_is_said_and_the_rest_goes_on() -> None:
    # No interpreter starts in a millisecond.
    found = stx.doctor("cwd", "matplotlib", "git", within=0.001)
    assert [(check.subject, check.state) for check in found] == [
        ("cwd", "wrong"),
        ("matplotlib", "absent"),
        ("git", "wrong"),
    ]
    assert {check.found for check in found} == {"no answer within 0.001 s"}
    assert all(check.mend for check in found)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the git of this test is a shell script")
def test_a_git_that_hangs_holds_up_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    (check,) = wrong("git")
    assert check.found == f"{fake} gives no answer within 1.5 s"
    assert not wrong("cwd")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing")
def test_a_file_system_that_hangs_holds_up_only_the_look_at_it(tmp_path: Path) -> None:
    hang = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock"]
    hang += [
        "-e",
        "inject=flock:delay_enter=90000000",
    ]  # of 90 s, as long as the test waits at most
    command = [sys.executable, "-m", "scitex_session", "doctor", "cwd", "git", "--within", "5"]
    with open(tmp_path / "shown", "wb") as shown:
        process = subprocess.Popen([*hang, *command], stdout=shown, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: "wrong" in (tmp_path / "shown").read_text(), timeout=60)
    finally:
        process.kill()
        process.wait()
    lines = (tmp_path / "shown").read_text().splitlines()
    assert lines[0].endswith("no answer within 5 s")
    assert "here is no repository" in lines[2]


def test_modules_in_the_working_directory_are_not_in_its_way(tmp_path: Path) -> None:
    for name in ("json", "tempfile", "scitex_session"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('mine')")
    assert wrong("registry", "cwd") == []


@pytest.mark.parametrize(
    ("value", "subject", "why"),
    [
        ("sqlite:///runs.db", "registry", "must be a directory, not 'sqlite:///runs.db'"),
        ("a-file", "journal", "nothing can be written there"),
        ("/proc/scitex", "journal", "nothing can be written there"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="nobody can write to /proc")
def test_a_registry_that_is_none(
    monkeypatch: pytest.MonkeyPatch, value: str, subject: str, why: str
) -> None:
    Path("a-file").touch()
    monkeypatch.setenv("SCITEX_SESSION_REGISTRY", value)
    (check,) = wrong(subject)
    assert why in check.found
    assert "SCITEX_SESSION_REGISTRY" in str(check.mend)


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    finished(tmp_path / "fit.py")
    (journal,) = registry_dir().glob("journal/*.jsonl")
    with open(journal, "ab") as file:
        file.write(b'\n{"event": "close", "id": "x\n\x00\x00\x00\n\n[1]\n')
    (registry_dir() / "journal" / "z.jsonl").mkdir()
    found = stx.doctor("registry", within=UNHURRIED)
    (broken,) = [check for check in found if check.state == "absent"]
    assert broken.found.startswith("3 broken lines in the journal")
    assert "reindex" in str(broken.mend)
    first = next(check for check in found if check.state == "wrong")
    assert "z.jsonl" in first.found


def test_a_damaged_index_is_told_and_made_again(tmp_path: Path) -> None:
    finished(tmp_path / "fit.py")
    assert wrong("registry") == []
    (index,) = Path(os.environ["XDG_CACHE_HOME"]).rglob("*.sqlite3")
    index.write_bytes(b"no database" * 1000)
    (check,) = wrong("registry")
    assert "the index of the registry is broken" in check.found
    assert wrong("registry") == []


class TestRunsThatAreGone:
    def test_they_are_told_and_forgotten(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gone, kept = finished(tmp_path / "fit.py"), finished(tmp_path / "fit.py")
        shutil.rmtree(gone)
        (check,) = wrong("registry")
        assert check.found == f"1 run is gone from {tmp_path / 'fit_out'}: {gone.name}"
        assert main(["doctor", "--forget"]) == 0
        shown = capsys.readouterr().out
        assert shown == f"{gone.name}  gone from {tmp_path / 'fit_out'}\nforgot 1 run\n"
        assert list(SessionManager().list_sessions()) == [kept.name]
        assert wrong("registry") == []

    def test_more_than_one_are_forgotten_only_with_yes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = [finished(tmp_path / "fit.py").name for _ in range(4)]
        shutil.rmtree(tmp_path / "fit_out")
        (check,) = wrong("registry")
        assert "4 runs are gone" in check.found
        assert "which is gone (unmounted?)" in check.found
        assert main(["doctor", "--forget"]) == 0
        assert (
            "would forget 4 runs: scitex-session doctor --forget --yes" in capsys.readouterr().out
        )
        assert sorted(SessionManager().list_sessions()) == sorted(runs)
        assert main(["doctor", "--forget", "--yes", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert sorted(run["id"] for run in told) == sorted(runs)
        assert all(run["forgotten"] for run in told)
        assert SessionManager().list_sessions() == {}

    def test_what_was_only_moved_comes_back_by_reindex(self, tmp_path: Path) -> None:
        run = finished(tmp_path / "fit.py")
        shutil.move(tmp_path / "fit_out", tmp_path / "elsewhere")
        assert main(["doctor", "--forget"]) == 0
        assert SessionManager().get_session(run.name) == {}
        stx.reindex(tmp_path)
        assert SessionManager().get_session(run.name)["status"] == "success"
        assert wrong("registry") == []

    def test_others_are_not_gone(self, tmp_path: Path) -> None:
        record = new_record("alive")
        journal_create(registry_dir(), "by hand", {}, script_path=None, process=None)
        journal_create(
            *(registry_dir(), "alive", {}),
            script_path=None,
            process=record["process"],
            run_dir=tmp_path / "fit_out" / "RUNNING" / "alive",
        )
        theirs = finished(tmp_path / "theirs" / "fit.py", {"host": "elsewhere"})
        shutil.rmtree(tmp_path / "theirs")  # here; that machine may have it on its own disk
        assert wrong("registry") == []
        theirs.parent.mkdir(parents=True)  # a folder that both have
        (check,) = wrong("registry")
        assert theirs.name in check.found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a tmpfs can be mounted only by root on Linux")
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs can't be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_or_read_only_is_told(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCITEX_SESSION_CACHE", str(small_disk))
    (check,) = wrong("cache")
    assert check.found.startswith(f"{small_disk}: only 64 KiB free")
    assert check.mend == "scitex-session gc --older 30d"
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    (check,) = wrong("cache")
    assert check.found == f"{small_disk}: nothing can be written there (Read-only file system)"
    assert "SCITEX_SESSION_CACHE" in str(check.mend)


@pytest.mark.skipif(not shutil.which("git"), reason="git is missing")
class TestGit:
    def test_a_repository_is_named_and_none_is_nothing_wrong(self, tmp_path: Path) -> None:
        (check,) = stx.doctor("git", within=UNHURRIED)
        assert (check.state, check.mend) == ("absent", "git init")
        subprocess.run(["git", "init", "-q"], check=True)
        (check,) = stx.doctor("git", within=UNHURRIED)
        assert (check.state, check.mend) == ("ok", None)
        assert check.found.endswith(f"here is {tmp_path}")

    def test_that_of_another_user_is_mended_by_what_is_said(self, tmp_path: Path) -> None:
        subprocess.run(["git", "init", "-q"], check=True)
        if os.name != "posix" or os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(tmp_path, 12345, 12345)
        os.chown(tmp_path / ".git", 12345, 12345)
        (check,) = wrong("git")
        assert "another user's" in check.found
        subprocess.run(str(check.mend), shell=True, check=True)
        assert wrong("git") == []


@pytest.mark.slow
def test_a_backend_without_a_display_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    if sys.platform != "linux":
        pytest.skip("elsewhere there is always a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    (check,) = wrong("matplotlib")
    assert check.mend == "export MPLBACKEND=agg"


def test_signs_are_coloured_on_request_and_plain_where_letters_lack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    argv = [sys.executable, "-m", "scitex_session", "doctor", "cwd", "--within", "60"]
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = subprocess.run(argv, capture_output=True, check=True)
    assert done.stdout.decode().startswith("\x1b[32m✓\x1b[0m cwd")
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = subprocess.run(argv, capture_output=True, check=True)
    assert done.stdout.startswith(b"+ cwd")
