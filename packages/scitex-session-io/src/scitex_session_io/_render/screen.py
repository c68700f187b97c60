"""A terminal without edges: it holds the rows that can still be redrawn."""

from __future__ import annotations

from .codes import MOTION
from .row import REACH, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match
    from typing import TypeAlias

    Motion: TypeAlias = Callable[["Screen", list[int]], object]

# No terminal is higher: the cursor can't reach a row that has scrolled out at the top.
HEIGHT = 256
# No terminal is wider: a longer row has been wrapped, and its beginning is out of reach too.
WIDTH = 1 << 13


class Screen:
    """The part of a terminal's contents that can still change.

    Attributes
    ----------
    out : list of bytes
        What can't change any more; the caller takes it.
    row : Row
        The row of the cursor.
    column : int or None
        The column of the cursor; None is after the last character of its row.
    """

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self._rows = [Row()]
        self._first = 0  # the number of the first of these rows
        self._reached = 0  # the number of the lowest row there ever was
        self._at = 0  # the row of the cursor, as an index
        # For nearly all output no column is ever counted.
        self.column: int | None = None
        self._saved: tuple[int, int] | None = None
        self._alternate = False

    @property
    def row(self) -> Row:
        return self._rows[self._at]

    def feed(self, data: bytes) -> None:
        """Show `data`, in which each ESC begins a motion, and which does not end with a CR."""
        position = 0
        returns = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
        if returns or b"\x1b" in data or b"\x08" in data:
            for code in MOTION.finditer(data):
                if position < code.start():
                    self._put(data[position : code.start()])
                position = code.end()
                self._move(code)
        if position < len(data):
            self._put(data[position:] if position else data)

    def finish(self) -> None:
        """Release everything; blank rows below the cursor were only room to draw in."""
        rows = self._rows
        while len(rows) > self._at + 1 and not rows[-1].text.strip(b" "):
            rows.pop()
            if not rows[-1].text:
                rows[-1].end = b""
        self._let_go(len(rows))

    def _put(self, text: bytes) -> None:
        """Write text without codes."""
        if self._alternate:
            return
        while text and (self.column is not None or self._at + 1 < len(self._rows)):
            line, newline, text = text.partition(b"\n")
            if newline:
                line, newline = _cut_end(line + newline)
            row = self.row
            if self.column is None:
                row.append(line)
            elif line:
                column = row.write(self.column, line)
                self.column = None if column == row.width else column
            self._break_off()
            if newline:
                self.line_feed(newline)
        if text:
            self._append(text)

    def _append(self, text: bytes) -> None:
        """Write text after everything else."""
        first = text.find(b"\n") + 1
        if not first:
            self.row.append(text)
        else:
            line, self.row.end = _cut_end(text[:first])
            self.row.append(line)
            cut = first
            if (surplus := text.count(b"\n", first) - HEIGHT + 1) > 0:
                cut = len(text)
                for _ in range(HEIGHT):
                    cut = text.rfind(b"\n", first, cut)
                cut += 1
                self._let_go(len(self._rows))
                self.out.append(text[first:cut])
                self._first += surplus
            *lines, last = text[cut:].split(b"\n")
            self._rows += [Row(*_cut_end(line + b"\n")) for line in lines]
            self._rows.append(Row(last))
            self._at = len(self._rows) - 1
            self._reached = max(self._reached, self._first + self._at)
            if len(text) > WIDTH:
                long = [index for index, row in enumerate(self._rows) if len(row) > WIDTH]
                self._let_go(min(max(long, default=-1) + 1, self._at))
            self._trim()
        self._break_off()

    def _trim(self) -> None:
        """Release the rows that are out of reach, many at a time."""
        if len(self._rows) > 2 * HEIGHT:
            self._let_go(len(self._rows) - HEIGHT)

    def _break_off(self) -> None:
        """Release the cursor's own row where it is longer than a terminal is wide."""
        if len(self.row) > WIDTH:
            self._let_go(self._at)
            self.out.append(self.row.text)
            self._rows[0] = Row(end=self.row.end)
            self.column = None

    def _let_go(self, count: int) -> None:
        for row in self._rows[:count]:
            self.out += (row.text, row.end)
        del self._rows[:count]
        self._first += count
        self._at -= count

    def _move(self, code: Match[bytes]) -> None:
        """Apply a code."""
        motion = code[0]
        if motion.endswith(b"\r"):  # by far the most frequent
            self.column = 0
        elif code["alternate"]:
            # What a full-screen program draws is gone from the terminal when it ends.
            self._alternate = code["alternate"] == b"h"
        elif not self._alternate:
            if self.column is None:
                self.column = self.row.width
            if motion.startswith(b"\x08"):
                self.right(-len(motion))
            else:
                numbers = [int(word or 0) for word in (code["numbers"] or b"").split(b";")]
                MOTIONS[code["final"] or motion](self, numbers)

    # The methods below are for `MOTIONS`.

    def to_column(self, column: int) -> None:
        if column > REACH:
            column = min(column, max(self.row.width, REACH))
        self.column = max(0, column)

    def right(self, count: int) -> None:
        self.to_column((self.column or 0) + count)

    def up(self, count: int) -> None:
        top = max(0, self._reached - HEIGHT + 1 - self._first)
        self._at = max(self._at - count, top)

    def down(self, count: int) -> None:
        self._at = min(self._at + count, len(self._rows) - 1)

    def next_line(self, count: int) -> None:
        self.down(count)
        self.column = 0

    def previous_line(self, count: int) -> None:
        self.up(count)
        self.column = 0

    def line_feed(self, end: bytes = b"\n") -> None:
        self.row.end = end
        self._at += 1
        self.column = 0
        if self._at == len(self._rows):
            self._rows.append(Row())
            self.column = None
            self._reached = max(self._reached, self._first + self._at)
            self._trim()

    def index(self) -> None:
        column = self.column
        self.line_feed()
        self.column = column

    def save(self) -> None:
        self._saved = self._first + self._at, self.column or 0

    def restore(self) -> None:
        if self._saved is not None:
            row, self.column = self._saved
            self._at = min(row - self._first, len(self._rows) - 1)
            self.up(0)

    def erase_line(self, how: int) -> None:
        if how == 0:
            self.row.erase(self.column or 0)
        elif how == 1:
            self.row.erase(0, (self.column or 0) + 1)
        else:
            self.row.clear()

    def erase_screen(self, how: int) -> None:
        if how == 0:
            self.row.erase(self.column or 0)
            for row in self._rows[self._at + 1 :]:
                row.clear()
        elif how > 1:
            self.new_page()

    def new_page(self) -> None:
        """Go on below everything.

        On a screen of unknown size an absolute position can't be found. So what was printed before
        a program cleared the screen, or began to draw all over it, is kept.
        """
        self._at = len(self._rows) - 1
        if self.row.text:
            self.line_feed()
        self.column = 0

    def to_position(self, numbers: list[int]) -> None:
        self.new_page()
        self.to_column((numbers[1] if len(numbers) > 1 else 0) - 1)


def _cut_end(line: bytes) -> tuple[bytes, bytes]:
    """Split a line into its text and its end."""
    for end in (b"\r\n", b"\n"):
        if line.endswith(end):
            return line[: -len(end)], end
    return line, b""


def _count(action: Callable[[Screen, int], object]) -> Motion:
    """Make a motion of an action that takes the code's first number, at least 1."""
    return lambda screen, numbers: action(screen, max(1, numbers[0]))


def _cells(action: Callable[[Row, int, int], object]) -> Motion:
    """Make a motion of an action on a number of columns after the cursor."""
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
