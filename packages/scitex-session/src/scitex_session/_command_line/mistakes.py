"""What cyclopts finds wrong, as one sentence without its full stop."""

from __future__ import annotations

import cyclopts

from .fields import KeyedError
from .kinds import is_union
from .tokens import find, is_flag, needs_a_value
from .values import FALSE, TRUE
from .wording import choices_of, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from cyclopts import Argument, ArgumentCollection, CycloptsError, Token

    from .structures import StructureError


def sentence(
    error: CycloptsError,
    tokens: Sequence[str],
    arguments: ArgumentCollection,
    hints: Mapping[str, Any],
) -> str:
    """Say what is wrong with a command line.

    Parameters
    ----------
    error : CycloptsError
        What was raised.
    tokens : sequence of str
        What was typed.
    arguments : ArgumentCollection
        What may be given.
    hints : mapping
        By parameter, its annotation.

    Returns
    -------
    str
    """
    argument = error.argument
    found = getattr(error.__cause__, "errors", None)
    if found is not None:
        return _said_by_pydantic(found()[0], argument)
    if argument and isinstance(error.__cause__, KeyedError):
        return _keyed(error.__cause__, argument)
    if isinstance(error, cyclopts.UnusedCliTokensError) and error.unused_tokens:
        return _stray(error.unused_tokens[0], tokens, arguments)
    if isinstance(error, cyclopts.RepeatArgumentError):
        return _repeated(error.token.keyword or "", tokens, arguments)
    if isinstance(error, cyclopts.MissingArgumentError) and argument:
        return _missing(error, argument)
    if argument and (uneven := _uneven(argument)):
        return uneven
    if argument and is_union(argument.resolved_hint) and argument.children and not argument.tokens:
        fields = [c.name for c in argument.children_recursive if c.tokens]
        return (
            f"{' and '.join(fields)} don't go together: {argument.name} is {wanted(argument.hint)}"
        )
    if isinstance(error, cyclopts.CoercionError) and argument and not error.msg:
        return _wrong(error, argument, hints)
    if isinstance(error, cyclopts.ValidationError) and argument and argument.tokens:
        return _invalid(error, argument)
    return " ".join(str(error).split()).removesuffix(".")


def _repeated(name: str, tokens: Sequence[str], arguments: ArgumentCollection) -> str:
    argument = find(arguments, name)
    # By its names alone: **kwargs, and the keys of a dict, are one argument of many options.
    names = {*argument.names, *argument.negatives} - {name} if argument else set()
    others = [word for token in tokens if (word := token.partition("=")[0]) in names]
    return f"{others[0]} and {name} give the same parameter" if others else f"{name} is given twice"


def _keyed(error: KeyedError, argument: Argument) -> str:
    every = [token for each in (argument, *argument.children_recursive) for token in each.tokens]
    if argument.field_info.kind is argument.field_info.VAR_KEYWORD:  # its options have no one name
        name = next(token.keys[0] for token in every if len(token.keys) > 1)
        return f"--{name}{error.why}"
    place = where(every[0].evolve(keyword=None), argument)
    return f"{place}{f'.{error.path}' if error.path else ''}{error.why}"


def _stray(token: str, tokens: Sequence[str], arguments: ArgumentCollection) -> str:
    position = tokens.index(token)
    before = [i for i in range(position) if tokens[i].startswith("-") and len(tokens[i]) > 1]
    if not before:
        return f"{token!r} belongs to no option: every value is given by name"
    option = tokens[before[-1]].partition("=")[0]
    if is_flag(arguments, option):
        return (
            f"{option} takes no value, so {token!r} belongs to no option{_as_switch(option, token)}"
        )
    return f"{token!r} is one too many: {option} takes {_count(option, arguments)}"


def _as_switch(option: str, word: str) -> str:
    if not option.startswith("--") or word.casefold() not in TRUE + FALSE:
        return ""
    positive = option.replace("--no-", "--", 1)
    switch = positive if word.casefold() in TRUE else positive.replace("--", "--no-", 1)
    return f"; did you mean {switch}?"


def _count(option: str, arguments: ArgumentCollection) -> str:
    argument = find(arguments, option)
    count = argument.token_count()[0] if argument else 1
    return "one value" if count == 1 else f"{count} values"


def _missing(error: cyclopts.MissingArgumentError, argument: Argument) -> str:
    count, _ = argument.token_count()
    name = error.keyword or next((t.keyword for t in argument.tokens if t.keyword), None)
    if name is None:
        return f"{argument.name} is required"
    if uneven := _uneven(argument):
        return uneven
    if count > 1:
        return _by_count(name, argument, len(error.tokens_so_far))
    return needs_a_value(name)


def _uneven(argument: Argument) -> str | None:
    """Say that values which belong together in twos or threes do not come out even."""
    tokens = [token for token in argument.tokens if not token.keys]
    count, _ = argument.token_count()
    if count < 2 or not tokens or len(tokens) % count == 0:
        return None
    if any(token.value.lstrip()[:1] in ("[", "{") for token in tokens):
        return None  # of JSON
    return _by_count(where(tokens[0], argument), argument, len(tokens))


def _by_count(place: str, argument: Argument, given: int) -> str:
    count, many = argument.token_count()
    if many:
        return f"{place} takes its values by {count}, and {given} were given"
    return f"{place} needs {count} values, not {given}"


def _wrong(error: cyclopts.CoercionError, argument: Argument, hints: Mapping[str, Any]) -> str:
    token = error.token or next(iter(argument.tokens), None)
    hint = error.target_type
    own = hints.get(argument.field_info.name) if not argument.keys else None
    if is_union(own) and not (token and token.keys):
        hint = own  # not only the member that was tried last
    if token is None:
        return f"{argument.name} must be {wanted(hint)}"
    null = token.implicit_value is None
    near = _near(token.value, choices_of(hint))
    given = "null" if null else repr(token.value)
    return f"{where(token, argument)} must be {wanted(hint)}, not {given}{near}"


def _invalid(error: cyclopts.ValidationError, argument: Argument) -> str:
    why = " ".join(error.exception_message.split()).removesuffix(".")
    return _refused(argument, why[:1].lower() + why[1:])


def said_by_class(
    error: StructureError, arguments: ArgumentCollection, parameter_of: Callable[[Argument], str]
) -> str:
    """Say what a class finds wrong with its fields, and where they came from."""
    for end in range(len(error.keys), 0, -1):
        for argument in arguments:
            if (parameter_of(argument), *argument.keys) != error.keys[:end]:
                continue
            if argument.tokens:
                return _refused(argument, error.why)
            tokens = [token for each in argument.children_recursive for token in each.tokens]
            place = argument.name
            files = dict.fromkeys(t.source for t in tokens if t.source not in ("", "cli"))
            if files and end == len(error.keys):
                place = f"{', '.join(files)}: {place.removeprefix('--').replace('-', '_')}"
            return f"{place}: {error.why}"
    return error.why


def _said_by_pydantic(details: Mapping[str, Any], argument: Argument | None) -> str:
    why: str = details["msg"].removeprefix("Value error, ")
    why = why[:1].lower() + why[1:]
    if argument is None:
        return why
    for key in details["loc"]:
        argument = next((c for c in argument.children if c.keys[-1] == key), argument)
    return _refused(argument, why) if argument.tokens else f"{argument.name}: {why}"


def _refused(argument: Argument, why: str) -> str:
    token = argument.tokens[0]
    place = where(token, argument)
    one = len(argument.tokens) == 1 and not argument.children
    return f"{place} is {token.value!r}: {why}" if one else f"{place}: {why}"


def where(token: Token, argument: Argument) -> str:
    """Name the place that a value came from: the option, or the file and its key."""
    name = token.keyword or argument.name
    if name.startswith("["):
        name = argument.name  # a key within a value of JSON
    if argument.is_var_positional():
        name = f"*{argument.field_info.name}"
    if token.source in ("", "cli"):
        return name
    return f"{token.source}: {name.removeprefix('--').replace('-', '_')}"


def _near(value: str, words: Sequence[str]) -> str:
    import difflib

    folded = {word.casefold(): word for word in words}
    near = difflib.get_close_matches(value.casefold(), list(folded), n=1)
    return f"; did you mean {folded[near[0]]}?" if near else ""
