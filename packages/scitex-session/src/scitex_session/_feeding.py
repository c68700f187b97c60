"""Values of files, and of half-given defaults, put among what the command line gave."""

from __future__ import annotations

from typing import Any

from cyclopts import Token

from ._errors import UsageError
from ._names import kebab
from ._values import DEFAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cyclopts import Argument, ArgumentCollection

    from ._config_file import Entry
    from ._signature import Parameter

COMMAND_LINE = "command line"


def feed_files(
    arguments: ArgumentCollection,
    files: Iterable[Sequence[Entry]],
    names: Mapping[str, Sequence[str]],
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

    Raises
    ------
    UsageError
        A key is no parameter, or a list or mapping stands where one value is wanted.
    """
    for entries in reversed(list(files)):
        found = [(entry, *_found(entry, arguments, names)) for entry in entries]
        free = [_is_free(arguments, argument, keys) for _, argument, keys in found]
        for (entry, argument, keys), unclaimed in zip(found, free, strict=True):
            if unclaimed:
                _append(entry, argument, keys)


def feed_defaults(arguments: ArgumentCollection) -> None:
    """Take the other fields of a structure that is given in part from its default.

    Notes
    -----
    With ``model: Model = Model(depth=5)``, ``--model.lr 0.1`` means that model with another `lr`;
    left to itself the parser would make a new one, of depth 3 if the class says so.
    """
    for argument in arguments:
        default = argument.field_info.default
        if not argument.keys and argument.children and argument.has_tokens and not argument.tokens:
            _fill(argument, default)


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
        if not argument.keys and not argument.has_tokens and not info.required:
            argument.field_info = info.evolve(default=info.empty)
        elif not argument.keys and info.name in either:
            argument.field_info = info.evolve(annotation=_Unchecked)


def with_default_keys(
    values: dict[str, Any], arguments: ArgumentCollection, options: Iterable[Parameter]
) -> dict[str, Any]:
    """Return `values` with the other keys of a dict that was given by single keys.

    ``--opts.a 2`` changes one key of a default, as it does with a structure; a dict that is given
    whole, as JSON, stands for itself.
    """
    by_keys = {
        argument.field_info.name
        for argument in arguments
        if not argument.keys and argument.tokens and all(t.keys for t in argument.tokens)
    }
    for option in options:
        if option.name in by_keys and isinstance(option.default, dict):
            values[option.name] = _merged(option.default, values[option.name])
    return values


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def origins_of(arguments: ArgumentCollection) -> dict[str, str]:
    """Return where the value of each parameter came from, for those that were given."""
    origins: dict[str, dict[str, None]] = {}
    for argument in arguments:
        name = argument.field_info.name if not argument.keys else ""
        if name:
            every = [argument, *argument.children_recursive]
            sources = [t.source for each in every for t in each.tokens if t.source != DEFAULT]
            origins[name] = dict.fromkeys(COMMAND_LINE if s == "cli" else s for s in sources)
    return {name: ", ".join(sources) for name, sources in origins.items() if sources}


def _found(
    entry: Entry, arguments: ArgumentCollection, names: Mapping[str, Sequence[str]]
) -> tuple[Argument, tuple[str, ...]]:
    first, *rest = entry.keys
    longs = {kebab(name): options[0] for name, options in names.items()}
    term = ".".join([longs.get(kebab(first), f"--{first}"), *rest])
    try:
        argument, keys, _ = arguments.match(term)
    except ValueError:
        argument, keys = None, ()
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


def _append(entry: Entry, argument: Argument, keys: tuple[str, ...]) -> None:
    name = ".".join([argument.name.removeprefix("--"), *keys])
    count, many = argument.token_count(keys)
    if isinstance(entry.value, list) and count == 1 and not many and not argument.children:
        raise UsageError(f"{entry.source}: {name.replace('-', '_')} takes one value, not a list")
    token = Token(keyword=f"--{name}", source=entry.source, keys=keys)
    if entry.value == []:
        argument.append(token.evolve(implicit_value=[]))
    items = entry.value if isinstance(entry.value, list) else [entry.value]
    for index, item in enumerate(items):
        if item is None:
            argument.append(token.evolve(implicit_value=None, index=index))
        else:
            argument.append(token.evolve(value=item, index=index))


def _fill(argument: Argument, default: Any) -> None:
    for child in argument.children:
        key = child.keys[-1]
        held = isinstance(default, dict) and key in default
        if not held and not hasattr(default, key):
            continue
        value = default[key] if held else getattr(default, key)
        if child.children and child.has_tokens and not child.tokens:
            _fill(child, value)
        elif not child.has_tokens:
            child.append(Token(keyword=child.name, implicit_value=value, source=DEFAULT))
