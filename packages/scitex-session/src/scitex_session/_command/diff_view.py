"""Print what differs between runs: in colour on a terminal, as plain text on a pipe."""

from __future__ import annotations

import os
from itertools import groupby
from json import dumps

from .diff import ABSENT, PARTS
from .output import ago, local_time, on_terminal, parsed_time, printable, say
from .table import Column, rich_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any, TypeAlias

    from rich.console import Console
    from rich.table import Table

    from .diff import Comparison, Side

    # The part, the name, and either a value for each run or how files differ.
    Entry: TypeAlias = tuple[str, str, list[Any] | dict[str, Any]]

_MOST_DIFF_LINES = 60


def show(compared: Comparison) -> None:
    """Print a comparison."""
    are_many = len(compared.sides) > 2
    if not compared.parts:
        are_files = not are_many and all(side.file for side in compared.sides)
        say(f"the same, as far as is on record: {', '.join(PARTS[not are_files :])}")
    elif on_terminal():
        from rich.console import Console

        console = Console(force_terminal=True, highlight=False, markup=False, emoji=False)
        with console.capture() as captured:
            (_draw_tables if are_many else _draw_pair)(console, compared)
        # Not by rich itself: it raises at a letter that the stream's encoding lacks.
        say(captured.get().removesuffix("\n"))
    elif are_many:
        say("\t".join(["part", "name", *(side.run.id for side in compared.sides)]))
        for part, name, value in _entries(compared):
            say("\t".join([part, name, *_shown(value)]))
    else:
        for sign, side in zip("-+", compared.sides, strict=True):
            say(f"{sign * 3} {'  '.join(_title(side))}")
        for part, group in groupby(_entries(compared), key=lambda entry: entry[0]):
            say(part)
            for entry in group:
                _say_pair(*entry)


def _title(side: Side, say_time: Callable[[datetime], str] = local_time) -> list[str]:
    """Return the ID, script, status and start of a run."""
    started = parsed_time(side.value("started"))
    when = say_time(started) if started else ""
    script = os.path.basename(str(side.value("script")))
    return [side.run.id, printable(script), printable(str(side.value("status"))), when]


def _entries(compared: Comparison) -> Iterator[Entry]:
    """Give what differs, in order."""
    for part, found in compared.parts.items():
        if part == "seed":
            entries = [("seed", found)]
        elif part == "files":
            entries = [(" and ".join(map(os.path.basename, found["names"])), found)]
        elif part == "code":
            entries = _code(found)
        elif part == "inputs":
            entries = [(name, _hashes(entry)) for name, entry in found.items()]
        else:
            entries = [*found.items()]
        for name, value in entries:
            yield part, printable(name), value


def _hashes(entry: dict[str, Any]) -> list[Any]:
    """Return the beginnings of hashes; what has none is unknown, or not there."""
    pairs = zip(entry["sha256"], entry["bytes"], strict=True)
    unknown = "not on record"
    return [f"sha256 {d[:12]}" if d else ABSENT if size is None else unknown for d, size in pairs]


def _code(found: dict[str, Any]) -> list[tuple[str, Any]]:
    names = {"unknown": "changes not on record"}
    facts = [(names.get(n, n), v) for n, v in found.items() if n not in ("files", "changes")]
    for part, what in (("files", ""), ("changes", "uncommitted changes")):
        for name, entry in found.get(part, {}).items():
            only = "second" if entry["versions"][0] is None else "first"
            whose = f"(only the {only} run has it)" if None in entry["versions"] else ""
            facts.append((name, {**entry, "says": f"{what} {whose}".strip()}))
    return facts


def _shown(value: list[Any] | dict[str, Any]) -> list[str]:
    """Return for people what runs have, so that values that differ look different."""
    if isinstance(value, dict):
        return [repr(ABSENT) if n is None else f"#{n}" for n in value["versions"]]
    plain = [each if isinstance(each, str) else _json(each) for each in value]
    if len({*plain}) < len({(type(each), _json(each)) for each in value}):
        plain = [_json(each) for each in value]
    return [printable(text) for text in plain]


def _json(value: Any) -> str:
    if value is None or value is ABSENT:
        return "none" if value is None else repr(ABSENT)
    return dumps(value, ensure_ascii=False)


def _delta(part: str, row: list[Any]) -> str:
    """Return how far two results are from each other, if they are numbers."""
    are_numbers = part == "results" and all(type(value) in (int, float) for value in row)
    return f"{row[1] - row[0]:+.6g}" if are_numbers else ""


def _diff_lines(entry: dict[str, Any]) -> list[str]:
    return [printable(line.expandtabs(4)) for line in entry.get("diff", "").splitlines()]


def _say_pair(part: str, name: str, value: list[Any] | dict[str, Any]) -> None:
    if isinstance(value, list):
        delta = _delta(part, value)
        say(f"  {name}: {' -> '.join(_shown(value))}{f' ({delta})' if delta else ''}")
    else:
        says = printable(value["says"])
        say(f"  {name}: {says}" if says else f"  {name}")
        for line in _diff_lines(value):
            say(line)


# -- On a terminal -------------------------------------------------------------------------------


def _draw_pair(console: Console, compared: Comparison) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for sign, style, side in zip("-+", ("red", "green"), compared.sides, strict=True):
        run_id, *rest = (f"{text}  " for text in _title(side, ago))
        head = Text.assemble((f"{sign} {run_id}", style), *rest)
        console.print(head, no_wrap=True, overflow="ellipsis")
    shown = ""
    for (part, is_values, *_), entries in groupby(_entries(compared), key=_alike):
        if part != shown:
            shown = part
            console.print(Text(f"\n{part}", "bold"))
        grid = _grid("cyan", *(("red", "dim", "green", "dim") if is_values else ("",)))
        lines = []
        for _, name, value in entries:
            if isinstance(value, list):
                first, second = _shown(value)
                grid.add_row(name, first, "→", second, _delta(part, value))
            else:
                grid.add_row(name, printable(value["says"]))
                lines = _diff_lines(value)
        console.print(Padding(grid, (0, 0, 0, 1)))
        _draw_diff(console, lines)


def _alike(entry: Entry) -> tuple[str, bool, str]:
    """Return what is the same for entries in one grid: those with a diff stand alone."""
    part, name, value = entry
    return (
        part,
        isinstance(value, list),
        name if isinstance(value, dict) and "diff" in value else "",
    )


def _grid(*styles: str) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    for style in styles:
        grid.add_column(style=style, overflow="fold")
    return grid


def _draw_diff(console: Console, lines: list[str]) -> None:
    from rich.text import Text

    for line in lines[:_MOST_DIFF_LINES]:
        style = {"+": "green", "-": "red", "@": "cyan", "…": "dim"}.get(line[:1], "")
        style = "bold" if line.startswith(("---", "+++")) else style
        console.print(Text(f"    {line}", style), no_wrap=True, overflow="ellipsis")
    if (more := len(lines) - _MOST_DIFF_LINES) > 0:
        console.print(Text(f"    … {more} more lines (on a pipe, all)", "dim"))


def _draw_tables(console: Console, compared: Comparison) -> None:
    """Draw as many runs beside each other as fit, and the others below them."""
    names, rows = [], []
    for part, group in groupby(_entries(compared), key=lambda entry: entry[0]):
        names.append(part)
        rows.append([""] * len(compared.sides))
        for _, name, value in group:
            names.append(f"  {name}")
            rows.append(_shown(value))
    titles = [side.run.id.rpartition("_")[2] for side in compared.sides]
    runs = list(map(Column, titles, zip(*rows, strict=True)))
    styles = ["cyan" if name.startswith(" ") else "bold" for name in names]
    shown = 0
    while shown < len(runs):
        table, left_out = rich_table(
            [Column("", names, styles=styles), *runs[shown:]], console.width
        )
        console.print(table)
        shown = max(len(runs) - left_out, shown + 1)
    if {"code", "artifacts"} & {*names}:
        console.print("\nFiles with the same number (#1) are the same.", style="dim")
