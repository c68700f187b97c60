"""Read ``config/*.yaml`` beside the script or in the working directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from scitex_session._errors import ConfigFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from .tree import Located

_SUFFIXES = (".yaml", ".yml")
_DEBUG_FILE = "IS_DEBUG"
_DEBUG_PREFIX = "DEBUG_"


class ConfigFiles:
    """The contents of the files in ``config/``.

    Attributes
    ----------
    values : mapping
        The values of each file, by its name, with references resolved.
    recorded : mapping
        The same for a record, without secrets from the environment.
    origins : mapping
        The origin of each value, by its path of keys.
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


def read_config_files(
    script: Path | None,
    reserved: Collection[str],
    *,
    here: Path | None = None,
    debug: bool | None = None,
) -> ConfigFiles:
    """Read the YAML files of ``config/``, and resolve their references.

    Parameters
    ----------
    script : Path or None
        The script.
    reserved : collection of str
        Names that `CONFIG` itself uses, so that no file may have them.
    here : Path, optional
        The working directory, or a copy of it.
    debug : bool, optional
        Whether this is a debug run; by default ``config/IS_DEBUG.yaml`` says it.

    Returns
    -------
    ConfigFiles

    Raises
    ------
    ConfigFileError
        A file can't be read, is not YAML, has a key twice or a reference that names nothing; two
        files have the same name, or one has a reserved name.

    Notes
    -----
    The folder beside the script is read or, if that holds no YAML file, the one in the working
    directory. They are never mixed: what a script reads would depend on where it is called from.
    Hidden files are skipped. Characters that a name in Python can't have become ``_``:
    ``model-small.yaml`` is ``CONFIG.MODEL_SMALL``. In a debug run, the value of ``DEBUG_N`` takes
    the place of that of ``N`` beside it.
    """
    paths = _find(script, reserved, here or Path())
    if not paths:
        return ConfigFiles({}, {}, {}, debug=bool(debug))
    from .references import resolve
    from .yaml import read_yaml

    documents = {name: (path, read_yaml(path)) for name, path in paths.items()}
    said = False
    if _DEBUG_FILE in documents:
        found, *_ = resolve({_DEBUG_FILE: documents[_DEBUG_FILE]})
        said = _is_debug(paths[_DEBUG_FILE], found[_DEBUG_FILE])
    if debug is None:
        debug = said
    if debug:
        for _, root in documents.values():
            _use_debug_values(root)
    values, recorded, origins = resolve(documents)
    return ConfigFiles(values, recorded, origins, debug=debug)


def _use_debug_values(at: Located) -> None:
    value = at.value
    if isinstance(value, dict):
        for key in [key for key in value if isinstance(key, str)]:
            if key.startswith(_DEBUG_PREFIX) and key != _DEBUG_PREFIX:
                value[key.removeprefix(_DEBUG_PREFIX)] = value[key]
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            _use_debug_values(item)


def _find(script: Path | None, reserved: Collection[str], here: Path) -> dict[str, Path]:
    """Return the files by their names in `CONFIG`."""
    beside = [script.with_name("config")] if script else []
    for folder in (*beside, here / "config"):
        if os.path.isdir(folder):
            try:
                names = sorted(os.listdir(folder))
            except OSError as error:
                raise ConfigFileError(str(folder), f"can't be read: {error.strerror}") from None
            paths = [folder.absolute() / name for name in names if name.endswith(_SUFFIXES)]
            paths = [path for path in paths if path.name[0] != "." and not path.is_dir()]
            if paths:
                return _by_config_name(paths, reserved)
    return {}


def _by_config_name(paths: list[Path], reserved: Collection[str]) -> dict[str, Path]:
    by_name: dict[str, Path] = {}
    for path in paths:
        name = re.sub(r"\W", "_", path.stem.upper())
        if name in reserved:
            raise ConfigFileError(
                str(path), f"CONFIG.{name} is the run's own: give the file another name"
            )
        if name in by_name:
            raise ConfigFileError(
                str(path), f"CONFIG.{name} is {by_name[name].name} already: rename one of the two"
            )
        by_name[name] = path
    return by_name


def _is_debug(path: Path, value: Any) -> bool:
    if not isinstance(value, dict) or list(value) != [_DEBUG_FILE]:
        raise ConfigFileError(str(path), f"must hold one line, '{_DEBUG_FILE}: true' or false")
    debug = value[_DEBUG_FILE]
    if not isinstance(debug, bool):
        raise ConfigFileError(str(path), f"{_DEBUG_FILE} must be true or false, not {debug!r}")
    return debug
