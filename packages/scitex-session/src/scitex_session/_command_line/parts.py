"""Parts of values within values: fields, items, and members of unions."""

from __future__ import annotations

import collections.abc
import json
import typing
from typing import Any

from .constraints import violation
from .fields import EMPTY, InvalidFieldError, KeyedError, fields_of, made
from .fitting import fitted, made_of_fields
from .hints import shown_hint
from .kinds import (
    is_nested,
    is_structure,
    is_union,
    takes_keys,
    takes_many,
    takes_none,
    without_none,
)
from .names import kebab
from .wording import wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .fields import Field

    # Makes the value of an annotation and a default from its tokens.
    Convert = Callable[[Any, Any, Any], Any]


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return `below` with the keys of `above`, at any depth."""
    both = {
        key: merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def fit_of(field: Field) -> Any:
    """Return the annotation of a field as the parser can take it; None where it can't be given."""
    fit = fitted(field.hint)
    bare = without_none(field.hint)
    own = isinstance(bare, type) and bare.__module__.split(".")[0] == "pydantic"
    if field.checked and (fit is None or own):  # such as HttpUrl, which pydantic reads from a text
        return str | None if takes_none(field.hint) else str
    return fit


def fits(hint: Any, data: Any) -> bool:
    """Tell whether an annotation takes an object of JSON, or a list, whatever is in it."""
    hint = without_none(hint)
    hint = without_none(hint.hint) if is_nested(hint) else hint
    if isinstance(data, dict):
        return takes_keys(hint) or made_of_fields(hint)
    return isinstance(data, list) and takes_many(hint)


def is_plain(hint: Any) -> bool:
    """Tell whether a class is of the user's own with an annotated constructor, and no structure."""
    return made_of_fields(hint) and not is_structure(hint)


def split(hint: Any, text: str) -> list[str]:
    """Return the items of ``[[1, 2], [3]]`` where they are what a container asks for.

    ``[1, 2]`` is one item of a list of lists, and two of a list of a class made of numbers.
    """
    try:
        items = json.loads(text)
    except ValueError:
        return [text]
    inner = [without_none(part) for part in typing.get_args(without_none(hint))]
    plain = any(is_nested(part) and is_plain(part.hint) for part in inner)
    if not isinstance(items, list) or not all(
        any(fits(part, item) for part in inner) or (plain and not isinstance(item, list | dict))
        for item in items
    ):
        return [text]
    return [item if isinstance(item, str) else json.dumps(item) for item in items] or [text]


def fixed_parts(hint: Any, count: int) -> tuple[Any, ...]:
    """Return what a tuple of fixed length holds, place by place; nothing for other containers.

    Raises
    ------
    KeyedError
        It holds another number of values than `count`.
    """
    args = typing.get_args(hint)
    if typing.get_origin(hint) is not tuple or not args or args[-1] is ...:
        return ()
    if len(args) != count:
        raise KeyedError("", f" needs {len(args)} values, not {count}")
    return args


def many_of(hint: Any, items: list[Any]) -> Any:
    """Return values in the container that an annotation asks for.

    Raises
    ------
    KeyedError
        It asks for none.
    """
    bare = without_none(hint)
    parts = typing.get_args(bare) if is_union(bare) else (bare,)
    bare = next((part for part in parts if takes_many(part) or takes_keys(part)), None)
    if bare is None:
        raise KeyedError("", f" must be {wanted(hint)}, not {json.dumps(items)}")
    kind = typing.get_origin(bare) or bare
    fixed_parts(bare, len(items))
    if kind.__module__ == "builtins":
        return kind(items)
    return set(items) if issubclass(kind, collections.abc.Set) else items


def first_of(hint: Any, parts: list[Any], make: Callable[[Any], Any], given: str) -> Any:
    """Return what can be made of the first part of a union that takes what was given.

    Raises
    ------
    KeyedError
        None does; what the only one says, where there is one.
    """
    errors = []
    for part in parts:
        try:
            return make(part)
        except KeyedError as error:
            errors.append(error)
    raise errors[0] if len(errors) == 1 else KeyedError("", f" must be {wanted(hint)}, {given}")


def structure_of(
    kind: Any,
    default: Any,
    given: Mapping[str, Any],
    convert: Convert,
    below: Callable[[Any, Any, Any, Convert], Any],
) -> Any:
    """Return a value that is made of fields.

    Parameters
    ----------
    kind : type
        Its class.
    default : object
        What holds the fields that were not given; `EMPTY` where there is nothing.
    given : mapping
        What was given of each field.
    convert : callable
        Makes a value from an annotation, a default and tokens.
    below : callable
        Makes the value of a field, from its annotation, its default, and what was given.

    Raises
    ------
    KeyedError
        A field is wrong, missing or none, or the class refuses them.
    """
    held = default if made_of_fields(type(default)) or isinstance(default, dict) else EMPTY
    kind = kind if held is EMPTY or isinstance(held, dict) else type(held)
    every = list(fields_of(kind, held))
    fields = {kebab(name): field for field in every for name in (field.name, *field.names)}
    values = {}
    for key, part in given.items():
        field = fields.get(kebab(key))
        hint = fit_of(field) if field else None
        if field is None or hint is None:
            raise KeyedError(
                key, f": {shown_hint(kind)} has no such field; it has {', '.join(fields)}"
            )
        value = values[field.name] = at_key(key, below, hint, field.default, part, convert)
        if broken := violation(field.hint, value):
            raise KeyedError(key, f" must be {broken[1]}, not {broken[0]!r}")
    for field in every:
        if field.default is EMPTY and field.name not in values:
            raise KeyedError(kebab(field.name), " is required")
    try:
        return made(kind, held, values)
    except InvalidFieldError as error:
        raise KeyedError(".".join(error.fields), f": {error.why}") from None
    except (ValueError, TypeError, AssertionError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise KeyedError("", f": {why}") from None


def at_key(key: str, make: Callable[..., Any], *rest: Any) -> Any:
    """Call a function, and say of what is wrong below a key that it is below that key."""
    try:
        return make(*rest)
    except KeyedError as error:
        raise KeyedError(f"{key}.{error.path}".rstrip("."), error.why) from None
