"""Values of files, put among what the command line gave."""

from __future__ import annotations

import json
import typing
from typing import Any

from cyclopts import Token

from scitex_session._errors import UsageError

from .fields import EMPTY, fields_of
from .fitting import made_of_fields
from .free import FileText
from .kinds import (
    Free,
    is_nested,
    takes_anything,
    takes_keys,
    takes_many,
    takes_one_or_many,
    without_none,
)
from .names import kebab
from .structures import as_whole
from .wording import wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cyclopts import Argument, ArgumentCollection

    from .files import Entry

COMMAND_LINE = "command line"


def feed_files(
    arguments: ArgumentCollection,
    files: Iterable[Sequence[Entry]],
    names: Mapping[str, Sequence[str]],
    either: Iterable[str],
) -> None:
    """Give arguments the values of files that nothing before them gave.

    Parameters
    ----------
    arguments : ArgumentCollection
        What the command line has filled.
    files : iterable of sequence of Entry
        In their order: a later one wins.
    names : mapping
        The options of each parameter.
    either : iterable of str
        Parameters that take one value or many, such as ``str | list[str]``.

    Raises
    ------
    UsageError
        A key is no parameter, or a list or mapping stands where one value is wanted.
    """
    for entries in reversed(list(files)):
        found = [(entry, *_found(entry, arguments, names)) for entry in entries]
        free = [_is_free(arguments, argument, keys) for _, argument, keys in found]
        seen: dict[tuple[int, tuple[str, ...]], Entry] = {}
        for (entry, argument, keys), unclaimed in zip(found, free, strict=True):
            other = seen.setdefault((id(argument), keys), entry)
            if other is not entry:
                both = [".".join(each.keys) for each in (entry, other)]
                raise UsageError(f"{entry.source}: {both[0]} stands above as {both[1]} already")
            if unclaimed:
                _append(entry, argument, keys, either)


def feed_wholes(arguments: ArgumentCollection) -> None:
    """Make a structure that is given whole, as JSON, of nothing but that."""
    for argument in arguments:
        if argument.tokens and argument.children:
            for each in (argument, *argument.children_recursive):
                each.hint = as_whole(each.hint)


class _Unchecked:
    """An annotation that pydantic passes over."""


def hide_from_pydantic(arguments: ArgumentCollection, either: Iterable[str]) -> None:
    """Keep cyclopts from checking what is none of pydantic's business.

    Parameters
    ----------
    arguments : ArgumentCollection
        What the command line and the files have filled.
    either : iterable of str
        Parameters whose annotation is prepared as another, such as ``str | list[str]``.

    Notes
    -----
    As soon as anything has imported pydantic, cyclopts checks all values with it, defaults too:
    ``n: int = None`` would be refused in one script and taken in the next.
    """
    for argument in arguments:
        info: Any = argument.field_info
        if not argument.has_tokens and not info.required:
            argument.field_info = info.evolve(default=info.empty)
        elif not argument.keys and info.name in either:
            argument.field_info = info.evolve(annotation=_Unchecked)


def origins_of(arguments: ArgumentCollection) -> dict[str, str]:
    """Return where the value of each parameter came from, for those that were given."""
    origins: dict[str, dict[str, None]] = {}
    for argument in arguments:
        name = argument.field_info.name if not argument.keys else ""
        if name:
            every = [argument, *argument.children_recursive]
            sources = [t.source for each in every for t in each.tokens]
            origins[name] = dict.fromkeys(COMMAND_LINE if s == "cli" else s for s in sources)
    return {name: ", ".join(sources) for name, sources in origins.items() if sources}


def _found(
    entry: Entry, arguments: ArgumentCollection, names: Mapping[str, Sequence[str]]
) -> tuple[Argument, tuple[str, ...]]:
    first, *rest = entry.keys
    longs = {kebab(name): options[0] for name, options in names.items()}
    if kebab(first) not in longs and kebab(first.partition(".")[0]) in longs:
        first, *rest = [*first.split("."), *rest]  # ``model.lr: 0.1``, as an option is written
    term = ".".join([longs.get(kebab(first), f"--{first}"), *rest])
    try:
        argument, keys, _ = arguments.match(term)
    except ValueError:
        argument, keys = None, ()
    top = arguments.get(longs.get(kebab(first), ""), None)
    if rest and top is not None and (takes_keys(top.hint) or takes_anything(top.hint)):
        return top, tuple(rest)  # a key of a dict is any text, one with a point too
    if argument is None or (kebab(first) not in longs and not _is_catch_all(argument)):
        import difflib

        known = [name.removeprefix("--") for name in longs.values()]
        known += [a.name.removeprefix("--") for a in arguments if a.keys]
        near = difflib.get_close_matches(kebab(".".join(entry.keys)), known, n=1)
        hint = f"; did you mean {near[0].replace('-', '_')}?" if near else ""
        raise UsageError(f"{entry.source}: there is no parameter {'.'.join(entry.keys)}{hint}")
    return argument, keys


def _is_catch_all(argument: Argument) -> bool:
    return argument.field_info.kind is argument.field_info.VAR_KEYWORD


def _is_free(arguments: ArgumentCollection, argument: Argument, keys: tuple[str, ...]) -> bool:
    if any(token.keys == keys or not token.keys for token in argument.tokens):
        return False
    above = (a for a in arguments if a.children and argument in a.children_recursive)
    return not any(a.tokens for a in above)  # the whole was given, as JSON


def _append(entry: Entry, argument: Argument, keys: tuple[str, ...], either: Iterable[str]) -> None:
    name = ".".join([argument.name.removeprefix("--"), *keys])
    token = Token(keyword=f"--{name}", source=entry.source, keys=keys)
    hint = _hint_at(argument.hint, keys)
    if hint in (Free, Any):
        argument.append(token.evolve(value=FileText(str(entry.value), entry.data)))
        return
    if is_nested(hint):
        argument.append(token.evolve(value=json.dumps(entry.data, default=str)))
        return
    if keys and takes_many(argument.hint):
        place, said = argument.name.removeprefix("--"), wanted(argument.hint)
        raise UsageError(f"{entry.source}: {place} must be {said}, and has no {keys[0]}")
    count, many = argument.token_count(keys)
    several = many or count > 1 or argument.children or takes_many(hint)
    if isinstance(entry.value, list) and not several:
        raise UsageError(f"{entry.source}: {name.replace('-', '_')} takes one value, not a list")
    if entry.value == []:
        argument.append(token.evolve(implicit_value=[]))
    items = entry.value if isinstance(entry.value, list) else [entry.value]
    free = takes_many(argument.hint) and takes_anything(argument.hint)
    for index, item in enumerate(items):
        if free and isinstance(entry.data, list):
            value = FileText(str(item), entry.data[index])
            argument.append(token.evolve(value=value, index=index))
        elif item is None:
            argument.append(token.evolve(implicit_value=None, index=index))
        elif isinstance(entry.data, list) and (
            takes_one_or_many(hint) or argument.field_info.name in either
        ):
            argument.append(token.evolve(value=FileText(item, entry.data), index=index))
        else:
            argument.append(token.evolve(value=item, index=index))


def _hint_at(hint: Any, keys: tuple[str, ...]) -> Any:
    """Return the annotation of what lies below keys of a dict."""
    hint = without_none(hint)
    for key in keys:
        if takes_keys(hint):
            hint = typing.get_args(hint)[-1]
        elif made_of_fields(hint):
            fields = {kebab(field.name): field.hint for field in fields_of(hint, EMPTY)}
            hint = fields.get(kebab(key), hint)
        hint = without_none(hint)
    return hint
