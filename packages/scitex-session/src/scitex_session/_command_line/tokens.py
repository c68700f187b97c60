"""What was typed, looked through before it is parsed: mistakes are told by the one who sees all."""

from __future__ import annotations

from typing import Any

from scitex_session._errors import UsageError

from .kinds import takes_none
from .names import kebab
from .session_table import OTHERS, PREFIX, SESSION_OPTIONS
from .values import NONE, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cyclopts import Argument, ArgumentCollection

SESSIONS = (
    "--config",
    *(f"{PREFIX}{name}" for name in (*(option.name for option in SESSION_OPTIONS), *OTHERS)),
)


def checked_tokens(
    tokens: Sequence[str],
    arguments: ArgumentCollection,
    *,
    known: Iterable[str],
    left_out: Mapping[str, str],
) -> list[str]:
    """Return `tokens` as the parser reads them without ambiguity.

    Parameters
    ----------
    tokens : sequence of str
        The command line without the program.
    arguments : ArgumentCollection
        What it may give.
    known : iterable of str
        All names of options, for the near ones.
    left_out : mapping
        By parameter that no command line can give: what it is.

    Returns
    -------
    list of str
        A value that begins with a dash is joined to its option.

    Raises
    ------
    UsageError
        An option that there is not, or one without the value that it needs.
    """
    checked: list[str] = []
    waiting = False  # whether the last option has yet to get its one value
    for position, typed in enumerate(tokens):
        word = typed
        if word == "--":
            return checked + list(tokens[position:])
        dashed = word.startswith("-") and len(word) > 1
        name, equals, _ = word.partition("=")
        argument, flag = _matched(arguments, name) if dashed else (None, False)
        if argument is None and name.startswith("--"):  # ``--class_`` is the parameter class_
            plain = "--" + ".".join(map(kebab, name[2:].split(".")))
            argument, flag = _matched(arguments, plain)
            if argument is not None:
                word, name = plain + word[len(name) :], plain
        if kebab(name).lstrip("-") in {kebab(parameter) for parameter in left_out} and dashed:
            argument = None  # nor for **kwargs, which has other names
        value = not dashed or _is_number(word)
        if word == "-" and not waiting and not (checked and checked[-1].startswith("-")):
            raise UsageError("'-' is no option; if it is meant to be a value, write it behind --")
        if waiting and (value or (argument is None and not word.startswith("--"))):
            checked[-1] += f"={word}"
        elif value:
            checked.append(word)
        elif waiting:
            raise UsageError(needs_a_value(checked[-1], word))
        elif argument is None:
            raise UsageError(_unknown(name, known, left_out))
        else:
            none = takes_none(argument.hint)
            checked.append(_as_truth(word, none=none) if flag and equals else word)
            whole = word.startswith("--") or len(name) == 2  # not ``-n3``, nor ``-vq``
            waiting = whole and not flag and not equals and argument.token_count() == (1, False)
            continue
        waiting = False
    return checked


def _as_truth(word: str, *, none: bool) -> str:
    """Write the value of a switch as the parser has it, which knows fewer words for it."""
    name, _, value = word.partition("=")
    if none and value.casefold() in NONE and not name.startswith("--no-"):
        return f"{name}=none"
    try:
        return f"{name}={str(value_of(bool, value)).lower()}"
    except ValueError:
        allowed = "yes, no or none" if none else "yes or no"
        raise UsageError(f"{name} must be {allowed}, not {value!r}") from None


def needs_a_value(option: str, found: str | None = None) -> str:
    """Say that an option has no value, and how to give one that looks like an option."""
    if found is None:
        return f"{option} needs a value"
    return f"{option} needs a value (if {found} is meant to be it: {option}={found})"


def is_flag(arguments: ArgumentCollection, name: str) -> bool:
    """Tell whether a name is that of a switch, which takes no value."""
    return _matched(arguments, name)[1]


def find(arguments: ArgumentCollection, name: str) -> Argument | None:
    """Return what an option gives, None where there is no such option."""
    return _matched(arguments, name)[0]


def _matched(arguments: ArgumentCollection, name: str) -> tuple[Argument | None, bool]:
    from cyclopts import UNSET

    implicit: Any
    for candidate in (name, name[:2]) if not name.startswith("--") else (name,):
        try:
            argument, _, implicit = arguments.match(candidate)
        except ValueError:
            continue
        return argument, implicit is not UNSET
    return None, False


def _is_number(token: str) -> bool:
    try:
        complex(token)
    except ValueError:
        return False
    return True


def _unknown(name: str, known: Iterable[str], left_out: Mapping[str, str]) -> str:
    for parameter, kind in left_out.items():
        if name.partition(".")[0] == f"--{kebab(parameter)}":
            return f"{name} can't be given on a command line: its type is {kind}"
    import difflib

    words = list(known)
    folded = {word.casefold(): word for word in [*SESSIONS, *words]}
    behind = f"{PREFIX}{name.removeprefix('--').casefold()}"  # ``--seed`` for ``--session.seed``
    if behind in folded and folded[behind] in SESSIONS:
        return f"there is no option {name}; did you mean {folded[behind]}?"
    near = difflib.get_close_matches(kebab(name), words, n=1) if len(name) < 3 else []
    near = near or difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return f"there is no option {name}" + (
        f"; did you mean {folded.get(near[0].casefold(), near[0])}?" if near else ""
    )
