"""The options of a command line as rows, for help and completion."""

from __future__ import annotations

import datetime
import enum
import json
import numbers
import pathlib
import re
import typing
from typing import Any, NamedTuple

from .kinds import (
    Free,
    Nested,
    is_structure,
    is_union,
    takes_keys,
    takes_many,
    takes_none,
    without_none,
)
from .names import kebab
from .wording import choices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cyclopts import Argument

    from .parser import CommandLine

_LONGEST_DEFAULT = 60


class Row(NamedTuple):
    """One option.

    Attributes
    ----------
    names : list of str
        What it is called, the long name first.
    form : str
        What its value looks like; empty for a switch.
    choices : list of str
        The words that it allows, if it is a choice of words.
    help : str
        What the docstring says of it.
    default : str
        As one would type it; empty where there is none to show.
    required : bool
    """

    names: list[str]
    form: str
    choices: list[str]
    help: str
    default: str
    required: bool
    open: str


def rows_of(line: CommandLine) -> Iterator[Row]:
    """Give the options in the order of the signature, fields in the place of their structures."""
    shared = _shared_help(line.docstring)
    for argument in line.documented():
        if argument.children or not argument.parse:
            continue
        hint = argument.hint if argument.keys else line.hints[argument.field_info.name]
        switch = without_none(hint) is bool and not argument.is_var_positional()
        yield Row(
            names=_names(argument),
            form="" if switch else _form_of(hint) + " ..." * argument.is_var_positional(),
            choices=choices_of(hint),
            help=" ".join((argument.parameter.help or _said_of(argument, shared)).split()),
            default=_shown(_default(line, argument), switch=switch),
            required=argument.required,
            open=_open(argument),
        )


def _open(argument: Argument) -> str:
    if argument.field_info.kind is argument.field_info.VAR_KEYWORD:
        return "[--KEY VALUE ...]"
    return f"[{argument.field_info.name.upper()} ...]" if argument.is_var_positional() else ""


def _said_of(argument: Argument, shared: dict[str, str]) -> str:
    return "" if argument.keys else shared.get(argument.field_info.name, "")


def _shared_help(docstring: str | None) -> dict[str, str]:
    """Read what numpydoc says of several at once (``a, b : int``) or of ``*args``."""
    if not docstring or not any(mark in docstring for mark in ",*"):
        return {}
    from docstring_parser import parse

    return {
        name.strip().lstrip("*\\"): each.description or ""
        for each in parse(docstring).params
        for name in each.arg_name.split(",")
    }


def _names(argument: Argument) -> list[str]:
    kind = argument.field_info.kind
    if kind is argument.field_info.VAR_KEYWORD:
        return ["--KEY"]
    if argument.is_var_positional():
        return [argument.field_info.name.upper()]
    shorts = [n for n in argument.names if not n.startswith("--") and "." not in n]
    longs = [name for name in argument.names if name.startswith("--")]
    if takes_keys(argument.hint):
        return [f"{name}.KEY" for name in longs]
    return list(dict.fromkeys([*shorts, *longs, *argument.negatives]))


def _default(line: CommandLine, argument: Argument) -> Any:
    info = argument.field_info
    for option in line.options:
        default = option.default
        if option.name != line.parameter_of(argument):
            continue
        for key in argument.keys:
            default = default.get(key) if isinstance(default, dict) else getattr(default, key, None)
        if default is not None and not argument.required:
            return default
    return None if info.default is info.empty else info.default


def _shown(value: Any, *, switch: bool) -> str:
    if value is None or type(value).__name__ == "_Required":
        return ""
    if switch and isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(_shown(item, switch=False) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, default=_shown_in_json) if value else ""
    text = _as_typed(value)
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[: _LONGEST_DEFAULT - 1]}…"


def _shown_in_json(value: Any) -> str:
    return _shown(value, switch=False)


def _as_typed(value: Any) -> str:
    """Return a value in the form in which a command line takes it."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if isinstance(value, slice):
        parts = [value.start, value.stop, *([] if value.step is None else [value.step])]
        return ":".join("" if part is None else str(part) for part in parts)
    if isinstance(value, complex):
        return str(value).strip("()")
    plain = isinstance(value, str | numbers.Number | pathlib.PurePath)
    return str(value) if plain or type(value).__name__ in _AS_TEXT else repr(value)


def _duration(value: datetime.timedelta) -> str:
    sign, value = ("-", -value) if value < datetime.timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    part = f"{value.microseconds / 1e6:.6f}"[1:].rstrip("0").rstrip(".")
    shown = [(value.days, "d"), (hours, "h"), (minutes, "m"), (f"{seconds}{part}", "s")]
    return sign + ("".join(f"{n}{unit}" for n, unit in shown if str(n) != "0") or "0s")


def _form_of(hint: Any) -> str:
    form = _form(hint)
    return f"{form}|none" if takes_none(hint) and "none" not in form.split("|") else form


def _form(hint: Any) -> str:
    hint = without_none(hint)
    args = [arg for arg in typing.get_args(hint) if arg is not ...]
    words = choices_of(hint)
    if typing.get_origin(hint) is tuple and ... not in typing.get_args(hint):
        return " ".join(_form(arg) for arg in args)
    if takes_many(hint) and not is_union(hint):
        return f"{_form(args[0]) if args else 'TEXT'} ..."
    if words:
        return "|".join(words)
    if is_union(hint):
        forms = dict.fromkeys(_form(arg) for arg in args)
        return "|".join(form for form in forms if f"{form} ..." not in forms)
    if takes_keys(hint):
        return _form(args[1]) if args else "TEXT"
    kind = typing.get_origin(hint) or hint
    if is_structure(kind) or (isinstance(kind, type) and issubclass(kind, Nested)):
        return "JSON"
    for known, form in _FORMS.items():
        if isinstance(kind, type) and issubclass(kind, known):
            return form
    name: str = getattr(kind, "__name__", "VALUE")
    return kebab(name).upper()


_AS_TEXT = ("UUID", "IPv4Address", "IPv6Address")
# In this order: a bool is an int.
_FORMS: dict[type, str] = {
    bool: "yes|no",
    numbers.Integral: "INT",
    numbers.Real: "FLOAT",
    str: "TEXT",
    pathlib.PurePath: "PATH",
    Free: "VALUE",
}
