"""The options of a session, from environment and command line; every run imports this table."""

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
# Without the prefix: what is set otherwise than by an option of the session.
_OTHER_VARIABLES = ("CACHE", "DISABLE", "FROZEN", "NOTIFY", "REGISTRY", "RUN", "SWEEP")


class SessionOption:
    """A keyword of `session`, and how to read its value from text.

    `form` is the placeholder in the help; empty for a switch. `allowed` describes the values, for
    errors. `read` converts a text or raises ValueError. `name` is the option on the command line.
    """

    __slots__ = ("allowed", "form", "help", "keyword", "name", "read", "variable")

    def __init__(self, keyword: str, form: str, allowed: str, help_text: str, read: Any) -> None:
        self.keyword, self.form, self.allowed = keyword, form, allowed
        self.help, self.read = help_text, read
        self.name = PREFIX + self.keyword.replace("_", "-")
        self.variable = VARIABLE_PREFIX + {"out": "OUT_DIR"}.get(self.keyword, self.keyword.upper())

    def value_of(self, text: str) -> Any:
        """Return the value of a text, or raise ValueError with the allowed values."""
        try:
            return self.read(text)
        except ValueError:
            raise ValueError(f"must be {self.allowed}, not {text!r}") from None


class Asked:
    """Session options of the environment and the command line; they win over the script's keywords.

    An origin is ``"command line"`` or a variable; `rest` is the command line without the options.
    """

    __slots__ = ("keywords", "origins", "rest")

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.rest: list[str] = []

    def with_origins(self) -> dict[str, tuple[Any, str]]:
        """Return the value and the origin of each keyword."""
        return {key: (value, self.origins[key]) for key, value in self.keywords.items()}

    def override(self, keywords: Mapping[str, Any]) -> None:
        """Let command-line values replace those of the environment."""
        self.keywords.update(keywords)
        self.origins.update(dict.fromkeys(keywords, COMMAND_LINE))


def asked_by_environment() -> Asked:
    """Read the options in the environment. Raise UsageError for a value that is not allowed.

    A variable whose name is nearly one of ours is warned of.
    """
    if names := [name for name in os.environ if name.startswith(VARIABLE_PREFIX)]:
        _warn_of_mistyped(names)
    asked = Asked()
    for option in SESSION_OPTIONS:
        if text := os.environ.get(option.variable):
            try:
                asked.keywords[option.keyword] = option.value_of(text)
            except ValueError as error:
                raise UsageError(f"{option.variable} {error}") from None
            asked.origins[option.keyword] = f"${option.variable}"
    return asked


def _warn_of_mistyped(names: list[str]) -> None:
    known = {
        *_OTHER_VARIABLES,
        *(o.variable.removeprefix(VARIABLE_PREFIX) for o in SESSION_OPTIONS),
    }
    for name in names:
        if (word := name.removeprefix(VARIABLE_PREFIX)) not in known:
            from scitex_session._suggest import suggest
            from scitex_session_core import warn

            # Others may have variables that begin so.
            if near := suggest(word, known):
                warn(f"${name} says nothing; did you mean ${VARIABLE_PREFIX}{near}?")


def _require(condition: object, value: Any) -> Any:
    if not condition:
        raise ValueError(value)
    return value


def _flag(text: str) -> Any:
    return _require(text.casefold() in YES + NO, text.casefold() in YES)


def _seed(text: str) -> Any:
    return None if text.casefold() == "none" else _require(-1 < int(text) < 2**128, int(text))


def _parent(text: str) -> str:
    from scitex_session_core import check_id

    return check_id(text)


_SWITCH = "yes or no (also 1 or 0)"
# fmt: off
SESSION_OPTIONS = (
    SessionOption("seed", "INT", "a whole number from 0 to 2**128 - 1, or none to draw one",
                  "seed of all generators; none draws one", _seed),
    SessionOption("note", "TEXT", "a text that is not empty", "a note for the record",
                  lambda text: _require(text.strip(), text)),
    SessionOption("tags", "A,B", "tags with commas between them, such as paper,figure-2",
                  "tags for the record",
                  lambda t: [_require(tag, tag) for tag in map(str.strip, t.split(","))]),
    SessionOption("out", "DIR", "a directory, or one that can be made",
                  "the folder for <script>_out",
                  lambda t: _require(t and (os.path.isdir(t) or not os.path.exists(t)), t)),
    SessionOption("no_save", "", _SWITCH, "a trial: delete the run's files if it succeeds", _flag),
    SessionOption("capture", "fd|sys|none", "one of fd, sys, none", "how output is logged",
                  lambda text: _require(text in ("fd", "sys", "none"), text)),
    SessionOption("verbose", "", _SWITCH, "say what the run is and where its files are", _flag),
    SessionOption("debug", "", _SWITCH, "mark the run as one for debugging", _flag),
    SessionOption("parent", "ID", "the ID of a session", "the session that this one goes on from",
                  _parent),
    SessionOption("resume", "RUN", "an ID, a part of one, latest, or the directory of a run",
                  "go on with an earlier run, whose arguments and seed count unless they are given",
                  lambda text: _require(text.strip(), text)),
)
