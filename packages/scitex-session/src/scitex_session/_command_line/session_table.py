"""The table of what every script takes besides its own options."""

from __future__ import annotations

import os

from scitex_session._errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

PREFIX = "--session."
VARIABLE_PREFIX = "SCITEX_SESSION_"
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


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


def read_flag(name: str, text: str) -> bool:
    if text.casefold() in YES + NO:
        return text.casefold() in YES
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


read_shell = _choice(("bash", "zsh", "fish"))

SESSION_OPTIONS = (
    SessionOption("seed", "SEED", "INT", _seed, "seed of all generators; none draws one"),
    SessionOption("note", "NOTE", "TEXT", _text, "a note for the record"),
    SessionOption("tags", "TAGS", "A,B", _tags, "tags for the record"),
    SessionOption("out", "OUT_DIR", "DIR", _folder, "the folder for <script>_out"),
    SessionOption(
        "no-save", "NO_SAVE", "", read_flag, "try it: keep nothing of a run that succeeds"
    ),
    SessionOption(
        "capture", "CAPTURE", "fd|sys|none", _choice(("fd", "sys", "none")), "how output is logged"
    ),
    SessionOption(
        "verbose", "VERBOSE", "", read_flag, "say what the run is and where its files are"
    ),
    SessionOption("debug", "DEBUG", "", read_flag, "mark the run as one for debugging"),
    SessionOption("parent", "PARENT", "ID", _parent, "the session that this one goes on from"),
)
# Of a command line only: the variables of one shell must not give values to every script.
OTHERS: Mapping[str, tuple[str, str]] = {
    "config": ("FILE", "values for parameters (.yaml, .toml, .json); a later file wins"),
    "completion": ("SHELL", "print what makes bash, zsh or fish complete these options"),
}
