"""The options of a session, from the environment and the command line: one table for both.

It stands on the path of every run: no parser is needed to read the environment.
"""

from __future__ import annotations

import os

from scitex_session._errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PREFIX = "--session."
VARIABLE_PREFIX = "SCITEX_SESSION_"
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
COMMAND_LINE = "command line"


class SessionOption:
    """A keyword of `session`, and how a text gives its value.

    `form` is what a value looks like, empty for a switch; `allowed` what it may be, for errors.
    `read` makes the value of a text, or raises ValueError. `name` is the option of a command line.
    """

    __slots__ = ("allowed", "form", "help", "keyword", "name", "read", "variable")

    def __init__(self, *row: Any) -> None:
        self.keyword, self.form, self.allowed, self.help, self.read = row
        self.name = PREFIX + self.keyword.replace("_", "-")
        self.variable = VARIABLE_PREFIX + {"out": "OUT_DIR"}.get(self.keyword, self.keyword.upper())

    def value_of(self, text: str) -> Any:
        """Return the value that a text stands for, or raise ValueError with what is allowed."""
        try:
            return self.read(text)
        except ValueError:
            raise ValueError(f"must be {self.allowed}, not {text!r}") from None


class Asked:
    """What the environment and the command line ask of the session, above the script's keywords.

    `origins` are ``"command line"`` or a variable; `rest` is the command line without all that.
    """

    __slots__ = ("keywords", "origins", "rest")

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.rest: list[str] = []

    def told(self) -> dict[str, tuple[Any, str]]:
        """Return value and origin by keyword."""
        return {key: (value, self.origins[key]) for key, value in self.keywords.items()}

    def take(self, given: Mapping[str, Any]) -> None:
        """Lay what the command line gave over the environment."""
        self.keywords.update(given)
        self.origins.update(dict.fromkeys(given, COMMAND_LINE))


def asked_by_environment() -> Asked:
    """Return what the environment asks of a session; UsageError where a value can't be."""
    asked = Asked()
    for option in SESSION_OPTIONS:
        if text := os.environ.get(option.variable):
            try:
                asked.keywords[option.keyword] = option.value_of(text)
            except ValueError as error:
                raise UsageError(f"{option.variable} {error}") from None
            asked.origins[option.keyword] = f"${option.variable}"
    return asked


def _if(holds: object, value: Any) -> Any:
    if not holds:
        raise ValueError(value)
    return value


def _flag(text: str) -> Any:
    return _if(text.casefold() in YES + NO, text.casefold() in YES)


def _parent(text: str) -> str:
    from scitex_session_core import check_id

    return check_id(text)


_SWITCH = "yes or no (also 1 or 0)"
# fmt: off
SESSION_OPTIONS = (
    SessionOption("seed", "INT", "a whole number from 0 to 2**128 - 1, or none to draw one",
                  "seed of all generators; none draws one",
                  lambda t: None if t.casefold() == "none" else _if(-1 < int(t) < 2**128, int(t))),
    SessionOption("note", "TEXT", "a text that is not empty", "a note for the record",
                  lambda text: _if(text.strip(), text)),
    SessionOption("tags", "A,B", "tags with commas between them, such as paper,figure-2",
                  "tags for the record",
                  lambda t: [_if(tag, tag) for tag in map(str.strip, t.split(","))]),
    SessionOption("out", "DIR", "a directory, or one that can be made",
                  "the folder for <script>_out",
                  lambda t: _if(t and (os.path.isdir(t) or not os.path.exists(t)), t)),
    SessionOption("no_save", "", _SWITCH, "try it: keep nothing of a run that succeeds", _flag),
    SessionOption("capture", "fd|sys|none", "one of fd, sys, none", "how output is logged",
                  lambda text: _if(text in ("fd", "sys", "none"), text)),
    SessionOption("verbose", "", _SWITCH, "say what the run is and where its files are", _flag),
    SessionOption("debug", "", _SWITCH, "mark the run as one for debugging", _flag),
    SessionOption("parent", "ID", "the ID of a session", "the session that this one goes on from",
                  _parent),
)
