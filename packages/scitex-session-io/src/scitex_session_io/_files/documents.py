"""Save and load texts and plain values: ``.txt``, ``.md``, ``.jsonl``, ``.yaml``, ``.toml``."""

from __future__ import annotations

import io
import os
import sys
from datetime import date, time

from scitex_session_io._errors import MalformedError, UnsavableError

from . import json
from .library import need
from .table import frame_and_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_YAML = (
    "None, bool, int, float, str, bytes, date, datetime, lists, tuples, sets, dicts, numpy scalars "
    "and arrays, and Path"
)
_TOML = (
    "dicts whose keys are texts, bool, int, float, str, date, time, datetime, lists, tuples, numpy "
    "scalars and arrays, and Path (it has no None)"
)
_BOM = "\ufeff"


def write_text(obj: Any, file: BinaryIO, *, encoding: str = "utf-8") -> None:
    """Write a text as it is: no line end is changed or added."""
    if not isinstance(obj, str):
        raise UnsavableError("TXT", "obj", type(obj).__qualname__, "str")
    # Readers take the first one for a mark of the encoding.
    text = _BOM + obj if obj.startswith(_BOM) else obj
    try:
        file.write(text.encode(encoding))
    except UnicodeEncodeError as error:
        found = f"a text with {error.object[error.start : error.end]!r}"
        raise UnsavableError("TXT", "obj", found, f"what {encoding} can hold") from error


def read_text(file: BinaryIO, path: str, *, encoding: str = "utf-8") -> str:
    """Read a text as it is, but for a byte order mark."""
    try:
        return file.read().decode(encoding).removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise MalformedError(f"{path}, byte {error.start}", f"not {encoding}") from error


def write_jsonl(obj: Any, file: BinaryIO, *, allow_nan: bool = True) -> None:
    """Write each value of a list, or row of a frame, as one line of JSON."""
    if (frame := frame_and_rows(obj)) is not None:
        names, rows = frame
        obj = [dict(zip(names, row, strict=True)) for row in rows]
    if not isinstance(obj, list | tuple):
        allowed = "a list of what JSON takes, and pandas and polars frames"
        raise UnsavableError("JSONL", "obj", type(obj).__qualname__, allowed)
    for value in obj:
        file.writelines(json.encode(value, indent=None, allow_nan=allow_nan))


def read_jsonl(file: BinaryIO, path: str) -> list[Any]:
    """Read the value of each line; empty lines are skipped."""
    return [
        json.decode(io.BytesIO(line), f"{path}, line {number}")
        for number, line in enumerate(file, 1)
        if line.strip()
    ]


def write_yaml(obj: Any, file: BinaryIO) -> None:
    """Write a value as YAML, keys in their order."""
    yaml = need("yaml", "PyYAML", "YAML")
    # The C one is ten times faster, and not everywhere.
    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(
        _Plain("YAML", _YAML).value(obj, "obj"), Dumper=base, sort_keys=False, allow_unicode=True
    )
    file.write(text.encode())


def read_yaml(file: BinaryIO, path: str) -> Any:
    """Read a value from YAML, safely: no objects of other types."""
    yaml = need("yaml", "PyYAML", path)
    try:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else path
        raise MalformedError(where, f"not YAML: {error.problem}") from error


def write_toml(obj: Any, file: BinaryIO) -> None:
    """Write a dict as TOML."""
    tomli_w = need("tomli_w", "tomli-w", "TOML")
    if not isinstance(obj, dict):
        raise UnsavableError("TOML", "obj", type(obj).__qualname__, _TOML)
    tomli_w.dump(_Plain("TOML", _TOML).value(obj, "obj"), file)


def read_toml(file: BinaryIO, path: str) -> dict[str, Any]:
    """Read a dict from TOML."""
    import tomllib

    try:
        return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise MalformedError(path, f"not TOML: {error}") from error


class _Plain:
    """Convert values to those of Python's own types that a format takes.

    `where` is the place of a value, for messages.
    """

    def __init__(self, file_format: str, allowed: str) -> None:
        self._format = file_format
        self._allowed = allowed
        toml = file_format == "TOML"
        self._kept = (date, time) if toml else (date, bytes, type(None))
        self._keys = (str,) if toml else (str, bool, int, float, bytes, date, type(None))

    def value(self, value: Any, where: str) -> Any:
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
            # No Python number is as exact as a long double.
            if value.dtype.kind not in "biufUO" or value.dtype.char == "g":
                raise UnsavableError(self._format, where, f"numpy {value.dtype}", self._allowed)
            value = value.tolist()
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, (bool, *self._kept)):
            return value
        for kind in (int, float, str):  # the writers refuse classes that derive from these
            if isinstance(value, kind):
                return kind(value)
        if isinstance(value, list | tuple):
            return [self.value(each, f"{where}[{i}]") for i, each in enumerate(value)]
        if isinstance(value, dict):
            return {
                self._key(key, where): self.value(each, f"{where}[{key!r}]")
                for key, each in value.items()
            }
        if isinstance(value, set | frozenset) and self._format == "YAML":
            return {self._key(each, where) for each in value}
        raise UnsavableError(self._format, where, type(value).__qualname__, self._allowed)

    def _key(self, key: Any, where: str) -> Any:
        if not isinstance(key, self._keys):
            kind = type(key).__qualname__
            raise UnsavableError(self._format, f"the key {key!r} of {where}", kind, self._allowed)
        return self.value(key, where)
