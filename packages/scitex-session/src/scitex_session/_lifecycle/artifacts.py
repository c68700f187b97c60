"""What a run saved: its files on record, its figures with the name of the run.

Imported when a run saves something.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from scitex_session_core import __version__, append_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scitex_session_core import RunDir

    from .record import RunRecord


def record_artifact(run_dir: Path | RunDir, file: str | os.PathLike[str]) -> None:
    """Append a saved file to the events of a run: its path, its size, the SHA-256 of its bytes.

    Raises
    ------
    OSError
        The file can't be read, or the event not be written.
    """
    path = Path(file)
    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
        size = opened.tell()
    inside = path.is_relative_to(run_dir)
    append_event(
        run_dir,
        "artifact",
        path=path.relative_to(run_dir).as_posix() if inside else str(path),
        sha256=digest.hexdigest(),
        bytes=size,
        role="output",
    )


def stamp_of(record: RunRecord, script: Path | None) -> dict[str, str | None]:
    """Return what the stamp in a figure says of its run.

    The commit is the one that `record` read before user code ran: a commit that is made during the
    run must not pass for the one that ran.
    """
    return {
        "id": record.id,
        "script": _script_name(script, in_git=record.commit is not None),
        "commit": record.commit,
        "version": __version__,
    }


def _script_name(script: Path | None, *, in_git: bool) -> str | None:
    """Return the path of a script within its repository, or its name outside of one.

    Strangers read the stamp of a figure, and the folders of a home say who works there on what.
    """
    if script is None:
        return None
    real = os.path.realpath(script)
    top = os.path.dirname(real)
    while in_git and not os.path.exists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    return os.path.relpath(real, top).replace(os.sep, "/")
