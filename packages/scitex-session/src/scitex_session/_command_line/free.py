"""Values of parameters that take anything: a file or JSON says what they are."""

from __future__ import annotations

import json
import typing
from typing import Any

from .kinds import takes_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class FileText(str):
    """A text of a file, with what the file's format makes of it.

    Attributes
    ----------
    data : object
    """

    __slots__ = ("data",)

    data: Any

    def __new__(cls, text: str, data: Any) -> Self:
        made = super().__new__(cls, text)
        made.data = data
        return made


def free_value(text: str) -> Any:
    """Return what a file makes of a text; what was typed is the text itself."""
    return text.data if isinstance(text, FileText) else text


def free_dict(tokens: dict[str, Any]) -> dict[str, Any]:
    """Return the dict that single keys make, at any depth."""
    found: dict[str, Any] = {}
    for key, below in tokens.items():
        if isinstance(below, dict):
            found[key] = free_dict(below)
        else:
            values = [free_value(token.value) for token in below]
            found[key] = values[0] if len(values) == 1 else values
    return found


def free_json(hint: Any, text: str) -> Any:
    """Return the list or dict that a text is in JSON, None where it is none."""
    opening = "{" if takes_keys(hint) else "["
    if not text.lstrip().startswith(opening):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if opening == "{":
        return found
    kind = typing.get_origin(hint)
    return kind(found) if kind in (set, frozenset, tuple) else found
