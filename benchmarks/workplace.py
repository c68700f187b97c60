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
    from collections.abc import Mapping

    from benchmarks.measuring import Variant

SCRIPTS = Path(__file__).with_name("scripts")
FOREIGN = ("GIT_", "MPL", "PYTHON", "SCITEX_SESSION_", "XDG_")


class Workplace:
    """A temporary repository with the scripts in one commit, and an environment of its own."""

    def __init__(self, root: Path, scripts: Path = SCRIPTS) -> None:
        self.repository = root / "repository"
        shutil.copytree(scripts, self.repository)
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
        self._root = root
        self._commit(self.repository)

    def _commit(self, folder: Path) -> None:
        for command in (
            ("init", "--quiet"),
            ("add", "."),
            (
                *("-c", "user.name=Bench", "-c", "user.email=bench@example.org"),
                *("commit", "--quiet", "--message", "Scripts"),
            ),
        ):
            subprocess.run(["git", *command], cwd=folder, env=self.environment, check=True)

    def folder(self, script: str, *, files: int | None) -> Path:
        """Make a folder with a script: a repository of so many files, or for None no repository."""
        folder = self._root / f"{files} files"
        folder.mkdir()
        shutil.copy(SCRIPTS / script, folder)
        if files is not None:
            for number in range(files):
                place = folder / f"{number // 100}"
                place.mkdir(exist_ok=True)
                (place / f"{number}.txt").write_text(f"{number}\n")
            self._commit(folder)
        return folder

    def python(
        self,
        *arguments: str,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Variant:
        """Make a variant: a whole process of this Python, from its start to its end.

        It has `variables` in its environment.
        """
        command = [sys.executable, *arguments]
        folder = cwd or self.repository

        def run() -> float:
            began = time.perf_counter()
            done = subprocess.run(
                command,
                cwd=folder,
                env=self.environment | dict(variables or {}),
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
