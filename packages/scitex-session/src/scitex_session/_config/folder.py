"""The user's configuration: ``config/*.yaml`` beside the script or in the working directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from scitex_session._errors import ConfigFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

_SUFFIXES = (".yaml", ".yml")
_DEBUG_FILE = "IS_DEBUG"


class ConfigFiles:
    """What the files of ``config/`` hold.

    Attributes
    ----------
    values : mapping
        By name of the file, references resolved.
    recorded : mapping
        The same as it may stand in a record, without secrets from the environment.
    origins : mapping
        By the path of keys, where each value came from.
    debug : bool
        Whether ``config/IS_DEBUG.yaml`` says that this is a debug run.
    """

    __slots__ = ("debug", "origins", "recorded", "values")

    def __init__(
        self,
        values: Mapping[str, Any],
        recorded: Mapping[str, Any],
        origins: Mapping[tuple[Any, ...], str],
        *,
        debug: bool,
    ) -> None:
        self.values = values
        self.recorded = recorded
        self.origins = origins
        self.debug = debug


def read_config_files(script: Path | None, reserved: Collection[str]) -> ConfigFiles:
    """Read the YAML files of ``config/``, and resolve their references.

    Parameters
    ----------
    script : Path or None
        The script.
    reserved : collection of str
        Names that no file may have, since `CONFIG` itself uses them.

    Returns
    -------
    ConfigFiles

    Raises
    ------
    ConfigFileError
        A file can't be read, is no YAML, has a key twice or a reference to nothing; two files have
        one name, or one has a reserved name.

    Notes
    -----
    The folder beside the script counts and, where that holds no YAML file, the one in the working
    directory. They are never mixed: what a script reads would depend on where it is called from.
    Hidden files are passed over. What can't be part of a name in Python becomes ``_``:
    ``model-small.yaml`` is ``CONFIG.MODEL_SMALL``.
    """
    paths = _find(script, reserved)
    if not paths:
        return ConfigFiles({}, {}, {}, debug=False)
    from .references import resolve
    from .yaml import read_yaml

    documents = {name: (path, read_yaml(path)) for name, path in paths.items()}
    values, recorded, origins = resolve(documents)
    debug = _DEBUG_FILE in values and _is_debug(paths[_DEBUG_FILE], values[_DEBUG_FILE])
    return ConfigFiles(values, recorded, origins, debug=debug)


def _find(script: Path | None, reserved: Collection[str]) -> dict[str, Path]:
    """Return the files by the names that they have in `CONFIG`."""
    beside = [script.with_name("config")] if script else []
    for folder in (*beside, Path("config")):
        if os.path.isdir(folder):
            try:
                names = sorted(os.listdir(folder))
            except OSError as error:
                raise ConfigFileError(str(folder), f"can't be read: {error.strerror}") from None
            paths = [folder.absolute() / name for name in names if name.endswith(_SUFFIXES)]
            paths = [path for path in paths if path.name[0] != "." and not path.is_dir()]
            if paths:
                return _named(paths, reserved)
    return {}


def _named(paths: list[Path], reserved: Collection[str]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in paths:
        name = re.sub(r"\W", "_", path.stem.upper())
        if name in reserved:
            raise ConfigFileError(
                str(path), f"CONFIG.{name} is the run's own: give the file another name"
            )
        if name in named:
            raise ConfigFileError(
                str(path), f"CONFIG.{name} is {named[name].name} already: rename one of the two"
            )
        named[name] = path
    return named


def _is_debug(path: Path, value: Any) -> bool:
    if not isinstance(value, dict) or list(value) != [_DEBUG_FILE]:
        raise ConfigFileError(str(path), f"must hold one line, '{_DEBUG_FILE}: true' or false")
    said = value[_DEBUG_FILE]
    if not isinstance(said, bool):
        raise ConfigFileError(str(path), f"{_DEBUG_FILE} must be true or false, not {said!r}")
    return said
