"""Read a file of values, as ``--config FILE`` names it: YAML, TOML or JSON."""

from __future__ import annotations

import os

from scitex_session._errors import ConfigFileError

from .tree import Located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

SUFFIXES = (".yaml", ".yml", ".toml", ".json")


def read_document(path: Path) -> Located:
    """Read a file whose top is a mapping, in the format that its suffix names.

    Parameters
    ----------
    path : Path
        The file: ``.yaml``, ``.yml``, ``.toml`` or ``.json``.

    Returns
    -------
    Located
        Its value is a dict of `Located`, empty where the file holds nothing.

    Raises
    ------
    ConfigFileError
        It can't be read, is not of its format, has a key twice, or is no mapping.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise ConfigFileError(str(path), f"its suffix must be one of {', '.join(SUFFIXES)}")
    if suffix in (".yaml", ".yml"):
        from .yaml import read_yaml

        root = read_yaml(path)
    else:
        root = _read_json(path) if suffix == ".json" else _read_toml(path)
    if root.value is None:
        return Located({}, root.line)
    if not isinstance(root.value, dict):
        raise ConfigFileError(
            str(path), "it must have keys and values: the parameters by their names", root.line
        )
    return root


def _read_json(path: Path) -> Located:
    import json

    try:
        return _located(json.loads(path.read_text("utf-8-sig")))
    except json.JSONDecodeError as error:
        raise ConfigFileError(str(path), error.msg, error.lineno) from None


def _read_toml(path: Path) -> Located:
    import tomllib

    try:
        return _located(tomllib.loads(path.read_text("utf-8-sig")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(str(path), str(error)) from None


def _located(value: Any) -> Located:
    if isinstance(value, dict):
        value = {key: _located(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_located(item) for item in value]
    return Located(value, None)
