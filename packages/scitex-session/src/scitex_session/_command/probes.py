"""What `doctor` looks at. Each probe is a process of its own, which may hang or crash alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from json import dumps
from pathlib import Path
from typing import NamedTuple

from scitex_session_core import (
    SessionError,
    SessionManager,
    __version__,
    cache_dir,
    on_network,
    registry_dir,
    registry_health,
)

from .completion import SHELLS, completion_place, completion_script, loads, startup_file
from .gone import gone_sessions
from .output import PROGRAM, printable, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.metadata import Distribution

OK, WRONG, ABSENT = "ok", "wrong", "absent"

_PACKAGES = (PROGRAM, *(f"{PROGRAM}-{part}" for part in ("core", "io", "plot", "repro")))
_REINSTALL = "python -m pip install ./packages/*   (in a clone of the repository)"
_FEW_BYTES, _FEW_INODES = 100 << 20, 1000
_MOST_SKEW_S = 2.0
_GIT_PATIENCE_S = 1.5
_LOOK_S = 0.5  # at what may be long
_SLURM = ("sbatch", "srun", "scontrol", "sacct")
_SHOWN = 3


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


def installation() -> Iterator[Check]:
    """Check the packages, their dependencies and the extras."""
    from importlib.metadata import PackageNotFoundError, distribution

    found: dict[str, Distribution] = {}
    for name in _PACKAGES:
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            yield Check("installation", WRONG, f"{name} is not installed", _REINSTALL)
    others = {f"{n} {d.version}" for n, d in found.items() if d.version != __version__}
    if others:
        what = f"{', '.join(sorted(others))} beside {PROGRAM}-core {__version__}: all five are one"
        yield Check("installation", WRONG, what, _REINSTALL)
    elif len(found) == len(_PACKAGES):
        yield Check("installation", OK, f"all five packages are {__version__}")
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("installation", OK, f"Python {version}, {sys.executable}")
    yield from _dependencies(found)


def _dependencies(found: dict[str, Distribution]) -> Iterator[Check]:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:  # matplotlib brings it
        mend = f"{_pip()} packaging"
        yield Check("installation", WRONG, "packaging is missing: nothing else is checked", mend)
        return
    wrong = number = 0
    extras: dict[str, tuple[str, str]] = {}
    for distribution in found.values():
        for text in distribution.requires or ():
            try:
                required = Requirement(text)
            except InvalidRequirement:
                continue
            if required.name in _PACKAGES:
                continue
            if required.marker is None or required.marker.evaluate({"extra": ""}):
                number += 1
                if trouble := _trouble(required.name, required.specifier.contains):
                    wrong += 1
                    mend = f"{_pip()} '{required.name}{required.specifier}'"
                    yield Check("installation", WRONG, f"{required}: {trouble}", mend)
                continue
            for extra in distribution.metadata.get_all("Provides-Extra") or ():
                if required.marker.evaluate({"extra": extra}):
                    trouble = _trouble(required.name, required.specifier.contains)
                    extras[extra] = required.name, trouble
    if not wrong:
        yield Check("installation", OK, f"all {number} dependencies are there")
    for extra, (name, trouble) in extras.items():
        what = f"extra [{extra}]: {name} {trouble or 'is there'}"
        if trouble:
            yield Check("installation", ABSENT, what, f"{_pip()} {name}")
        else:
            yield Check("installation", OK, what)


def _trouble(name: str, allows: Callable[..., bool]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(name)
    except PackageNotFoundError:
        return "is not installed"
    return "" if allows(found, prereleases=True) else f"is too old or too new: {found}"


def _pip() -> str:
    return f"{sys.executable} -m pip install"


def registry() -> Iterator[Check]:
    """Check the journal and the index, and look for runs whose directories are gone."""
    try:
        where = registry_dir()
    except SessionError as error:
        yield Check("registry", WRONG, str(error), "unset SCITEX_SESSION_REGISTRY")
        return
    except OSError as error:
        yield Check("registry", WRONG, error.strerror or str(error), "export HOME=/your/home")
        return
    try:
        health = registry_health(where, _LOOK_S)
    except OSError as error:
        yield Check("registry", WRONG, f"{where}: {error.strerror}", f"chmod -R u+rwX {where}")
        return
    files = "1 file" if health["files"] == 1 else f"{health['files']} files"
    what = f"{where}: {size(health['bytes'])} in {files} of the journal"
    yield Check("registry", OK, what)
    for path, why in health["unreadable"].items():
        yield Check("registry", WRONG, f"{path}: {why}", f"chmod u+r {path}")
    if health["lines_broken"]:
        what = f"{health['lines_broken']} broken lines in the journal, which are passed over"
        again = f"{PROGRAM} reindex PATH   (the folders with runs)"
        yield Check("registry", ABSENT, what, again)
    if health["bytes_checked"] < health["bytes"]:
        part = (
            f"only {size(health['bytes_checked'])} of the journal were looked at for broken lines"
        )
        yield Check("registry", ABSENT, part)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager = SessionManager(where)
        manager.select(limit=1)
    for warning in caught:
        yield Check("registry", WRONG, str(warning.message), f"{PROGRAM} doctor   (once more)")
    if not caught:
        yield Check("registry", OK, f"the index is sound: {size(health['index_bytes'])}")
    yield from _gone(manager)


def _gone(manager: SessionManager) -> Iterator[Check]:
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
        missing = (
            "" if os.path.isdir(folder) else ", which is not there either (an unmounted disk?)"
        )
        shown = ", ".join(sorted(ids, reverse=True)[:_SHOWN]) + (" …" if len(ids) > _SHOWN else "")
        runs = "1 run is" if len(ids) == 1 else f"{len(ids)} runs are"
        what = f"{least}{runs} gone from {folder}{missing}: {shown}"
        mend = f"{PROGRAM} reindex PATH   (where they are now), or {PROGRAM} doctor --forget"
        yield Check("registry", WRONG, what, mend)


def working_directory() -> Iterator[Check]:
    """Check the file system on which runs that are started here lie."""
    try:
        place = Path.cwd()
    except OSError:
        yield Check("cwd", WRONG, "it was removed", "cd")
        return
    yield from _file_system("cwd", place)


def registry_folder() -> Iterator[Check]:
    """Check the file system of the registry."""
    try:
        yield from _file_system("journal", registry_dir() / "journal")
    except (SessionError, OSError):
        return  # said by `registry`


def cache_folder() -> Iterator[Check]:
    """Check the file system of the index."""
    try:
        yield from _file_system("cache", cache_dir(), needs_locks=True)
    except OSError:
        return  # without a home, which `registry` says


def _file_system(subject: str, place: Path, *, needs_locks: bool = False) -> Iterator[Check]:
    found = place
    while not os.path.lexists(found) and found != found.parent:
        found = found.parent
    named = printable(f"{place}" if found == place else f"{found}, where {place} will be")
    try:
        probe = tempfile.mkdtemp(prefix=f".{PROGRAM}-doctor-", dir=found)
    except OSError as error:
        why = f"{named}: nothing can be written there ({error.strerror})"
        yield Check(subject, WRONG, why, _writable_again(subject, found))
        return
    wrong = False
    try:
        for check in _file_checks(subject, Path(probe), needs_locks=needs_locks):
            wrong = wrong or check.state == WRONG
            yield check
    finally:
        shutil.rmtree(probe, ignore_errors=True)
    network = " on a network file system" if on_network(found) else ""
    free, inodes = shutil.disk_usage(found).free, _inodes(found)
    room = f"{size(free)} free" + ("" if inodes is None else f", {inodes:,} inodes")
    if free < _FEW_BYTES:
        yield Check(subject, WRONG, f"{named}: only {room}", f"{PROGRAM} gc --older 30d")
    elif inodes is not None and inodes < _FEW_INODES:
        yield Check(subject, WRONG, f"{named}: only {room}", f"{PROGRAM} archive --older 30d")
    elif not wrong:
        works = "renames and locks work" if needs_locks else "renames work"
        yield Check(subject, OK, f"{named}{network}: {works}, {room}")


def _inodes(folder: Path) -> int | None:
    """Return how many more files there can be; None where there is no such limit."""
    if not hasattr(os, "statvfs"):  # Windows
        return None
    found = os.statvfs(folder)
    return found.f_favail if found.f_files else None


def _writable_again(subject: str, found: Path) -> str:
    if subject == "cwd":
        return "export SCITEX_SESSION_OUT_DIR=/a/folder/of/yours"
    variable = "SCITEX_SESSION_CACHE" if subject == "cache" else "SCITEX_SESSION_REGISTRY"
    other = f"export {variable}=/a/folder/of/yours"
    is_own = hasattr(os, "geteuid") and found.lstat().st_uid == os.geteuid()
    return f"chmod u+rwx {found}, or {other}" if is_own else other


def _file_checks(subject: str, probe: Path, *, needs_locks: bool) -> Iterator[Check]:
    mend = None if subject == "cwd" else _writable_again(subject, probe.parent)
    (probe / "a").mkdir()
    try:
        (probe / "a").rename(probe / "b")
        is_moved = (probe / "b").is_dir() and not (probe / "a").exists()
    except OSError as error:
        yield Check(subject, WRONG, f"directories can't be renamed: {error.strerror}", mend)
    else:
        if not is_moved:
            yield Check(subject, WRONG, "a rename does not do what it says", mend)
    trouble = _lock_trouble(probe / "lock")
    if trouble:
        yield Check(
            subject, WRONG if needs_locks else ABSENT, trouble, mend if needs_locks else None
        )
    before = time.time()
    (probe / "clock").touch()
    skew = (probe / "clock").stat().st_mtime - before
    if abs(skew) > _MOST_SKEW_S:
        ahead = "ahead of" if skew > 0 else "behind"
        what = f"its clock is {abs(skew):.0f} s {ahead} this machine's"
        yield Check(subject, WRONG, what, "sudo timedatectl set-ntp true   (on both machines)")


def _lock_trouble(path: Path) -> str:
    try:
        import fcntl
    except ImportError:  # Windows
        return ""
    with open(path, "wb") as first, open(path, "wb") as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return f"files can't be locked: {error.strerror}"
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return ""
    return "a lock keeps nobody out"


def matplotlib() -> Iterator[Check]:
    """Check the version, the backend, the cache, and the fonts of our style."""
    try:
        import matplotlib as mpl
        from matplotlib import font_manager
    except ImportError as error:
        yield Check("matplotlib", WRONG, f"it can't be imported: {error}", f"{_pip()} matplotlib")
        return
    # A raw reading: rcParams["backend"] would choose one.
    backend = dict.__getitem__(mpl.rcParams, "backend")
    chosen = backend if isinstance(backend, str) else "chosen with the first figure"
    yield Check("matplotlib", OK, f"{mpl.__version__}, backend {chosen}")
    if chosen.lower().startswith(("gtk", "qt", "tk", "wx")) and _lacks_display():
        what = f"the backend {chosen} needs a display, and there is none"
        yield Check("matplotlib", WRONG, what, "export MPLBACKEND=agg")
    cache = Path(mpl.get_cachedir())
    if cache.parent == Path(tempfile.gettempdir()) and cache.name.startswith("matplotlib-"):
        what = "its cache can't be written: every start looks for all fonts anew"
        yield Check("matplotlib", WRONG, what, "export MPLCONFIGDIR=/a/folder/of/yours")
    from scitex_session_plot import rc_params

    wanted = [str(name) for name in rc_params()["font.sans-serif"]]  # type: ignore[attr-defined]
    there = {font.name for font in font_manager.fontManager.ttflist}
    font = next((name for name in wanted if name in there), None)
    if font in wanted[:-1]:
        yield Check("matplotlib", OK, f"figures are set in {font}")
    else:
        what = f"figures are set in {wanted[-1]}: none of {', '.join(wanted[:-1])} is installed"
        fonts = "sudo apt-get install fonts-liberation; rm -r "
        yield Check("matplotlib", ABSENT, what, f"{fonts}{cache}")


def _lacks_display() -> bool:
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not has_display


def completion() -> Iterator[Check]:
    """Check whether the user's shell completes this command."""
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell not in SHELLS:
        what = f"there is none for {shell or 'a shell that $SHELL does not name'}"
        yield Check("completion", ABSENT, what)
        return
    mend = f"{PROGRAM} --install-completion {shell}"
    place, startup = completion_place(shell), startup_file(shell)
    try:
        text = place.read_text("utf-8")
    except FileNotFoundError:
        yield Check("completion", ABSENT, f"{shell} does not complete {PROGRAM}", mend)
        return
    if text != completion_script(shell):
        yield Check("completion", WRONG, f"{place} is of another version", mend)
    elif startup is not None and not loads(startup, place):
        yield Check("completion", WRONG, f"{startup} does not load {place}", mend)
    else:
        yield Check("completion", OK, f"{shell} loads {place}")


def git() -> Iterator[Check]:
    """Check whether runs that are started here can record their commit."""
    found = shutil.which("git")
    if found is None:
        what = "it is missing: records tell no uncommitted changes"
        yield Check("git", ABSENT, what, "sudo apt-get install git")
        return
    try:
        yield _git_state(found)
    except subprocess.TimeoutExpired:
        what = f"{found} gives no answer within {_GIT_PATIENCE_S} s"
        yield Check("git", WRONG, what, "git status")


def _git_state(found: str) -> Check:
    asked = _git(found, "--version")
    if asked.returncode != 0:
        return Check("git", WRONG, f"{found} fails: {_last_line(asked)}", f"{found} --version")
    version = asked.stdout.strip().removeprefix("git version ")
    inside = _git(found, "rev-parse", "--show-toplevel")
    if inside.returncode == 0:
        return Check("git", OK, f"{version}, {found}; here is {printable(inside.stdout.strip())}")
    if "safe.directory" in inside.stderr:
        what = "this repository is another user's, so git tells nothing of it"
        mend = next(
            (line.strip() for line in inside.stderr.splitlines() if "git config" in line),
            "git config --global --add safe.directory .",
        )
        return Check("git", WRONG, what, mend)
    if "not a git repository" in inside.stderr:
        what = f"{version}, {found}; here is no repository, so that records have no commit"
        return Check("git", ABSENT, what, "git init")
    return Check("git", WRONG, f"it fails here: {_last_line(inside)}", "git status")


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


def schedulers() -> Iterator[Check]:
    """Look for SLURM, torchrun and Dask."""
    from importlib.metadata import PackageNotFoundError, version

    there = [name for name in _SLURM if shutil.which(name)]
    missing = ", ".join(name for name in _SLURM if name not in there)
    if not there:
        yield Check("schedulers", ABSENT, "SLURM is not on this machine")
    elif missing:
        what = f"SLURM: {', '.join(there)}, but no {missing}: records tell less of how jobs end"
        yield Check("schedulers", ABSENT, what)
    else:
        yield Check("schedulers", OK, f"SLURM: {', '.join(there)}")
    torchrun = shutil.which("torchrun")
    if torchrun:
        yield Check("schedulers", OK, f"torchrun: {torchrun}")
    else:
        yield Check("schedulers", ABSENT, "torchrun is not installed", f"{_pip()} torch")
    try:
        yield Check("schedulers", OK, f"Dask: distributed {version('distributed')}")
    except PackageNotFoundError:
        yield Check("schedulers", ABSENT, "Dask is not installed", f"{_pip()} distributed")


class Probe(NamedTuple):
    """What is looked at, and what it means if there is no answer.

    Attributes
    ----------
    look : callable
        Yields what is found.
    silence : {"wrong", "absent"}
        The state of a subject that gives no answer.
    mend : str
        The command that helps, or tells more, then.
    """

    look: Callable[[], Iterator[Check]]
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
        print(dumps(check), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
