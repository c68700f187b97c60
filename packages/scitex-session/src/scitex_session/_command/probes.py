"""What `doctor` looks at. Each probe is a process of its own, which may hang or crash alone."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from json import dumps
from pathlib import Path
from typing import NamedTuple

from scitex_session_core import (
    SessionError,
    SessionManager,
    __version__,
    cache_dir,
    locate_run,
    on_network,
    registry_dir,
    registry_health,
    some_of,
)

from .completion import SHELLS, completion_place, completion_script, loads, startup_file
from .names import named_run
from .output import PROGRAM, printable, runs_in_words, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    # A state, what was found, and the command that mends it.
    Told: TypeAlias = tuple[str, str] | tuple[str, str, str]

OK, WRONG, ABSENT = "ok", "wrong", "absent"

_REINSTALL = "python -m pip install ./packages/*   (in a clone of the repository)"
_YOURS = "/a/folder/of/yours"
_FEW_BYTES, _FEW_INODES = 100 << 20, 1000
_MOST_SKEW_S = 2.0
_GIT_PATIENCE_S = 1.5
_LOOK_S = 0.5  # at what may be long
_SLURM = ("sbatch", "srun", "scontrol", "sacct")
_STATES = ("RUNNING", "FINISHED", "FINISHED_SUCCESS", "FINISHED_ERROR")


class Check(NamedTuple):
    """Something that `doctor` looked at.

    Attributes
    ----------
    subject : str
        What it is about, such as ``registry``.
    state : {"ok", "wrong", "absent"}
        ``absent``: it is not there, or not as good as can be, and nothing is wrong with that.
    found : str
        What was found.
    mend : str or None
        The command that mends it.
    """

    subject: str
    state: str
    found: str
    mend: str | None = None


def installation() -> Iterator[Told]:
    """Check the packages and what they depend on."""
    from importlib.metadata import PackageNotFoundError, distribution

    python = f"Python {'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}"
    yield OK, f"{PROGRAM} {__version__}, {python}"
    try:
        from packaging.requirements import Requirement
    except ImportError:  # matplotlib brings it
        yield WRONG, "packaging is missing: nothing else is checked", f"{_pip()} packaging"
        return
    needed = [f"{PROGRAM}=={__version__}"]
    wrong = 0
    for text in needed:  # to which ours add theirs
        required = Requirement(text)
        try:
            found = distribution(required.name)
        except PackageNotFoundError:
            trouble = "is not installed"
        else:
            allowed = required.specifier.contains(found.version, prereleases=True)
            trouble = "" if allowed else f"is too old or too new: {found.version}"
        is_ours = required.name.startswith(PROGRAM)
        if is_ours and not trouble:
            theirs = [(each, Requirement(each).marker) for each in found.requires or ()]
            needed += [each for each, mark in theirs if not mark or mark.evaluate({"extra": ""})]
        if trouble:
            wrong += 1
            mend = _REINSTALL if is_ours else f"{_pip()} '{required.name}{required.specifier}'"
            yield WRONG, f"{required.name}{required.specifier}: {trouble}", mend
    if not wrong:
        yield OK, f"all {len(needed) - 1} dependencies are there"


def _pip() -> str:
    return f"{sys.executable} -m pip install"


def registry() -> Iterator[Told]:
    """Check the journal and the index, and look for runs whose directories are gone."""
    try:
        where = registry_dir()
    except SessionError as error:
        yield WRONG, str(error), "unset SCITEX_SESSION_REGISTRY"
        return
    except OSError as error:
        yield WRONG, error.strerror or str(error), "export HOME=/your/home"
        return
    try:
        health = registry_health(where, _LOOK_S)
    except OSError as error:
        yield WRONG, f"{where}: {error.strerror}", f"chmod -R u+rwX {where}"
        return
    files = "1 file" if health["files"] == 1 else f"{health['files']} files"
    yield OK, f"{where}: {size(health['bytes'])} in {files} of the journal"
    for path, why in health["unreadable"].items():
        yield WRONG, f"{path}: {why}", f"chmod u+r {path}"
    if health["lines_broken"]:
        what = f"{health['lines_broken']} broken lines in the journal, which are passed over"
        again = f"{PROGRAM} reindex PATH   (the folders with runs)"
        yield ABSENT, what, again
    if health["bytes_checked"] < health["bytes"]:
        looked_at = size(health["bytes_checked"])
        yield ABSENT, f"only {looked_at} of the journal were looked at for broken lines"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager = SessionManager(where)
        manager.select(limit=1)
    for warning in caught:
        yield WRONG, str(warning.message), f"{PROGRAM} doctor   (once more)"
    if not caught:
        yield OK, f"the index is sound: {size(health['index_bytes'])}"
    yield from _gone(manager)


def gone_sessions(manager: SessionManager) -> Iterator[tuple[str, str]]:
    """Yield the sessions whose directories are gone, each with the folder that it lay in.

    One that still runs, one in an archive, and one that never had a directory are not among them,
    nor is one of another machine, unless the folder of its script is here, too: that machine may
    have it on a disk of its own.
    """
    listed: dict[Path, set[str]] = {}
    for session_id, place in manager.directories().items():
        if place.parent not in listed:  # one look at a folder serves all of its runs
            with suppress(OSError):
                listed[place.parent] = set(os.listdir(place.parent))
        if place.name in listed.get(place.parent, ()) or os.path.isdir(locate_run(place)):
            continue
        run = named_run(session_id, manager)
        folder = place.parent.parent if place.parent.name in _STATES else place.parent
        if run.place is None and _could_be_seen(run.session, folder):
            yield session_id, str(folder)


def _could_be_seen(session: dict[str, Any], folder: Path) -> bool:
    """Tell whether the directory of a session would be here if it were anywhere."""
    if session["status"] == "running":
        return False
    machine = (session["process"] or {}).get("host")
    return machine in (None, platform.node()) or os.path.isdir(folder)


def _gone(manager: SessionManager) -> Iterator[Told]:
    deadline = None  # begins with the first: where none is gone, all are looked at
    gone: dict[str, list[str]] = {}
    least = ""
    for session_id, folder in gone_sessions(manager):
        gone.setdefault(folder, []).append(session_id)
        deadline = deadline or time.monotonic() + _LOOK_S
        if time.monotonic() > deadline:
            least = "at least "
            break
    for folder, ids in gone.items():
        where = f"{folder}" if os.path.isdir(folder) else f"{folder}, which is gone (unmounted?)"
        runs = f"{least}{runs_in_words(len(ids))} {'is' if len(ids) == 1 else 'are'}"
        what = f"{runs} gone from {where}: {some_of(sorted(ids, reverse=True))}"
        mend = f"{PROGRAM} reindex PATH   (where they are now), or {PROGRAM} doctor --forget"
        yield WRONG, what, mend


def working_directory() -> Iterator[Told]:
    """Check the file system on which runs that are started here lie."""
    try:
        place = Path.cwd()
    except OSError:
        yield WRONG, "it was removed", "cd"
        return
    yield from _file_system(place, f"export SCITEX_SESSION_OUT_DIR={_YOURS}")


def registry_folder() -> Iterator[Told]:
    """Check the file system of the registry."""
    try:
        yield from _file_system(
            registry_dir() / "journal", f"export SCITEX_SESSION_REGISTRY={_YOURS}"
        )
    except (SessionError, OSError):
        return  # said by `registry`


def cache_folder() -> Iterator[Told]:
    """Check the file system of the index."""
    try:
        yield from _file_system(
            cache_dir(), f"export SCITEX_SESSION_CACHE={_YOURS}", needs_locks=True
        )
    except OSError:
        return  # without a home, which `registry` says


def _file_system(place: Path, mend: str, *, needs_locks: bool = False) -> Iterator[Told]:
    found = place
    while not os.path.lexists(found) and found != found.parent:
        found = found.parent
    named = printable(f"{place}" if found == place else f"{found}, where {place} will be")
    if hasattr(os, "geteuid") and found.lstat().st_uid == os.geteuid():
        mend = f"chmod u+rwx {found}, or {mend}"
    try:
        probe = tempfile.mkdtemp(prefix=f".{PROGRAM}-doctor-", dir=found)
    except OSError as error:
        yield WRONG, f"{named}: nothing can be written there ({error.strerror})", mend
        return
    try:
        trouble = list(_file_troubles(Path(probe), mend, needs_locks=needs_locks))
    finally:
        shutil.rmtree(probe, ignore_errors=True)
    yield from trouble
    network = " on a network file system" if on_network(found) else ""
    free, inodes = shutil.disk_usage(found).free, _inodes(found)
    room = f"{size(free)} free" + ("" if inodes is None else f", {inodes:,} inodes")
    if free < _FEW_BYTES:
        yield WRONG, f"{named}: only {room}", f"{PROGRAM} gc --older 30d"
    elif inodes is not None and inodes < _FEW_INODES:
        yield WRONG, f"{named}: only {room}", f"{PROGRAM} archive --older 30d"
    elif not any(state == WRONG for state, *_ in trouble):
        works = "renames and locks work" if needs_locks else "renames work"
        yield OK, f"{named}{network}: {works}, {room}"


def _inodes(folder: Path) -> int | None:
    """Return how many more files there can be; None where there is no such limit."""
    if not hasattr(os, "statvfs"):  # Windows
        return None
    found = os.statvfs(folder)
    return found.f_favail if found.f_files else None


def _file_troubles(probe: Path, mend: str, *, needs_locks: bool) -> Iterator[Told]:
    from filelock import FileLock, Timeout

    (probe / "a").mkdir()
    try:
        (probe / "a").rename(probe / "b")
        if not (probe / "b").is_dir() or (probe / "a").exists():
            yield WRONG, "a rename does not do what it says", mend
    except OSError as error:
        yield WRONG, f"directories can't be renamed: {error.strerror}", mend
    state = WRONG if needs_locks else ABSENT
    try:
        with FileLock(probe / "lock", timeout=0), FileLock(probe / "lock", timeout=0):
            yield state, "a lock keeps nobody out", mend
    except Timeout:
        pass
    except (OSError, NotImplementedError) as error:
        yield state, f"files can't be locked: {error}", mend
    before = time.time()
    (probe / "clock").touch()
    skew = (probe / "clock").stat().st_mtime - before
    if abs(skew) > _MOST_SKEW_S:
        ahead = "ahead of" if skew > 0 else "behind"
        what = f"its clock is {abs(skew):.0f} s {ahead} this machine's"
        yield WRONG, what, "sudo timedatectl set-ntp true   (on both machines)"


def matplotlib() -> Iterator[Told]:
    """Check the version, the backend, the cache, and the fonts of our style."""
    try:
        import matplotlib as mpl
        from matplotlib import font_manager
    except ImportError as error:
        yield WRONG, f"it can't be imported: {error}", f"{_pip()} matplotlib"
        return
    # A raw reading: rcParams["backend"] would choose one.
    backend = dict.__getitem__(mpl.rcParams, "backend")
    chosen = backend if isinstance(backend, str) else "chosen with the first figure"
    yield OK, f"{mpl.__version__}, backend {chosen}"
    if chosen.lower().startswith(("gtk", "qt", "tk", "wx")) and _lacks_display():
        what = f"the backend {chosen} needs a display, and there is none"
        yield WRONG, what, "export MPLBACKEND=agg"
    cache = Path(mpl.get_cachedir())
    if cache.parent == Path(tempfile.gettempdir()) and cache.name.startswith("matplotlib-"):
        what = "its cache can't be written: every start looks for all fonts anew"
        yield WRONG, what, f"export MPLCONFIGDIR={_YOURS}"
    from scitex_session_plot import rc_params

    wanted = [str(name) for name in rc_params()["font.sans-serif"]]  # type: ignore[attr-defined]
    there = {font.name for font in font_manager.fontManager.ttflist}
    font = next((name for name in wanted if name in there), None)
    if font in wanted[:-1]:
        yield OK, f"figures are set in {font}"
    else:
        what = f"figures are set in {wanted[-1]}: none of {', '.join(wanted[:-1])} is installed"
        fonts = "sudo apt-get install fonts-liberation; rm -r "
        yield ABSENT, what, f"{fonts}{cache}"


def _lacks_display() -> bool:
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not has_display


def completion() -> Iterator[Told]:
    """Check whether the user's shell completes this command."""
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell not in SHELLS:
        what = f"there is none for {shell or 'a shell that $SHELL does not name'}"
        yield ABSENT, what
        return
    mend = f"{PROGRAM} --install-completion {shell}"
    place, startup = completion_place(shell), startup_file(shell)
    try:
        text = place.read_text("utf-8")
    except FileNotFoundError:
        yield ABSENT, f"{shell} does not complete {PROGRAM}", mend
        return
    if text != completion_script(shell):
        yield WRONG, f"{place} is of another version", mend
    elif startup is not None and not loads(startup, place):
        yield WRONG, f"{startup} does not load {place}", mend
    else:
        yield OK, f"{shell} loads {place}"


def git() -> Iterator[Told]:
    """Check whether runs that are started here can record their commit."""
    found = shutil.which("git")
    if found is None:
        what = "it is missing: records tell no uncommitted changes"
        yield ABSENT, what, "sudo apt-get install git"
        return
    try:
        yield _git_state(found)
    except subprocess.TimeoutExpired:
        what = f"{found} gives no answer within {_GIT_PATIENCE_S} s"
        yield WRONG, what, "git status"


def _git_state(found: str) -> Told:
    asked = _git(found, "--version")
    if asked.returncode != 0:
        return WRONG, f"{found} fails: {_last_line(asked)}", f"{found} --version"
    version = asked.stdout.strip().removeprefix("git version ")
    inside = _git(found, "rev-parse", "--show-toplevel")
    if inside.returncode == 0:
        return OK, f"{version}, {found}; here is {printable(inside.stdout.strip())}"
    if "safe.directory" in inside.stderr:
        what = "this repository is another user's, so git tells nothing of it"
        mend = next(
            (line.strip() for line in inside.stderr.splitlines() if "git config" in line),
            "git config --global --add safe.directory .",
        )
        return WRONG, what, mend
    if "not a git repository" in inside.stderr:
        what = f"{version}, {found}; here is no repository, so that records have no commit"
        return ABSENT, what, "git init"
    return WRONG, f"it fails here: {_last_line(inside)}", "git status"


def _git(found: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [found, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_GIT_PATIENCE_S,
        env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
    )


def _last_line(asked: subprocess.CompletedProcess[str]) -> str:
    lines = asked.stderr.strip().splitlines()
    return printable(lines[-1]) if lines else f"exit status {asked.returncode}"


def schedulers() -> Iterator[Told]:
    """Look for SLURM, torchrun and Dask."""
    from importlib.metadata import PackageNotFoundError, version

    there = ", ".join(name for name in _SLURM if shutil.which(name))
    missing = ", ".join(name for name in _SLURM if not shutil.which(name))
    if not there:
        yield ABSENT, "SLURM is not on this machine"
    elif missing:
        yield ABSENT, f"SLURM: {there}, but no {missing}: records tell less of how jobs end"
    else:
        yield OK, f"SLURM: {there}"
    if torchrun := shutil.which("torchrun"):
        yield OK, f"torchrun: {torchrun}"
    else:
        yield ABSENT, "torchrun is not installed", f"{_pip()} torch"
    try:
        yield OK, f"Dask: distributed {version('distributed')}"
    except PackageNotFoundError:
        yield ABSENT, "Dask is not installed", f"{_pip()} distributed"


class Probe(NamedTuple):
    """A look at something, and the state and the mend of what gives no answer."""

    look: Callable[[], Iterator[Told]]
    silence: str
    mend: str


_DRIVES = "mount   (is a network drive away?)"
PROBES = {
    # On a busy machine, or from a slow disk, imports take their time.
    "installation": Probe(installation, ABSENT, "python -m pip check"),
    "registry": Probe(registry, WRONG, f"{PROGRAM} ls   (a long journal is folded once)"),
    "cwd": Probe(working_directory, WRONG, _DRIVES),
    "journal": Probe(registry_folder, WRONG, _DRIVES),
    "cache": Probe(cache_folder, WRONG, _DRIVES),
    "matplotlib": Probe(
        matplotlib, ABSENT, 'python -c "import matplotlib.pyplot"   (looks for fonts once)'
    ),
    "completion": Probe(completion, ABSENT, f"{PROGRAM} --install-completion"),
    "git": Probe(git, WRONG, "git status"),
    "schedulers": Probe(schedulers, WRONG, "type sbatch torchrun dask"),
}


def main() -> int:
    """Print what one probe finds: a JSON array for each check."""
    for check in PROBES[sys.argv[1]].look():
        print(dumps(Check(sys.argv[1], *check)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
