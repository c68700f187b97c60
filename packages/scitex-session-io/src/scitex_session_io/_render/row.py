"""One row of a rendered log, and how many columns its bytes take."""

from __future__ import annotations

import re
import unicodedata

TAB = 8
# No terminal is wider, for a program that goes or pushes something to the right of a row.
REACH = 1 << 10
# So many bytes of accents a character may have; more are no text.
_MOST_MARKS = 256

# One column each, so that their length is their width: ASCII, Latin, the lines and blocks of
# progress bars, Braille spinners.
_NARROW_BYTES = re.compile(rb"[ -~]*")
_NARROW = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2500-\u259f\u2800-\u28ff]*")

# Beyond so many characters, what is known of them is forgotten: binary data may have any.
_MOST_CHARACTERS = 1 << 13


class _Widths(dict[str, int]):
    """The width of each character in columns, found at its first use."""

    def __missing__(self, char: str) -> int:
        if len(self) >= _MOST_CHARACTERS:
            self.clear()
        if unicodedata.category(char) in ("Cc", "Cf", "Me", "Mn") and char != "\xad":
            width = 0
        else:
            width = 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
        self[char] = width
        return width


class _Encoded(dict[str, bytes]):
    """The bytes of each character: the same object for all of its cells."""

    def __missing__(self, char: str) -> bytes:
        if len(self) >= _MOST_CHARACTERS:
            self.clear()
        self[char] = encoded = char.encode("utf-8", "surrogateescape")
        return encoded


_widths = _Widths()
_encoded = _Encoded()


def measured(data: bytes) -> tuple[int, int]:
    """Return how many columns `data` takes when it is written from the first one on.

    Widths are those of Unicode Standard Annex 11, with ambiguous characters narrow. A byte that is
    not UTF-8 takes one column, as does the replacement character that a terminal shows for it.

    Returns
    -------
    int
        The number of bytes before the first column.
    int
        The number of columns.
    """
    if _NARROW_BYTES.fullmatch(data):
        return 0, len(data)
    text = data.decode("utf-8", "surrogateescape")
    if _NARROW.fullmatch(text):
        return 0, len(text)
    before, cells = cells_of(data)
    return len(before), len(cells)


def cells_of(data: bytes, start: int = 0) -> tuple[bytes, list[bytes]]:
    """Split `data`, written from the column `start` on, into columns.

    Returns
    -------
    bytes
        What comes before the first column and has no width: accents, control characters.
    list of bytes
        The columns, each with what has no width behind it. A wide character, or a tab, is followed
        by empty bytes in the other columns that it covers.
    """
    if _NARROW_BYTES.fullmatch(data):
        return b"", [data[i : i + 1] for i in range(len(data))]
    before = b""
    cells: list[bytes] = []
    lead = -1
    marks: list[bytes] = []  # joined at once: there may be a million of them
    for char in data.decode("utf-8", "surrogateescape") + " ":  # the blank ends the last ones
        width = TAB - (start + len(cells)) % TAB if char == "\t" else _widths[char]
        if not width:
            marks.append(_encoded[char])
            continue
        if marks:
            if cells:
                cells[lead] += b"".join(marks)
            else:
                before = b"".join(marks)
            marks.clear()
        lead = len(cells)
        cells.append(_encoded[char])
        if width > 1:
            cells.extend([b""] * (width - 1))
    cells.pop()
    return before, cells


class Row:
    """A row: bytes as they came, and columns once something is written over them.

    Attributes
    ----------
    end : bytes
        The end of its line, as it came; empty until then.
    """

    __slots__ = ("_cells", "_data", "_redrawn", "_width", "end")

    def __init__(self, data: bytes = b"", end: bytes = b"") -> None:
        self._data = bytearray(data)
        self._cells: list[bytes] | None = None
        self._redrawn = False
        self._width: int | None = None
        self.end = end

    def __len__(self) -> int:
        """Return roughly the number of its bytes; 0 only if it is empty."""
        return len(self._data if self._cells is None else self._cells)

    @property
    def width(self) -> int:
        """The number of its columns."""
        if self._cells is not None:
            return len(self._cells)
        if self._width is None:
            self._width = measured(bytes(self._data))[1]
        return self._width

    @property
    def text(self) -> bytes:
        """The bytes it shows; blanks at the end stay as long as nothing was written over."""
        text = bytes(self._data) if self._cells is None else b"".join(self._cells)
        return text.rstrip(b" ") if self._redrawn else text

    def append(self, data: bytes) -> None:
        """Write after the end."""
        if self._cells is None:
            self._data += data
            self._width = None
        else:
            before, new = cells_of(data, len(self._cells))
            self._attach(before, len(self._cells))
            self._cells += new

    def write(self, column: int, data: bytes) -> int:
        """Write over what is there; return the column after it.

        A tab moves over what is there and leaves it as it is.
        """
        parts = data.split(b"\t") if b"\t" in data else [data]
        for index, part in enumerate(parts):
            if index and column != self.width:
                column += TAB - column % TAB
            elif index:
                self.append(b"\t")
                column = self.width
            if column == self.width:
                self.append(b"\t".join(parts[index:]))
                return self.width
            column = self._overwrite(column, part)
        return column

    def _overwrite(self, column: int, data: bytes) -> int:
        if not column:
            unseen, width = measured(data)
            if width >= self.width:
                self._cells = None
                self._data = bytearray(data[unseen:])
                self._width = width
                self._redrawn = True
                return width
        cells = self._split()
        before, new = cells_of(data)
        self._attach(before, column)
        if new:
            cells.extend([b" "] * (column - len(cells)))
            self._redrawn = self._redrawn or column < len(cells)
        end = column + len(new)
        self._tear(column)
        self._tear(end)
        cells[column:end] = new
        return end

    def erase(self, start: int, end: int | None = None) -> None:
        """Blank the columns from `start` to before `end`; without `end`, cut the row off."""
        cells = self._split()
        self._redrawn = True
        self._tear(start)
        if end is None:
            del cells[start:]
        else:
            self._tear(end)
            end = min(end, len(cells))
            cells[start:end] = [b" "] * (end - start)

    def delete(self, start: int, count: int) -> None:
        """Take columns out; what follows moves to the left."""
        cells = self._split()
        self._redrawn = True
        self._tear(start)
        self._tear(start + count)
        del cells[start : start + count]

    def insert(self, start: int, count: int) -> None:
        """Put blank columns in; what follows moves to the right, and out at the edge."""
        cells = self._split()
        edge = max(len(cells), REACH)
        if start < len(cells):
            self._redrawn = True
            self._tear(start)
            cells[start:start] = [b" "] * min(count, edge - start)
            self._tear(edge)
            del cells[edge:]

    def clear(self) -> None:
        """Erase the row."""
        self._cells = None
        self._data.clear()
        self._width = 0
        self._redrawn = True

    def _split(self) -> list[bytes]:
        if self._cells is None:
            before, self._cells = cells_of(bytes(self._data))
            if self._cells:
                self._cells[0] = before + self._cells[0]
            self._data.clear()
        return self._cells

    def _attach(self, data: bytes, column: int) -> None:
        """Add bytes without width to the character before `column`; without one they are lost."""
        cells = self._split()
        if data and 0 < column <= len(cells):
            lead = self._lead(column - 1)
            if len(cells[lead]) < _MOST_MARKS:
                cells[lead] += data

    def _tear(self, column: int) -> None:
        """Blank a wide character that reaches over the left edge of `column`, as terminals do."""
        cells = self._split()
        if not 0 < column < len(cells) or cells[column]:
            return
        index = self._lead(column)
        cells[index] = b" "
        while (index := index + 1) < len(cells) and not cells[index]:
            cells[index] = b" "

    def _lead(self, column: int) -> int:
        """Return the column where the character that covers this one begins."""
        cells = self._split()
        while not cells[column]:
            column -= 1
        return column
