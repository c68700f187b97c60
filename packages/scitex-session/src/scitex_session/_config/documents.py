"""Read the file of ``--config FILE``: YAML, TOML or JSON."""

from __future__ import annotations

import os
import re

from scitex_session._errors import ConfigFileError

from .tree import DEEPEST, MOST_VALUES, Extent, Located, read_text, repeated_key, too_deep, too_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    KeyPath = tuple[str | int, ...]

SUFFIXES = (".yaml", ".yml", ".toml", ".json")


def read_document(path: Path) -> Located:
    """Read a file that holds a mapping, in the format of its suffix.

    Parameters
    ----------
    path : Path
        The file: ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Returns
    -------
    Located
        Its value is a dict of `Located`, empty if the file holds nothing.

    Raises
    ------
    ConfigFileError
        The file can't be read, is not in its format, has a key twice, holds no mapping, or has too
        many values or levels.
    """
    if path.is_dir():
        raise ConfigFileError(str(path), "can't be read: it is a directory")
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise ConfigFileError(str(path), f"its suffix must be one of {', '.join(SUFFIXES)}")
    if suffix in (".yaml", ".yml"):
        from .yaml import read_yaml

        root = read_yaml(path)
    else:
        root = _read_json(path) if suffix == ".json" else _read_toml(path)
    if root.value is None:
        return Located({}, root.line)
    if not isinstance(root.value, dict):
        raise ConfigFileError(
            str(path), "it must have keys and values: the parameters by their names", root.line
        )
    return root


def _read_json(path: Path) -> Located:
    import json

    text = read_text(path)
    if not text.strip():
        return Located(None, 1)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigFileError(str(path), error.msg, error.lineno) from None
    except RecursionError:
        raise too_deep(path, None) from None
    except ValueError:
        raise ConfigFileError(str(path), "a number has more digits than Python reads") from None
    return _JsonReader(path, text).document()


class _JsonReader:
    """Build the tree of a valid JSON text, with lines, which `json` does not give."""

    _BLANKS = re.compile(r"[ \t\n\r]*")

    def __init__(self, path: Path, text: str) -> None:
        from json import JSONDecoder

        self._decode = JSONDecoder().raw_decode
        self._path = path
        self._text = text
        self._extent = Extent(path)
        self._at = 0
        self._line = 1

    def document(self) -> Located:
        return self._value(self._next())

    def _next(self, after: int = 0) -> str:
        """Skip `after` characters and blanks; return the next character."""
        blanks = self._BLANKS.match(self._text, self._at + after)
        at = blanks.end() if blanks else self._at
        self._line += self._text.count("\n", self._at, at)
        self._at = at
        return self._text[at]

    def _value(self, first: str) -> Located:
        line = self._line
        self._extent.enter(line)
        if first == "{":
            located = Located(self._members(), line)
        elif first == "[":
            located = Located(self._items(), line)
        else:
            start = self._at
            value = self._scalar()
            text = None if first == '"' else self._text[start : self._at]
            located = Located(value, line, text=text)
        self._extent.leave()
        return located

    def _scalar(self) -> Any:
        value, self._at = self._decode(self._text, self._at)
        return value

    def _items(self) -> list[Located]:
        items: list[Located] = []
        first = self._next(after=1)
        while first != "]":
            items.append(self._value(first))
            first = self._next()
            if first == ",":
                first = self._next(after=1)
        self._at += 1
        return items

    def _members(self) -> dict[str, Located]:
        members: dict[str, Located] = {}
        lines: dict[str, int] = {}
        first = self._next(after=1)
        while first != "}":
            line = self._line
            key = self._scalar()
            if key in lines:
                raise repeated_key(self._path, key, line, key, lines[key])
            lines[key] = line
            self._next()  # the colon
            members[key] = self._value(self._next(after=1))
            first = self._next()
            if first == ",":
                first = self._next(after=1)
        self._at += 1
        return members


def _read_toml(path: Path) -> Located:
    import tomllib

    text = read_text(path).replace("\r\n", "\n")
    # Scan first, which limits the number of keys: tomllib takes quadratic time in it.
    places = _TomlPlaces(path, text)
    places.find()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        parts = re.fullmatch(r"(.*) \(at line (\d+), column \d+\)", str(error), re.DOTALL)
        why, line = (parts[1], int(parts[2])) if parts else (str(error), None)
        raise ConfigFileError(str(path), why, line) from None
    except RecursionError:
        raise too_deep(path, None) from None
    except ValueError:
        raise ConfigFileError(str(path), "a number has more digits than Python reads") from None
    return places.located(document, ())


class _TomlPlaces:
    """Find the line of each value of a TOML document, which tomllib does not give.

    The scan accepts more than TOML. If it stops, the text is not TOML, and tomllib says why.
    """

    _BLANKS = re.compile(r"[ \t]*")
    _SPACE = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
    _BARE = re.compile(r"[A-Za-z0-9_-]+")
    _PLAIN = re.compile(r"[^,\]}#\n]*")
    _ENDS = {  # noqa: RUF012
        '"': re.compile(r'\\.|["\n]'),
        "'": re.compile(r"['\n]"),
        '"""': re.compile(r'\\.|"{3,5}', re.DOTALL),
        "'''": re.compile("'{3,5}"),
    }

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._extent = Extent(path)
        self._at = 0
        self._seen = 0  # lines are counted up to here
        self._line = 1
        self._places: dict[KeyPath, tuple[int, str | None]] = {(): (1, None)}
        self._assigned: set[KeyPath] = set()
        self._tables: dict[KeyPath, int] = {}  # the last index of each array of tables

    def find(self) -> None:
        """Find the places, up to the first mistake."""
        table: KeyPath = ()
        try:
            while self._skip(self._SPACE):
                if self._text[self._at] == "[":
                    table = self._header()
                else:
                    self._assignment(table)
                if self._skip(self._BLANKS) not in ("", "\n", "#"):
                    return
        except _NotTomlError:
            return

    def located(self, value: Any, path: KeyPath) -> Located:
        """Add the lines to a value that tomllib has read."""
        line, text = self._places.get(path, (None, None))
        self._extent.enter(line)
        if isinstance(value, dict):
            value = {key: self.located(item, (*path, key)) for key, item in value.items()}
        elif isinstance(value, list):
            value = [self.located(item, (*path, n)) for n, item in enumerate(value)]
        self._extent.leave()
        return Located(value, line, text=text)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Skip what `pattern` matches, and return the next character."""
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _skip_expected(self, text: str) -> None:
        if not self._text.startswith(text, self._at):
            raise _NotTomlError
        self._at += len(text)

    def _here(self) -> int:
        self._line += self._text.count("\n", self._seen, self._at)
        self._seen = self._at
        return self._line

    def _place(self, path: KeyPath, line: int) -> None:
        self._places.setdefault(path, (line, None))
        if len(self._places) > MOST_VALUES:
            raise too_many(self._path, line)

    def _header(self) -> KeyPath:
        line = self._here()
        brackets = "[[" if self._text.startswith("[[", self._at) else "["
        self._at += len(brackets)
        keys = self._keys()
        self._skip_expected(brackets.replace("[", "]"))
        above: KeyPath = ()
        for key in keys[:-1]:
            above = self._last((*above, key), line)
        path: KeyPath = (*above, keys[-1])
        if brackets == "[":
            path = self._last(path, line)
            if path in self._assigned:
                raise self._repeated(path, line)
            self._assigned.add(path)
            return path
        self._place(path, line)
        number = self._tables[path] = self._tables.get(path, -1) + 1
        self._place((*path, number), line)
        return (*path, number)

    def _last(self, path: KeyPath, line: int) -> KeyPath:
        """Return the table at a path; of an array of tables, the last one."""
        self._place(path, line)
        return (*path, self._tables[path]) if path in self._tables else path

    def _assignment(self, table: KeyPath) -> None:
        line = self._here()
        *above, last = self._keys()
        for key in above:
            table = (*table, key)
            self._place(table, line)
        path = (*table, last)
        if path in self._places:
            raise self._repeated(path, line)
        self._assigned.add(path)
        self._skip_expected("=")
        self._skip(self._BLANKS)
        self._value(path)

    def _repeated(self, path: KeyPath, line: int) -> ConfigFileError:
        key = ".".join(part for part in path if isinstance(part, str))
        return repeated_key(self._path, key, line, key, self._places[path][0])

    def _keys(self) -> list[str]:
        """Skip a key and the blanks around it; return its parts."""
        keys = []
        while True:
            start = self._at
            first = self._skip(self._BLANKS)
            if first in ("'", '"'):
                keys.append(self._quoted_key(first))
            else:
                start = self._at
                self._skip(self._BARE)
                keys.append(self._text[start : self._at])
            if not keys[-1] and start == self._at:
                raise _NotTomlError
            if len(keys) > DEEPEST:
                raise too_deep(self._path, self._here())
            if self._skip(self._BLANKS) != ".":
                return keys
            self._at += 1

    def _quoted_key(self, quote: str) -> str:
        import tomllib

        start = self._at
        self._skip_text(quote)
        try:
            (key,) = tomllib.loads(f"{self._text[start : self._at]}=0")
        except tomllib.TOMLDecodeError:
            raise _NotTomlError from None
        return key

    def _skip_text(self, quote: str) -> None:
        self._at += len(quote)
        while match := self._ENDS[quote].search(self._text, self._at):
            self._at = match.end()
            if match[0][0] == quote[0]:
                return
            if match[0] == "\n":
                break
        raise _NotTomlError

    def _value(self, path: KeyPath) -> None:
        if len(path) > DEEPEST:
            raise too_deep(self._path, self._here())
        line = self._here()
        start = self._at
        self._place(path, line)
        first = self._text[start : start + 1]
        if first in ("'", '"'):
            many = self._text.startswith(first * 3, start)
            self._skip_text(first * 3 if many else first)
        elif first == "[":
            self._items(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(self._PLAIN)
            self._places[path] = line, self._text[start : self._at].rstrip()

    def _items(self, path: KeyPath) -> None:
        self._at += 1
        number = 0
        while (first := self._skip(self._SPACE)) != "]":
            if first == ",":
                self._at += 1
                continue
            start = self._at
            self._value((*path, number))
            number += 1
            if self._at == start:
                raise _NotTomlError
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while (first := self._skip(self._SPACE)) != "}":
            if first == ",":
                self._at += 1
                continue
            self._assignment(path)
        self._at += 1


class _NotTomlError(Exception):
    """The text is not TOML; tomllib will raise the error for the user."""
