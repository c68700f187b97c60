"""``${env:HOME}`` in the files of ``config/``: variables of the environment."""

from __future__ import annotations

import os
import re

from scitex_session_core import MASK, is_secret_name

from .yaml import read_scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .source import Source
    from .tree import Located

VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\Z", re.DOTALL)
# An option `pad_token` may be harmless; a variable of the environment whose name ends so is not.
_SECRET_ENDS = ("KEY", "PASS", "PASSWD", "PW", "PWD", "TOKEN")


def read_variable(
    source: Source, at: Located, name: str, default: str | None, *, alone: bool
) -> tuple[Any, Any]:
    """Return what a reference to the environment gives, and what may be recorded of it.

    Parameters
    ----------
    source : Source
        The file it stands in.
    at : Located
        The value it stands in.
    name, default : str
        The groups of `VARIABLE`.
    alone : bool
        Whether it is all of that value; without quotes, it is read as YAML then.

    Raises
    ------
    ConfigFileError
        The variable is not set and has no default, or is too long a number.
    """
    text = _from_environment(source, at, name, default)
    try:
        value = read_scalar(text) if alone and at.plain and text else text
    except ValueError:  # more digits than Python reads
        raise source.error(at, f"the variable {name} is too long a number") from None
    return value, MASK if _is_secret(name) else value


def _from_environment(source: Source, at: Located, name: str, default: str | None) -> str:
    value = os.environ.get(name)
    if default is not None:
        return value or default
    if value is None:
        raise source.error(
            at,
            f"the environment variable {name} is not set (${{env:{name}:-value}} has a default)",
        )
    return value


def _is_secret(variable: str) -> bool:
    return is_secret_name(variable) or variable.upper().endswith(_SECRET_ENDS)
