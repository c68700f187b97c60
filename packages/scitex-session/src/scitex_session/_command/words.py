"""Read command lines that are plainly right, without the import of cyclopts.

That import takes longer than most of the commands do. Whatever is not plain (help, mistakes, short
forms) is left to cyclopts, and what is read here, cyclopts reads the same: a test compares them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_VARIADIC = 0x04  # of `co_flags`: the function has *args
_FLAG = "bool"
_WORDS, _NUMBERS = ("str", "str | None"), ("int", "int | None")
_LONGEST = 19  # digits; of thousands, Python makes no number


def read(
    function: Callable[..., Any], tokens: Sequence[str]
) -> tuple[list[str], dict[str, Any]] | None:
    """Return the arguments of a command by position and keyword; None where cyclopts has to look.

    A command takes texts by position, and flags, texts and numbers by keyword only.
    """
    kinds, least, most = _signature(function)
    positional: list[str] = []
    keywords: dict[str, Any] = {}
    rest = iter(tokens)
    for token in rest:
        if not token.startswith("-"):
            positional.append(token)
            continue
        option, given, value = token.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        kind = kinds.get(name)
        if kind is None or name in keywords or option != "--" + name.replace("_", "-"):
            return None
        if kind == _FLAG:
            if given:
                return None
            keywords[name] = True
            continue
        if not given:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
        if kind in _NUMBERS:
            if not (value.isascii() and value.isdigit() and len(value) < _LONGEST):
                return None
            keywords[name] = int(value)
        elif kind in _WORDS:
            keywords[name] = value
        else:
            return None
    missing = kinds.keys() - (function.__kwdefaults__ or {}).keys() - keywords.keys()
    if missing or not least <= len(positional) <= most:
        return None
    return positional, keywords


def own_first(function: Callable[..., Any], tokens: Sequence[str]) -> list[str]:
    """Return a command line with the command's own options first, and behind ``--`` all else.

    Everything that is not an option of the command belongs to a script: so does what stands behind
    a ``--`` already, even if it has the name of an option of ours.
    """
    kinds, _, _ = _signature(function)
    options = {"--" + name.replace("_", "-"): kind for name, kind in kinds.items()}
    own: list[str] = []
    others: list[str] = []
    rest = iter(tokens)
    for token in rest:
        if token == "--":  # noqa: S105
            others += rest
        elif token in ("--help", "-h"):
            own.append(token)
        elif (option := token.partition("=")[0]) in options:
            own.append(token)
            if option == token and options[option] != _FLAG:
                own += [each for each in [next(rest, None)] if each is not None]
        else:
            others.append(token)
    return [*own, *["--"] * bool(others), *others]


def with_dashes(function: Callable[..., Any], tokens: Sequence[str]) -> list[str]:
    """Return a command line in which ``--sort -acc`` is ``--sort=-acc``.

    To cyclopts, what begins with a dash is never the value of the word before it.
    """
    kinds, _, _ = _signature(function)
    texts = {"--" + name.replace("_", "-") for name, kind in kinds.items() if kind in _WORDS}
    told: list[str] = []
    for token in tokens:
        letters = token[:1] == "-" and token[1:2].isalpha()
        if letters and token != "-h" and told and told[-1] in texts:  # noqa: S105
            told[-1] += f"={token}"
        else:
            told.append(token)
    return told


def _signature(function: Callable[..., Any]) -> tuple[dict[str, str], int, float]:
    """Return the annotations of the keywords, and how few and many positional words there may be.

    None may be where one is more than a text. `inspect.signature` says the same, but `inspect` is
    another slow import.
    """
    code, notes = function.__code__, function.__annotations__
    number = code.co_argcount
    names = code.co_varnames
    kinds = {name: str(notes.get(name)) for name in names[number:][: code.co_kwonlyargcount]}
    least: int = number - len(function.__defaults__ or ())
    most: float = number
    positional = [*names[:number]]
    if code.co_flags & _VARIADIC:
        positional.append(names[number + code.co_kwonlyargcount])
        most = float("inf")
    if any(notes.get(name) != "str" for name in positional):
        most = -1
    return kinds, least, most
