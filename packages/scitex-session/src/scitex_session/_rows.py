"""The options of a command line as rows, for help and completion."""

from __future__ import annotations

import enum
import json
import numbers
import pathlib
import typing
from typing import Any, NamedTuple

from ._fitting import Nested, is_structure, is_union, takes_keys, takes_many, without_none
from ._names import kebab
from ._wording import choices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cyclopts import Argument

    from ._parser import CommandLine

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


def rows_of(line: CommandLine) -> Iterator[Row]:
    """Give the options in the order of the signature, fields in the place of their structures."""
    for argument in line.documented():
        if argument.children or not argument.parse:
            continue
        hint = argument.hint if argument.keys else line.hints[argument.field_info.name]
        switch = without_none(hint) is bool and not argument.is_var_positional()
        yield Row(
            names=_names(argument),
            form="" if switch else f"{_form(hint)}{' ...' * argument.is_var_positional()}",
            choices=choices_of(hint),
            help=" ".join((argument.parameter.help or "").split()),
            default=_shown(_default(line, argument), switch=switch),
            required=argument.required,
        )


def _names(argument: Argument) -> list[str]:
    kind = argument.field_info.kind
    if kind is argument.field_info.VAR_KEYWORD:
        return ["--KEY"]
    if argument.is_var_positional():
        return [argument.field_info.name.upper()]
    shorts = [name for name in argument.names if not name.startswith("--")]
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
        return json.dumps(value, default=str) if value else ""
    text = str(value) if isinstance(value, str | numbers.Number | pathlib.PurePath) else repr(value)
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[: _LONGEST_DEFAULT - 1]}…"


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


# In this order: a bool is an int.
_FORMS: dict[type, str] = {
    bool: "yes|no",
    numbers.Integral: "INT",
    numbers.Real: "FLOAT",
    str: "TEXT",
    pathlib.PurePath: "PATH",
}
