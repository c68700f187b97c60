"""Dataclasses, attrs classes, models and such, as the parser can fill them field by field."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Annotated, Any

import cyclopts

from .fields import EMPTY, InvalidFieldError, fields_of, made
from .fitting import made_of_fields
from .hints import shown_hint
from .kinds import Structure, is_union, takes_anything, takes_nested, union_of
from .names import kebab
from .parts import fit_of
from .values import converter_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fields import Field

_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


class StructureError(Exception):
    """What a class says of the values that it was to be made of.

    Parameters
    ----------
    keys : tuple of str
        The parameter, and the fields below it.
    why : str
        What is wrong.
    """

    def __init__(self, keys: tuple[str, ...], why: str) -> None:
        super().__init__(keys, why)
        self.keys = keys
        self.why = why


class UngivableError(Exception):
    """A field without a default is of a type that no command line can give."""


def with_fields(
    hint: Any, default: Any, keys: tuple[str, ...], above: tuple[type, ...] = ()
) -> Any:
    """Return an annotation with a stand-in for each class that is made of fields.

    Parameters
    ----------
    hint : annotation
        As `fitted` returns it.
    default : object
        Of the parameter or field; `EMPTY` where there is none.
    keys : tuple of str
        The parameter, and the fields below it.
    above : tuple of type
        The classes around it: one that refers to itself has no options without end.

    Returns
    -------
    annotation

    Raises
    ------
    UngivableError
        A field that must be given can't be.

    Notes
    -----
    Left to itself the parser makes a new object of the annotated class from what was typed. With
    ``model: Model = Big(depth=5)``, ``--model.lr 0.1`` means that very model with another `lr`, of
    its own class; a run with a smaller model than its script says would be silently wrong.
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    told_apart = any(getattr(extra, "discriminator", None) for extra in args[1:])
    if origin is Annotated and told_apart and (default is EMPTY or default is None):
        return hint  # a union that the parser tells apart as pydantic does
    if origin is Annotated:
        return Annotated[(with_fields(args[0], default, keys, above), *args[1:])]
    held = made_of_fields(type(default))
    if is_union(hint):
        members = [arg for arg in args if made_of_fields(arg)]
        chosen = [arg for arg in members if _holds(arg, default)] or members
        rest = [arg for arg in args if arg not in members or arg in chosen[: 1 if held else None]]
        first: dict[str, tuple[Any, inspect.Parameter]] = {}
        return union_of(
            _stand_in(arg, EMPTY, keys, above, first)
            if arg in members and not _holds(arg, default)
            else with_fields(arg, default, keys, above)
            for arg in rest
        )
    if not made_of_fields(hint):
        return hint
    if _holds(hint, default):
        kind = hint if isinstance(default, dict) else type(default)
        return _stand_in(kind, default, keys, above)
    return _stand_in(hint, EMPTY, keys, above)


def kind_of(hint: Any, default: Any) -> Any:
    """Return the class of a default that is made of fields, else its annotation."""
    if typing.is_typeddict(hint) or default is EMPTY or not isinstance(hint, type):
        return hint
    return type(default) if _holds(hint, default) else hint


def as_whole(hint: Any) -> Any:
    """Return an annotation whose structures are made anew, without the fields of a default."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return Annotated[(as_whole(args[0]), *args[1:])]
    if is_union(hint):
        return union_of(map(as_whole, args))
    if isinstance(hint, type) and issubclass(hint, Structure):
        return _stand_in(hint.kind, EMPTY, hint.keys, hint.above)
    return hint


def prepared(hint: Any, default: Any, ours: Sequence[str] = (), told: str | None = None) -> Any:
    """Return an annotation with what the parser has to know of it.

    Parameters
    ----------
    hint : annotation
        As `with_fields` returns it.
    default : object
        Of the parameter or field.
    ours : sequence of str
        Its names; the parser's own where there are none.
    told : str or None
        What its class says of a field.
    """
    help_of_class: Any = {"help": told} if told else {}
    # No help is another thing than help=None, which stands above that of the docstring.
    said = cyclopts.Parameter(
        name=list(ours) or None,
        consume_multiple=True,
        converter=converter_for(hint, default),
        negative_iterable="",
        name_transform=kebab,
        json_list=False if takes_nested(hint) or takes_anything(hint) else None,
        **help_of_class,
    )
    extras = getattr(hint, "__metadata__", ())
    base = hint.__origin__ if extras else hint
    return Annotated[(base, said, *extras)]  # what the user says of a parameter stands above


def _holds(hint: Any, default: Any) -> bool:
    if typing.is_typeddict(hint):
        return isinstance(default, dict)
    return isinstance(hint, type) and made_of_fields(type(default)) and isinstance(default, hint)


def _stand_in(
    kind: type,
    default: Any,
    keys: tuple[str, ...],
    above: tuple[type, ...],
    first: dict[str, tuple[Any, inspect.Parameter]] | None = None,
) -> type[Structure]:
    fields = {field.name: field for field in fields_of(kind, default)}

    def make(_cls: type, **given: Any) -> Any:
        try:
            return made(kind, default, given)
        except InvalidFieldError as error:
            raise StructureError((*keys, *error.fields), error.why) from None
        except (ValueError, TypeError, AssertionError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise StructureError(keys, why) from None

    def init(self: Any, **given: Any) -> None: ...

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)]
    for field in fields.values():
        hint = _hint_of(field, (*keys, field.name), (*above, kind))
        if hint is not None:
            annotation = prepared(hint, field.default, field.names, field.help)
            parameter = inspect.Parameter(
                field.name, _KEYWORD_ONLY, default=field.default, annotation=annotation
            )
            parameters.append(_shared(first, parameter, field, (*keys, field.name)))
    init.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    init.__annotations__ = {}
    body = {
        "__new__": make,
        "__init__": init,
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
        "kind": kind,
        "keys": keys,
        "above": above,
    }
    return types.new_class(kind.__name__, (Structure,), exec_body=lambda space: space.update(body))


def _shared(
    first: dict[str, tuple[Any, inspect.Parameter]] | None,
    parameter: inspect.Parameter,
    field: Field,
    keys: tuple[str, ...],
) -> inspect.Parameter:
    """Return a field as the first class of a union has it that has one of that name."""
    if first is None:
        return parameter
    hint, known = first.setdefault(field.name, (field.hint, parameter))
    if hint != field.hint or (known.default is EMPTY) != (parameter.default is EMPTY):
        one, other = (
            f"{shown_hint(kind)}{' that must be given' * (each.default is EMPTY)}"
            for kind, each in ((hint, known), (field.hint, parameter))
        )
        both = f"{one} in one class and {other} in another"
        raise UngivableError(".".join(keys), both)
    return known


def _hint_of(field: Field, keys: tuple[str, ...], above: tuple[type, ...]) -> Any:
    fit = fit_of(field._replace(hint=kind_of(field.hint, field.default)))
    if fit is None:
        if field.default is EMPTY:
            raise UngivableError(".".join(keys), shown_hint(field.hint))
        return None
    args = typing.get_args(fit) if is_union(fit) else (fit,)
    if any(arg in above for arg in args):
        return None
    return with_fields(fit, field.default, keys, above)
