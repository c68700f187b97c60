"""Sphinx: the site from the docstrings and the READMEs.

Sphinx, with its own theme, because it is well kept and reads numpydoc itself; ``-W`` makes every
broken link, reference and docstring an error. The pages are Markdown, read by MyST.
"""

from __future__ import annotations

from importlib.metadata import version as installed_version

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
