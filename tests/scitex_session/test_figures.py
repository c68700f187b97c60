"""The stamp of a figure names the script as its repository does, and no folder of a home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scitex_session_plot import read_stamp
from support import run_script

PLOT = """
import sys
import scitex_session as stx

CONFIG, *_, plt, _, _ = stx.start(sys, agg=True, verbose=False)
plt.figure(figsize=(1, 1)).savefig("figure.svg")
stx.close(CONFIG, exit_status=0, verbose=False)
"""


def script_in_the_stamp() -> str | None:
    stamp = read_stamp("figure.svg")
    assert stamp is not None
    return stamp.script


def test_a_link_to_a_script_in_a_repository_has_its_path_there() -> None:
    Path("repository/analysis").mkdir(parents=True)
    Path("repository/analysis/fit.py").write_text(PLOT)
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "one")):
        subprocess.run(["git", "-C", "repository", *command], check=True)
    # The commit is that of the repository in which the link lies.
    os.symlink(Path("analysis/fit.py"), "repository/link.py")
    assert run_script(Path("repository/link.py")).returncode == 0
    assert script_in_the_stamp() == "analysis/fit.py"


def test_outside_of_a_repository_it_is_the_name_alone() -> None:
    Path("secret").mkdir()
    Path("secret/fit.py").write_text(PLOT)
    assert run_script(Path("secret/fit.py")).returncode == 0
    assert script_in_the_stamp() == "fit.py"


def test_without_a_script_there_is_no_name() -> None:
    subprocess.run([sys.executable, "-c", PLOT], check=True)
    assert script_in_the_stamp() is None
