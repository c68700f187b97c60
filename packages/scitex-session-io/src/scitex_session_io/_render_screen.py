"""A terminal without edges: it keeps the rows that can still be redrawn, and lets the others go."""

from __future__ import annotations

from ._render_codes import MOTION
from ._render_row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match

# No terminal is higher: the cursor can't reach a row that has scrolled out at its top.
HEIGHT = 256
# None is wider: a longer row has been wrapped, and its beginning is out of reach, too.
WIDTH = 1 << 13


class Screen:
    """What a terminal shows of what it is fed, as far as that can still change.

    Attributes
    ----------
    out : list of bytes
        What can't change any more, to be taken by the caller.
    """

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self._rows = [Row()]
        self._first = 0  # the number of the first of these rows
        self._reached = 0  # the number of the lowest row there ever was
        self._at = 0  # the row of the cursor, as an index
        # None is behind the last character: for nearly all output, no column is ever counted.
        self._column: int | None = None
        self._saved: tuple[int, int] | None = None
        self._alternate = False

    def feed(self, data: bytes) -> None:
        """Show `data`, in which every ESC begins a motion, and no CR ends that may go before LF."""
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
        """Let everything go; blank rows below the cursor were only ever room to draw in."""
        rows = self._rows
        while len(rows) > self._at + 1 and not rows[-1].text.strip(b" "):
            rows.pop()
            if not rows[-1].text:
                rows[-1].end = b""
        self._let_go(len(rows))

    def _put(self, text: bytes) -> None:
        """Write text that has no codes."""
        if self._alternate:
            return
        while text and (self._column is not None or self._at + 1 < len(self._rows)):
            line, newline, text = text.partition(b"\n")
            if newline:
                line, newline = _cut_end(line + newline)
            row = self._row
            if self._column is None:
                row.append(line)
            elif line:
                column = row.write(self._column, line)
                self._column = None if column == row.width else column
            self._break_off()
            if newline:
                self._line_feed(newline)
        if text:
            self._append(text)

    def _append(self, text: bytes) -> None:
        """Write text behind the end of everything."""
        first = text.find(b"\n") + 1
        if not first:
            self._row.append(text)
        else:
            line, self._row.end = _cut_end(text[:first])
            self._row.append(line)
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

    @property
    def _row(self) -> Row:
        return self._rows[self._at]

    def _trim(self) -> None:
        """Let go of the rows that are out of reach, many at a time."""
        if len(self._rows) > 2 * HEIGHT:
            self._let_go(len(self._rows) - HEIGHT)

    def _break_off(self) -> None:
        """Let go of the cursor's own row where it is longer than a terminal is wide."""
        if len(self._row) > WIDTH:
            self._let_go(self._at)
            self.out.append(self._row.text)
            self._rows[0] = Row(end=self._row.end)
            self._column = None

    def _let_go(self, count: int) -> None:
        for row in self._rows[:count]:
            self.out += (row.text, row.end)
        del self._rows[:count]
        self._first += count
        self._at -= count

    def _line_feed(self, end: bytes = b"\n") -> None:
        self._row.end = end
        self._at += 1
        self._column = 0
        if self._at == len(self._rows):
            self._rows.append(Row())
            self._column = None
            self._reached = max(self._reached, self._first + self._at)
            self._trim()

    def _move(self, code: Match[bytes]) -> None:
        """Do what a code says."""
        motion = code[0]
        if motion.endswith(b"\r"):  # by far the most frequent
            self._column = 0
        elif code["alternate"]:
            # What a full-screen program draws is gone from the terminal when it ends.
            self._alternate = code["alternate"] == b"h"
        elif not self._alternate:
            if self._column is None:
                self._column = self._row.width
            if motion.startswith(b"\x08"):
                self._right(-len(motion))
            else:
                numbers = [int(word or 0) for word in (code["numbers"] or b"").split(b";")]
                _MOTIONS[code["final"] or motion](self, numbers)

    # The motions. No cursor goes further right than a row is ever long.

    def _to_column(self, column: int) -> None:
        self._column = max(0, min(column, WIDTH))

    def _right(self, count: int) -> None:
        self._to_column((self._column or 0) + count)

    def _up(self, count: int) -> None:
        top = max(0, self._reached - HEIGHT + 1 - self._first)
        self._at = max(self._at - count, top)

    def _down(self, count: int) -> None:
        self._at = min(self._at + count, len(self._rows) - 1)

    def _index(self) -> None:
        column = self._column
        self._line_feed()
        self._column = column

    def _save(self) -> None:
        self._saved = self._first + self._at, self._column or 0

    def _restore(self) -> None:
        if self._saved is not None:
            row, self._column = self._saved
            self._at = min(row - self._first, len(self._rows) - 1)
            self._up(0)

    def _erase_line(self, how: int) -> None:
        if how == 0:
            self._row.erase(self._column or 0)
        elif how == 1:
            self._row.erase(0, (self._column or 0) + 1)
        else:
            self._row.clear()

    def _erase_screen(self, how: int) -> None:
        if how == 0:
            self._row.erase(self._column or 0)
            for row in self._rows[self._at + 1 :]:
                row.clear()
        elif how > 1:
            self._new_page()

    def _new_page(self) -> None:
        """Go on below everything.

        Where on a screen of unknown size an absolute position lies can't be known: what was
        printed before a program cleared the screen or began to draw all over it is kept.
        """
        self._at = len(self._rows) - 1
        if self._row.text:
            self._line_feed()
        self._column = 0

    def _to_position(self, numbers: list[int]) -> None:
        self._new_page()
        self._to_column((numbers[1] if len(numbers) > 1 else 0) - 1)


def _cut_end(line: bytes) -> tuple[bytes, bytes]:
    """Part a line from its end."""
    for end in (b"\r\n", b"\n"):
        if line.endswith(end):
            return line[: -len(end)], end
    return line, b""


def _count(action: Callable[[Screen, int], object]) -> Callable[[Screen, list[int]], object]:
    """Give a motion its first number, 1 where there is none."""
    return lambda screen, numbers: action(screen, max(1, numbers[0]))


def _cells(action: Callable[[Row, int, int], object]) -> Callable[[Screen, list[int]], object]:
    """Do something to a number of columns behind the cursor."""
    return _count(lambda screen, count: action(screen._row, screen._column or 0, count))


def _to_line_start(action: Callable[[Screen, int], object]) -> Callable[[Screen, int], object]:
    def act(screen: Screen, count: int) -> None:
        action(screen, count)
        screen._column = 0

    return act


_MOTIONS: dict[bytes, Callable[[Screen, list[int]], object]] = {
    b"A": _count(Screen._up),
    b"B": _count(Screen._down),
    b"C": _count(Screen._right),
    b"a": _count(Screen._right),
    b"D": _count(lambda screen, count: screen._right(-count)),
    b"E": _count(_to_line_start(Screen._down)),
    b"F": _count(_to_line_start(Screen._up)),
    b"G": _count(lambda screen, count: screen._to_column(count - 1)),
    b"`": _count(lambda screen, count: screen._to_column(count - 1)),
    b"H": Screen._to_position,
    b"f": Screen._to_position,
    b"d": lambda screen, _: screen._new_page(),
    b"J": lambda screen, numbers: screen._erase_screen(numbers[0]),
    b"K": lambda screen, numbers: screen._erase_line(numbers[0]),
    b"@": _cells(Row.insert),
    b"P": _cells(Row.delete),
    b"X": _cells(lambda row, start, count: row.erase(start, start + count)),
    b"s": lambda screen, _: screen._save(),
    b"u": lambda screen, _: screen._restore(),
    b"\x1b7": lambda screen, _: screen._save(),
    b"\x1b8": lambda screen, _: screen._restore(),
    b"\x1bD": lambda screen, _: screen._index(),
    b"\x1bE": lambda screen, _: screen._line_feed(),
    b"\x1bM": lambda screen, _: screen._up(1),
    b"\x1bc": lambda screen, _: screen._new_page(),
}
