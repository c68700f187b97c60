"""Sphinx: the site from pages, docstrings and READMEs.

``-W`` makes every broken link, reference and docstring an error. The pages are Markdown, read by
MyST; what their blocks show is held true by ``docs/executed.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sphinx.errors import ExtensionError
from sphinx.util.logging import getLogger

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for `command`

project = "scitex-session"
copyright = "2026, scitex-session contributors"  # noqa: A001  (Sphinx's name for it)
version = release = installed_version("scitex-session-core")

extensions = [
    "cyclopts.ext.sphinx",  # the options of `scitex-session`, from its functions
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
html_title = "scitex-session"
html_theme = "furo"
pygments_dark_style = "github-dark"
html_show_sourcelink = False

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
# Types stand beside the parameters, so that a signature is names and defaults.
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
napoleon_google_docstring = False

toc_object_entries_show_parents = "hide"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# A prompt and what is printed are no part of a command.
copybutton_exclude = ".linenos, .gp, .go"

# A reference that is written must lead somewhere. Types in signatures and docstrings are no such
# references: most are Python's and numpy's, and `path` is the name of many things.
nitpicky = True
nitpick_ignore_regex = [("py:(class|exc|obj)", ".*")]
suppress_warnings = ["ref.python"]


def draw_pictures(app: Sphinx) -> None:
    """Draw the pictures of the site, so that they show the code as it is."""
    pictures = app.srcdir / "_pictures"
    pictures.mkdir(exist_ok=True)
    scripts = (
        ("examples/gallery.py", "--out", pictures),
        ("docs/palette.py", pictures / "palette.png"),
        ("docs/pictures.py", pictures),
    )
    with TemporaryDirectory() as folder:
        own = dict.fromkeys(("SCITEX_SESSION_OUT_DIR", "SCITEX_SESSION_REGISTRY"), folder)
        running = [
            subprocess.Popen(
                [sys.executable, HERE.parent / script, *arguments],
                env={**os.environ, **own},
                stdout=subprocess.DEVNULL,
            )
            for script, *arguments in scripts
        ]
        statuses = [process.wait() for process in running]
        if any(statuses):
            raise ExtensionError("a script that draws pictures failed")


def find_undocumented(_: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that the reference lacks."""
    documented = env.domains.python_domain.objects
    for package in ("", "_core", "_io", "_plot", "_repro"):
        module = import_module(f"scitex_session{package}")
        for name in set(module.__all__) - {"__version__"}:
            home = getattr(getattr(module, name), "__module__", None)
            places = (f"{module.__name__}.{name}", f"{home}.{name}")
            if not any(place in documented for place in places):
                getLogger(__name__).warning("%s.%s is not in the reference", module.__name__, name)


def setup(app: Sphinx) -> None:
    """Have the pictures drawn before the pages are read, and names looked for after it."""
    app.connect("builder-inited", draw_pictures)
    app.connect("env-check-consistency", find_undocumented)
