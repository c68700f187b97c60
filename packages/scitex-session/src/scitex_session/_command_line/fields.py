"""The fields of a class, and how one of its objects is made of them."""

from __future__ import annotations

import inspect
import keyword
import sys
import typing
from typing import Annotated, Any, NamedTuple

from .hints import hints_within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EMPTY = inspect.Parameter.empty


class InvalidFieldError(Exception):
    """What pydantic says of a field: which one, and what is wrong."""

    def __init__(self, fields: tuple[str, ...], why: str) -> None:
        super().__init__(fields, why)
        self.fields = fields
        self.why = why


class KeyedError(ValueError):
    """What is wrong with a value that lies within another.

    Parameters
    ----------
    path : str
        The keys that lead to it, with points between them.
    why : str
        What follows them in a sentence.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why


class Field(NamedTuple):
    """A field that can be given.

    Attributes
    ----------
    name : str
        What the class takes it as.
    hint : annotation
    default : object
        Of the object at hand, else of the class; `EMPTY` where it must be given.
    names : list of str
        What options call it, if not by its name alone.
    help : str or None
        What the class says of it.
    checked : bool
        Whether the class converts and checks it by itself.
    """

    name: str
    hint: Any
    default: Any
    names: Any = ()
    help: str | None = None
    checked: bool = False


def fields_of(kind: type, default: Any) -> list[Field]:
    """Return the fields of a class that can be given, as its constructor takes them.

    Parameters
    ----------
    kind : type
        A dataclass, an attrs class, a pydantic model, a NamedTuple, a TypedDict, or a class whose
        ``__init__`` is annotated.
    default : object
        An object of it, whose values are the defaults; or `EMPTY`.
    """
    for mark, read in _READERS.items():
        if hasattr(kind, mark):
            found = read(kind, default)
            break
    else:
        found = _of_init(kind, default)
    return [f for f in found if f.name.isidentifier() and not keyword.iskeyword(f.name)]


def made(kind: type, default: Any, given: Mapping[str, Any]) -> Any:
    """Return an object of a class.

    Parameters
    ----------
    kind : type
        The class.
    default : object
        What holds the fields that are not given; `EMPTY` for those of the class.
    given : mapping
        Values by field.

    Raises
    ------
    InvalidFieldError
        pydantic refuses a value. What other classes raise is theirs.
    """
    if hasattr(kind, "model_fields"):
        return _made_model(kind, default, given)
    if typing.is_typeddict(kind):
        return {**({} if default is EMPTY else default), **given}
    if default is EMPTY:
        return _called(kind, given)
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses

        return dataclasses.replace(default, **given)
    if hasattr(kind, "__attrs_attrs__"):
        import attrs

        return attrs.evolve(default, **given)
    if hasattr(kind, "_replace"):
        return default._replace(**given)
    held = {f.name: f.default for f in _of_init(kind, default) if f.default is not EMPTY}
    return _called(kind, {**held, **given})


def _called(kind: type, given: Mapping[str, Any]) -> Any:
    parameters = inspect.signature(kind).parameters.values()
    first = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in given]
    named = {name: value for name, value in given.items() if name not in first}
    return kind(*(given[name] for name in first), **named)


def _of_dataclass(kind: Any, default: Any) -> Iterator[Field]:
    import dataclasses

    hints = hints_within(kind)
    for name, field in kind.__dataclass_fields__.items():
        hint = hints.get(name, Any)
        if isinstance(hint, dataclasses.InitVar):
            # An object does not keep it: who changes a field has to give it again.
            value = EMPTY if default is not EMPTY or not hasattr(kind, name) else field.default
            yield Field(name, hint.type, value)
        elif field in dataclasses.fields(kind) and field.init:
            value = getattr(default, name, EMPTY) if default is not EMPTY else _value_of(field)
            told = field.metadata.get("help") or field.metadata.get("doc")
            yield Field(name, hint, value, help=told)


def _value_of(field: Any) -> Any:
    import dataclasses

    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return EMPTY if field.default is dataclasses.MISSING else field.default


def _of_attrs(kind: Any, default: Any) -> Iterator[Field]:
    attrs = sys.modules["attr"]
    hints = hints_within(kind)
    for field in kind.__attrs_attrs__:
        if not field.init:
            continue
        value = EMPTY if field.default is attrs.NOTHING else field.default
        if default is not EMPTY:
            value = getattr(default, field.name)
        elif isinstance(value, attrs.Factory):
            value = None if value.takes_self else value.factory()
        hint = hints.get(field.name, Any)
        yield Field(field.alias, hint, value, help=field.metadata.get("help"))


def _of_model(kind: Any, default: Any) -> Iterator[Field]:
    for name, field in kind.model_fields.items():
        hint = field.annotation
        if field.metadata:
            hint = Annotated[(hint, *field.metadata)]
        value = EMPTY if field.is_required() else field.get_default()
        if default is not EMPTY:
            value = getattr(default, name)
        elif field.default_factory is not None:
            try:
                value = field.default_factory()
            except TypeError:
                value = None  # it takes the other fields
        alias = _alias(field)
        names = [name.replace("_", "-"), *([alias.replace("_", "-")] if alias else [])]
        yield Field(name, hint, value, names, field.description, checked=True)


def _alias(field: Any) -> str | None:
    alias = field.validation_alias or field.alias
    choices = getattr(alias, "choices", [alias])
    return next((each for each in choices if isinstance(each, str)), None)


def _made_model(kind: Any, default: Any, given: Mapping[str, Any]) -> Any:
    from pydantic import ValidationError

    values = dict(given)
    if default is not EMPTY:
        held = {name: getattr(default, name) for name in kind.model_fields}
        values = {**held, **(default.model_extra or {}), **given}
    try:
        return kind.model_validate(values, by_alias=False, by_name=True)
    except ValidationError as error:
        first = error.errors()[0]
        why: str = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        raise InvalidFieldError(tuple(map(str, first["loc"])), why[:1].lower() + why[1:]) from None


def _of_named_tuple(kind: Any, default: Any) -> Iterator[Field]:
    hints = hints_within(kind)
    for name in kind._fields:
        value = kind._field_defaults.get(name, EMPTY)
        yield Field(name, hints.get(name, str), getattr(default, name, value))


def _of_typed_dict(kind: Any, default: Any) -> Iterator[Field]:
    held = {} if default is EMPTY else default
    for name, hint in hints_within(kind).items():
        bare = hint
        while typing.get_origin(bare) in (typing.Required, typing.NotRequired):
            bare = typing.get_args(bare)[0]
        free = name in kind.__optional_keys__ or default is not EMPTY
        yield Field(name, bare, held.get(name, None if free else EMPTY))


def _of_init(kind: Any, default: Any) -> Iterator[Field]:
    hints = hints_within(kind.__init__)
    for name, parameter in inspect.signature(kind).parameters.items():
        # An object that does not keep what it was made of can't say it: it must be given again.
        value = parameter.default if default is EMPTY else getattr(default, name, EMPTY)
        yield Field(name, hints.get(name, Any), value)


_READERS: dict[str, Any] = {
    "__dataclass_fields__": _of_dataclass,
    "__attrs_attrs__": _of_attrs,
    "model_fields": _of_model,
    "_fields": _of_named_tuple,
    "__total__": _of_typed_dict,
}
