"""What a record says of the surroundings of a run: process, commit, packages, machine.

All of it is cheap: `importlib.metadata` would cost a run 80 ms, the names of its folders tell the
same in 0.3 ms; git would cost 15, so it is asked by a process beside the run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scitex_session_core import __version__
from scitex_session_core._atomic import opened
from scitex_session_core._errors import InvalidTypeError, InvalidValueError
from scitex_session_core._paths import DIFF_NAME, ENVIRONMENTS, EVENTS_NAME, INSTALLED
from scitex_session_core._process import identify, oom_kills

from .masker import argv_without_secrets, secrets_in
from .record import SCHEMA, utc_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from scitex_session_core._atomic import OpenDirectory

# Variables that are no secret, and that distinguish runs of the same code.
_RECORDED_VARIABLES = (
    "CONDA_DEFAULT_ENV",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "SLURMD_NODENAME",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_CLUSTER_NAME",
    "SLURM_JOB_ID",
    "SLURM_PROCID",
    "SLURM_RESTART_COUNT",
    "SLURM_STEP_ID",
    "VIRTUAL_ENV",
)

_MOST_SYMBOLIC_REFS = 5  # as in git: a ref that leads to itself must not hang us
# The content of HEAD where references are kept in a binary table, which only git reads.
_REFTABLE = "refs/heads/.invalid"

# What git itself has to be asked, and what is said of it until git has answered.
TOLD_BY_GIT = ("dirty", "diff", "remote", "untracked")
UNFINISHED = "unfinished"
_METADATA = (".dist-info", ".egg-info")
_CPUINFO = 2048  # bytes: the whole of it takes the kernel 10 ms where there are many processors
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from scitex_session_core._record.worktree import main; main(sys.argv[1:])"
)


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
        "cwd": _cwd(),
        "config": dict(config or {}),
        "seed": seed,
        "started": utc_now(),
        "ended": None,
        "duration_s": None,
        "process": {**identify(), "oom_kills": oom_kills()},
        "python": ".".join(map(str, sys.version_info[:3])),
        "interpreter": f"{sys.implementation.name} {sys.executable}",
        "platform": _platform(),
        "environment": None,
        "machine": machine(),
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
        and ``dirty``, ``remote``, ``diff`` and ``untracked``, which are None until a git process
        fills them: until then, ``unknown`` says of each that it is unfinished. In the reftable
        format, only git can tell commit and branch. None if `start` is in no repository, or
        ``.git`` can't be read.

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
    return {
        "commit": _hex(commit),
        "branch": branch,
        **dict.fromkeys(TOLD_BY_GIT),
        "unknown": dict.fromkeys(TOLD_BY_GIT, UNFINISHED),
    }


class GitErrand:
    """A command that asks git what only git knows, for a process beside the run.

    What it finds comes as events. They, and ``code/changes.diff``, are opened here, before user
    code: so it needs no name once the run has ended and its directory has moved.

    Parameters
    ----------
    directory : OpenDirectory
        The run directory.
    record : mapping
        The record, with a script in a repository.

    Attributes
    ----------
    command : list of str
        The command.
    descriptors : list of int
        What it gets as its descriptors 3, 4 and 5.

    Raises
    ------
    OSError
        The files can't be opened.
    """

    def __init__(self, directory: OpenDirectory, record: Mapping[str, Any]) -> None:
        package = Path(__file__).absolute().parents[2]
        folder = os.path.dirname(record["script"])
        words = [str(package), folder, record["git"]["commit"] or "", record["started"]]
        self.command = [sys.executable, "-I", "-S", "-c", _START, *words]
        self.descriptors: list[int] = []
        try:
            for name in (EVENTS_NAME, DIFF_NAME):
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                self.descriptors.append(directory.open(name, flags))
            self.descriptors.append(directory.folder(os.path.dirname(DIFF_NAME)))
        except OSError:
            self.close()
            raise

    def run(self) -> None:
        """Run the command, wait for its end, and close the descriptors.

        Raises
        ------
        OSError
            It can't be started.
        """
        import fcntl

        # Out of the way first: one of them may have the number that another one is to get.
        moved = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10) for number in self.descriptors]
        try:
            given = [(os.POSIX_SPAWN_DUP2, number, 3 + at) for at, number in enumerate(moved)]
            program, words = self.command[0], self.command
            os.waitpid(os.posix_spawn(program, words, os.environ, file_actions=given), 0)
        finally:
            self.close()
            for number in moved:
                os.close(number)

    def close(self) -> None:
        """Close the descriptors here; may be called twice."""
        while self.descriptors:
            os.close(self.descriptors.pop())


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


def write_environment(out_dir: Path, script: Path | None) -> str:
    """Write what is installed to ``<out_dir>/.environments/``, unless it is there already.

    Parameters
    ----------
    out_dir : Path
        The folder of the runs of a script.
    script : Path or None
        The script: its folder holds no packages, and may hold a million files.

    Returns
    -------
    str
        ``sha256:`` and the digest of the file's content, which is also its name: the names and
        versions of the installed distributions, one a line, as pip writes them.

    Raises
    ------
    OSError
        The file can't be written.
    """
    found = {f"{name}=={version}\n" for name, version in _distributions(script)}
    text = "".join(sorted(found, key=str.lower)).encode("utf-8", "backslashreplace")
    digest = _sha256(text)
    name = f"{ENVIRONMENTS}/{digest}.txt"
    with opened(out_dir) as folder:
        try:
            folder.stat(name)
        except FileNotFoundError:
            folder.write(name, text)
    return f"sha256:{digest}"


def imported_versions(script: Path | None) -> dict[str, str]:
    """Return the versions of the installed packages that this process has imported.

    They go by the names of their distributions. Where those differ from what is imported (sklearn
    comes with scikit-learn), by the name of the module, with its ``__version__``.
    """
    roots = {
        name: module
        for name, module in tuple(sys.modules.items())
        if "." not in name and not name.startswith("_") and _is_installed(module)
    }
    if not roots:
        return {}
    known = {_normal(name): (name, version) for name, version in _distributions(script)}
    versions = {}
    for root, module in roots.items():
        name, version = known.get(_normal(root), (root, names_in(module).get("__version__")))
        if isinstance(version, str):
            versions[name] = version
    return versions


def names_in(module: object) -> dict[str, Any]:
    """Return the names in a module without asking it: it may import what it is asked for."""
    try:
        names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # anything may stand in `sys.modules`
        return {}
    return names


def _is_installed(module: object) -> bool:
    file = names_in(module).get("__file__")
    return isinstance(file, str) and not INSTALLED.isdisjoint(file.split(os.sep))


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # the working directory was removed under us
        return ""


def _distributions(script: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the name and the version of what is installed on `sys.path`."""
    library = os.path.dirname(os.__file__)
    own = {"", _cwd()}
    if script is not None:
        own.add(str(script.parent))
    for folder in dict.fromkeys(map(str, sys.path)):
        is_installed = os.path.basename(folder) in INSTALLED
        if folder in own or (folder.startswith(library) and not is_installed):
            continue
        try:
            names = os.listdir(folder)
        except OSError:  # an archive; or there is none
            continue
        for file in names:
            if file.endswith(_METADATA):
                name, _, rest = file.rpartition(".")[0].partition("-")
                if rest:
                    yield name, rest.partition("-py")[0]


def _platform() -> str:
    if hasattr(os, "uname"):
        system = os.uname()
        return f"{system.sysname}-{system.release}-{system.machine}"
    import platform

    return platform.platform()


def machine() -> dict[str, Any]:
    """Return the model and number of processors, and the bytes of memory; None where not known."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        memory = None
    return {"cpu": _processor(), "cpus": os.cpu_count(), "memory_bytes": memory}


def _processor() -> str | None:
    try:
        number = os.open("/proc/cpuinfo", os.O_RDONLY)
    except OSError:  # no Linux
        return None
    try:
        lines = os.read(number, _CPUINFO).split(b"\n")
    finally:
        os.close(number)
    found = (line.partition(b":")[2] for line in lines if line.startswith(b"model name"))
    return next(found, b"").decode("utf-8", "replace").strip() or None


def usage(since: os.times_result) -> dict[str, Any]:
    """Return what this process has used.

    Parameters
    ----------
    since : os.times_result
        `os.times` when the run began.

    Returns
    -------
    dict
        ``cpu_s``, and ``children_cpu_s`` of the children it has waited for, since then;
        ``peak_memory_bytes`` of the process in its whole life, None where it can't be known;
        ``gpu_peak_memory_bytes``, for each GPU, where PyTorch has used one.

    Notes
    -----
    The peak is Linux's VmHWM. `resource.getrusage` inherits that of the process that started this
    one, and so tells no more of its children.
    """
    now = os.times()
    used: dict[str, Any] = {
        "cpu_s": round(now.user + now.system - since.user - since.system, 3),
        "children_cpu_s": round(
            now.children_user + now.children_system - since.children_user - since.children_system, 3
        ),
        "peak_memory_bytes": _peak_memory(),
    }
    if (cuda := _cuda()) is not None:
        peaks = [cuda.max_memory_allocated(number) for number in range(cuda.device_count())]
        used["gpu_peak_memory_bytes"] = peaks
    return used


def gpus() -> list[str]:
    """Return the models of the GPUs, where PyTorch has used one. Asking would start CUDA."""
    if (cuda := _cuda()) is None:
        return []
    return [str(cuda.get_device_name(number)) for number in range(cuda.device_count())]


def _cuda() -> Any:
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


def _peak_memory() -> int | None:
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            lines = file.read().split(b"\n")
    except OSError:  # no Linux
        return None
    found = (line.split()[1] for line in lines if line.startswith(b"VmHWM:"))
    kilobytes = next(found, None)
    return None if kilobytes is None else 1024 * int(kilobytes)


def _sha256(data: bytes) -> str:
    # `hashlib` brings OpenSSL: 2 ms, for one digest.
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
        else:
            from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # not CPython
        from hashlib import sha256
    digest: str = sha256(data).hexdigest()
    return digest
