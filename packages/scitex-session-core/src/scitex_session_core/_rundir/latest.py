"""``<out>/latest``, which leads to the newest successful run of a script."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session_core._atomic import read_regular
from scitex_session_core._errors import warn
from scitex_session_core._paths import LATEST_NAME, RECORD_NAME, RUNNING, finished_dir

_SUCCESSES = finished_dir(Path(RUNNING, "x"), "success").parent.name
_LONGEST = 1000  # bytes of a small file that stands for the link


def point_latest(run_dir: Path) -> None:
    """Let ``<out>/latest`` lead to a successful run that has just ended.

    Parameters
    ----------
    run_dir : Path
        ``<out>/FINISHED_SUCCESS/<name>``. For a run that lies elsewhere nothing happens.

    Raises
    ------
    OSError
        The link can't be made.

    Notes
    -----
    The link is replaced by one rename, so that there is always one. Where the file system has no
    links, it is a small file that holds what the link would. A `latest` of the user's own stays as
    it is, with a warning.
    """
    if run_dir.parent.name != _SUCCESSES:
        return
    latest = run_dir.parent.parent / LATEST_NAME
    if os.path.lexists(latest) and _target(latest) is None:
        warn(f"{latest} is not ours, so it does not lead to the newest run; rename it for that")
        return
    target = f"{_SUCCESSES}/{run_dir.name}"
    temporary = latest.with_name(f".{LATEST_NAME}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            os.symlink(target, temporary)
        except (OSError, NotImplementedError):
            temporary.write_bytes(os.fsencode(target) + b"\n")
        os.replace(temporary, latest)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def latest_run(out_dir: Path) -> Path | None:
    """Return the newest successful run below ``<script>_out``; None if there is none.

    It is where `latest` leads to. Where there is no such link, as in folders of earlier versions,
    or where its run is gone, it is the run with the latest name, which begins with its start.
    """
    target = _target(out_dir / LATEST_NAME)
    if target is not None and os.path.exists(out_dir / target / RECORD_NAME):
        return out_dir / target
    try:
        names = os.listdir(out_dir / _SUCCESSES)
    except OSError:
        return None
    runs = (out_dir / _SUCCESSES / name for name in sorted(names, key=_after_debug, reverse=True))
    return next((run for run in runs if os.path.exists(run / RECORD_NAME)), None)


def _after_debug(name: str) -> str:
    return name.removeprefix("DEBUG_")


def _target(latest: Path) -> str | None:
    """Return where a `latest` of ours leads to, relative to its folder; None if it is not ours."""
    try:
        target = os.readlink(latest)
    except OSError:
        try:
            target = os.fsdecode(read_regular(latest, _LONGEST)).rstrip("\n")
        except OSError:  # there is none, or it is a folder
            return None
    folder, _, name = target.partition("/")
    return target if folder == _SUCCESSES and name and "/" not in name else None
