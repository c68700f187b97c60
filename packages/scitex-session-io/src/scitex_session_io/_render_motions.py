"""What each motion of the cursor does to a `Screen`."""

from __future__ import annotations

from ._render_row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from ._render_screen import Screen

    Motion: TypeAlias = Callable[[Screen, list[int]], object]


def _count(action: Callable[[Screen, int], object]) -> Motion:
    """Give a motion its first number, 1 where there is none."""
    return lambda screen, numbers: action(screen, max(1, numbers[0]))


def _cells(action: Callable[[Row, int, int], object]) -> Motion:
    """Do something to a number of columns behind the cursor."""
    return _count(lambda screen, count: action(screen.row, screen.column or 0, count))


MOTIONS: dict[bytes, Motion] = {
    b"A": _count(lambda screen, count: screen.up(count)),
    b"B": _count(lambda screen, count: screen.down(count)),
    b"C": _count(lambda screen, count: screen.right(count)),
    b"a": _count(lambda screen, count: screen.right(count)),
    b"D": _count(lambda screen, count: screen.right(-count)),
    b"E": _count(lambda screen, count: screen.next_line(count)),
    b"F": _count(lambda screen, count: screen.previous_line(count)),
    b"G": _count(lambda screen, count: screen.to_column(count - 1)),
    b"`": _count(lambda screen, count: screen.to_column(count - 1)),
    b"H": lambda screen, numbers: screen.to_position(numbers),
    b"f": lambda screen, numbers: screen.to_position(numbers),
    b"d": lambda screen, _: screen.new_page(),
    b"J": lambda screen, numbers: screen.erase_screen(numbers[0]),
    b"K": lambda screen, numbers: screen.erase_line(numbers[0]),
    b"@": _cells(Row.insert),
    b"P": _cells(Row.delete),
    b"X": _cells(lambda row, start, count: row.erase(start, start + count)),
    b"s": lambda screen, _: screen.save(),
    b"u": lambda screen, _: screen.restore(),
    b"\x1b7": lambda screen, _: screen.save(),
    b"\x1b8": lambda screen, _: screen.restore(),
    b"\x1bD": lambda screen, _: screen.index(),
    b"\x1bE": lambda screen, _: screen.line_feed(),
    b"\x1bM": lambda screen, _: screen.up(1),
    b"\x1bc": lambda screen, _: screen.new_page(),
}
