"""The page of a run on a terminal, drawn by rich."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group
from rich.highlighter import ReprHighlighter
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType

    from .show import Page

_VALUES = ("Arguments", "Results", "Metrics")


def print_page(page: Page) -> None:
    """Print the page of a run."""
    sign, _, colour = page.sign
    lines = [Text(page.why, style="bold")] if page.why else []
    lines += [Text(" · ".join(page.times), style="dim")] if page.times else []
    status = Text(f" {sign} {page.status} ", style=f"bold {colour}")
    head = Panel(
        Group(*lines),
        title=status,
        title_align="left",
        subtitle=Text(f" {page.id} "),
        subtitle_align="right",
        border_style=colour,
    )
    parts: list[RenderableType] = [head]
    for title, rows in page.sections:
        if title:
            parts.append(_rule(title))
        parts.append(Padding(_grid(title, rows), (0, 1), expand=False))
    for stream, text in page.tails:
        parts.append(_rule(f"The last lines of {stream}"))
        parts.append(Padding(Text(text, overflow="fold"), (0, 1), expand=False))
    Console(highlight=False).print(*parts, sep="\n")


def _rule(title: str) -> RenderableType:
    return Rule(Text(title, style="bold"), align="left", style="dim", characters="─")


def _grid(title: str, rows: list[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2), expand=False)
    table.add_column(style="dim", overflow="fold", max_width=40)
    table.add_column(overflow="fold")
    sentences = []
    for name, value in rows:
        text = Text(value)
        if not name:
            sentences.append(Text(value, style="dim italic"))
            continue
        if title in _VALUES and not value.endswith(":"):
            ReprHighlighter().highlight(text)
        elif name == "directory" and Path(value).is_absolute():
            text.stylize(f"link {Path(value).as_uri()}")
        elif name == "tags":
            text.stylize("bold magenta")
        table.add_row(Text(name), text)
    return Group(table, *sentences) if table.row_count else Group(*sentences)
