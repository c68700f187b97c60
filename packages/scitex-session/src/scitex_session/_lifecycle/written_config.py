"""Write ``CONFIGS/CONFIG.yaml``: not by PyYAML, whose import would cost every run 12 ms."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from scitex_session._names.config_object import LocalTime
from scitex_session_core import MASK, jsonable, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from scitex_session._config.folder import ConfigFiles
    from scitex_session_core import DotDict, RunDir

    from .options import Options

    Keys = tuple[Any, ...]

_KNOWN_AT_THE_END = ("END_DATETIME", "EXIT_STATUS", "RUN_DURATION")
# Types that keep their form as YAML values and, if they can, as YAML keys.
_IN_YAML = (int, float, bool, type(None), set, date, datetime, LocalTime)
_LONGEST_KEY = 1000  # of YAML's 1024 characters; a longer key needs a "? "
# YAML 1.1 reads these as booleans or null.
_NOT_PLAIN = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def write_config(
    run_dir: Path | RunDir, config: DotDict, files: ConfigFiles, options: Options
) -> None:
    """Write ``CONFIGS/CONFIG.yaml``: `CONFIG` as it is when the run begins.

    A comment behind each value says where it came from and, where YAML has no form for the value
    and a text stands in its place (a path, the name of an enumeration's member, a `repr`), of which
    type it was. Comments at the top say what was asked for from outside the script.

    Parameters
    ----------
    run_dir : Path or RunDir
        The directory of the run.
    config : DotDict
        The `CONFIG`.
    files : ConfigFiles
        The user's configuration within it.
    options : Options
        What the session was asked for, and where the arguments came from.

    Raises
    ------
    OSError
        It can't be written.
    """
    known = {key: value for key, value in config.items() if key not in _KNOWN_AT_THE_END}
    known.update(files.recorded)
    written = jsonable(known, also=_IN_YAML)
    comments: dict[Keys, str] = {("ARGS", k): origin for k, origin in options.origins.items()}
    comments.update(files.origins)
    comments.update({(key,): "while it runs" for key in ("SDIR_RUN", "SDIR")})
    for keys, kind in _replaced(known, written, ()):
        comments[keys] = f"{comments[keys]}; {kind}" if keys in comments else kind
    text = to_yaml(written, {keys: jsonable(comment) for keys, comment in comments.items()})
    with opened(run_dir) as directory:
        content = (_heading(options.asked) + text).encode()
        directory.write("CONFIGS/CONFIG.yaml", content, sync=False)  # the record has it all, synced


def _heading(asked: Mapping[str, tuple[Any, str]]) -> str:
    values = jsonable({key: value for key, (value, _) in asked.items()})
    lines = to_yaml(values, {(key,): origin for key, (_, origin) in asked.items()}).splitlines()
    return "".join(f"# session: {line}\n" for line in lines)


def _replaced(value: Any, written: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    """Yield the keys of each value that is written as something else, and its type."""
    if isinstance(value, Mapping) and isinstance(written, dict):
        for item, (key, as_written) in zip(value.values(), written.items(), strict=True):
            yield from _replaced(item, as_written, (*keys, key))
    elif kind := _kind(value, written):
        yield keys, kind


def _kind(value: Any, written: Any) -> str:
    if isinstance(written, list) and isinstance(value, (list, tuple)):
        kinds = {_kind(item, as_written) for item, as_written in zip(value, written, strict=True)}
        within = " and ".join(sorted(kinds - {""}))
        parts = f" of {within}" if within else ""
        return f"{type(value).__name__}{parts}" if parts or isinstance(value, tuple) else ""
    if isinstance(written, set) and isinstance(value, AbstractSet):
        return ""
    if isinstance(written, (list, dict)) and not isinstance(value, Mapping):
        return type(value).__name__
    if not isinstance(written, str) or isinstance(value, str) or written == MASK:
        return ""
    return "Path" if isinstance(value, os.PathLike) else type(value).__name__


def to_yaml(value: Mapping[str, Any], comments: Mapping[Keys, str] | None = None) -> str:
    """Return a mapping as block-style YAML, which readers of YAML 1.1 and 1.2 read back equal.

    Parameters
    ----------
    value : mapping
        Values of the types that YAML has: mappings, lists, sets, str, int, float, bool, None, date
        and datetime.
    comments : mapping, optional
        Comments to stand behind values, by their keys from the top.

    Returns
    -------
    str
        The document.
    """
    return "".join(f"{line}\n" for line in _block(value, (), comments or {}))


def _block(value: Mapping[str, Any], keys: Keys, comments: Mapping[Keys, str]) -> Iterator[str]:
    indent = "  " * len(keys)
    for key, item in value.items():
        here = (*keys, key)
        comment = f"  # {_printable(' '.join(comments[here].split()))}" if here in comments else ""
        begin = _key(key)
        if len(begin) > _LONGEST_KEY:
            begin = f"{begin}\n{indent}"
        if isinstance(item, Mapping) and item:
            yield f"{indent}{begin}:{comment}"
            yield from _block(item, here, comments)
        else:
            yield f"{indent}{begin}: {_flow(item)}{comment}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, set):
        items = ", ".join(f"{_key(item)}: null" for item in sorted(value, key=repr))
        return "!!set {" + items + "}"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, date):
        return _date(value)
    if isinstance(value, str):
        # YAML has no lone surrogates, which names of files on Unix may have.
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    # JSON's strings are YAML's double-quoted ones but for surrogate pairs, which ensure_ascii
    # would write; and for a few characters that YAML calls not printable.
    return _printable(json.dumps(value, ensure_ascii=False))


def _key(key: Any) -> str:
    text = key if isinstance(key, str) and _is_plain(key) else _flow(key)
    return f"? {text}" if len(text) > _LONGEST_KEY else text


def _is_plain(key: str) -> bool:
    """Tell whether a key needs no quotes: letters, digits, _ and -, and no word of YAML's."""
    # Without `re`, whose compiling takes as long as the rest of this module.
    letters = key.isascii() and key[:1] != "-" and key.replace("-", "_").isidentifier()
    return letters and key.lower() not in _NOT_PLAIN


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    # YAML 1.1 takes 1e-05 for a string: a float must have a point and a signed exponent.
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"


def _date(value: date) -> str:
    # Tagged, since YAML 1.2 takes the bare digits for a text.
    offset = value.utcoffset() if isinstance(value, datetime) else None
    exact = offset is None or not offset.total_seconds() % 60
    return f'{"!!timestamp " if exact else ""}"{value.isoformat()}"'
