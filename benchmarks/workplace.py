"""A git repository of its own, outside the source tree, in which the scripts are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measuring import Variant

SCRIPTS = Path(__file__).with_name("scripts")
FOREIGN = ("GIT_", "MPL", "PYTHON", "SCITEX_SESSION_", "XDG_")


class Workplace:
    """A temporary repository with every script in one commit, and an environment of its own."""

    def __init__(self, root: Path) -> None:
        self.repository = root / "repository"
        shutil.copytree(SCRIPTS, self.repository)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        self.environment |= {
            "HOME": str(root),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(root / "matplotlib"),
            "XDG_CACHE_HOME": str(root / "cache"),
            "XDG_STATE_HOME": str(root / "state"),
        }
        for command in (
            ("init", "--quiet"),
            ("add", "."),
            (
                *("-c", "user.name=Bench", "-c", "user.email=bench@example.org"),
                *("commit", "--quiet", "--message", "Scripts"),
            ),
        ):
            subprocess.run(["git", *command], cwd=self.repository, env=self.environment, check=True)

    def python(self, *arguments: str) -> Variant:
        """Make a variant: a whole process of this Python, from its start to its end."""
        command = [sys.executable, *arguments]

        def run() -> float:
            began = time.perf_counter()
            done = subprocess.run(
                command,
                cwd=self.repository,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
            took = time.perf_counter() - began
            if done.returncode:
                what = " ".join(arguments)
                error = done.stderr.decode(errors="replace")
                raise SystemExit(f"{what} ended with {done.returncode}:\n{error}")
            return took

        return run
