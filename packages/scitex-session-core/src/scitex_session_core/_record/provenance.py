"""What a record says of a run when it begins: the process, the environment, the commit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scitex_session_core import __version__
from scitex_session_core._errors import InvalidTypeError, InvalidValueError
from scitex_session_core._process import identify, oom_kills

from .masker import argv_without_secrets, secrets_in
from .record import SCHEMA, utc_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

# Variables that are no secret, and that distinguish runs of the same code.
_RECORDED_VARIABLES = (
    "CONDA_DEFAULT_ENV",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_JOB_ID",
    "VIRTUAL_ENV",
)

_MOST_SYMBOLIC_REFS = 5  # as in git: a ref that leads to itself must not hang us
# The content of HEAD where references are kept in a binary table, which only git reads.
_REFTABLE = "refs/heads/.invalid"


def new_record(
    session_id: str,
    *,
    script: Path | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    argv: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    parent: str | None = None,
    attempt: int = 1,
) -> dict[str, Any]:
    """Describe a run of this process that begins now.

    Parameters
    ----------
    session_id : str
        The ID of the run.
    script : Path, optional
        The script. The commit is that of the repository which holds its folder.
    function : str, optional
        The function that runs.
    arguments : mapping, optional
        The arguments of the function.
    argv : sequence of str
        The command line.
    config : mapping, optional
        The user's configuration.
    seed : int, optional
        The seed of the run.
    parent : str, optional
        The ID of the run that started this one, or that this one continues.
    attempt : int
        The number of the attempt, starting at 1.

    Returns
    -------
    dict
        Every field of schema 1, with the status ``running``. ``process`` identifies this process,
        and counts in ``oom_kills`` how many processes of its control group the kernel has killed
        for lack of memory so far: one more of them tells how this run died.

    Raises
    ------
    InvalidValueError
        `attempt` is less than 1.
    InvalidTypeError
        `attempt` is no integer.
    """
    _check_attempt(attempt)
    try:
        cwd = os.getcwd()
    except OSError:  # the working directory was removed under us
        cwd = ""
    git_from = script.parent if script else None
    return {
        "schema": SCHEMA,
        "id": session_id,
        "status": "running",
        "exit_status": None,
        "reason": None,
        "message": "",
        "script": str(script) if script else None,
        "function": function,
        "arguments": dict(arguments or {}),
        "argv": argv_without_secrets(argv, secrets_in(arguments) if len(argv) > 1 else ()),
        "cwd": cwd,
        "config": dict(config or {}),
        "seed": seed,
        "started": utc_now(),
        "ended": None,
        "duration_s": None,
        "process": {**identify(), "oom_kills": oom_kills()},
        "python": ".".join(map(str, sys.version_info[:3])),
        "platform": _platform(),
        "environment": None,
        "env": {n: os.environ[n] for n in _RECORDED_VARIABLES if n in os.environ},
        "git": read_git(git_from) if git_from else None,
        "parent": parent,
        "attempt": attempt,
        "tags": [],
        "note": "",
        "results": {},
        "artifacts": [],
        "versions": {"scitex-session": __version__},
    }


def _check_attempt(attempt: object) -> None:
    if not isinstance(attempt, int) or isinstance(attempt, bool):
        raise InvalidTypeError("attempt", attempt, "an integer from 1 on")
    if attempt < 1:
        raise InvalidValueError("attempt", attempt, "an integer from 1 on")


def _platform() -> str:
    if hasattr(os, "uname"):
        system = os.uname()
        return f"{system.sysname}-{system.release}-{system.machine}"
    import platform

    return platform.platform()


def read_git(start: Path) -> dict[str, Any] | None:
    """Read commit and branch of the repository that holds `start`, without git: it takes 15 ms.

    Parameters
    ----------
    start : Path
        A directory.

    Returns
    -------
    dict or None
        ``commit`` (None in a repository without commits), ``branch`` (None if HEAD is detached),
        and ``dirty``, ``remote`` and ``diff``, which are None until a git process fills them. In
        the reftable format, only git can tell commit and branch. None if `start` is in no
        repository, or ``.git`` can't be read.

    Notes
    -----
    The layout is that of gitrepository-layout(5): the ``gitdir:`` file of worktrees and submodules,
    ``commondir``, loose refs before ``packed-refs``.
    """
    try:
        git_dir = _find(os.path.realpath(start))
        head = None if git_dir is None else _first_line(os.path.join(git_dir, "HEAD"))
        if git_dir is None or head is None:
            return None
        branch: str | None = None
        commit: str | None = head
        if head.startswith("ref:"):
            name = head[4:].strip()
            if name == _REFTABLE:
                commit = None
            else:
                branch = name.removeprefix("refs/heads/")
                commit = _resolve(git_dir, name)
    except OSError:
        return None
    return {"commit": _hex(commit), "branch": branch, "dirty": None, "remote": None, "diff": None}


def _find(folder: str) -> str | None:
    while True:
        candidate = os.path.join(folder, ".git")
        line = _first_line(candidate)
        if line is not None and line.startswith("gitdir:"):
            return os.path.join(folder, line[7:].strip())
        # A directory of that name without HEAD is no repository: git looks further up, too.
        if os.path.exists(os.path.join(candidate, "HEAD")):
            return candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _resolve(git_dir: str, name: str) -> str | None:
    common = _first_line(os.path.join(git_dir, "commondir"))
    # Branches are shared by all worktrees and live in the common directory.
    places = [git_dir] if common is None else [git_dir, os.path.join(git_dir, common)]
    for _ in range(_MOST_SYMBOLIC_REFS):
        value = next((v for p in places if (v := _first_line(os.path.join(p, name)))), None)
        if value is None:
            return _packed(places[-1], name)
        if not value.startswith("ref:"):
            return value
        name = value[4:].strip()
    return None


def _packed(git_dir: str, name: str) -> str | None:
    try:
        with open(os.path.join(git_dir, "packed-refs"), "rb") as file:
            content = b"\n" + file.read()
    except FileNotFoundError:
        return None
    # Searched as a whole: line by line takes 50 ms where there are 100,000 tags.
    end = content.find(b" " + os.fsencode(name) + b"\n")
    return None if end < 0 else os.fsdecode(content[content.rindex(b"\n", 0, end) + 1 : end])


def _hex(commit: str | None) -> str | None:
    """Return `commit` if it is one, in SHA-1 or SHA-256: a broken file must not pass for one."""
    if commit is None or len(commit) not in (40, 64):
        return None
    return commit if all(c in "0123456789abcdef" for c in commit) else None


def _first_line(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.readline().strip()) or None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
