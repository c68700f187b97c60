"""Write the table of faults and promises on the page ``faults.md``: ``python docs/faults.py``.

The tests cause what stands in ``tests/faults/table.py``; `tests/faults/test_page.py` holds that
the page shows it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from faults.table import FAULTS, PROMISES

PAGE = Path(__file__).with_name("faults.md")
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def table() -> str:
    """Return the table in Markdown: a row a fault, a column a promise."""
    lines = [f"| fault | {' | '.join(PROMISES)} |", "|---" * (len(PROMISES) + 1) + "|"]
    for name, fault in FAULTS.items():
        cells = [f"({fault.instead[each]})" if each in fault.instead else "✓" for each in PROMISES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """Return the page with the table as it is now."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
