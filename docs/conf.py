"""Sphinx: the site from the docstrings and the READMEs.

Sphinx, with its own theme, because it is well kept and reads numpydoc itself; ``-W`` makes every
broken link, reference and docstring an error. The pages are Markdown, read by MyST.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "scitex-session"
copyright = "2026, scitex-session contributors"  # noqa: A001  (Sphinx's name for it)
version = release = installed_version("scitex-session-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Runs that are recorded, logged and repeatable."}

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False
myst_heading_anchors = 3

# A reference that is written must lead somewhere. Types in signatures and docstrings are no such
# references: most are Python's and numpy's, and `path` is the name of many things.
nitpicky = True
nitpick_ignore_regex = [("py:(class|exc|obj)", ".*")]
suppress_warnings = ["ref.python"]


def draw_pictures(app: Sphinx) -> None:
    """Draw the pictures of the gallery, so that they show the code as it is."""
    pictures = app.srcdir / "_pictures"
    pictures.mkdir(exist_ok=True)
    repository = Path(__file__).parents[1]
    with TemporaryDirectory() as folder:
        own = dict.fromkeys(("SCITEX_SESSION_OUT_DIR", "SCITEX_SESSION_REGISTRY"), folder)
        environment = {**os.environ, **own}
        for script, *arguments in (
            ("examples/gallery.py", "--out", str(pictures)),
            ("docs/palette.py", str(pictures / "palette.png")),
        ):
            command = [sys.executable, str(repository / script), *arguments]
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def setup(app: Sphinx) -> None:
    """Have the pictures drawn before the pages are read."""
    app.connect("builder-inited", draw_pictures)
