"""Print what differs between runs: in colour on a terminal, as plain text on a pipe."""

from __future__ import annotations

import os
from itertools import groupby
from json import dumps
from typing import NamedTuple

from .diff import ABSENT, PARTS
from .output import ago, local_time, on_terminal, parsed_time, printable, say
from .table import Column, rich_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any, Literal

    from rich.console import Console
    from rich.table import Table

    from .diff import Comparison, Side

_MOST_DIFF_LINES = 60


class Line(NamedTuple):
    """What is shown of a name: its values, a sentence, a diff; or the name of a part."""

    kind: Literal["part", "values", "sentence", "diff"]
    name: str
    values: list[str]


def show(compared: Comparison) -> None:
    """Print a comparison."""
    if not compared.parts:
        say(_same(compared))
    elif on_terminal():
        _show_on_terminal(compared)
    elif len(compared.sides) > 2:
        say("\t".join(["part", "name", *(side.run.id for side in compared.sides)]))
        for part, name, values in _table(compared):
            say("\t".join([part, name, *values]))
    else:
        for sign, side in zip("-+", compared.sides, strict=True):
            say(f"{sign * 3} {'  '.join(_title(side))}")
        for line in _lines(compared):
            _say_plainly(line)


def _same(compared: Comparison) -> str:
    are_files = all(side.file for side in compared.sides) and len(compared.sides) == 2
    return f"the same, as far as is on record: {', '.join(PARTS[not are_files :])}"


def _title(side: Side, say_time: Callable[[datetime], str] = local_time) -> list[str]:
    """Return the ID, script, status and start of a run."""
    started = parsed_time(side.value("started"))
    when = say_time(started) if started else ""
    script = os.path.basename(str(side.value("script")))
    return [side.run.id, printable(script), printable(str(side.value("status"))), when]


def _lines(compared: Comparison) -> Iterator[Line]:
    """Give what is shown of two runs, in order."""
    for part, found in compared.parts.items():
        yield Line("part", part, [])
        if part == "seed":
            yield _values("seed", found)
        elif part == "files":
            yield from _content(" and ".join(map(os.path.basename, found["names"])), found)
        elif part == "code":
            yield from _code(found)
        else:
            for name, value in found.items():
                if isinstance(value, list):
                    yield _values(name, value, deltas=part == "results")
                elif part == "inputs":
                    yield _values(name, _hashes(value))
                else:
                    yield from _content(name, value)


def _content(name: str, entry: dict[str, Any]) -> Iterator[Line]:
    yield Line("sentence", printable(name), [printable(entry["says"])])
    if diff := entry.get("diff"):
        yield Line("diff", "", _diff_lines(diff))


def _hashes(entry: dict[str, Any]) -> list[Any]:
    """Return the beginnings of hashes; what has none is unknown, or not there."""
    pairs = zip(entry["sha256"], entry["bytes"], strict=True)
    unknown = "not on record"
    return [f"sha256 {d[:12]}" if d else ABSENT if size is None else unknown for d, size in pairs]


def _code(found: dict[str, Any]) -> Iterator[Line]:
    for name, value in found.items():
        if name not in ("files", "changes"):
            yield _values("changes not on record" if name == "unknown" else name, value)
    for name, entry in found.get("files", {}).items():
        yield Line("sentence", printable(name), [_whose(entry["versions"])])
        yield Line("diff", "", _diff_lines(entry["diff"]))
    for name, entry in found.get("changes", {}).items():
        text = f"uncommitted changes {_whose(entry['versions'])}"
        yield Line("sentence", printable(name), [text.rstrip()])
        yield Line("diff", "", _diff_lines(entry["diff"]))


def _whose(versions: list[int | None]) -> str:
    if None not in versions:
        return ""
    return f"(only the {'second' if versions[0] is None else 'first'} run has it)"


def _diff_lines(text: str) -> list[str]:
    return [printable(line.expandtabs(4)) for line in text.splitlines()]


def _values(name: str, row: list[Any], *, deltas: bool = False) -> Line:
    values = _shown(row)
    if deltas and all(type(value) in (int, float) for value in row):
        values.append(f"{row[1] - row[0]:+.6g}")
    return Line("values", printable(name), values)


def _shown(row: list[Any]) -> list[str]:
    """Return values for people, so that those that differ look different."""
    plain = [value if isinstance(value, str) else _json(value) for value in row]
    if len({*plain}) < len({(type(value), _json(value)) for value in row}):
        plain = [_json(value) for value in row]
    return [printable(text) for text in plain]


def _json(value: Any) -> str:
    if value is None or value is ABSENT:
        return "none" if value is None else repr(ABSENT)
    return dumps(value, ensure_ascii=False)


def _say_plainly(line: Line) -> None:
    if line.kind == "part":
        say(line.name)
    elif line.kind == "sentence":
        say(f"  {line.name}: {line.values[0]}" if line.values[0] else f"  {line.name}")
    elif line.kind == "diff":
        for text in line.values:
            say(text)
    else:
        first, second, *delta = line.values
        say(f"  {line.name}: {first} -> {second}{f' ({delta[0]})' if delta else ''}")


def _table(compared: Comparison) -> Iterator[tuple[str, str, list[str]]]:
    """Give what differs between more than two runs: the part, the name, the values."""
    for part, found in compared.parts.items():
        if part == "seed":
            yield part, "seed", _shown(found)
            continue
        for name, value in found.items():
            if isinstance(value, list):
                yield part, printable(name), _shown(value)
            elif part == "code":
                for file, entry in value.items():
                    yield part, printable(file), _versions(entry["versions"])
            elif part == "inputs":
                yield part, printable(name), _shown(_hashes(value))
            else:
                yield part, printable(name), _versions(value["versions"])


def _versions(numbers: list[int | None]) -> list[str]:
    return [repr(ABSENT) if number is None else f"#{number}" for number in numbers]


# -- On a terminal -------------------------------------------------------------------------------


def _show_on_terminal(compared: Comparison) -> None:
    from rich.console import Console

    console = Console(force_terminal=True, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        if len(compared.sides) > 2:
            _draw_tables(console, compared)
        else:
            _draw_pair(console, compared)
    # Not by rich itself: it raises at a letter that the stream's encoding lacks.
    say(captured.get().removesuffix("\n"))


def _draw_pair(console: Console, compared: Comparison) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for sign, style, side in zip("-+", ("red", "green"), compared.sides, strict=True):
        run_id, *rest = (f"{text}  " for text in _title(side, ago))
        head = Text.assemble((f"{sign} {run_id}", style), *rest)
        console.print(head, no_wrap=True, overflow="ellipsis")
    for kind, lines in groupby(_lines(compared), key=lambda line: line.kind):
        if kind == "values":
            grid = _grid("cyan", "red", "dim", "green", "dim")
            for line in lines:
                first, second, *delta = line.values
                grid.add_row(line.name, first, "→", second, *delta)
            console.print(Padding(grid, (0, 0, 0, 1)))
        elif kind == "sentence":
            grid = _grid("cyan", "")
            for line in lines:
                grid.add_row(line.name, line.values[0])
            console.print(Padding(grid, (0, 0, 0, 1)))
        else:
            for line in lines:
                if kind == "part":
                    console.print(Text(f"\n{line.name}", "bold"))
                else:
                    _draw_diff(console, line.values)


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
    for part, group in groupby(_table(compared), key=lambda row: row[0]):
        names.append(part)
        rows.append([""] * len(compared.sides))
        for _, name, values in group:
            names.append(f"  {name}")
            rows.append(values)
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
