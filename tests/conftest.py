"""Every test has a world of its own, and hands back the process as it found it."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

# The table of faults at the end of a run.
from support._fault_matrix import caused, pytest_terminal_summary  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], Any] | int | None

# A machine busy with something else is no failure of the code. Half of the usual examples are
# enough where three Pythons draw their own.
settings.register_profile(
    "unhurried",
    parent=settings(),
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

# What a machine's own set-up could change in a run.
FOREIGN = {
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "LINES",
    "MPLBACKEND",
    "NO_COLOR",
    "PYTHONHASHSEED",
    "PYTHONSTARTUP",
    "PYTHONUNBUFFERED",
    "RANK",
    "WORLD_SIZE",
}
FOREIGN_PREFIXES = ("OMPI_", "PMI_", "SCITEX_SESSION_", "SLURM_", "TORCHELASTIC_", "XDG_")
GIT_IDENTITY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGCHLD", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)

# Under nohup and in the background of a shell some are ignored, which every child would inherit.
for _number in SIGNALS:
    if signal.getsignal(_number) is signal.SIG_IGN:
        _default = signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL
        signal.signal(_number, _default)


@pytest.fixture(scope="session")
def matplotlib_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One font cache for the whole run: building it takes seconds."""
    return tmp_path_factory.mktemp("matplotlib")


# These fixtures do without monkeypatch: it must be set up after them and so be undone before,
# or its own undoing would put the test's environment into the place of the real one.


@pytest.fixture(autouse=True)
def own_world(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, matplotlib_cache: Path
) -> Iterator[None]:
    """Own working directory, home, state and cache directories, environment and argv."""
    home = tmp_path_factory.mktemp("home")
    directories = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "MPLCONFIGDIR": matplotlib_cache,
    }
    environment, cwd, argv = dict(os.environ), Path.cwd(), sys.argv
    for name in environment:
        if name in FOREIGN or name.startswith(FOREIGN_PREFIXES):
            del os.environ[name]
    os.environ.update(GIT_IDENTITY)
    os.environ["TERM"] = "xterm-256color"
    os.environ.update({name: os.fspath(path) for name, path in directories.items()})
    os.chdir(tmp_path)
    sys.argv = [os.fspath(tmp_path / "test.py")]
    yield
    sys.argv = argv
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture(autouse=True)
def own_streams() -> Iterator[None]:
    """What a test puts into the place of a stream ends with it."""
    found = (sys.stdin, sys.stdout, sys.stderr)
    yield
    sys.stdin, sys.stdout, sys.stderr = found


@pytest.fixture(autouse=True)
def own_generators() -> Iterator[None]:
    """A test that seeds a global generator does not decide the next test's numbers."""
    numpy = sys.modules.get("numpy")
    python, legacy = random.getstate(), numpy.random.get_state() if numpy else None
    yield
    random.setstate(python)
    if numpy:
        numpy.random.set_state(legacy)


@pytest.fixture(autouse=True)
def own_style() -> Iterator[None]:
    """Figures, rcParams and the backend end with the test."""
    # Raw dictionary access: reading rcParams["backend"] would choose one.
    found = dict.copy(sys.modules["matplotlib"].rcParams) if "matplotlib" in sys.modules else None
    loaded = getattr(sys.modules.get("matplotlib.pyplot"), "_backend_mod", None)
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
        vars(pyplot)["_backend_mod"] = loaded
    if matplotlib := sys.modules.get("matplotlib"):
        dict.update(matplotlib.rcParams, found or matplotlib.rcParamsDefault)


def finders_of_ours() -> list[object]:
    """Give the import finders of our packages; others, such as six's, stay for good."""
    return [f for f in sys.meta_path if type(f).__module__.startswith("scitex_session")]


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """A handler, finder or hook of ours that outlives its test is a bug in what it tested."""
    handlers: dict[signal.Signals, Handler] = {
        number: signal.getsignal(number) for number in SIGNALS
    }
    hooks, finders = (sys.excepthook, threading.excepthook), finders_of_ours()
    yield
    left = []
    for number, handler in handlers.items():
        if (now := signal.getsignal(number)) != handler:
            left.append(f"the handler of {number.name}: {now!r}")
            signal.signal(number, handler)
    # A finder stays where it is: its owner believes it there, and only the first test is to blame.
    if ours := [finder for finder in finders_of_ours() if finder not in finders]:
        left.append(f"on sys.meta_path: {ours!r}")
    if (sys.excepthook, threading.excepthook) != hooks:
        left.append(f"an exception hook: {sys.excepthook!r}, {threading.excepthook!r}")
        sys.excepthook, threading.excepthook = hooks
    assert not left, f"{request.node.name} left behind " + "; ".join(left)
