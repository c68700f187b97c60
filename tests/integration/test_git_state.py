"""What git itself tells of the repository of a run: true for every kind, and never waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from scitex_session.__main__ import main
from scitex_session_core import read_record
from support import run_script, wait_until

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

SCRIPT = """
    import scitex_session as stx

    @stx.session
    def main():
        pass

    if __name__ == "__main__":
        main()
"""
ASKED = {"dirty", "diff", "remote", "untracked"}


def git(where: Path | str, *words: str) -> str:
    settings = ("protocol.file.allow=always", "user.name=n", "user.email=a@b.c")
    argv = ["git", *(word for each in settings for word in ("-c", each)), "-C", str(where), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def commit(where: Path | str, **files: str) -> None:
    for name, text in files.items():
        (Path(where) / f"{name}.py").write_text(text)
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", "one")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "repo"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    commit(place, script=textwrap.dedent(SCRIPT), helper="FACTOR = 1\n")
    monkeypatch.chdir(place)
    return place


def told(where: Path | str = ".", **more: Any) -> tuple[dict[str, Any], Path]:
    """Run the script there; return what its record says of git once git has answered, and where."""
    finished = run_script(Path(where) / "script.py", **more)
    assert finished.returncode == 0, finished
    assert "git" not in finished.stderr
    run_dir = max(
        Path(where).absolute().glob("script_out/FINISHED_SUCCESS/*"), key=os.path.getmtime
    )

    def answered() -> dict[str, Any] | None:
        said: dict[str, Any] = read_record(run_dir)["git"]
        unfinished = "unfinished" in said.get("unknown", {}).values()
        return None if unfinished else said

    wait_until(answered, timeout=100)
    return read_record(run_dir)["git"], run_dir


def test_a_clean_repository_is_clean_and_leaves_no_diff(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://me:ghp_0123456789abcdefghij@git.org/x.git")
    said, run_dir = told()
    assert (said["dirty"], said["diff"], said["untracked"]) == (False, None, [])
    assert said["remote"] == "https://git.org/x.git"
    assert set(said["as_of"]) == ASKED
    assert "unknown" not in said
    wait_until(lambda: os.listdir(run_dir / "code") == ["script.py"])


def test_changes_are_told_and_their_diff_makes_them_again(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    (repository / "helper.py").write_text("FACTOR = 1000\n")
    new = {"plain.txt": "a\nb", 'größe "x".py': "Ü = 1\n", "with blank.py": "", "run.sh": "#!\n"}
    for name, text in new.items():
        (repository / name).write_text(text)
    (repository / "run.sh").chmod(0o755)
    (repository / "data.bin").write_bytes(b"\0\1")
    said, run_dir = told()
    assert said["dirty"] is True
    assert sorted(said["untracked"]) == sorted([*new, "data.bin"])
    assert said["diff"] == "code/changes.diff"
    assert said["notes"] == ["untracked files without their text: data.bin"]
    git(clone, "apply", str(run_dir / said["diff"]))
    for name in ("helper.py", *new):
        assert (clone / name).read_bytes() == (repository / name).read_bytes()
    assert os.access(clone / "run.sh", os.X_OK)


def test_a_staged_change_and_a_removed_file_are_changes(repository: Path) -> None:
    commit(repository, other="1\n")
    (repository / "helper.py").write_text("FACTOR = 2\n")
    git(repository, "add", "-A")
    (repository / "other.py").unlink()
    said, run_dir = told()
    assert said["dirty"] is True
    text = (run_dir / "code/changes.diff").read_text()
    assert "+FACTOR = 2" in text
    assert "deleted file" in text


def test_a_file_that_was_only_touched_is_no_change(repository: Path) -> None:
    os.utime(repository / "helper.py", (1, 1))
    said, _ = told()
    assert said["dirty"] is False


def test_a_secret_in_the_diff_is_masked_and_said(repository: Path) -> None:
    (repository / "helper.py").write_text("token = encode(1)\npassword = 'hunter2'\n")
    (repository / "new.ini").write_text("db_password: hunter2\n")
    (repository / ".env").write_text("SOMETHING=hunter2\n")
    said, run_dir = told()
    text = (run_dir / "code/changes.diff").read_text()
    assert "hunter2" not in text
    assert "+token = encode(1)\n+password = '***'" in text
    assert text.startswith("# scitex-session: secrets in it are masked")
    assert any("can't be applied" in note for note in said["notes"])
    assert "untracked files without their text: .env" in said["notes"]


def test_no_commit_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "trunk")
    Path("script.py").write_text(textwrap.dedent(SCRIPT))
    Path("helper.py").write_text("staged = 1\n")
    git(tmp_path, "add", "helper.py")
    said, run_dir = told()
    assert (said["commit"], said["branch"], said["dirty"]) == (None, "trunk", True)
    assert said["unknown"]["commit"] == "there is no commit yet"
    assert "+staged = 1" in (run_dir / "code/changes.diff").read_text()
    assert said["untracked"] == ["script.py"]


def test_worktrees_and_detached_heads(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "feature", str(tmp_path / "tree"))
    (tmp_path / "tree" / "helper.py").write_text("FACTOR = 2\n")
    said, _ = told(tmp_path / "tree")
    assert (said["branch"], said["dirty"]) == ("feature", True)
    git(repository, "checkout", "-q", "--detach")
    said, _ = told()
    assert (said["branch"], said["dirty"]) == (None, False)


def test_a_change_within_a_submodule_is_a_change_and_in_the_diff(
    repository: Path, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    commit(inner, part="PART = 1\n")
    git(repository, "submodule", "add", "-q", str(inner), "sub")
    commit(repository)
    (repository / "sub" / "part.py").write_text("PART = 2\n")
    said, run_dir = told()
    assert said["dirty"] is True
    assert "+PART = 2" in (run_dir / "code/changes.diff").read_text()
    (repository / "sub" / "script.py").write_text(textwrap.dedent(SCRIPT))
    said, _ = told(repository / "sub")
    assert said["dirty"] is True
    assert said["untracked"] == ["script.py"]
    assert said["commit"] == git(inner, "rev-parse", "HEAD")


def test_a_bare_repository_has_no_changes_to_be_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", str(tmp_path / ".bare"))
    (tmp_path / ".git").write_text("gitdir: ./.bare\n")
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    said, _ = told(tmp_path)
    assert set(said["unknown"]) == ASKED
    assert all("work tree" in why for why in said["unknown"].values())


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give files away")
def test_a_repository_of_another_owner_is_not_read_by_git(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    subprocess.run(["chown", "-R", "65534", "."], check=True)
    said, run_dir = told()
    assert said["commit"] == head
    assert set(said["unknown"]) == ASKED
    assert all("dubious ownership" in why for why in said["unknown"].values())
    assert main(["show", str(run_dir)]) == 0
    (reason,) = [line for line in capsys.readouterr().out.splitlines() if "dubious" in line]
    assert reason.split()[:6] == ["not", "known", "dirty,", "diff,", "remote,", "untracked:"]
    assert reason.endswith(f"call: git config --global --add safe.directory {repository}")


def test_a_filter_that_is_missing_is_why_the_changes_are_unknown(repository: Path) -> None:
    (repository / "big.dat").write_text("version https://git-lfs.github.com/spec/v1\n")
    commit(repository)
    (repository / ".gitattributes").write_text("*.dat filter=lfs diff=lfs merge=lfs -text\n")
    commit(repository)
    git(repository, "config", "filter.lfs.process", "no-such-program filter-process")
    git(repository, "config", "filter.lfs.required", "true")
    (repository / "big.dat").write_text("version https://git-lfs.github.com/spec/v2\n")
    said, _ = told()
    assert set(said["unknown"]) == {"dirty", "diff", "remote"}
    assert "no-such-program" in said["unknown"]["dirty"]
    assert said["untracked"] == []


def test_a_filter_of_the_repository_is_asked(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.dat filter=upper\n")
    (repository / "big.dat").write_text("abc\n")
    git(repository, "config", "filter.upper.clean", "tr a-z A-Z")
    commit(repository)
    (repository / "big.dat").write_text("ABC\n")  # for git the same
    said, _ = told()
    assert said["dirty"] is False


def test_without_git_the_record_says_so(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    head = git(repository, "rev-parse", "HEAD")
    said, _ = told(env={"PATH": str(tmp_path / "bin")})
    assert said["commit"] == head
    assert set(said["unknown"].values()) == {"git is not installed, or not on the PATH"}


def test_a_git_that_breaks_is_why_nothing_is_known(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "git"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'error: password=hunter2 is no good' >&2\nexit 3\n")
    broken.chmod(0o755)
    said, _ = told(env={"PATH": f"{broken.parent}:{os.environ['PATH']}"})
    assert set(said["unknown"].values()) == {"git: error: password=*** is no good"}


def test_a_broken_repository_is_why_its_changes_are_not_known(repository: Path) -> None:
    (repository / ".git" / "index").write_bytes(b"garbage")
    said, _ = told()
    assert set(said["unknown"]) == {"dirty", "diff", "remote", "untracked"}
    assert "index" in said["unknown"]["dirty"]


@pytest.mark.slow
def test_a_git_that_hangs_is_ended_with_what_it_has_started(
    repository: Path, tmp_path: Path
) -> None:
    hanging, pids = tmp_path / "bin" / "git", tmp_path / "pids"
    hanging.parent.mkdir()
    hanging.write_text(f"#!/bin/sh\nsleep 1000 &\necho $$ $! >> {pids}\nwait\n")
    hanging.chmod(0o755)
    said, _ = told(env={"PATH": f"{hanging.parent}:{os.environ['PATH']}"})
    assert set(said["unknown"].values()) == {"git took too long, and was ended"}
    assert [pid for pid in pids.read_text().split() if lives(pid)] == []


def lives(pid: str) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


def test_what_changes_after_the_run_began_is_said(repository: Path) -> None:
    (repository / "slow").mkdir()
    slow = repository / "slow" / "git"
    # The first question waits until the script has changed its repository.
    slow.write_text(
        f"#!/bin/sh\nwhile [ ! -e {repository}/.git/go ]; do sleep 0.05; done\n"
        f'exec {shutil.which("git")} "$@"\n'
    )
    slow.chmod(0o755)
    head = git(repository, "rev-parse", "HEAD")
    text = textwrap.dedent(SCRIPT).replace(
        "    pass",
        "    import os, subprocess\n"
        "    open('helper.py', 'w').write('FACTOR = 2')\n"
        "    open('new.py', 'w').write('NEW = 1')\n"
        "    git = ['git', '-c', 'user.name=n', '-c', 'user.email=a@b.c']\n"
        f"    env = {{**os.environ, 'PATH': {os.environ['PATH']!r}}}\n"
        "    subprocess.run([*git, 'commit', '-qam', 'two'], check=True, env=env)\n"
        "    open('.git/go', 'w').close()\n",
    )
    commit(repository, script=text)
    head = git(repository, "rev-parse", "HEAD")
    said, run_dir = told(env={"PATH": f"{slow.parent}:{os.environ['PATH']}"})
    assert said["commit"] == head
    # The diff is that from the commit on record, though HEAD has moved.
    assert "+FACTOR = 2" in (run_dir / "code/changes.diff").read_text()
    assert "changed after the run began: helper.py" in said["notes"]
    assert any(note.startswith("untracked files without their text") for note in said["notes"])
    now = git(repository, "rev-parse", "HEAD")
    note = f"when git had answered, HEAD was at {now}"
    wait_until(lambda: note in read_record(run_dir)["git"]["notes"])  # said last of all


def test_the_variables_of_a_git_hook_do_not_mislead(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (repository / "helper.py").write_text("FACTOR = 2\n")
    said, _ = told(env={"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": "nowhere"})
    assert said["dirty"] is True
    assert said["untracked"] == []


def test_programs_that_git_is_configured_to_run_are_not_run(repository: Path) -> None:
    trap = repository / ".git" / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/.git/trapped\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "diff.mine.textconv"):
        git(repository, "config", name, str(trap))
    (repository / ".git/info/attributes").write_text("*.py diff=mine\n")
    (repository / "helper.py").write_text("FACTOR = 2\n")
    said, run_dir = told()
    assert said["dirty"] is True
    assert "+FACTOR = 2" in (run_dir / "code/changes.diff").read_text()
    assert not (repository / ".git/trapped").exists()


def test_the_index_is_not_written(repository: Path) -> None:
    os.utime(repository / "helper.py", (1, 1))
    before = (repository / ".git/index").read_bytes()
    told()
    assert (repository / ".git/index").read_bytes() == before


def test_a_run_that_keeps_nothing_asks_nothing(repository: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "bin" / "git"
    noisy.parent.mkdir()
    noisy.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    noisy.chmod(0o755)
    script = repository / "script.py"
    script.write_text(script.read_text().replace("@stx.session", "@stx.session(no_save=True)"))
    finished = run_script(script, env={"PATH": f"{noisy.parent}:{os.environ['PATH']}"})
    assert finished.returncode == 0, finished
    assert not (tmp_path / "asked").exists()


def test_many_untracked_files_are_cut_and_that_is_said(repository: Path) -> None:
    (repository / "data").mkdir()
    for number in range(1005):
        (repository / "data" / f"{number}.txt").touch()
    said, _ = told()
    assert len(said["untracked"]) == 1000
    assert "only the first 1000 untracked files are listed" in said["notes"]


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)
def test_where_everything_ends_with_the_run_the_record_says_unfinished(
    repository: Path, tmp_path: Path
) -> None:
    never = tmp_path / "bin" / "git"
    never.parent.mkdir()
    never.write_text("#!/bin/sh\nsleep 1000\n")
    never.chmod(0o755)
    subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "script.py"],
        env={**os.environ, "PATH": f"{never.parent}:{os.environ['PATH']}"},
        check=True,
    )
    (run_dir,) = (repository / "script_out/FINISHED_SUCCESS").iterdir()
    said = read_record(run_dir)["git"]
    assert said["unknown"] == dict.fromkeys(ASKED, "unfinished")
    assert said["dirty"] is None


def test_a_crash_does_not_end_the_questions(repository: Path) -> None:
    (repository / "helper.py").write_text("FACTOR = 2\n")
    script = repository / "script.py"
    script.write_text(
        script.read_text().replace("    pass", "    import os; os.kill(os.getpid(), 9)")
    )
    assert run_script(script).returncode == -9
    (run_dir,) = wait_until(lambda: list(repository.glob("script_out/FINISHED_ERROR/*")))
    wait_until(lambda: read_record(run_dir)["git"]["untracked"] is not None, timeout=100)
    assert read_record(run_dir)["git"]["dirty"] is True


@pytest.mark.slow
def test_a_hundred_thousand_files(repository: Path) -> None:
    for number in range(100_000):
        folder = repository / f"{number // 1000}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_text(str(number))
    commit(repository)
    (repository / "7" / "7001.txt").write_text("changed")
    (repository / "99" / "new.txt").write_text("new\n")
    said, run_dir = told()
    assert said["dirty"] is True
    assert said["untracked"] == ["99/new.txt"]
    assert (run_dir / "code/changes.diff").read_text().count("diff --git") == 2
