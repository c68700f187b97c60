"""Where things live when nobody says where."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ._errors import InvalidValueError
from ._secrets import without_secrets

# Folders into which packages are installed, on every system.
_INSTALLED = {"dist-packages", "site-packages"}


def state_dir() -> Path:
    """Return the directory of this user for what scitex-session keeps between runs."""
    import platformdirs

    return Path(platformdirs.user_state_dir("scitex-session", appauthor=False))


def cache_dir() -> Path:
    """Return the directory of this user for what can be made anew.

    ``$SCITEX_SESSION_CACHE``, or what platformdirs says.
    """
    chosen = os.environ.get("SCITEX_SESSION_CACHE")
    if chosen:
        return absolute(chosen)
    if sys.platform == "linux":
        # What platformdirs would say: a run needs this, and should not pay 8 ms for the import.
        base = os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
        return Path(base, "scitex-session")
    import platformdirs

    return Path(platformdirs.user_cache_dir("scitex-session", appauthor=False))


def registry_dir() -> Path:
    """Return the registry in use: ``$SCITEX_SESSION_REGISTRY``, or one in `state_dir`.

    Raises
    ------
    InvalidValueError
        The variable holds an address, not a directory.
    """
    chosen = os.environ.get("SCITEX_SESSION_REGISTRY")
    if chosen and "://" in chosen:
        raise InvalidValueError("SCITEX_SESSION_REGISTRY", without_secrets(chosen), "a directory")
    return absolute(chosen) if chosen else state_dir() / "registry"


def out_dir_for(script: Path | None, out: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory that holds the runs of a script.

    Beside the script as ``<script without suffix>_out``, or so named under `out` or else
    ``$SCITEX_SESSION_OUT_DIR``; without a script, under `state_dir`. A package that is run
    (``python -m package``) counts as the script. For a script of an installed package, whose folder
    is no place for results, it is in the working directory.
    """
    chosen = out or os.environ.get("SCITEX_SESSION_OUT_DIR")
    if chosen:
        folder = absolute(chosen)
    elif script is None:
        folder = state_dir() / "runs"
    elif not _INSTALLED.isdisjoint(script.absolute().parts):
        folder = _working_directory()
    else:
        folder = _unit(script).parent
    return folder / out_dir_name(script)


def out_dir_name(script: Path | None) -> str:
    """Return ``<script without suffix>_out``."""
    return f"{_unit(script).stem if script else 'interactive'}_out"


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us
        return state_dir() / "runs"


def _unit(script: Path) -> Path:
    script = script.absolute()
    return script.parent if script.stem in ("__main__", "__init__") else script


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, so that a later change of the working directory changes nothing."""
    # Unlike Path.expanduser, this leaves a "~" of an unknown user as it is.
    return Path(os.path.expanduser(path)).absolute()
