"""The page of faults shows the table that the tests hold."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_shows_the_table_of_faults() -> None:
    text = (DOCS / "faults.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(DOCS / "faults.py"))["page"](text) == text
