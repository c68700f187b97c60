"""What the page on clusters shows is what happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.slurm import Slurm

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.cluster


def test_the_page_on_clusters_shows_what_happens(own_slurm: Slurm) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "executed.py", DOCS / "clusters.md"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
