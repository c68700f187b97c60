"""Commit and branch read from ``.git`` are those that git reports."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scitex_session_core import new_record

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
COMMIT = "0123456789" * 4


def read_git(folder: Path) -> dict[str, Any] | None:
    """What a record says of the repository of a script in `folder`."""
    found = new_record("x", script=folder / "script.py")["git"]
    assert found is None or isinstance(found, dict)
    return found


def git(where: Path, *args: str) -> str:
    argv = ["git", "-c", "protocol.file.allow=always", *args]
    done = subprocess.run(argv, cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def git_says(where: Path) -> dict[str, str | None]:
    def ask(*args: str) -> str | None:
        argv = ["git", *args]
        done = subprocess.run(argv, cwd=where, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    return {
        "commit": ask("rev-parse", "--verify", "-q", "HEAD"),
        "branch": ask("symbolic-ref", "--short", "-q", "HEAD"),
    }


def check(where: Path, *, commit: bool = True, branch: str | None = "main") -> None:
    found = read_git(where)
    assert found is not None
    said = git_says(where)
    assert {name: found[name] for name in said} == said
    assert (found["commit"] is not None) == commit
    assert found["branch"] == branch
    assert (found["dirty"], found["remote"], found["diff"]) == (None, None, None)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "répo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    git(path, "commit", "-q", "--allow-empty", "-m", "first")
    (path / "sub" / "deep").mkdir(parents=True)
    return path


def test_a_branch(repository: Path) -> None:
    check(repository)
    check(repository / "sub" / "deep")


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    check(tmp_path, commit=False, branch="trunk")


def test_a_branch_with_slashes_and_other_letters(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "feature/größe.1")
    check(repository, branch="feature/größe.1")


def test_packed_refs(repository: Path) -> None:
    for number in range(20):
        git(repository, "update-ref", f"refs/heads/main{number}", "HEAD")
        git(repository, "tag", "-a", "-m", "x", f"v{number}")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    check(repository)
    git(repository, "commit", "-q", "--allow-empty", "-m", "loose over packed")
    check(repository)


def test_a_packed_ref_that_only_ends_like_ours(repository: Path) -> None:
    git(repository, "update-ref", "refs/heads/not/refs/heads/new", "HEAD")
    git(repository, "pack-refs", "--all")
    git(repository, "symbolic-ref", "HEAD", "refs/heads/new")
    check(repository, commit=False, branch="new")


def test_a_detached_head(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    check(repository, branch=None)


def test_worktrees(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "second")
    check(tmp_path / "tree", branch="other")
    check(repository)
    git(repository, "pack-refs", "--all")
    check(tmp_path / "tree", branch="other")
    git(tmp_path / "tree", "checkout", "-q", "--detach", "HEAD~1")
    check(tmp_path / "tree", branch=None)


def test_a_submodule(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "add", "-q", str(repository), "inner")
    git(outer, "commit", "-q", "-m", "with submodule")
    check(outer / "inner")
    check(outer)
    assert git_says(outer) != git_says(outer / "inner")


def test_a_separate_git_dir_and_a_symbolic_link_to_one(repository: Path, tmp_path: Path) -> None:
    shutil.move(repository / ".git", tmp_path / "elsewhere")
    (repository / ".git").symlink_to(tmp_path / "elsewhere")
    check(repository)
    (repository / ".git").unlink()
    (repository / ".git").write_text("gitdir: ../elsewhere\n")
    check(repository / "sub")


def test_a_folder_reached_by_a_symbolic_link(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository / "sub")
    check(tmp_path / "link")


def test_sha256_repositories(tmp_path: Path) -> None:
    try:
        git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this git has no SHA-256: {error.stderr}")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    check(tmp_path)


def test_a_rebase_in_progress_is_detached(repository: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "rebase", "-q", "--keep-empty", "--exec", "false", "HEAD~1")
    check(repository, branch=None)


def test_the_reftable_format_is_left_to_git(repository: Path) -> None:
    try:
        git(repository, "refs", "migrate", "--ref-format=reftable")
    except subprocess.CalledProcessError:  # a git before 2.46: what such a one would leave
        (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    found = read_git(repository)
    assert found is not None
    assert (found["commit"], found["branch"]) == (None, None)


def test_an_empty_folder_named_git_is_no_repository(repository: Path) -> None:
    (repository / "sub" / ".git").mkdir()
    check(repository / "sub" / "deep")


def test_no_repository(tmp_path: Path) -> None:
    assert read_git(tmp_path) is None
    assert read_git(tmp_path / "gone") is None


@pytest.mark.parametrize(
    ("head", "commit", "branch"),
    [
        (f"{COMMIT}\n", COMMIT, None),
        (COMMIT, COMMIT, None),
        ("ref: refs/heads/main\n", None, "main"),
        ("ref:refs/heads/main\n", None, "main"),
        ("ref: refs/remotes/origin/main", None, "refs/remotes/origin/main"),
        ("not a commit\n", None, None),
        ("\xff\n", None, None),
    ],
)
def test_odd_heads(head: str, commit: str | None, branch: str | None, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head, encoding="latin-1")
    found = read_git(tmp_path)
    assert found is not None
    assert (found["commit"], found["branch"]) == (commit, branch)


def test_a_ref_that_leads_to_itself_ends(tmp_path: Path) -> None:
    heads = tmp_path / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (heads / "main").write_text("ref: refs/heads/main\n")
    found = read_git(tmp_path)
    assert found is not None
    assert found["commit"] is None


def test_an_empty_head_or_one_that_can_not_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").touch()
    assert read_git(tmp_path) is None
    (tmp_path / ".git" / "HEAD").unlink()
    os.mkfifo(tmp_path / ".git" / "refs")
    (tmp_path / ".git" / "HEAD").symlink_to("HEAD")
    assert read_git(tmp_path) is None
