"""What a run saved and what it read: files on record, figures with the name of the run.

Imported when a run saves or loads something.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from scitex_session_core import RECORD_NAME, __version__, append_event, latest_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scitex_session_core import RunDir

    from .record import RunRecord


_OUT = "_out"


def record_output(run_dir: Path | RunDir, file: str | os.PathLike[str]) -> None:
    """Append a saved file to the events of a run: its path, its size, the SHA-256 of its bytes.

    Raises
    ------
    OSError
        The file can't be read, or the event not be written.
    """
    path = Path(file)
    inside = path.is_relative_to(run_dir)
    named = path.relative_to(run_dir).as_posix() if inside else str(path)
    append_event(run_dir, "artifact", path=named, **_content_of(path), role="output")


def record_input(run_dir: Path | RunDir, file: Path) -> None:
    """Append a file that was read to the events of a run.

    A file of another run is recorded by the ID of that run and its path there: the run may move,
    and ``latest`` will lead to another one.

    Raises
    ------
    OSError
        The file can't be read, or the event not be written.
    """
    real = Path(os.path.realpath(file))
    home = next((folder for folder in real.parents if (folder / RECORD_NAME).exists()), None)
    run_id = _id_of(home) if home is not None else None
    if home is None or run_id is None:
        named = {"path": str(file)}
    elif os.path.samefile(home, os.fspath(run_dir)):
        named = {"path": real.relative_to(home).as_posix()}
    else:
        named = {"path": real.relative_to(home).as_posix(), "run": run_id}
    append_event(run_dir, "artifact", **named, **_content_of(real), role="input")


def _content_of(path: Path) -> dict[str, str | int]:
    with open(path, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
        return {"sha256": digest.hexdigest(), "bytes": opened.tell()}


def _id_of(run_dir: Path) -> str | None:
    try:
        record = json.loads((run_dir / RECORD_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return record.get("id") if isinstance(record, dict) else None


def find_in_latest(path: Path, beside: Path) -> Path | None:
    """Look for a missing file in the newest successful run of the script that makes it.

    Parameters
    ----------
    path : Path
        A path such as ``prepare_out/table.csv``: below the folder of another script's runs, as if
        that script had one run only.
    beside : Path
        Where such folders lie, beside the working directory.

    Returns
    -------
    Path or None
        ``prepare_out/FINISHED_SUCCESS/<ID>/table.csv``; None if the path is not like that, or the
        newest successful run has no such file.
    """
    for base in (Path.cwd(), beside):
        whole = base / path
        for folder in whole.parents:
            if folder.name.endswith(_OUT) and (run := latest_run(folder)) is not None:
                found = run / whole.relative_to(folder)
                if found.exists():
                    return found
    return None


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
