"""Measure every row, and print it with its budget as met or missed."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import archive, house, registry
from benchmarks.budgets import BUDGETS
from benchmarks.fingerprints import sha_instructions
from benchmarks.measuring import Measured, measure
from benchmarks.rows import REST, RESTED, ROWS
from benchmarks.workplace import Workplace

REGISTRY, ARCHIVE, HOUSE = "registry", "archive", "house"
ALL = (*ROWS, REGISTRY, ARCHIVE, HOUSE)
MANY_HEADINGS = ("of very many runs, once", "took", "", "budget", "")
HOUSE_HEADINGS = ("counted", "is", "budget", "")
HEADINGS = (
    "row",
    "this, ms",
    "plain, ms",
    "difference, ms (IQR)",
    "in starts",
    "ratio",
    "budget",
    "",
)


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(ALL)}; all")
    parser.add_argument("--rounds", type=int, default=21, help="pairs of runs a row (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="5 rounds: for a look, not a number")
    options = parser.parse_args()
    if unknown := {*options.rows}.difference(ALL):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; rows: {', '.join(ALL)}")
    if options.rounds < 2:
        parser.error(f"--rounds {options.rounds}: a spread needs at least 2")
    rounds = 5 if options.quick else options.rounds
    print(f"Python {platform.python_version()}, {platform.platform()}, {rounds} rounds")
    print(sha_instructions())
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        workplace = Workplace(Path(temporary))
        start = workplace.python("-c", "pass")
        lines = [
            line(
                name,
                measure(
                    *ROWS[name](workplace),
                    start,
                    rounds=rounds,
                    rest=REST if name in RESTED else 0,
                ),
            )
            for name in options.rows or ROWS
            if name in ROWS
        ]
    if lines:
        print(table([HEADINGS, *lines]))
    many = []
    if not options.rows or REGISTRY in options.rows:
        many += registry_lines(registry.QUICK_SESSIONS if options.quick else registry.SESSIONS)
    if not options.rows or ARCHIVE in options.rows:
        many += archive_lines(archive.QUICK_RUNS if options.quick else archive.RUNS)
    if many:
        print(table([MANY_HEADINGS, *many]))
    if not options.rows or HOUSE in options.rows:
        print(table([HOUSE_HEADINGS, *house.lines()]))
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
        f"{measured.starts:.2f}",
        f"{measured.ratio:.2f}",
        f"{budget.kind} ≤ {budget.most:g}{budget.unit}",
        "met" if value <= budget.most else "MISSED",
    )


def registry_lines(sessions: int) -> list[tuple[str, ...]]:
    """Measure the registry in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        command = [sys.executable, "-m", "benchmarks.registry", temporary, str(sessions)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return registry.lines(registry.BUDGETS, json.loads(done.stdout), sessions)


def archive_lines(runs: int) -> list[tuple[str, ...]]:
    """Measure the archiving of many runs, in a place without others."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        found = archive.measure(Workplace(Path(temporary)), runs)
    return registry.lines(archive.BUDGETS, found, runs)


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
