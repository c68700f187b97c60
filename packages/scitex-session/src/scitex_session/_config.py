"""`CONFIG`: what a run knows of itself, and the user's ``config/*.yaml``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from scitex_session_core import DotDict

from ._errors import ConfigFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scitex_session_core import RunDir

RESERVED = (
    "ID",
    "PID",
    "START_DATETIME",
    "END_DATETIME",
    "RUN_DURATION",
    "FILE",
    "SDIR_RUN",
    "SDIR",
    "SDIR_OUT",
    "ARGS",
    "EXIT_STATUS",
    "DEBUG",
)
_SUFFIXES = (".yaml", ".yml")


def read_config_files(script: Path | None) -> dict[str, Any]:
    """Read each ``config/<name>.yaml`` beside the script, or else in the working directory.

    Returns
    -------
    dict
        ``<NAME>`` → what the file holds; empty where there is no such folder.

    Raises
    ------
    ConfigFileError
        A file is no YAML, or its name is one that `CONFIG` itself uses.
    """
    for parent in (script.parent if script else None, Path()):
        if parent is not None and os.path.isdir(folder := parent / "config"):
            paths = (path for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES)
            return {_name(path): _load(path) for path in paths if path.is_file()}
    return {}


def make_config(
    run_dir: RunDir, script: Path | None, args: object, files: Mapping[str, Any]
) -> DotDict:
    """Return the `CONFIG` of a run that is about to begin; when it does, its `Ledger` tells."""
    return DotDict(
        {
            "ID": run_dir.id,
            "PID": os.getpid(),
            "START_DATETIME": None,
            "END_DATETIME": None,
            "RUN_DURATION": None,
            "FILE": script,
            "SDIR_RUN": run_dir.path,
            "SDIR": run_dir.path,
            "SDIR_OUT": run_dir.out_dir,
            "ARGS": args,
            "EXIT_STATUS": None,
            "DEBUG": False,
            **files,
        }
    )


def as_args(args: object) -> Any:
    """Return arguments as a mapping where they have names: a dict, a Namespace, any object."""
    if isinstance(args, Mapping):
        return DotDict(args)
    if hasattr(args, "__dict__") and not isinstance(args, type):
        return DotDict(vars(args))
    return args


def _name(path: Path) -> str:
    name = path.stem.upper()
    if name in RESERVED:
        raise ConfigFileError(
            str(path), f"CONFIG.{name} is the run's own: give the file another name"
        )
    return name


def _load(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ConfigFileError(
            str(path), f"{where}{getattr(error, 'problem', None) or error}"
        ) from None
