"""What an annotation asks for, in words."""

from __future__ import annotations

import datetime
import enum
import numbers
import pathlib
import re
import types
import typing
from typing import Any

from .fields import EMPTY, fields_of
from .fitting import made_of_fields
from .hints import shown_hint
from .kinds import YesNo, is_nested, is_structure, is_union, takes_keys, takes_many, without_none


def choices_of(hint: Any) -> list[str]:
    """Return the words that an annotation allows, empty where it is no choice of words."""
    hint = without_none(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return list(hint.__members__)
    if typing.get_origin(hint) is typing.Literal:
        return [_word(value) for value in typing.get_args(hint)]
    if is_union(hint):
        found = [choices_of(part) for part in typing.get_args(hint)]
        return [word for words in found for word in words] if all(found) else []
    inner = [arg for arg in typing.get_args(hint) if arg is not ...]
    return choices_of(inner[0]) if takes_many(hint) and len(inner) == 1 else []


def wanted(hint: Any) -> str:
    """Return what an annotation asks for, in words."""
    words = choices_of(hint)
    if words:
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    if typing.get_origin(hint) is typing.Annotated:
        return wanted(typing.get_args(hint)[0])
    if is_union(hint):
        parts = [wanted(part) for part in typing.get_args(hint)]
        return f"{', '.join(parts[:-1])} or {parts[-1]}"
    if is_nested(hint):
        return f"{shown_hint(hint.hint)} written as JSON, such as {_example(hint.hint)}"
    if is_structure(hint):
        return f"a {shown_hint(hint)}, given by its fields or as JSON"
    if takes_keys(hint):
        return "a dict, given by its keys or as JSON"
    kind = typing.get_origin(hint) or hint
    for known, text in _WANTED.items():
        if isinstance(kind, type) and issubclass(kind, known):
            return text
    return f"a {shown_hint(hint)}"


def _example(hint: Any) -> str:
    if takes_many(hint):
        return "[1, 2]"
    fields = fields_of(hint, EMPTY) if made_of_fields(hint) else []
    return f'{{"{fields[0].name if fields else "key"}": 1}}'


def _word(value: Any) -> str:
    return value.name if isinstance(value, enum.Enum) else str(value)


# In this order: a bool is an int, a datetime is a date.
_WANTED: dict[type, str] = {
    bool: "yes or no",
    YesNo: "yes or no",
    int: "a whole number",
    float: "a number",
    complex: "a complex number such as 1+2j",
    str: "a text",
    pathlib.PurePath: "a path",
    types.NoneType: "none",
    datetime.datetime: "a date and time such as 2026-11-22T05:09",
    datetime.date: "a date such as 2026-11-22",
    datetime.time: "a time such as 05:09:48",
    datetime.timedelta: "a duration such as 90s, 1h30m or 2d",
    numbers.Number: "a number",
    slice: "a slice such as 0:10 or 0:10:2",
    re.Pattern: "a regular expression",
}
