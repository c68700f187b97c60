"""Resolve annotations, and read the fields of dataclass-like classes."""

from __future__ import annotations

import ast
import builtins
import datetime
import enum
import functools
import inspect
import numbers
import pathlib
import sys
import types
import typing
from typing import Annotated, Any

from cyclopts import Parameter as Option
from cyclopts import annotations as cyclopts_annotations
from cyclopts.annotations import is_attrs, is_dataclass, is_namedtuple, is_typeddict, is_union

from .signature import REQUIRED, VARIADIC, Parameter, code_of, variables_around

MANY = tuple(cyclopts_annotations.ITERABLE_TYPES | cyclopts_annotations.VARIADIC_COLLECTION_TYPES)
MAPPINGS = (dict, typing.get_origin(typing.Mapping), typing.get_origin(typing.MutableMapping))
ANY = (Any, object)
EMPTY = inspect.Parameter.empty
_WORDS: tuple[type, ...] = (
    *(str, bytes, bytearray, slice, types.NoneType, pathlib.PurePath, enum.Enum),
    *(datetime.date, datetime.time, datetime.timedelta, numbers.Number),  # those of numpy, too
)
_IP = ("ipaddress.IPv4Address", "ipaddress.IPv6Address")
_WORD_NAMES = ("uuid.UUID", "re.Pattern", "os.PathLike", *_IP)
resolved_alias = functools.partial(
    cyclopts_annotations.resolve, annotated=False, optional=False, required=False
)


def kebab(name: str) -> str:
    """Return the option for a Python name: ``n-layers`` for ``n_layers``. Case is kept."""
    return name.strip("_").replace("_", "-")


def hints_of(func: Any, parameters: list[Parameter]) -> dict[str, Any]:
    """Return the annotation of each parameter, an empty class if a name in it can't be resolved.

    A missing annotation, or one such as ``list`` or ``Any``, is completed from the default. Each is
    resolved by itself, so that one unknown name does not turn all others into text.
    """
    code = code_of(func)
    written = getattr(code, "__annotations__", {})
    names = _Names([getattr(code, "__globals__", {})], variables_around(code))
    hints: dict[str, Any] = {}
    for p in parameters:
        hint = written.get(p.name, Any)
        holder = types.SimpleNamespace(__annotations__={"hint": hint})
        try:
            hint = typing.get_type_hints(holder, {}, names, include_extras=True)["hint"]
        except NameError:
            hint = type(cyclopts_annotations.get_hint_name(hint), (), {})
        hints[p.name] = hint if p.kind in VARIADIC else _by_default(hint, p.default)
    return hints


def hints_within(kind: Any) -> dict[str, Any]:
    """Return the annotations of a class. Raise NameError if a name in one is unknown."""
    homes = dict.fromkeys(base.__module__ for base in kind.__mro__)
    names = _Names([vars(sys.modules[name]) for name in homes], vars(kind))
    return typing.get_type_hints(kind, localns=names, include_extras=True)


class _Names(dict[str, Any]):
    """Names for annotations. Import those under TYPE_CHECKING, without changing the module."""

    def __init__(self, modules: list[dict[str, Any]], known: typing.Mapping[str, Any]) -> None:
        super().__init__(known)
        self.modules = modules

    def __missing__(self, name: str) -> Any:
        for module in self.modules:
            if name in module:
                return module[name]
        for module in () if hasattr(builtins, name) else self.modules:
            try:
                for line in _imports_for_types(module):
                    bound = {a.asname or a.name.partition(".")[0]: a for a in line.names}
                    if name in bound:
                        line.names = [bound[name]]
                        scope = {key: module.get(key) for key in ("__package__", "__name__")}
                        exec(compile(ast.Module([line], []), "<hint>", "exec"), scope)  # noqa: S102
                        return self.setdefault(name, scope[name])
            except (KeyError, TypeError, OSError, SyntaxError, ImportError):
                continue
        raise KeyError(name)


def _imports_for_types(module: dict[str, Any]) -> typing.Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that stand under TYPE_CHECKING in the file of a module."""
    for node in ast.walk(ast.parse(pathlib.Path(module["__file__"]).read_bytes())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (each for each in node.body if isinstance(each, ast.Import | ast.ImportFrom))


def members(hint: Any) -> list[Any]:
    """Return the members of a union, or the annotation itself, without `Annotated`."""
    hint = resolved_alias(hint)
    args = typing.get_args(hint)
    if typing.get_origin(hint) is Annotated:
        return members(args[0])
    return [each for part in args for each in members(part)] if is_union(hint) else [hint]


def kinds(hint: Any) -> list[Any]:
    """Return the classes of a union, without None and without type arguments."""
    classes = [typing.get_origin(part) or part for part in members(hint)]
    return [kind for kind in classes if kind is not types.NoneType]


def is_free(hint: Any) -> bool:
    """Tell whether an annotation is Any, or a list or dict of Any."""
    parts = [part for part in members(hint) if part is not types.NoneType]
    inner = [arg for part in parts for arg in typing.get_args(part) if arg is not ...][-1:]
    free = (*ANY, *MANY, *MAPPINGS)
    return len(parts) == 1 and (parts[0] in free or (kinds(hint)[0] in free and inner[0] in ANY))


def is_word(kind: Any) -> bool:
    """Tell whether one word on the command line can give a value of this class."""
    known = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__name__', '')}" in _WORD_NAMES
    leaf = cyclopts_annotations.is_pydantic_leaf(kind) and not hasattr(kind, "model_fields")
    return isinstance(kind, type) and (known or leaf or issubclass(kind, _WORDS))


def _by_default(hint: Any, default: Any) -> Any:
    # That of numpy is a bool, too.
    kind: Any = bool if type(default).__name__ in ("bool", "bool_") else type(default)
    if hint not in (*ANY, *MANY, *MAPPINGS) or default is None or default is REQUIRED:
        return hint
    if kind not in (list, tuple, set, frozenset, dict):
        return kind if hint in ANY else hint
    inner = {type(item) for item in (default.values() if kind is dict else default)}
    # ``(0.5, 40)``: numbers, of which some happen to be whole
    one = float if inner == {int, float} else inner.pop() if len(inner) == 1 else Any
    if kind is dict:
        return kind[str if all(isinstance(key, str) for key in default) else Any, one]
    return kind[one, ...] if kind is tuple else kind[one]


def is_structure(kind: Any) -> bool:
    """Tell whether a class is declared by its fields, as a dataclass is."""
    tests = (is_dataclass, is_attrs, is_namedtuple, is_typeddict)
    has_fields = hasattr(kind, "model_fields") or any(test(kind) for test in tests)
    return isinstance(kind, type) and has_fields


def holds(kind: Any, default: Any) -> bool:
    """Tell whether an object is an instance of a class; for a TypedDict, whether it is a dict."""
    kind = dict if is_typeddict(kind) else typing.get_origin(kind) or kind
    return isinstance(kind, type) and isinstance(default, kind)


def fields_of(kind: Any, default: Any = EMPTY) -> list[inspect.Parameter]:
    """Return the fields of a structure as keywords; defaults are those of the object `default`."""
    model = hasattr(kind, "model_fields")  # of pydantic
    read = _of_model if model else _of_dict if is_typeddict(kind) else _of_constructor
    return [keyword(*each) for each in read(kind, default)]


def keyword(name: str, hint: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


def build(kind: Any, default: Any, fields: dict[str, Any]) -> Any:
    """Return an object with these fields, and with those of `default` for the rest."""
    if is_typeddict(kind):
        return {**({} if default is EMPTY else default), **fields}
    held = {f.name: f.default for f in fields_of(kind, default)} if default is not EMPTY else {}
    values = {name: value for name, value in {**held, **fields}.items() if value is not EMPTY}
    if hasattr(kind, "model_fields"):
        return _build_model(kind, {**(getattr(default, "model_extra", None) or {}), **values})
    return kind(**values)


def _of_constructor(kind: Any, default: Any) -> typing.Iterator[tuple[str, Any, Any]]:
    hints = hints_within(kind)
    for name, parameter in inspect.signature(kind).parameters.items():
        hint, value = hints.get(name, hints.get(f"_{name}", Any)), parameter.default
        kept = getattr(default, name, getattr(default, f"_{name}", EMPTY))
        if type(hint).__name__ == "InitVar":
            hint, kept = hint.type, EMPTY  # no object keeps it: it is required again
        if default is not EMPTY:
            value = kept
        elif type(value).__name__ == "_HAS_DEFAULT_FACTORY_CLASS":
            value = kind.__dataclass_fields__[name].default_factory()
        yield name, hint, value


def _of_dict(kind: Any, default: Any) -> typing.Iterator[tuple[str, Any, Any]]:
    held = {} if default is EMPTY else default
    for name, hint in hints_within(kind).items():
        free = name in kind.__optional_keys__ or default is not EMPTY
        value = held.get(name, None if free else EMPTY)
        yield name, cyclopts_annotations.resolve_required(hint), value


def _of_model(kind: Any, default: Any) -> typing.Iterator[tuple[str, Any, Any]]:
    for name, field in kind.model_fields.items():
        value = EMPTY if field.is_required() else None if field.default_factory else field.default
        alias = field.validation_alias or field.alias
        names = [kebab(a) for a in getattr(alias, "choices", [alias]) if isinstance(a, str)]
        hint: Any = field.annotation
        hint = Annotated[(hint, *field.metadata, Option(alias=names, help=field.description))]
        yield name, hint, value if default is EMPTY else getattr(default, name)


def _build_model(kind: Any, values: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    try:
        return kind.model_validate(values, by_alias=False, by_name=True)
    except ValidationError as error:
        why, place = error.errors()[0]["msg"], ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(f"{place}: {why}".removeprefix(": ")) from None
