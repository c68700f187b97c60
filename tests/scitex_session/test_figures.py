"""How a figure names the script that made it."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session._lifecycle.figures import _script_name


def test_within_a_repository_by_its_path_there() -> None:
    Path("repository/.git").mkdir(parents=True)
    script = Path("repository/analysis/fit.py").absolute()
    script.parent.mkdir()
    script.touch()
    assert _script_name(script, in_git=True) == "analysis/fit.py"
    os.symlink(script, "link.py")
    assert _script_name(Path("link.py").absolute(), in_git=True) == "analysis/fit.py"


def test_elsewhere_by_its_name_alone() -> None:
    assert _script_name(Path("/home/me/secret/fit.py"), in_git=False) == "fit.py"


def test_without_a_script_by_none() -> None:
    assert _script_name(None, in_git=False) is None
