"""Runs that die in a job of SLURM, one job for each way to die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from shlex import quote
from typing import TYPE_CHECKING, Any

from support import wait_until, write_script

if TYPE_CHECKING:
    from pathlib import Path

    from support.slurm import Slurm

SCRIPT = """
    import os, signal, time
    import scitex_session as stx

    @stx.session(notify="SCITEX_SESSION_NOTIFY" in os.environ)
    def main(do: str = "wait"):
        if do == "ignore":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        open("up", "w").close()
        if do == "crash":
            os.kill(os.getpid(), 11)
        filled = []
        while do == "fill":
            filled.append(bytearray(b"x" * (1 << 24)))
        time.sleep(600)

    if __name__ == "__main__":
        main()
"""


class JobRun:
    """A run in a job of its own.

    Parameters
    ----------
    cluster : Slurm
        Where it is submitted.
    root : Path
        A folder for all of them.
    name : str
        Its own folder in there.
    do : {"wait", "crash", "fill", "ignore"}
        What the script does: fill its memory, ignore SIGTERM.
    replaces_shell : bool
        Whether the batch script does ``exec python``.
    *options : str
        More options of ``sbatch``.
    """

    def __init__(
        self,
        cluster: Slurm,
        root: Path,
        name: str,
        *options: str,
        do: str = "wait",
        replaces_shell: bool = False,
    ) -> None:
        self._cluster = cluster
        self.folder = root / name
        self.folder.mkdir()
        script = write_script(SCRIPT, self.folder)
        start = "exec " if replaces_shell else ""
        batch = self.folder / "job.sh"
        command = f"{start}{sys.executable} {quote(str(script))} --do {do}"
        batch.write_text(f"#!/bin/bash\ncd {quote(str(self.folder))}\n{command}\n")
        log = f"--output={self.folder}/job.log"
        self.job = cluster.submit(batch, "--time=5", log, *options, environment=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {"SCITEX_SESSION_REGISTRY": str(self.folder.parent / "registry")}

    def started(self) -> JobRun:
        """Wait until the function runs."""
        wait_until(lambda: (self.folder / "up").exists(), timeout=30)
        return self

    def command(self, *words: str, warning: str = "") -> str:
        """Run ``scitex-session`` with these words, and return what it prints.

        On stderr there is `warning`, or nothing.
        """
        environment = {**os.environ, **self._environment, **self._cluster.environment}
        done = subprocess.run(
            [sys.executable, "-m", "scitex_session", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done
        assert warning in done.stderr if warning else not done.stderr, done
        return done.stdout

    @property
    def place(self) -> Path:
        """Where its directory is."""
        (record,) = self.folder.glob("script_out/*/*/session.json")
        return record.parent

    def is_filed(self) -> bool:
        """Tell whether its end is filed."""
        return self.place.parent.name == "FINISHED_ERROR"

    def shown(self, place: Path | None = None, warning: str = "") -> dict[str, Any]:
        """Return what ``show --json`` tells of it, or of the run in another place."""
        told = self.command("show", "--json", str(place or self.place), warning=warning)
        return dict(json.loads(told))
