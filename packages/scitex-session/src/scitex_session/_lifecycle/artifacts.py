"""Files that a run saved."""

from __future__ import annotations

from scitex_session_core import append_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def record_artifact(run_dir: Path, path: Path) -> None:
    """Append a saved file to the events of a run: where, how large, and the SHA-256 of its bytes.

    Raises
    ------
    OSError
        It could not be read, or the event not be written.
    """
    import hashlib

    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        size = file.tell()
    inside = path.is_relative_to(run_dir)
    append_event(
        run_dir,
        "artifact",
        path=path.relative_to(run_dir).as_posix() if inside else str(path),
        sha256=digest.hexdigest(),
        bytes=size,
        role="output",
    )
