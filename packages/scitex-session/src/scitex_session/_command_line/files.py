"""Files of values for parameters, as ``--config FILE`` names them: YAML, TOML or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from scitex_session._config.yaml import read_scalar
from scitex_session._errors import ConfigFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".yaml", ".yml", ".toml", ".json")
_NULL = "tag:yaml.org,2002:null"
_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "merge", "value")
}


class Entry(NamedTuple):
    """A value of a file, not yet converted: its annotation says what it means.

    Attributes
    ----------
    keys : tuple of str
        The parameter, and the fields below it.
    value : str, None or list
        The text; None for a null; a list of both. An item that is no plain value is JSON.
    source : str
        File and line.
    data : object
        What the format itself makes of it, for a parameter that takes anything.
    """

    keys: tuple[str, ...]
    value: str | list[str | None] | None
    source: str
    data: Any


def read_config_file(file: str) -> list[Entry]:
    """Read the values of one file.

    Parameters
    ----------
    file : str
        Its path; the suffix says what it is.

    Returns
    -------
    list of Entry

    Raises
    ------
    ConfigFileError
        It can't be read, is none of the three, has an error or a key twice, or is no mapping.

    Notes
    -----
    Values stay texts, so that they are converted and checked exactly as from the command line: a
    ``no`` is a text where a text is wanted, and ``1e-3`` a number where a number is, which readers
    of YAML 1.1 get wrong both times.
    """
    suffix = Path(file).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigFileError(file, f"its suffix must be one of {', '.join(SUFFIXES)}")
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigFileError(file, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise ConfigFileError(file, "it is not UTF-8") from None
    read = {".toml": _from_toml, ".json": _from_json}.get(suffix, _from_yaml)
    return list(read(file, text))


def _from_json(file: str, text: str) -> Iterator[Entry]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigFileError(file, f"line {error.lineno}: {error.msg}") from None
    # JSON is YAML but for tabs, and YAML's reader knows the lines. A tab inside a JSON text is
    # always escaped.
    return _from_yaml(file, text.replace("\t", " "))


def _from_yaml(file: str, text: str) -> Iterator[Entry]:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is not None and root.tag != _NULL:
            yield from _entries(file, root, (), 1, loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ConfigFileError(file, f"{where}{getattr(error, 'problem', error)}") from None
    finally:
        loader.dispose()


def _entries(
    file: str, node: Any, keys: tuple[str, ...], line: int, loader: yaml.SafeLoader
) -> Iterator[Entry]:
    source = f"{file}:{line}"
    _check_tag(file, node)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, Any] = {}
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                here = key.start_mark.line + 1
                raise ConfigFileError(file, f"line {here}: the key {key.value} stands here again")
            seen[key.value] = key
        loader.flatten_mapping(node)  # of what ``<<`` takes over
        last = {key.value: (key, value) for key, value in node.value}
        if not last and keys:
            yield Entry(keys, "{}", source, {})
        for name, (key, value) in last.items():
            yield from _entries(file, value, (*keys, name), key.start_mark.line + 1, loader)
    elif not keys:
        raise ConfigFileError(file, "it must have keys and values: the parameters by their names")
    elif isinstance(node, yaml.SequenceNode):
        items = [_item(file, item) for item in node.value]
        yield Entry(keys, items, source, [_data(file, item) for item in node.value])
    else:
        yield Entry(keys, _text(node), source, _data(file, node))


def _item(file: str, node: Any) -> str | None:
    if isinstance(node, yaml.ScalarNode):
        return _text(node)
    return json.dumps(_data(file, node), default=str)


def _check_tag(file: str, node: Any) -> None:
    if node.tag not in _TAGS:
        line = node.start_mark.line + 1
        shown = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise ConfigFileError(
            file, f"line {line}: the tag {shown} is not read: only plain values are"
        )


def _data(file: str, node: Any) -> Any:
    """Return what a node means, by the core schema of YAML 1.2."""
    _check_tag(file, node)
    if isinstance(node, yaml.MappingNode):
        return {_text(key): _data(file, value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_data(file, item) for item in node.value]
    text = _text(node)
    return text if text is None or node.style else read_scalar(text)


def _text(node: Any) -> str | None:
    if node.tag == _NULL:
        return None
    # JSON writes what lies beyond 16 bits as two escapes, which YAML takes for two characters.
    text: str = node.value
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _from_toml(file: str, text: str) -> Iterator[Entry]:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(file, str(error)) from None
    # The parser tells no lines: each statement is read by itself, below the header of its table.
    header, statement, first = "", "", 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not statement.strip():
            statement, first = "", number
        statement += line
        try:
            parsed = tomllib.loads(header + statement)
        except tomllib.TOMLDecodeError:
            continue  # a value of several lines
        if statement.lstrip().startswith("["):
            header = statement
            if statement.lstrip().startswith("[["):
                raise ConfigFileError(file, f"line {number}: a list of tables is no parameter")
        else:
            yield from _toml_entries(file, parsed, (), first)
        statement = ""


def _toml_entries(file: str, value: Any, keys: tuple[str, ...], line: int) -> Iterator[Entry]:
    source = f"{file}:{line}"
    if isinstance(value, dict) and (value or not keys):
        for key, item in value.items():
            yield from _toml_entries(file, item, (*keys, key), line)
    elif isinstance(value, list):
        yield Entry(keys, [_toml_text(item) for item in value], source, value)
    else:
        yield Entry(keys, _toml_text(value), source, value)


def _toml_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return json.dumps(value, default=str)
    return str(value)
