"""What is put into a run directory before the first line of user code."""

from __future__ import annotations

from scitex_session_core import jsonable, write_atomic

from ._yaml import to_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scitex_session_core import DotDict

_KNOWN_AT_THE_END = ("END_DATETIME", "EXIT_STATUS", "RUN_DURATION")


def write_config(run_dir: Path, config: DotDict, origins: Mapping[str, str]) -> None:
    """Write ``CONFIGS/CONFIG.yaml``: `CONFIG` at the start, each argument with its origin.

    Raises
    ------
    OSError
        It could not be written.
    """
    folder = run_dir / "CONFIGS"
    folder.mkdir(exist_ok=True)
    known = {key: value for key, value in config.items() if key not in _KNOWN_AT_THE_END}
    comments: dict[tuple[str, ...], str] = {("ARGS", k): text for k, text in origins.items()}
    comments.update({(key,): "while it runs" for key in ("SDIR_RUN", "SDIR")})
    text = to_yaml(jsonable(known), comments)
    write_atomic(folder / "CONFIG.yaml", text.encode())


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
