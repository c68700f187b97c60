"""What git tells of a work tree: what differs from the commit, where it comes from.

This runs in a process of its own beside a run, which `GitErrand` describes: git takes 15 ms in a
small repository, and seconds in a large one. It begins before user code, but nobody waits for it.
So each thing that it finds is an event with its own time, and what has changed meanwhile is said.

Descriptor 3 is the run's ``events.jsonl``, 4 its ``code/changes.diff``, 5 the folder of that.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from scitex_session_core._atomic import write_all
from scitex_session_core._errors import SessionError, some_of

from .masker import MASK, dumps, without_secrets
from .provenance import TOLD_BY_GIT, read_git
from .record import utc_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType
    from typing import IO, Any

_EVENTS, _DIFF, _FOLDER = 3, 4, 5

# What is kept at most, and said where it is less than all.
_LARGEST_DIFF = 8 << 20
_LARGEST_LIST = 4 << 20
_MOST_UNTRACKED = 1000
_LARGEST_UNTRACKED = 64 << 10
_LONGEST_REASON = 500

# Where git would look, and what it would run, if the user's variables told it: a run that a git
# hook starts has them.
_MISLEADING = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
    *("GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_PAGER", "GIT_ICASE_PATHSPECS"),
    *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
}
_SETTINGS = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
}
# No lock that the user's git would meet, and no daemon that outlives us.
_GIT = (
    *("git", "--no-pager", "--no-optional-locks"),
    *("-c", "core.fsmonitor=false", "-c", "core.quotePath=true"),
)
_COMPARE = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-renames"),
    "--ignore-submodules=untracked",
)
_AS_TEXT = ("--no-color", "--full-index", "--submodule=diff", "--src-prefix=a/", "--dst-prefix=b/")

_CREDENTIALS = r"(?<=://)[^/\s]*@"
_USER_OF_SSH = r"([a-z+]*ssh://)([^/@:\s]+)(?::[^/\s]*)?@"
# Files whose text is a secret as a whole.
_KEPT_OUT = (
    r"(?i)(?:\A|/)(?:\.env\b.*|\.netrc|\.pgpass|\.pypirc|\.git-credentials|id_\w+"
    r"|[^/]*\.(?:pem|key|p12|pfx))\Z"
)


class GitError(SessionError, RuntimeError):
    """Git could not answer; the message says why."""


class _TooLongError(Exception):
    """The time of the errand is over: no question is asked any more."""


class _Git:
    """Asks git about the repository of a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        self._environment = {**kept, **_SETTINGS}

    def leave_index(self, folder: str) -> None:
        """Use a copy of the index: even ``--no-optional-locks`` lets `git diff` write to it."""
        index = os.fsdecode(self.ask("rev-parse", "--git-path", "index")).rstrip("\n")
        copy = os.path.join(folder, "index")
        with suppress(OSError):  # there is none yet; or no room: git looks at its own then
            # With its time, by which git knows which files to look into.
            shutil.copy2(os.path.join(self.folder, index), copy)
            self._environment["GIT_INDEX_FILE"] = copy

    def ask(self, *words: str, most: int = _LARGEST_LIST) -> bytes:
        """Return what git prints, at most `most` bytes and one.

        Raises
        ------
        GitError
            It fails, or can't be started.
        """
        with _scratch_file() as errors:
            try:
                process = subprocess.Popen(
                    [*_GIT, "-C", self.folder, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=self._environment,
                    process_group=0,
                )
            except FileNotFoundError:
                raise GitError("git is not installed, or not on the PATH") from None
            except OSError as error:
                raise GitError(f"git can't be started: {error.strerror}") from None
            assert process.stdout is not None
            try:
                said = process.stdout.read(most + 1)
                if len(said) <= most:
                    process.wait()
            finally:
                whole = process.returncode is not None
                _end(process)
            if not whole:
                return said
            if process.returncode:
                errors.seek(0)
                raise GitError(_why(process.returncode, errors.read(10000)))
        return said


def _scratch_file() -> IO[bytes]:
    """Open a file without a name, in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("git"), "w+b")
    return tempfile.TemporaryFile()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, if it has not ended, and whatever it has started."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _why(status: int, said: bytes) -> str:
    """Return what git printed when it failed, in one line, without the secrets in it."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    told = "; ".join(filter(None, lines)).replace(":; ", ": ")
    if not told:
        told = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
    told = without_secrets(told)
    return f"git: {told[:_LONGEST_REASON]}{'…' if len(told) > _LONGEST_REASON else ''}"


class _Report:
    """What was found, as events of the run."""

    def __init__(self) -> None:
        self._missing = dict.fromkeys(TOLD_BY_GIT)

    def found(self, **fields: Any) -> None:
        for name in fields:
            self._missing.pop(name, None)
        self._append(fields)

    def unknown(self, why: object, *fields: str) -> None:
        unknown = dict.fromkeys(fields or self._missing, str(why))
        for name in fields:
            self._missing.pop(name, None)
        if unknown:
            self._append({"unknown": unknown})

    def note(self, note: str) -> None:
        self._append({"notes": [note]})

    @staticmethod
    def _append(fields: dict[str, Any]) -> None:
        line = dumps({"event": "git", "time": utc_now(), **fields})
        with suppress(OSError):  # a full disk: the record then says that this is unfinished
            os.write(_EVENTS, b"\n" + line + b"\n")


def main(argv: list[str]) -> None:
    """Tell what git knows.

    Parameters
    ----------
    argv : list of str
        The folder of the script; the commit that was read when the run began, or nothing; when it
        began, in ISO 8601.
    """
    folder, commit, started = argv
    signal.signal(signal.SIGALRM, _give_up)
    report = _Report()
    try:
        _tell(folder, commit, datetime.fromisoformat(started).timestamp(), report)
    except (GitError, OSError, _TooLongError) as error:
        report.unknown(error)
    finally:
        signal.alarm(0)
        _remove_if_empty()


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise _TooLongError("git took too long, and was ended")


def _tell(folder: str, commit: str, started: float, report: _Report) -> None:
    top = os.fsdecode(_Git(folder).ask("rev-parse", "--show-toplevel")).rstrip("\n")
    git = _Git(top)
    if not commit:
        commit = _first_commit(git, report)
    _tell_remote(git, report)
    place = None
    with suppress(OSError):  # all is read-only, as in hardened containers
        place = tempfile.mkdtemp(prefix="scitex-session-git-")
    try:
        if place is not None:
            git.leave_index(place)
        _tell_changes(git, commit, started, report)
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
    now = read_git(Path(top))
    if now is not None and now["commit"] not in (commit, None):
        report.note(f"when git had answered, HEAD was at {now['commit']}")


def work_tree(folder: Path) -> tuple[Path, list[str]]:
    """Return the top of the work tree that holds a folder, and its files.

    Parameters
    ----------
    folder : Path
        A folder in it.

    Returns
    -------
    top : Path
        The top, by the path of `folder`: a link on the way to both stays.
    files : list of str
        The files that git knows or does not ignore, relative to `top`; those in submodules and
        other work trees within, too. Files that are a secret as a whole (``.env``) are left out.

    Raises
    ------
    GitError
        Git is missing, fails or lists more than 4 MiB; `folder` is in no work tree, or is a link
        into one.
    """
    git = _Git(str(folder))
    up, top = git.ask("rev-parse", "--show-cdup", "--show-toplevel").decode().splitlines()
    path = Path(os.path.normpath(folder / up))
    if os.path.realpath(path) != os.path.realpath(top):
        raise GitError(f"{folder} is a link into {top}")
    return path, [name for name in _files(str(path)) if not re.search(_KEPT_OUT, name)]


def _files(top: str) -> Iterator[str]:
    said = _Git(top).ask("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if len(said) > _LARGEST_LIST:
        raise GitError(f"git lists more than {_LARGEST_LIST >> 20} MiB of names in {top}")
    for path in map(os.fsdecode, filter(None, said.split(b"\0"))):
        whole = os.path.join(top, path)
        if not os.path.isdir(whole) or os.path.islink(whole):
            yield path
        elif os.path.exists(os.path.join(whole, ".git")):
            yield from (os.path.join(path, name) for name in _files(whole))


def _first_commit(git: _Git, report: _Report) -> str:
    """Return what to compare with where no commit is known: the one that git knows, or nothing."""
    try:
        commit = git.ask("rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    except GitError:
        report.unknown("there is no commit yet", "commit")
        return git.ask("hash-object", "-t", "tree", os.devnull).decode().strip()
    branch = None
    with suppress(GitError):
        branch = git.ask("symbolic-ref", "--short", "HEAD").decode("utf-8", "replace").strip()
    report.found(commit=commit, branch=branch)
    return commit


def _tell_remote(git: _Git, report: _Report) -> None:
    try:
        remotes = git.ask("remote").decode("utf-8", "replace").split()
        if not remotes:
            report.unknown("the repository has no remote", "remote")
            return
        chosen = "origin" if "origin" in remotes else remotes[0]
        if len(remotes) > 1:
            with suppress(GitError):  # a branch that follows none
                branch = git.ask("symbolic-ref", "--short", "HEAD").decode("utf-8", "replace")
                said = git.ask("config", "--get", f"branch.{branch.strip()}.remote")
                followed = said.decode("utf-8", "replace").strip()
                chosen = followed if followed in remotes else chosen
        url = git.ask("remote", "get-url", chosen).decode("utf-8", "replace").strip()
    except GitError as error:
        report.unknown(error, "remote")
    else:
        report.found(remote=without_credentials(url))


def without_credentials(url: str) -> str:
    """Return the address of a repository without user and password; of ssh, the user stays."""
    if re.match(r"[a-z+]*ssh://", url):
        return without_secrets(re.sub(_USER_OF_SSH, r"\1\2@", url))
    return without_secrets(re.sub(_CREDENTIALS, "", url))


def _tell_changes(git: _Git, commit: str, started: float, report: _Report) -> None:
    sections: list[bytes] = []
    compared = True
    try:
        changed = _paths(git.ask(*_COMPARE, "--name-only", "-z", commit, "--"))
        report.found(dirty=bool(changed))
        later = [path for path in changed if _is_later(os.path.join(git.folder, path), started)]
        if later:
            report.note(f"changed after the run began: {some_of(later)}")
        if changed:
            sections += _sections(git.ask(*_COMPARE, *_AS_TEXT, commit, "--", most=_LARGEST_DIFF))
            _write(sections, report)
    except GitError as error:
        report.unknown(error, "dirty", "diff")
        compared = False
    try:
        said = git.ask("ls-files", "--others", "--exclude-standard", "-z")
    except GitError as error:
        report.unknown(error, "untracked")
        return
    paths = _paths(said)
    untracked = paths[:_MOST_UNTRACKED]
    if compared:
        new, left_out = _new_files(git.folder, untracked, started)
        if left_out:
            report.note(f"untracked files without their text: {some_of(left_out)}")
        if new:
            _write(new, report, after=sections)
        elif not sections:
            report.found(diff=None)
    if len(paths) > len(untracked) or len(said) > _LARGEST_LIST:
        report.note(f"only the first {_MOST_UNTRACKED} untracked files are listed")
    # Last: who sees the list knows that the diff is whole.
    report.found(untracked=untracked)


def _write(sections: list[bytes], report: _Report, after: Iterable[bytes] = ()) -> None:
    """Write parts of the diff behind those that it has, and tell of it."""
    masked = [_masked(section) for section in sections]
    try:
        if masked != sections:
            said = f"secrets in it are masked ({MASK}), so it can't be applied"
            report.note(f"code/changes.diff: {said}")
            masked.insert(0, f"# scitex-session: {said}\n".encode())
        taken = sum(map(len, after))
        data = b"".join(masked)
        if taken + len(data) > _LARGEST_DIFF:
            said = f"it is cut after {_LARGEST_DIFF >> 20} MiB, so it can't be applied"
            report.note(f"code/changes.diff: {said}")
            data = data[: max(0, _LARGEST_DIFF - taken)] + f"\n# scitex-session: {said}\n".encode()
        write_all(_DIFF, data)
    except OSError as error:
        report.unknown(f"code/changes.diff can't be written: {error.strerror}", "diff")
    else:
        report.found(diff="code/changes.diff")


def _sections(diff: bytes) -> list[bytes]:
    """Return the parts of a diff, one for each file."""
    return [part for part in re.split(rb"(?m)^(?=diff --git )", diff) if part]


def _masked(section: bytes) -> bytes:
    head = section.partition(b"\n")[0].rstrip(b'"')
    text = section.decode("utf-8", "surrogateescape")
    return without_secrets(text, code=head.endswith(b".py")).encode("utf-8", "surrogateescape")


def _paths(said: bytes) -> list[str]:
    return [os.fsdecode(path) for path in said[:_LARGEST_LIST].split(b"\0") if path]


def _is_later(path: str, started: float) -> bool:
    try:
        found = os.lstat(path)
    except OSError:  # removed; the folder tells when something last was
        with suppress(OSError):
            return os.stat(os.path.dirname(path)).st_mtime > started
        return False
    return not stat.S_ISDIR(found.st_mode) and found.st_mtime > started


def _new_files(top: str, paths: list[str], started: float) -> tuple[list[bytes], list[str]]:
    """Return small untracked text files as parts of a diff, and the paths of all others."""
    parts: list[bytes] = []
    left_out = []
    for path in paths:
        content = None
        if not re.search(_KEPT_OUT, path) and not _is_later(os.path.join(top, path), started):
            content = _text_of(os.path.join(top, path))
        if content is None or sum(map(len, parts)) > _LARGEST_DIFF:
            left_out.append(path)
        else:
            parts.append(_as_new(os.fsencode(path), *content))
    return parts, left_out


def _text_of(path: str) -> tuple[bytes, bool] | None:
    """Return the content of a small text file, and whether it can be executed."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
    with suppress(OSError, UnicodeDecodeError), open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_UNTRACKED:
            content = file.read(_LARGEST_UNTRACKED)
            content.decode()
            return None if b"\0" in content else (content, bool(found.st_mode & stat.S_IXUSR))
    return None


def _as_new(path: bytes, content: bytes, executable: bool) -> bytes:
    """Return what ``git diff`` prints of a file that is new."""
    old, new = _quoted(b"a/" + path), _quoted(b"b/" + path)
    head = b"diff --git %b %b\nnew file mode 100%d\n" % (old, new, 755 if executable else 644)
    if not content:
        return head
    lines = content.split(b"\n")
    last = lines.pop()
    count = len(lines) + bool(last)
    body = b"".join(b"+%b\n" % line for line in lines)
    if last:
        body += b"+%b\n\\ No newline at end of file\n" % last
    tab = b"\t" if b" " in path and not new.startswith(b'"') else b""
    return head + b"--- /dev/null\n+++ %b%b\n@@ -0,0 +1,%d @@\n" % (new, tab, count) + body


def _quoted(name: bytes) -> bytes:
    """Return a name as git prints it: in quotes where it has bytes that are not plain."""
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in name):
        return name
    shown = b""
    for byte in name:
        if byte in b'"\\':
            shown += b"\\%c" % byte
        else:
            shown += b"%c" % byte if 32 <= byte < 127 else b"\\%03o" % byte
    return b'"%b"' % shown


def _remove_if_empty() -> None:
    """Remove the diff where nothing is in it. To take a name away is safe at any time."""
    with suppress(OSError):
        ours = os.fstat(_DIFF)
        name = "changes.diff"
        found = os.stat(name, dir_fd=_FOLDER, follow_symlinks=False)
        if ours.st_size == 0 and (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino):
            os.unlink(name, dir_fd=_FOLDER)
