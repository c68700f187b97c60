"""Measure every row, and print it with its budget as met or missed."""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

from benchmarks.budgets import BUDGETS
from benchmarks.measuring import Measured, measure
from benchmarks.rows import ROWS
from benchmarks.workplace import Workplace

HEADINGS = ("row", "this, ms", "plain, ms", "difference, ms (IQR)", "ratio", "budget", "")


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(ROWS)}; all")
    parser.add_argument("--rounds", type=int, default=21, help="pairs of runs a row (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="5 rounds: for a look, not a number")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; rows: {', '.join(ROWS)}")
    if options.rounds < 2:
        parser.error(f"--rounds {options.rounds}: a spread needs at least 2")
    rounds = 5 if options.quick else options.rounds
    print(f"Python {platform.python_version()}, {platform.platform()}, {rounds} rounds")
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        workplace = Workplace(Path(temporary))
        lines = [
            line(name, measure(*ROWS[name](workplace), rounds=rounds))
            for name in options.rows or ROWS
        ]
    print(table([HEADINGS, *lines]))
    return 0


def line(name: str, measured: Measured) -> tuple[str, ...]:
    """Lay a row's numbers beside its budget."""
    budget = BUDGETS[name]
    value = budget.pick(measured)
    return (
        budget.what,
        f"{measured.this * 1e3:.1f}",
        f"{measured.plain * 1e3:.1f}",
        f"{measured.difference * 1e3:+.1f} ({measured.spread * 1e3:.1f})",
        f"{measured.ratio:.2f}",
        f"{budget.kind} ≤ {budget.most:g}{budget.unit}",
        "met" if value <= budget.most else "MISSED",
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Draw rows as a Markdown table."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([drawn[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *drawn[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
