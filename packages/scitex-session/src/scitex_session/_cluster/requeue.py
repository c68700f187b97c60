"""The run with which a requeued job of SLURM goes on; imported only in one."""

from __future__ import annotations

import os
import sys

from scitex_session._command_line.earlier import Earlier
from scitex_session_core import (
    MASK,
    NotResumableError,
    RecordError,
    check_resumable,
    jsonable,
    runs_of_script,
    say,
    warn,
    with_cause,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

# What is the same in all attempts of a task. The number of its job alone would not do: numbers are
# used again, and of a step each task is a process of its own.
_SAME = (
    *("SLURM_CLUSTER_NAME", "SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    *("SLURM_STEP_ID", "SLURM_PROCID"),
)
_COUNT = "SLURM_RESTART_COUNT"
_MOST = 1000  # records that are read: a run of this job began lately


def requeued_attempt(
    script: Path | None,
    function: str | None,
    given: Mapping[str, Any],
    out: Any,
) -> Earlier | None:
    """Return the run that this job began before it was requeued; None if that is not clear.

    Parameters
    ----------
    script : Path or None
        The script of the session.
    function : str or None
        Its function.
    given : mapping
        The arguments that the script itself gives: of the runs in a loop, each goes on with its
        own.
    out : path-like or None
        The folder for ``<script>_out``, where one was asked for.

    Notes
    -----
    That the same job began again is the proof that the run is over, though its record may still say
    that it runs: a job that is killed at once, with its companion, files nothing.
    """
    found = [*_of_this_job(script, function, jsonable(dict(given)), out)]
    if len(found) != 1:
        several = f"{len(found)} runs of it" if found else "no run of it"
        say(f"this job was requeued, and {several} could go on: a new run begins")
        return None
    place = found[0]
    try:
        # Now, since the scheduler may have forgotten the earlier attempt when somebody looks.
        return Earlier(place, with_cause(check_resumable(place, is_over=True), place))
    except NotResumableError as error:
        warn(f"this job was requeued, but {error}: a new run begins")
        return None


def _of_this_job(
    script: Path | None, function: str | None, given: Mapping[str, Any], out: Any
) -> Iterator[Path]:
    from scitex_session_core import read_record

    here = [os.environ.get(name) for name in _SAME]
    count = _restarts(os.environ)
    for place in runs_of_script(script, out=out)[:_MOST]:
        try:
            record = read_record(place)
        except RecordError:
            continue
        env = record.get("env") or {}
        arguments = record.get("arguments") or {}
        if (
            [env.get(name) for name in _SAME] == here
            and _restarts(env) < count
            and record.get("status") != "success"
            and record.get("script") == (str(script) if script else None)
            and record.get("function") == function
            and _same_words(record.get("argv") or [])
            and all(arguments.get(name) == value for name, value in given.items())
        ):
            yield place


def _restarts(env: Mapping[str, str]) -> int:
    """Return how often a job had begun again; a first attempt has no such variable."""
    text = env.get(_COUNT, "")
    return int(text) if text.isdecimal() else 0


def _same_words(recorded: list[str]) -> bool:
    """Tell whether a command line is ours, as far as it could be recorded."""
    # Not the program: a trial of a sweep runs a frozen copy of its script.
    words, recorded = list(getattr(sys, "argv", ()))[1:], recorded[1:]
    return len(words) == len(recorded) and all(
        one == other or MASK in other for one, other in zip(words, recorded, strict=True)
    )
