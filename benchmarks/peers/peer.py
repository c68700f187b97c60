"""The peers: what is installed for each, and how its users run a script and list their runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "scitex-session-bench"
PACKAGES = sorted((REPOSITORY / "packages").iterdir())


class Peer(NamedTuple):
    """A package that records runs.

    Attributes
    ----------
    name : str
        Its name.
    requirements : tuple of str
        What pip installs.
    module : str or None
        What a script imports; None for a program around the script.
    run : str
        The command line of run number ``{}``. Its first word is a program of the peer's
        environment.
    help : str or None
        The command line for help; None where scripts get none from the package.
    listing : str or None
        The command line that lists all runs; None where there is none.
    keeps_log : bool
        Whether it keeps what a script prints.
    """

    name: str
    requirements: tuple[str, ...]
    module: str | None
    run: str
    help: str | None = None
    listing: str | None = None
    keeps_log: bool = False

    @property
    def script(self) -> str:
        """The name of its script, without its suffix."""
        return next(word for word in self.run.split() if word.endswith(".py")).removesuffix(".py")


PLAIN = Peer("plain Python", (), None, "python with_nothing.py {}")
OURS = Peer(
    "scitex-session",
    tuple(map(str, PACKAGES)),
    "scitex_session",
    "python with_scitex_session.py --number {}",
    "python with_scitex_session.py --help",
    "scitex-session ls",
    keeps_log=True,
)
PEERS = (
    OURS,
    Peer(
        "scitex-session 0.3.1",
        ("scitex-session==0.3.1",),
        "scitex_session",
        "python with_scitex_session_031.py --number {}",
        "python with_scitex_session_031.py --help",
        keeps_log=True,
    ),
    Peer(
        "sacred",
        ("sacred", "setuptools<81"),  # it imports pkg_resources, which setuptools 81 has dropped
        "sacred",
        "python with_sacred.py with number={}",
        "python with_sacred.py --help",
        keeps_log=True,
    ),
    Peer(
        "hydra",
        ("hydra-core",),
        "hydra",
        "python with_hydra.py +number={}",
        "python with_hydra.py --help",
    ),
    Peer("signac", ("signac",), "signac", "python with_signac.py {}", None, "signac find"),
    Peer(
        "mlflow",
        ("mlflow",),
        "mlflow",
        "python with_mlflow.py {}",
        None,
        "mlflow runs list --experiment-id 1",
    ),
    Peer("wandb", ("wandb",), "wandb", "python with_wandb.py {}", keeps_log=True),
    Peer("aim", ("aim",), "aim", "python with_aim.py {}", None, "aim runs ls", keeps_log=True),
    Peer(
        "trackio",
        ("trackio",),
        "trackio",
        "python with_trackio.py {}",
        None,
        "trackio list runs --project bench",
    ),
    Peer(
        "con-duct",
        ("con-duct",),
        None,
        "con-duct run python with_nothing.py {}",
        "con-duct run --help",
        "con-duct ls",
        keeps_log=True,
    ),
)


class Environment:
    """A virtual environment of a peer's own, made on demand in a folder that is kept.

    Parameters
    ----------
    peer : Peer
        The peer.
    folder : Path
        Where the environments of all peers lie.
    """

    def __init__(self, peer: Peer, folder: Path) -> None:
        self.bin = folder / peer.name.replace(" ", "-") / "bin"
        self.root = self.bin.parent
        done = self.root / "installed"
        if peer is OURS or not done.exists():  # ours is of this moment
            python = str(self.bin / "python")
            uv = ["uv", "--quiet"]
            venv = [*uv, "venv", "--clear", "-p", sys.executable, str(self.root)]
            subprocess.run(venv, check=True)
            if peer.requirements:
                pip = [*uv, "pip", "install", "--python", python]
                if peer is OURS:
                    pip += [f"--reinstall-package={package.name}" for package in PACKAGES]
                subprocess.run([*pip, *peer.requirements], check=True)
            done.touch()

    def command(self, line: str) -> list[str]:
        """Return the words of a command line whose program is of this environment."""
        program, *rest = line.split()
        return [str(self.bin / program), *rest]

    def installed(self) -> tuple[int, float]:
        """Return how many distributions it holds, and their megabytes without bytecode."""
        packages = next(self.root.glob("lib/python*/site-packages"))
        size = sum(
            os.lstat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(packages)
            for name in names
            if not name.endswith(".pyc")
        )
        return len([*packages.glob("*.dist-info")]), size / 1e6
