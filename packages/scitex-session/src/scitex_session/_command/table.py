"""One table of texts, for a terminal and for a pipe."""

from __future__ import annotations

from .output import encodable, short, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table as RichTable

_GAP = 2
_LEAST = 6  # a shorter cell tells nothing
_LEAST_TITLE, _LEAST_CELL = 10, 12  # what must be whole, if it is no longer than this
_PIPE_CELL = 100  # one argument of a megabyte must not make every line as long


class Column:
    """A column of a table, whose texts anybody may have written: codes are shown, not obeyed.

    Attributes
    ----------
    styles, heading
        The rich styles of the cells, and of the title.
    rank : int
        How important it is: where there is no room for all, those with the largest are left out.
    whole : bool
        The cells are never shortened.
    """

    def __init__(
        self,
        title: str,
        cells: Sequence[str],
        *,
        styles: Sequence[str] | None = None,
        right: bool = False,
        heading: str = "dim",
        rank: int = 0,
        whole: bool = False,
    ) -> None:
        self.title = shown(title)
        self.cells = [shown(cell) for cell in cells]
        self.styles = [""] * len(self.cells) if styles is None else styles
        self.right = right
        self.heading = heading
        self.rank = rank
        self.whole = whole


def text_table(columns: Sequence[Column]) -> list[str]:
    """Return the lines of a table for a pipe: every column, aligned, without codes.

    Where a cell is empty stands a dash, so that a program can tell the columns apart.
    """
    laid = []
    for column in columns:
        cells = [short(cell or "-", _PIPE_CELL) for cell in (column.title, *column.cells)]
        wide = max(map(_width, cells))
        space = [" " * (wide - _width(cell)) for cell in cells]
        if column.right:
            laid.append([before + cell for cell, before in zip(cells, space, strict=True)])
        else:
            laid.append([cell + after for cell, after in zip(cells, space, strict=True)])
    return [(" " * _GAP).join(row).rstrip() for row in zip(*laid, strict=True)]


def rich_table(columns: Sequence[Column], width: int) -> tuple[RichTable, int]:
    """Return a table that fits a terminal of this width, and how many columns were left out."""
    from rich.table import Table
    from rich.text import Text

    widths = _fitted(columns, width)
    fit = [column for column in columns if column in widths]
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="")
    for column in fit:
        table.add_column(
            Text(column.title, column.heading),
            justify="right" if column.right else "left",
            width=widths[column],
            no_wrap=True,
            overflow="ellipsis" if encodable("…") else "crop",
        )
    for row in range(len(fit[0].cells)):
        table.add_row(*(Text(column.cells[row], column.styles[row]) for column in fit))
    return table, len(columns) - len(fit)


def _fitted(columns: Sequence[Column], width: int) -> dict[Column, int]:
    """Return how many cells each column gets; one that gets none is left out."""
    widths: dict[Column, int] = {}
    wanted: dict[Column, int] = {}
    room = width
    for column in sorted(columns, key=lambda column: column.rank):
        title, cell = _width(column.title), max(map(_width, column.cells), default=0)
        natural = max(title, cell)
        least = max(_LEAST, min(title, _LEAST_TITLE), min(cell, _LEAST_CELL))
        least = natural if column.whole else min(natural, least)
        gap = _GAP if widths else 0
        if widths and least + gap > room:
            continue
        widths[column], wanted[column] = least, natural
        room -= least + gap
    # The narrowest first, so that one long text takes only what the others leave.
    while room > 0 and (narrow := [c for c in widths if widths[c] < wanted[c]]):
        widths[min(narrow, key=widths.__getitem__)] += 1
        room -= 1
    return widths


def _width(text: str) -> int:
    """Return the cells that a text takes: rich knows more letters, and is not imported here."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        2 if east_asian_width(c) in "WF" else category(c) not in ("Mn", "Me", "Cf") for c in text
    )
