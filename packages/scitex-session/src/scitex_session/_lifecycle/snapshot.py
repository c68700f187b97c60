"""What is put into a run directory before the first line of user code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from scitex_session_core import MASK, jsonable, write_atomic

from .emitter import to_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from scitex_session._config.folder import ConfigFiles
    from scitex_session_core import DotDict

_KNOWN_AT_THE_END = ("END_DATETIME", "EXIT_STATUS", "RUN_DURATION")
# What YAML has and JSON has not: as values and, where they can be, as keys.
_IN_YAML = (int, float, bool, type(None), set, date, datetime)


def write_config(
    run_dir: Path,
    config: DotDict,
    files: ConfigFiles,
    origins: Mapping[str, str],
    asked: Mapping[str, tuple[Any, str]],
) -> None:
    """Write ``CONFIGS/CONFIG.yaml``: `CONFIG` at the start.

    Behind each value stands where it came from and, where YAML has no form for it and a text stands
    in its place (a path, the name of an enumeration's member, a `repr`), what it was.

    Parameters
    ----------
    run_dir : Path
        The directory of the run.
    config : DotDict
        `CONFIG`.
    files : ConfigFiles
        The user's configuration within it.
    origins : mapping
        By argument, where its value came from.
    asked : mapping
        By keyword of the session, what was asked for from outside the script, and from where; a
        comment at the top.

    Raises
    ------
    OSError
        It could not be written.
    """
    folder = run_dir / "CONFIGS"
    folder.mkdir(exist_ok=True)
    known = {key: value for key, value in config.items() if key not in _KNOWN_AT_THE_END}
    known.update(files.recorded)
    written = jsonable(known, also=_IN_YAML)
    comments: dict[tuple[str, ...], str] = {("ARGS", k): text for k, text in origins.items()}
    comments.update(files.origins)
    comments.update({(key,): "while it runs" for key in ("SDIR_RUN", "SDIR")})
    for path, kind in _stood_for(known, written, ()):
        comments[path] = f"{comments[path]}; {kind}" if path in comments else kind
    text = to_yaml(written, {path: jsonable(comment) for path, comment in comments.items()})
    write_atomic(folder / "CONFIG.yaml", (_heading(asked) + text).encode())


def _heading(asked: Mapping[str, tuple[Any, str]]) -> str:
    values = jsonable({key: value for key, (value, _) in asked.items()})
    lines = to_yaml(values, {(key,): origin for key, (_, origin) in asked.items()}).splitlines()
    return "".join(f"# session: {line}\n" for line in lines)


def save_script(run_dir: Path, script: Path | None) -> None:
    """Keep a copy of the script in ``code/``.

    Raises
    ------
    OSError
        It could not be read or written.
    """
    if script is None:
        return
    copy = run_dir / "code" / script.name
    copy.parent.mkdir(exist_ok=True)
    # With an explicit sdir, the script itself may lie where its copy would be.
    if not (copy.exists() and copy.samefile(script)):
        write_atomic(copy, script.read_bytes())


def _stood_for(
    value: Any, written: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find the lines on which a text stands for something else, and what that is."""
    if isinstance(value, Mapping) and isinstance(written, dict):
        for item, (key, told) in zip(value.values(), written.items(), strict=True):
            yield from _stood_for(item, told, (*path, str(key)))
    elif kind := _kind(value, written):
        yield path, kind


def _kind(value: Any, written: Any) -> str:
    if isinstance(written, list) and isinstance(value, (list, tuple)):
        kinds = {_kind(item, told) for item, told in zip(value, written, strict=True)}
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
