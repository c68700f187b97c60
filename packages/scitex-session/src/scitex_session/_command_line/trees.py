"""Values within values, given by their keys (``--layers.first.size 3``) or as JSON."""

from __future__ import annotations

import functools
import json
import typing
from typing import Any

import cyclopts

from .fields import EMPTY, KeyedError
from .fitting import fitted, made_of_fields
from .free import free_dict
from .hints import shown_hint
from .kinds import (
    Free,
    is_nested,
    is_structure,
    is_union,
    takes_keys,
    takes_many,
    takes_none,
    without_none,
)
from .parts import at_key, first_of, fits, fixed_parts, many_of, merged, structure_of
from .wording import wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .parts import Convert


def from_keys(hint: Any, default: Any, given: Any, convert: Convert) -> Any:
    """Return a value of which parts were given.

    Parameters
    ----------
    hint : annotation
        What is wanted.
    default : object
        What holds the parts that were not given; `EMPTY` where there is nothing.
    given : dict or list of Token
        Tokens by keys, at any depth; or those of the whole.
    convert : callable
        Makes a value from an annotation, a default and tokens.

    Raises
    ------
    KeyedError
        A part is wrong, missing, or none.
    """
    bare = without_none(hint)
    if not isinstance(given, dict):
        return _from_tokens(hint, default, given, convert)
    if is_nested(bare):
        return from_keys(bare.hint, default, given, convert)
    if bare is Free:
        return merged(default if isinstance(default, dict) else {}, free_dict(given))
    if made_of_fields(bare):
        return structure_of(bare, default, given, convert, from_keys)
    if is_union(bare):
        parts = [part for part in typing.get_args(bare) if fits(part, given)]
        make = functools.partial(from_keys, default=default, given=given, convert=convert)
        return first_of(hint, parts, make, f"and has no {next(iter(given))}")
    if not takes_keys(bare):
        raise KeyedError("", f" must be {wanted(hint)}, and has no {next(iter(given))}")
    found = dict(default) if isinstance(default, dict) else {}
    inner = typing.get_args(bare)[1]
    for key, value in given.items():
        found[key] = at_key(key, from_keys, inner, found.get(key, EMPTY), value, convert)
    return found


def from_json(hint: Any, data: Any, convert: Convert) -> Any:
    """Return what data of JSON are as the value of an annotation.

    Parameters
    ----------
    hint : annotation
        What is wanted.
    data : object
        What was read.
    convert : callable
        Makes a value from an annotation, a default and tokens.

    Raises
    ------
    KeyedError
        They are none. Nothing is rounded or cut in order to make them one.
    """
    bare = without_none(hint)
    if is_nested(bare):
        return from_json(bare.hint, data, convert)
    if bare in (Free, Any, object) or (data is None and takes_none(hint)):
        return data
    if isinstance(data, dict | list):
        every = typing.get_args(bare) if is_union(bare) else (bare,)
        parts = [part for part in every if fits(part, data)]
        if is_union(bare) or not parts:
            make = functools.partial(from_json, data=data, convert=convert)
            return first_of(hint, parts, make, f"not {json.dumps(data)}")
        if isinstance(data, dict):
            return _of_dict(bare, data, convert)
        return _of_list(bare, data, convert)
    fit = fitted(hint)
    # JSON has no word for infinity, and json writes one that no text ever has.
    text = str(data) if isinstance(data, str | float) else json.dumps(data)
    try:
        if fit is None or data is None or is_structure(bare) or takes_keys(bare):
            raise ValueError(text)
        # Its None is null, and "none" a text: the source says that nobody typed it as a word.
        return convert(fit, EMPTY, [cyclopts.Token(value=text, source="JSON")])
    except KeyedError:
        raise
    except (ValueError, cyclopts.CoercionError):
        said = wanted(fit) if fit else f"a {shown_hint(hint)}"
        given = "null" if data is None else repr(text)
        raise KeyedError("", f" must be {said}, not {given}") from None


def from_text(hint: Any, tokens: Any, convert: Convert) -> Any:
    """Return a dict, or a value made of fields, that was given whole as JSON.

    Parameters
    ----------
    hint : annotation
        What is wanted.
    tokens : sequence of Token
        What was given.
    convert : callable
        Makes a value from an annotation, a default and tokens.

    Raises
    ------
    KeyedError
        It is no object of JSON, or a part of it is wrong.
    """
    (first, *rest) = tokens
    try:
        data = json.loads(first.value)
    except ValueError:
        data = first.value
    if rest:
        raise KeyedError("", f" must be {wanted(hint)}, not {len(tokens)} values")
    # As it was typed: read as a number, ``1.50`` would become another text.
    return from_json(hint, data if isinstance(data, dict) else first.value, convert)


def _of_dict(bare: Any, data: dict[str, Any], convert: Convert) -> Any:
    if made_of_fields(bare):
        return structure_of(bare, EMPTY, data, convert, _json_below)
    inner = (typing.get_args(bare) or (str, Any))[1]
    return {key: at_key(key, from_json, inner, value, convert) for key, value in data.items()}


def _of_list(bare: Any, data: list[Any], convert: Convert) -> Any:
    if parts := fixed_parts(bare, len(data)):
        return tuple(from_json(*each, convert) for each in zip(parts, data, strict=True))
    inner = (typing.get_args(bare) or (Any,))[0]
    return many_of(bare, [from_json(inner, item, convert) for item in data])


def _from_tokens(hint: Any, default: Any, tokens: Any, convert: Convert) -> Any:
    if len(tokens) == 1 and tokens[0].implicit_value is None and not takes_none(hint):
        bare = without_none(hint)
        many = takes_many(bare) and not is_union(bare)
        item = typing.get_args(bare)[0] if many else hint
        if not takes_none(item):
            raise KeyedError("", f" must be {wanted(item)}, not null")
        return many_of(hint, [None])
    try:
        return convert(hint, default, tokens)
    except cyclopts.CoercionError as error:
        if isinstance(error.__cause__, KeyedError):
            raise error.__cause__ from None
        raise


def _json_below(hint: Any, _default: Any, data: Any, convert: Convert) -> Any:
    return from_json(hint, data, convert)
