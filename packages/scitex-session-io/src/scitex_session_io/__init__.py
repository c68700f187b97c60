"""Capture that loses nothing of stdout and stderr; saving and loading of results."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._begin import capture
    from ._capture import Capture
    from ._errors import (
        InvalidTypeError,
        InvalidValueError,
        IoError,
        MalformedError,
        MissingFileError,
        MissingLibraryError,
        RefusedPathError,
        UnknownFormatError,
        UnsavableError,
        UsedCaptureError,
    )
    from ._load import load
    from ._places import save_into
    from ._render import render
    from ._save import save

__all__ = [
    "Capture",
    "InvalidTypeError",
    "InvalidValueError",
    "IoError",
    "MalformedError",
    "MissingFileError",
    "MissingLibraryError",
    "RefusedPathError",
    "UnknownFormatError",
    "UnsavableError",
    "UsedCaptureError",
    "capture",
    "load",
    "render",
    "save",
    "save_into",
]

# Each name is loaded when it is used first: a run that saves nothing pays nothing for `save`.
_HOME = {"Capture": "_capture", "capture": "_begin", "load": "_load"}
_HOME |= {"render": "_render", "save": "_save", "save_into": "_places"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        # __import__ with a from-list returns the module itself. The companion comes through this
        # door as well, and importlib would be a tenth of its start.
        home = __import__(f"{__name__}.{_HOME.get(name, '_errors')}", fromlist=[name])
        value = globals()[name] = getattr(home, name)
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version("scitex-session-io")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
