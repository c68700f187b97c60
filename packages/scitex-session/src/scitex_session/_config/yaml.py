"""Read YAML 1.2 into a tree of values with their lines; refuse ambiguous and endless files.

This is the only reader of YAML here. PyYAML takes 12 ms to import: import this module only if there
is a file to read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.error import MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from scitex_session._errors import ConfigFileError

from .tree import (
    DEEPEST,
    MOST_VALUES,
    Extent,
    Located,
    read_text,
    repeated_key,
    shortened,
    too_deep,
    too_many,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TAG = "tag:yaml.org,2002:"
_MERGE = object()  # stands for the key ``<<``, which differs from the text "<<"
_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_READ_TWICE = 1_000_000

# Scalars without quotes: the core schema of YAML 1.2.2, section 10.3.2, and the merge key of YAML
# 1.1, which configurations use. Each has a pattern, and the characters that it can begin with.
_CORE: dict[str, tuple[str, str]] = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "merge": (r"<<", "<"),
}
_PATTERNS = {kind: re.compile(rf"(?:{pattern})\Z") for kind, (pattern, _) in _CORE.items()}
_BY_FIRST: dict[str, list[str]] = {"": ["null"]}
for _kind, (_, _characters) in _CORE.items():
    for _character in _characters:
        _BY_FIRST.setdefault(_character, []).append(_kind)

_NO_CHARACTER = "found invalid Unicode character escape code"
# Words in PyYAML's messages, and what to do about them.
_HINTS = (
    (r"'\t' that cannot start any token", "YAML is indented by spaces, never by tabs"),
    (
        "mapping values are not allowed",
        "a text with ': ' in it needs quotes; or the line before lacks its ':'",
    ),
    ("but got '{'", "within [] and {}, a text with { or } in it needs quotes"),
    ("character '@'", "a text that begins with @ needs quotes"),
    ("character '%'", "a text that begins with % needs quotes"),
    (_NO_CHARACTER, r"a character beyond \uFFFF is written as \U0001F600"),
)


def read_scalar(text: str) -> Any:
    """Return the value of a text without quotes.

    Raises
    ------
    ValueError
        It is an integer with more digits than Python reads.
    """
    return _SCALARS[_kind_of(text)](text)


def _kind_of(text: str) -> str:
    for kind in _BY_FIRST.get(text[:1], ()):
        if _PATTERNS[kind].match(text):
            return kind
    return "str"


def _int(text: str) -> int:
    if not text.startswith(("0o", "0x")):
        return int(text)
    value = int(text, 0)
    str(value)  # raises now what writing the number into a record would raise later
    return value


def _float(text: str) -> float:
    # YAML's ".inf" and ".nan" are Python's "inf" and "nan".
    return float(text.replace(".", "", 1) if text[-1] in "fFnN" else text)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _int,
    "float": _float,
    "merge": str,  # as a value
    "str": str,
}


class _TagResolver:
    """Give tags to nodes, and limit their number, for both composers.

    An implied tag is the bare name of the kind ("int", not "tag:yaml.org,2002:int"), so that
    `_Builder` can tell it from a tag in the file.

    The composer of libyaml recurses in C without a limit: 100,000 brackets would end the process
    with a segmentation fault. So levels are counted here.
    """

    _nodes = 0
    _levels = 0

    def resolve(self, kind: type[Node], value: str, implicit: Any) -> str:
        if kind is ScalarNode:
            return _kind_of(value) if implicit[0] else "str"
        return "seq" if kind is SequenceNode else "map"

    def descend_resolver(self, parent: Node | None, index: Any) -> None:
        self._levels += 1
        if self._levels > DEEPEST:
            raise _OutOfBoundsError(too_deep, parent)
        if index is not None:  # it is not a key
            self._nodes += 1
            if self._nodes > MOST_VALUES:
                raise _OutOfBoundsError(too_many, parent)

    def ascend_resolver(self) -> None:
        self._levels -= 1


class _OutOfBoundsError(Exception):
    """Its arguments are the function that makes the user's error, and the node above the limit."""


class PureComposer(_TagResolver, Reader, Scanner, Parser, Composer):
    """PyYAML's composer in Python."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)

    # As in libyaml and YAML 1.2, tabs may separate tokens, but not indent them.

    def scan_to_next_token(self) -> None:
        """Skip the separators of tokens."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> list[str] | None:
        """Return the blanks between words of a text without quotes."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        blanks = self.prefix(length)
        if "\t" not in blanks:
            return super().scan_plain_spaces(indent, start_mark)
        self.forward(length)
        if self.peek() in "\r\n\x85\u2028\u2029":
            return super().scan_plain_spaces(indent, start_mark)
        return [blanks]

    def get_single_node(self) -> Node | None:
        """Return the document, or None."""
        try:
            return super().get_single_node()
        except (ValueError, OverflowError):  # an escape has no character
            raise MarkedYAMLError(problem=_NO_CHARACTER, problem_mark=self.get_mark()) from None


try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml
    NativeComposer: Any = None
else:

    class NativeComposer(_TagResolver, CParser):  # type: ignore[no-redef]
        """PyYAML's composer in C, five times as fast."""


def read_yaml(path: Path) -> Located:
    """Read a YAML file that holds one document.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Located
        An empty mapping if the file holds nothing.

    Raises
    ------
    ConfigFileError
        The file can't be read, is not YAML, has a key twice, an unknown tag, an alias within its
        own anchor, or too many values or levels.

    Notes
    -----
    Scalars are those of the core schema of YAML 1.2: ``1e-3`` is a float, ``no``, ``off``, ``1:30``
    and ``1_000`` are text, ``010`` is ten and ``0o10`` eight. PyYAML itself reads YAML 1.1, where
    ``1e-3`` is text and ``no`` is False, and silently keeps the last of two equal keys. The tags
    ``!!timestamp``, ``!!binary`` and ``!!set`` are read, unknown ones refused.
    """
    node = _compose(path, read_text(path))
    if node is None:
        return Located({}, 1)
    root = _Builder(path).of(node)
    return Located({}, 1) if root.text == "" else root  # ``---`` is an empty document


def _compose(path: Path, text: str) -> Node | None:
    try:
        if _BYTE_ORDER_MARK in text:  # libyaml skips some of them
            raise ReaderError("", text.index(_BYTE_ORDER_MARK), 0xFEFF, "unicode", "")
        try:
            composer: PureComposer = (NativeComposer or PureComposer)(text)
            return composer.get_single_node()
        except YAMLError as error:
            # PyYAML's own messages say more than libyaml's.
            composer = PureComposer(text)
            if len(text) <= _LONGEST_READ_TWICE:
                composer.get_single_node()
            raise error from None
    except _OutOfBoundsError as error:
        make, node = error.args
        raise make(path, _line(node)) from None
    except MarkedYAMLError as error:
        raise _syntax_error(path, error) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        why = f"a character that YAML does not allow, U+{ord(text[error.position]):04X}"
        raise ConfigFileError(str(path), why, line) from None


def _syntax_error(path: Path, error: MarkedYAMLError) -> ConfigFileError:
    problem = shortened(str(error.problem or error), 200)
    hint = next((f" ({advice})" for words, advice in _HINTS if words in problem), "")
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    line = mark.line + 1 if mark else None
    within = re.sub(r"^while (parsing|scanning) ", "", error.context or "")
    if began and mark and within and began.line != mark.line:
        hint += f" (in {within} that begins in line {began.line + 1})"
    return ConfigFileError(str(path), problem + hint, line)


class _Builder:
    """Build the tree of a file from its nodes.

    The node of an anchor is built once; its aliases give the same `Located`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._extent = Extent(path)
        # By the id of the node: the value, its number of values and its number of levels; None
        # while it is being built.
        self._known: dict[int, tuple[Located, int, int] | None] = {}

    def of(self, node: Node) -> Located:
        line = _line(node)
        if id(node) not in self._known:
            self._known[id(node)] = None
            before = self._extent.count
            self._extent.enter(line)
            located = self._build(node, line)
            self._extent.weigh(located.value, line)
            height = self._extent.leave()
            self._known[id(node)] = located, self._extent.count - before, height
            return located
        known = self._known[id(node)]
        if known is None:
            raise self._error("an alias lies within what it names", line)
        located, count, height = known
        self._extent.repeat(count, height, line)
        return located

    def _build(self, node: Node, line: int) -> Located:
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, ScalarNode):
            text = str(node.value)
            # With quotes (a style) or with a tag, the file itself gives the type.
            plain = not node.style and kind == node.tag
            return Located(self._scalar(node, kind, text), line, text=text if plain else None)
        if isinstance(node, SequenceNode) and kind == "seq":
            return Located([self.of(item) for item in node.value], line)
        if isinstance(node, MappingNode) and kind == "map":
            return Located(self._mapping(node), line)
        if isinstance(node, MappingNode) and kind == "set":
            return Located(self._set(node), line)
        raise self._unknown_tag(node)

    def _scalar(self, node: ScalarNode, kind: str, text: str) -> Any:
        if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            raise _syntax_error(
                self._path,
                MarkedYAMLError(problem=_NO_CHARACTER, problem_mark=node.start_mark),
            )
        try:
            if kind in _SCALARS:
                if kind in _PATTERNS and not _PATTERNS[kind].match(text):
                    raise ValueError
                return _SCALARS[kind](text)
            if kind == "timestamp":
                return SafeConstructor().construct_yaml_timestamp(node)
            if kind == "binary":
                return SafeConstructor().construct_yaml_binary(node)
        except (ValueError, OverflowError, AttributeError, YAMLError):
            raise self._error(f"{shortened(repr(text))} is no {kind}", _line(node)) from None
        raise self._unknown_tag(node)

    def _mapping(self, node: MappingNode) -> dict[Any, Located]:
        own: dict[Any, Located] = {}
        lines: dict[Any, tuple[Any, int]] = {}
        merged: dict[Any, Located] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            merges = key_node.tag.removeprefix(_TAG) == "merge"
            key = "<<" if merges else self._key(key_node)
            same = _MERGE if merges else ("nan",) if key != key else key
            if same in lines:
                raise repeated_key(self._path, key, line, *lines[same])
            lines[same] = key, line
            if merges:
                merged = self._merged(value_node)
            else:
                own[key] = item = self.of(value_node)
                if item.text == "":  # libyaml may place an empty value after the last line
                    item.line = min(item.line or line, line)
        for key in merged:
            if key in lines and type(key) is not type(lines[key][0]):
                raise repeated_key(self._path, *lines[key], key, merged[key].line)
        return {**merged, **own}

    def _key(self, node: Node) -> Any:
        if not isinstance(node, ScalarNode):
            raise self._error("a key must be a text or a number", _line(node))
        key = self._build(node, _line(node)).value
        self._extent.weigh(key, _line(node))
        return key

    def _set(self, node: MappingNode) -> set[Any]:
        members = self._mapping(node)
        for item in members.values():
            if item.value is not None:
                raise self._error("a !!set has keys without values", item.line)
        return set(members)

    def _merged(self, node: Node) -> dict[Any, Located]:
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[Any, Located] = {}
        for part in parts:
            mapping = self.of(part).value
            if not isinstance(mapping, dict):
                raise self._error("what << merges must be a mapping", _line(part))
            for key, item in mapping.items():
                merged.setdefault(key, item)  # the first one wins
        return merged

    def _unknown_tag(self, node: Node) -> ConfigFileError:
        tag = shortened(node.tag.replace(_TAG, "!!"))
        why = f"there is no tag {tag}; YAML is read as data only"
        if tag in ("!!map", "!!seq", "!!set") or tag.removeprefix("!!") in _SCALARS:
            why = f"the tag {tag} does not fit what stands here"
        return self._error(why, _line(node))

    def _error(self, why: str, line: int | None) -> ConfigFileError:
        return ConfigFileError(str(self._path), why, line)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
