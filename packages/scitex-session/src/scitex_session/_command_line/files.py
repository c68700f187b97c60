"""Turn the values in a ``--config FILE`` into tokens of cyclopts."""

from __future__ import annotations

import enum
import json
import types
import typing
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Argument, CoercionError, Token
from cyclopts.annotations import is_union

from scitex_session._config.documents import read_document
from scitex_session._config.tree import Located
from scitex_session._errors import UsageError
from scitex_session._suggest import suggest
from scitex_session_core import jsonable

from . import hints
from .hints import ANY, EMPTY, MANY, MAPPINGS, fields_of, holds, is_structure, kebab
from .values import TYPED, Converter, YesNo, check, collected, converted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .earlier import Earlier


def apply_files(roots: list[Argument], files: list[str]) -> None:
    """Give arguments the values of files, unless the user typed them. A later file wins."""
    for file in files:
        if not file:
            raise UsageError("--config needs the name of a file")
        _put_keys(Reader(file), roots, read_document(Path(file)), "")


def apply_earlier(roots: list[Argument], earlier: Earlier) -> None:
    """Give arguments the values of an earlier attempt, unless the user gave them."""
    reader = Reader(str(earlier))
    for argument in roots:
        name, default = argument.field_info.name, argument.field_info.default
        tokens = [t for each in (argument, *argument.children_recursive) for t in each.tokens]
        by_file = any(token.source != TYPED for token in tokens)
        # A default is not read again: it may be of a type that no text can give.
        same = default is not EMPTY and jsonable(default) == earlier.arguments.get(name)
        if name not in earlier.arguments or by_file or same:
            continue
        node = _located(earlier.arguments[name])
        if argument.field_info.kind is argument.field_info.VAR_KEYWORD:
            _put_keys(reader, [argument], node, "")
        else:
            _put(reader, argument, node, name)


def _located(value: Any) -> Located:
    if isinstance(value, dict):
        return Located({key: _located(item) for key, item in value.items()}, None)
    return Located([*map(_located, value)] if isinstance(value, list) else value, None)


def _put_keys(reader: Reader, arguments: list[Argument], parent: Located, place: str) -> None:
    pairs = [(name, a) for a in arguments for name in (*a.names, a.field_info.name)]
    names = {kebab(name.rpartition(".")[2].lstrip("-")): argument for name, argument in pairs}
    more = next((a for a in arguments if a.field_info.kind is a.field_info.VAR_KEYWORD), None)
    seen: dict[str, str] = {}
    for key, node in parent.value.items():
        name, item = str(key), node
        first, _, rest = name.partition(".")
        if kebab(name) not in names and kebab(first) in names and rest:  # ``model.lr: 0.1``
            name, item = first, Located({rest: node}, node.line)
        if (other := seen.setdefault(kebab(str(key)), str(key))) != str(key):
            raise reader.error(None, node, f"{place}{key}", f"the file already has it as {other}.")
        argument = names.get(kebab(name), more)
        if argument is None:
            known = [f"{place}{a.field_info.name}" for a in arguments]
            raise reader.unknown(node, f"{place}{key}", known)
        if argument is not more:
            _put(reader, argument, item, place + name)
        elif not any(token.keys[:1] == (key,) for token in argument.tokens):
            value = reader.value(argument.parameter.converter.hint, node, name)  # type: ignore[union-attr]
            argument.append(reader.token(node, name, implicit_value=value, keys=(name,)))


def _put(reader: Reader, argument: Argument, node: Located, place: str) -> None:
    whole = [argument, *argument.children_recursive]
    typed = [token for each in whole for token in each.tokens if token.source == TYPED]
    converter: Any = argument.parameter.converter
    if argument.children and node.value and isinstance(node.value, dict):
        if not any(token.source == TYPED for token in argument.tokens):
            argument.tokens.clear()
            _put_keys(reader, argument.children, node, f"{place}.")
    elif typed and isinstance(converter, Converter) and all(token.keys for token in typed):
        converter.default = reader.value(converter.hint, node, place, converter.default)
        converter.source = reader.source(node)
    elif not typed:
        earlier = [token.implicit_value for token in argument.tokens]
        for each in whole:
            each.tokens.clear()
        several = argument.is_var_positional() or not isinstance(converter, Converter)
        items = node.value if several and isinstance(node.value, list) else [node]
        for index, item in enumerate(items):
            if not isinstance(converter, Converter):  # the user's own, which reads texts
                value = {"value": str(item.bare())}
            else:
                default = earlier[0] if earlier else converter.default
                value = {"implicit_value": reader.value(converter.hint, item, place, default)}
            argument.append(reader.token(item, place, index=index, **value))


class Reader:
    """Make values of a file's nodes. `place` is the dotted key path of a node."""

    def __init__(self, file: str) -> None:
        self.file = file

    def source(self, node: Located) -> str:
        """Return file and line."""
        return f"{self.file}:{node.line}".removesuffix(":None")

    def token(self, node: Located, place: str, **value: Any) -> Token:
        """Return a token of cyclopts with the text of a node, or with the value by keyword."""
        word = json.dumps if node.value is None or isinstance(node.value, bool) else str
        text = word(node.bare()) if node.text is None else node.text
        return Token(keyword=place, source=self.source(node), **(value or {"value": text}))

    def error(self, hint: Any, node: Located, place: str, why: str = "") -> Exception:
        """Make the error for a value that does not fit `hint`, or is wrong because of `why`."""
        if why:
            return UsageError(f"Invalid value for {place} from {self.source(node)}: {why}")
        if isinstance(hint, type) and issubclass(hint, enum.Enum):  # written as --help does
            hint = typing.Literal[tuple(map(kebab, hint.__members__))]
        return CoercionError(token=self.token(node, place), target_type=hint)

    def unknown(self, node: Located, place: str, known: typing.Iterable[str]) -> UsageError:
        """Make the error for a key that names no parameter or field."""
        hint = f" Did you mean {near}?" if (near := suggest(place, known)) else ""
        return UsageError(f"Unknown key {place} from {self.source(node)}.{hint}")

    def value(self, hint: Any, node: Located, place: str, default: Any = EMPTY) -> Any:
        """Convert a node to the type of `hint`, with missing keys and fields from `default`."""
        hint = hints.resolved_alias(hint)
        args, kind = typing.get_args(hint), typing.get_origin(hint) or hint
        if kind is Annotated:
            value = self.value(args[0], node, place, default)
            try:
                for extra in args[1:]:
                    check(extra, None, value)
            except ValueError as error:
                raise self.error(hint, node, place, str(error)) from None
            return value
        if hint in ANY:
            return node.bare()
        if is_union(hint):
            return self._of_union(hint, node, place, default)
        if kind in MANY and isinstance(node.value, list | set):
            return self._many(kind, args, node, place)
        if kind in MAPPINGS and isinstance(node.value, dict):
            return self._mapping(args or (Any, Any), node, place, default)
        if is_structure(kind) and isinstance(node.value, dict):
            return self._structure(kind, node, place, default)
        container = isinstance(node.value, dict | list | set) or kind in (*MANY, *MAPPINGS)
        if container or is_structure(kind) or (node.value is None and kind is not types.NoneType):
            raise self.error(hint, node, place)
        try:
            return converted(YesNo if hint is bool else hint, [self.token(node, place)])
        except CoercionError:
            raise self.error(hint, node, place) from None

    def _of_union(self, hint: Any, node: Located, place: str, default: Any) -> Any:
        if node.value is None and types.NoneType in hints.members(hint):
            return None
        parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
        exact = [part for part in parts if part is type(node.value) and node.text is None]
        held = [part for part in parts if isinstance(node.value, dict) and holds(part, default)]
        errors: list[Exception] = []
        for part in exact or held or parts:
            try:
                return self.value(part, node, place, default)
            except (CoercionError, UsageError) as error:
                errors.append(error)
        raise errors[0] if len(errors) == 1 else self.error(hint, node, place)

    def _many(self, kind: Any, args: Any, node: Located, place: str) -> Any:
        items = [i if isinstance(i, Located) else Located(i, node.line) for i in node.value]
        fixed = kind is tuple and args and args[-1] is not ...
        kinds = list(args) if fixed else [args[0] if args else Any] * len(items)
        if len(kinds) != len(items):
            raise self.error(kind, node, place, f"it takes {len(kinds)} values, not {len(items)}.")
        pairs = zip(kinds, items, strict=True)
        values = [self.value(p, item, f"{place}[{n}]") for n, (p, item) in enumerate(pairs)]
        return collected(kind, values)

    def _mapping(self, args: Any, node: Located, place: str, default: Any) -> dict[Any, Any]:
        values = dict(default) if isinstance(default, dict) else {}
        for key, item in node.value.items():
            below, name = f"{place}.{key}", Located(key, item.line)
            own = str(key) if args[0] is str else self.value(args[0], name, below)
            values[own] = self.value(args[1], item, below, values.get(own, EMPTY))
        return values

    def _structure(self, kind: Any, node: Located, place: str, default: Any) -> Any:
        held = default if holds(kind, default) else EMPTY
        kind = kind if held is EMPTY or isinstance(held, dict) else type(held)
        fields = {kebab(field.name): field for field in fields_of(kind, held)}
        values: dict[str, Any] = {}
        for key, item in node.value.items():
            if (field := fields.get(kebab(str(key)))) is None:
                raise self.unknown(item, f"{place}.{key}", [f"{place}.{name}" for name in fields])
            values[field.name] = self.value(field.annotation, item, f"{place}.{key}", field.default)
        for name, field in fields.items():
            if field.default is EMPTY and field.name not in values:
                raise self.error(kind, node, place, f"{name} is missing.")
        try:
            return hints.build(kind, held, values)
        except (ValueError, TypeError, AssertionError) as error:
            raise self.error(kind, node, place, str(error)) from None
