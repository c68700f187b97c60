"""Import the library of a format when it is needed."""

from __future__ import annotations

import importlib

from scitex_session_io._errors import MissingLibraryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def need(module: str, package: str, asked_by: str) -> Any:
    """Import a module of a library that this package does not require.

    Parameters
    ----------
    module : str
        The module.
    package : str
        The name of its library on the package index.
    asked_by : str
        What needs it, for the message.

    Raises
    ------
    MissingLibraryError
        The library is not installed. A broken one raises what it raises.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(package, asked_by) from error
