"""What every script takes besides its own options: ``--session.*``, or variables of that meaning.

It stands on the path of every run, so it is read without a parser.
"""

from __future__ import annotations

import os

from ._errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

PREFIX = "--session."
VARIABLE_PREFIX = "SCITEX_SESSION_"
_YES, _NO = ("1", "yes", "true", "on"), ("0", "no", "false", "off")


class SessionOption:
    """One row of the table.

    Attributes
    ----------
    name : str
        Behind ``--session.``.
    variable : str
        Behind ``SCITEX_SESSION_``.
    keyword : str
        Of `session`, `run` and `start`.
    form : str
        What its value looks like; empty for a switch.
    read : callable
        Makes the value from a text; the name of where it came from is for its error.
    text : str
        What it does.
    """

    __slots__ = ("form", "keyword", "name", "read", "text", "variable")

    def __init__(
        self, name: str, variable: str, form: str, read: Callable[[str, str], Any], text: str
    ) -> None:
        self.name = name
        self.variable = variable
        self.keyword = name.replace("-", "_")
        self.form = form
        self.read = read
        self.text = text


class Asked:
    """What a command line and the environment ask of the session.

    Attributes
    ----------
    keywords : dict
        As for `session`: these stand above the script's own.
    files : list of str
        Of values for parameters, in their order.
    completion : str or None
        The shell whose completion is to be printed.
    rest : list of str
        The command line without all that.
    """

    __slots__ = ("completion", "files", "keywords", "rest")

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.files: list[str] = []
        self.completion: str | None = None
        self.rest: list[str] = []


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
    asked = Asked()
    asked.keywords.update(from_environment())
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


def from_environment() -> dict[str, Any]:
    """Return what the environment asks of a session, as keywords.

    Raises
    ------
    UsageError
        A variable has a value that can't be.
    """
    keywords = {}
    for option in SESSION_OPTIONS:
        variable = VARIABLE_PREFIX + option.variable
        if text := os.environ.get(variable):
            keywords[option.keyword] = option.read(variable, text)
    return keywords


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
    asked.keywords[option.keyword] = positive is (value is None or _flag(name, value))


def _take(asked: Asked, given: dict[str, str], name: str, value: str) -> None:
    bare = "config" if name == "--config" else name.removeprefix(PREFIX).replace("_", "-")
    if bare == "config":
        asked.files.append(value)
        return
    if bare == "completion":
        asked.completion = _shell(name, value)
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


def _must(name: str, value: str, allowed: str) -> UsageError:
    return UsageError(f"{name} must be {allowed}, not {value!r}")


def _seed(name: str, text: str) -> int | None:
    if text.casefold() == "none":
        return None
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**128:
        raise _must(name, text, "a whole number from 0 to 2**128 - 1, or none to draw one")
    return seed


def _text(name: str, text: str) -> str:
    if not text.strip():
        raise _must(name, text, "a text that is not empty")
    return text


def _tags(name: str, text: str) -> list[str]:
    tags = [tag.strip() for tag in text.split(",")]
    if not all(tags):
        raise _must(name, text, "tags with commas between them, such as paper,figure-2")
    return tags


def _folder(name: str, text: str) -> str:
    if not text or (os.path.exists(text) and not os.path.isdir(text)):
        raise _must(name, text, "a directory, or one that can be made")
    return text


def _flag(name: str, text: str) -> bool:
    if text.casefold() in _YES + _NO:
        return text.casefold() in _YES
    raise _must(name, text, "yes or no (also 1 or 0)")


def _choice(words: Sequence[str]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in words:
            raise _must(name, text, f"one of {', '.join(words)}")
        return text

    return read


def _parent(name: str, text: str) -> str:
    from scitex_session_core import InvalidSessionIdError, check_id

    try:
        return check_id(text)
    except InvalidSessionIdError:
        raise _must(name, text, "the ID of a session") from None


_shell = _choice(("bash", "zsh", "fish"))

SESSION_OPTIONS = (
    SessionOption("seed", "SEED", "INT", _seed, "seed of all generators; none draws one"),
    SessionOption("note", "NOTE", "TEXT", _text, "a note for the record"),
    SessionOption("tags", "TAGS", "A,B", _tags, "tags for the record"),
    SessionOption("out", "OUT_DIR", "DIR", _folder, "the folder for <script>_out"),
    SessionOption("no-save", "NO_SAVE", "", _flag, "try it: keep nothing of a run that succeeds"),
    SessionOption(
        "capture", "CAPTURE", "fd|sys|none", _choice(("fd", "sys", "none")), "how output is logged"
    ),
    SessionOption("verbose", "VERBOSE", "", _flag, "say what the run is and where its files are"),
    SessionOption("debug", "DEBUG", "", _flag, "mark the run as one for debugging"),
    SessionOption("parent", "PARENT", "ID", _parent, "the session that this one goes on from"),
)
# Of a command line only: the variables of one shell must not give values to every script.
OTHERS: Mapping[str, tuple[str, str]] = {
    "config": ("FILE", "values for parameters (.yaml, .toml, .json); a later file wins"),
    "completion": ("SHELL", "print what makes bash, zsh or fish complete these options"),
}
