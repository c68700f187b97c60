"""What the page on clusters shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.slurm import Slurm

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.cluster


@pytest.mark.timeout(300)
def test_the_page_on_clusters_shows_what_happens(own_slurm: Slurm) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "executed.py", DOCS / "clusters.md"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        homes = re.findall(r"^its home: (.*)", done.stdout, re.MULTILINE)
        names = ("slurm-*.out", "*_out/SWEEPS/*/*.log")
        files = [file for home in homes for name in names for file in Path(home).glob(name)]
        logs = [f"{file}:\n{file.read_text()}" for file in files]
        pytest.fail("\n".join([done.stdout, done.stderr, *logs, own_slurm.log()]))
