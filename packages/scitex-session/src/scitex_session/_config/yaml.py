"""Reading YAML as people mean it: scalars of YAML 1.2, lines kept, nothing overwritten in silence.

Imported where there is a file to read: PyYAML costs 12 ms.
"""

from __future__ import annotations

import re

import yaml

from scitex_session._errors import ConfigFileError

from .scalars import CORE, PATTERNS, SCALARS
from .tree import Located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 100
# What PyYAML says, and what a person has to do about it.
_HINTS = (
    (r"'\t' that cannot start any token", "YAML is indented by spaces, never by tabs"),
    (
        "mapping values are not allowed here",
        "a text with ': ' in it needs quotes; or the line before lacks its ':'",
    ),
    ("but got '{'", "within [] and {}, a text with { or } in it needs quotes"),
    ("character '@'", "a text that begins with @ needs quotes"),
    ("character '%'", "a text that begins with % needs quotes"),
)


def read_yaml(path: Path) -> Located:
    """Read a YAML file of one document.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Located
        An empty mapping where the file holds nothing.

    Raises
    ------
    ConfigFileError
        It can't be read, is no YAML, has a key twice, an unknown tag, or an alias within what that
        names.

    Notes
    -----
    Scalars are those of the core schema of YAML 1.2: ``1e-3`` is a float, ``no``, ``off``, ``1:30``
    and ``1_000`` are text, ``010`` is ten and ``0o10`` eight. PyYAML itself reads YAML 1.1, where
    ``1e-3`` is text and ``no`` is False, and keeps the last of two equal keys in silence. Tags that
    say what core scalars can't (``!!timestamp``, ``!!binary``, ``!!set``) are read, others refused.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigFileError(str(path), f"can't be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigFileError(
            str(path), f"is not UTF-8: byte {data[error.start]:#x}", line
        ) from None
    try:
        return _Reading(path, text).located()
    except RecursionError:
        raise ConfigFileError(str(path), f"more than {_DEEPEST} levels within each other") from None


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _name, _, _first in CORE:
    _Loader.add_implicit_resolver(
        _TAG + _name, PATTERNS[_name], ["" if c == "\0" else c for c in _first]
    )


class _Reading:
    """One file on its way from text to located values."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._known: dict[int, Located | None] = {}  # None while its parts are read
        self._depth = 0

    def located(self) -> Located:
        try:
            self._loader = _Loader(self._text)
            node = self._loader.get_single_node()
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            character = f"U+{ord(self._text[error.position]):04X}"
            raise self._error(f"a character that YAML does not allow, {character}", line) from None
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error) from None
        if node is None:
            return Located({}, 1)
        root = self._of(node)
        return Located({}, 1) if root.text == "" else root  # ``---`` is a document of nothing

    def _of(self, node: yaml.Node) -> Located:
        if id(node) in self._known:
            found = self._known[id(node)]
            if found is None:
                raise self._error("an alias lies within what it names", _line(node))
            return found
        self._known[id(node)] = None
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} levels within each other", _line(node))
        value = self._value(node)
        self._depth -= 1
        plain = getattr(node, "style", "") is None
        made = Located(value, _line(node), plain=plain, text=node.value if plain else None)
        self._known[id(node)] = made
        return made

    def _value(self, node: yaml.Node) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, kind)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self._of(item) for item in node.value]
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node)
        if isinstance(node, yaml.MappingNode) and kind == "set":
            return set(self._mapping(node))
        raise self._unknown_tag(node)

    def _scalar(self, node: yaml.ScalarNode, kind: str) -> Any:
        text = str(node.value)
        try:
            if kind in SCALARS:
                if kind in PATTERNS and not PATTERNS[kind].match(text):
                    raise ValueError
                return SCALARS[kind](text)
            if kind == "timestamp":
                return self._loader.construct_yaml_timestamp(node)
            if kind == "binary":
                return self._loader.construct_yaml_binary(node)
        except (ValueError, AttributeError, yaml.YAMLError):
            raise self._error(f"{_shortened(text)} is no {kind}", _line(node)) from None
        raise self._unknown_tag(node)

    def _mapping(self, node: yaml.MappingNode) -> dict[Any, Located]:
        own: dict[Any, Located] = {}
        lines: dict[Any, int] = {}
        merged: dict[Any, Located] = {}
        for key_node, value_node in node.value:
            merges = key_node.tag == f"{_TAG}merge"
            key = "<<" if merges else self._key(key_node)
            if key in lines:
                raise self._error(
                    f"the key {key!r} is in line {lines[key]} already", _line(key_node)
                )
            lines[key] = _line(key_node)
            if merges:
                merged = self._merged(value_node)
            else:
                own[key] = self._of(value_node)
        return {**merged, **own}

    def _key(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error("a key must be a text or a number", _line(node))
        return self._of(node).value

    def _merged(self, node: yaml.Node) -> dict[Any, Located]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[Any, Located] = {}
        for part in parts:
            found = self._of(part).value
            if not isinstance(found, dict):
                raise self._error("what << merges must be a mapping", _line(part))
            merged = {**found, **merged}  # the first one wins
        return merged

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> ConfigFileError:
        said = str(error.problem or error)
        hint = next((f" ({advice})" for words, advice in _HINTS if words in said), "")
        mark, began = error.problem_mark or error.context_mark, error.context_mark
        line = mark.line + 1 if mark else None
        within = re.sub(r"^while (parsing|scanning) ", "", error.context or "")
        if began and mark and within and began.line != mark.line:
            hint += f" (in {within} that begins in line {began.line + 1})"
        return self._error(said + hint, line)

    def _unknown_tag(self, node: yaml.Node) -> ConfigFileError:
        tag = node.tag.replace(_TAG, "!!")
        return self._error(f"there is no tag {tag}; YAML is read as data only", _line(node))

    def _error(self, why: str, line: int | None) -> ConfigFileError:
        return ConfigFileError(str(self._path), why, line)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
