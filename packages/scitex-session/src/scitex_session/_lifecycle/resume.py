"""Go on with an earlier run: one that was asked for, or that of a requeued job.

Imported only where there may be one.
"""

from __future__ import annotations

import os

from scitex_session_core import NotResumableError, resume_run, say, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session._command_line.earlier import Earlier
    from scitex_session_core import RunDir

    from .run import Run

# What the command line or the environment has asked to resume, and was.
_resumed: set[Any] = set()


def find_earlier(run: Run) -> Earlier | None:
    """Return the run with which a session goes on; None if it begins a new one.

    The session gets the seed of that run, unless another one was asked for.

    Raises
    ------
    NotResumableError
        The run that was asked for can't be resumed, or not by this session.
    """
    options = run.options
    has_own_directory = options.no_save or options.sdir is not None
    if options.resume is not None:
        name = os.fspath(options.resume)
        if run.rank is not None:
            why = "the ranks of a job go on only where their launcher restarts it"
            raise NotResumableError(name, why)
        if has_own_directory:
            why = "a run with no_save or an sdir has a directory of its own"
            raise NotResumableError(name, why)
        if "resume" in options.asked and options.resume in _resumed:
            return None  # what was asked of the process was for its first session
        from scitex_session._command_line.earlier import named_attempt

        earlier = named_attempt(options.resume, run.script, run.function, options.out)
        if earlier is None:
            say(f"{options.resume} is not of {run.function}, which begins a new run")
    elif has_own_directory or run.rank is not None:
        return None
    else:
        from scitex_session._cluster.requeue import requeued_attempt

        given = {n: run.arguments[n] for n, origin in options.origins.items() if origin == "call"}
        earlier = requeued_attempt(run.script, run.function, given, options.out)
    if earlier is not None and "seed" not in options.asked:
        options.seed = earlier.record.get("seed", options.seed)
    return earlier


def resume(
    run: Run, earlier: Earlier, registry: Path | None
) -> tuple[RunDir, Mapping[str, Any]] | None:
    """Take the directory of an earlier run, and say so.

    Returns
    -------
    tuple of (RunDir, mapping) or None
        The directory, and the record that the next attempt begins with; None where a requeued job
        can't have it, and begins a new run.

    Raises
    ------
    NotResumableError, OSError
        The run that was asked for can't be resumed.
    """
    options = run.options
    try:
        run_dir, record = resume_run(earlier.place, earlier.record, registry=registry)
    except (NotResumableError, OSError) as error:
        if options.resume is not None:
            raise
        warn(f"this job was requeued, but a new run begins: {error}")
        return None
    if "resume" in options.asked:
        _resumed.add(options.resume)
        os.environ.pop("SCITEX_SESSION_RESUME", None)  # not for the programs that it starts
    changed = earlier.changed(run.arguments)
    if options.seed != (before := earlier.record.get("seed")):
        changed.append(f"seed={options.seed} ({before} before)")
    now = f", now with {', '.join(changed)}" if changed else ""
    say(f"goes on with {earlier}, which ended as {record['attempts'][-1]['status']}{now}")
    return run_dir, record
