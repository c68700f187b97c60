"""What every script takes besides its own options: ``--session.*``, or variables of that meaning.

It stands on the path of every run, so it is read without a parser.
"""

from __future__ import annotations

import os

from scitex_session._errors import UsageError

from .session_table import (
    OTHERS,
    PREFIX,
    SESSION_OPTIONS,
    VARIABLE_PREFIX,
    read_flag,
    read_shell,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .session_table import SessionOption

COMMAND_LINE = "command line"


class Asked:
    """What a command line and the environment ask of the session.

    Attributes
    ----------
    keywords : dict
        As for `session`: these stand above the script's own.
    origins : dict
        By keyword: ``"command line"``, or the variable.
    files : list of str
        Of values for parameters, in their order.
    completion : str or None
        The shell whose completion is to be printed.
    rest : list of str
        The command line without all that.
    """

    __slots__ = ("completion", "files", "keywords", "origins", "rest")

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.files: list[str] = []
        self.completion: str | None = None
        self.rest: list[str] = []

    def told(self) -> dict[str, tuple[Any, str]]:
        """Return value and origin by keyword."""
        return {key: (value, self.origins[key]) for key, value in self.keywords.items()}


def asked_of_session(tokens: Sequence[str], *, config: bool = True) -> Asked:
    """Separate what is the session's from a command line.

    Parameters
    ----------
    tokens : sequence of str
        The command line without the program.
    config : bool
        Whether ``--config`` is ours; ``--session.config`` always is.

    Returns
    -------
    Asked

    Raises
    ------
    UsageError
        There is no such option, or it has no value that can be.
    """
    asked = asked_by_environment()
    given: dict[str, str] = {}
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token == "--":  # noqa: S105
            asked.rest += tokens[position - 1 :]
            break
        name, equals, value = token.partition("=")
        if not name.startswith(PREFIX) and not (config and name == "--config"):
            asked.rest.append(token)
            continue
        if _is_switch(name):
            _switch(asked, given, name, value if equals else None)
            continue
        if not equals:
            if position == len(tokens) or tokens[position].startswith("--"):
                raise UsageError(f"{name} needs a value")
            value = tokens[position]
            position += 1
        _take(asked, given, name, value)
    return asked


def asked_by_environment() -> Asked:
    """Return what the environment asks of a session.

    Raises
    ------
    UsageError
        A variable has a value that can't be.
    """
    asked = Asked()
    for option in SESSION_OPTIONS:
        variable = VARIABLE_PREFIX + option.variable
        if text := os.environ.get(variable):
            asked.keywords[option.keyword] = option.read(variable, text)
            asked.origins[option.keyword] = f"${variable}"
    return asked


def _is_switch(name: str) -> bool:
    return _switched(name)[0] is not None


def _switched(name: str) -> tuple[SessionOption | None, bool]:
    bare = name.removeprefix(PREFIX).replace("_", "-")
    for option in SESSION_OPTIONS:
        if not option.form and bare == option.name:
            return option, True
        opposite = option.name[3:] if option.name.startswith("no-") else f"no-{option.name}"
        if not option.form and bare == opposite:
            return option, False
    return None, True


def _switch(asked: Asked, given: dict[str, str], name: str, value: str | None) -> None:
    option, positive = _switched(name)
    assert option is not None
    _once(given, option.keyword, name)
    asked.keywords[option.keyword] = positive is (value is None or read_flag(name, value))
    asked.origins[option.keyword] = COMMAND_LINE


def _take(asked: Asked, given: dict[str, str], name: str, value: str) -> None:
    bare = "config" if name == "--config" else name.removeprefix(PREFIX).replace("_", "-")
    if bare == "config":
        asked.files.append(value)
        return
    if bare == "completion":
        asked.completion = read_shell(name, value)
        return
    option = next((each for each in SESSION_OPTIONS if each.name == bare), None)
    if option is None:
        raise UsageError(_no_such(name))
    read = option.read(name, value)
    if option.keyword == "tags":
        read = [*(asked.keywords["tags"] if "tags" in given else ()), *read]
        given["tags"] = name
    else:
        _once(given, option.keyword, name)
    asked.keywords[option.keyword] = read
    asked.origins[option.keyword] = COMMAND_LINE


def _once(given: dict[str, str], keyword: str, name: str) -> None:
    if keyword in given:
        both = name if given[keyword] == name else f"{given[keyword]} and {name}"
        raise UsageError(f"{both} {'is given twice' if both == name else 'contradict each other'}")
    given[keyword] = name


def _no_such(name: str) -> str:
    import difflib

    known = [*(option.name for option in SESSION_OPTIONS), *OTHERS]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    several = f"there are {', '.join(PREFIX + each for each in known)}"
    hint = f"did you mean {PREFIX}{near[0]}?" if near else several
    return f"there is no option {name}; {hint}"
