"""The tree of values, with their lines, into which YAML, TOML and JSON are read."""

from __future__ import annotations

from scitex_session._errors import ConfigFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

# A larger file is a mistake or an attack: refuse it before it fills the memory.
_MOST_BYTES = 10_000_000
MOST_VALUES = 100_000
DEEPEST = 100
_LONG = 1000


class Located:
    """A value of a file, and its line.

    Attributes
    ----------
    value : object
        A scalar, a set of scalars, a list of `Located`, or a dict of `Located` whose keys are
        scalars of any type. Aliases give the same object as their anchor.
    line : int or None
        Its line, from 1; None if it is not known.
    plain : bool
        Whether it is a scalar without quotes and without a tag.
    text : str or None
        The text of a plain scalar in the file: ``3.10`` for the number 3.1. None for other values.
    """

    __slots__ = ("line", "plain", "text", "value")

    def __init__(self, value: Any, line: int | None, *, text: str | None = None) -> None:
        self.value = value
        self.line = line
        self.plain = text is not None
        self.text = text

    def bare(self) -> Any:
        """Return the value without lines."""
        if isinstance(self.value, dict):
            return {key: item.bare() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.bare() for item in self.value]
        return self.value


class Extent:
    """Limit the number of values and of levels of a file while its tree is built.

    Parameters
    ----------
    path : Path
        The file, for errors.

    Attributes
    ----------
    count : int
        Values so far; the target of an alias counts each time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heights = [0]  # of the values being built, outermost first
        self.count = 0

    def enter(self, line: int | None) -> None:
        """Begin a value.

        Raises
        ------
        ConfigFileError
            There are too many values, or too many levels.
        """
        self._heights.append(1)
        self._check(1, 1, line)

    def leave(self) -> int:
        """End the value begun last; return its height."""
        height = self._heights.pop()
        self._heights[-1] = max(self._heights[-1], height + 1)
        return height

    def repeat(self, count: int, height: int, line: int | None) -> None:
        """Count an alias of a value that has `count` values and `height` levels.

        Raises
        ------
        ConfigFileError
            There are too many values, or too many levels.
        """
        self._heights[-1] = max(self._heights[-1], height + 1)
        self._check(count, height + 1, line)

    def weigh(self, value: Any, line: int | None) -> None:
        """Count a long text as several values, after `enter`.

        Raises
        ------
        ConfigFileError
            There are too many values.
        """
        self._check(weight(value) - 1, 0, line)

    def _check(self, count: int, height: int, line: int | None) -> None:
        self.count += count
        if self.count > MOST_VALUES:
            raise too_many(self._path, line)
        if len(self._heights) - 2 + height > DEEPEST:
            raise too_deep(self._path, line)


def weight(value: Any) -> int:
    """Return how many values one counts as: aliases and references repeat long texts, too."""
    return 1 + len(value) // _LONG if isinstance(value, (str, bytes)) else 1


def too_many(path: Path, line: int | None) -> ConfigFileError:
    """Make the error for a file with too many values."""
    return ConfigFileError(str(path), f"there are more than {MOST_VALUES:,} values in all", line)


def too_deep(path: Path, line: int | None) -> ConfigFileError:
    """Make the error for a file with too many levels."""
    return ConfigFileError(str(path), f"more than {DEEPEST} levels within each other", line)


def repeated_key(
    path: Path, key: Any, line: int, known: Any, known_line: int | None
) -> ConfigFileError:
    """Make the error for a key that a mapping has already."""
    why = f"the key {shortened(repr(key))} is in line {known_line} already"
    if type(key) is not type(known):
        why += f", as {known!r}: Python takes them for one"
    return ConfigFileError(str(path), why, line)


def shortened(text: str, most: int = 42) -> str:
    """Return `text`, shortened for a message."""
    return text if len(text) <= most else f"{text[:most]}…"


def read_text(path: Path) -> str:
    """Read a file of UTF-8, with or without a byte order mark.

    Raises
    ------
    ConfigFileError
        It can't be read, is not UTF-8, or is too large for a file of values.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigFileError(str(path), f"can't be read: {why}") from None
    if len(data) > _MOST_BYTES:
        raise ConfigFileError(str(path), f"is larger than {_MOST_BYTES // 1_000_000} MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"is not UTF-8: byte {data[error.start]:#x}"
        raise ConfigFileError(str(path), why, line) from None
