"""Writes the end of a run whose process died, with what can still be found out about it."""

from __future__ import annotations

import os
import re

from scitex_session_core._atomic import opened
from scitex_session_core._errors import RecordError
from scitex_session_core._paths import locate_run
from scitex_session_core._process import liveness
from scitex_session_core._record.masker import without_secrets
from scitex_session_core._record.record import (
    append_event,
    as_dict,
    attempt_of,
    ended_record,
    read_events,
    read_record,
    utc_now,
    write_record,
)

from .memory import out_of_memory
from .scheduler import last_sign_of_life, with_cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

_TAIL = 8192
_LONGEST = 300
# Sequences that move the cursor, set a colour (ECMA-48), or set the title of a window.
_ESCAPE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"


def write_crash(
    run_dir: Path,
    seen: Mapping[str, Any] | None,
    status: str,
    *,
    registry: Path | None = None,
    deadline: float | None = None,
    judged: Mapping[str, Any] | None = None,
) -> tuple[Path, dict[str, Any], bool] | None:
    """Write the end of a dead run into its record: its own, if that is registered, or a crash.

    Parameters
    ----------
    run_dir : Path
        The run directory, at its first place or where it is now.
    seen : mapping or None
        What a witness saw of the death; see `crashed_record`.
    status : {"crashed", "lost"}
        The status to file.
    registry : Path, optional
        The registry in which the run may have registered its own end; the user's own by default.
    deadline : float, optional
        When to give up looking for that, on `time.monotonic`.
    judged : mapping, optional
        The ``attempt`` and the ``process`` that died, as their record had them.

    Returns
    -------
    tuple of (Path, dict, bool) or None
        Where the run is, its record, and whether that tells what the registry told. The record is
        left as it was if it already told the end. None if there is no record, the run is alive, or
        the record tells of another attempt than `judged`, which may be alive elsewhere.

    Raises
    ------
    OSError
        The record of a crash could not be written.
    JournalTooLongError
        The registry could not be read in time.
    """
    run_dir = locate_run(run_dir)
    try:
        if liveness(read_record(run_dir).get("process")) == "alive":
            return None  # also where the next run in the same sdir is alive
        # Read again: the run may have written its last record after the first reading.
        record = read_record(run_dir)
    except RecordError:
        return None
    if judged is not None and _life(record) != _life(judged):
        return None
    whole, is_shared = record, bool(record.get("ranks"))
    if is_shared:
        from scitex_session_core._record.ranks import with_others, without_others

        record = without_others(record)
        if record["process"] is None:  # rank 0 has not come
            return run_dir, record, False
    known = record.get("status")
    if known != "running" and (known not in ("crashed", "lost") or not seen):
        return run_dir, record, False  # it ended as it says, or its crash was filed before
    # Of a run of several ranks, the registry learns the end only once its record is written.
    if known == "running" and not is_shared:
        ended = write_own_end(run_dir, record, registry, deadline)
        if ended is not None:
            return run_dir, ended, True
    if seen is None and deadline is None:
        # A witness files within the job, which is not over yet; the end of a run asks nobody.
        record = with_cause(record, run_dir)
    record = crashed_record(record, run_dir, seen, status=status)
    # Who files the crashes of others at its own end has no time to read their files.
    record = with_made_files(record, run_dir, hashing_s=None if deadline is None else 0.0)
    write_record(run_dir, with_others(record, whole) if is_shared else record)
    return run_dir, record, False


def _life(record: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the attempt that a record tells of, and what distinguishes its process."""
    known = as_dict(record.get("process"))
    return attempt_of(record), *(known.get(n) for n in ("host", "boot_id", "pid", "start_ticks"))


def write_own_end(
    run_dir: Path,
    record: dict[str, Any],
    registry: Path | None = None,
    deadline: float | None = None,
) -> dict[str, Any] | None:
    """Write the end that a dead run registered itself into its record, and say so.

    Where the record can't be written, the name of the folder will tell it: see `move_to_finished`.

    Parameters
    ----------
    run_dir : Path
        Where the run is.
    record : dict
        Its record, which says ``running``.
    registry, deadline
        See `write_crash`.

    Returns
    -------
    dict or None
        The record with that end. None if there is none.

    Raises
    ------
    JournalTooLongError
        The registry could not be read in time.
    """
    from scitex_session_core._registry.own_end import own_end  # a run that starts needs it not

    found = own_end(record, registry, deadline=deadline)
    if found is None:
        return None
    trouble = None
    try:
        write_record(run_dir, found.record)
    except OSError as error:
        trouble = error
    found.say_believed(run_dir, record.get("status"), trouble)
    return found.record


def with_made_files(
    record: dict[str, Any], run_dir: Path, *, hashing_s: float | None = None
) -> dict[str, Any]:
    """Return `record` with the files that the dead run had made by whatever hand."""
    from scitex_session_core._record.files import made_files

    bound = {} if hashing_s is None else {"hashing_s": hashing_s}
    try:
        made, notes = made_files(run_dir, record, read_events(run_dir), **bound)
        known = {artifact["path"] for artifact in record["artifacts"]}
        for artifact in made:
            if artifact["path"] in known:  # or the earlier event would count again
                append_event(run_dir, "artifact", **artifact)
    # Whatever the record has there.
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return record
    if not made:
        return record
    changed = {artifact["path"] for artifact in made}
    kept = [
        each
        for each in record["artifacts"]
        if each.get("role") != "output"
        or each["path"] not in changed
        or attempt_of(each) != attempt_of(record)
    ]
    found = {**record, "artifacts": kept + made}
    return {**found, "artifacts_notes": notes} if notes else found


def crashed_record(
    record: dict[str, Any],
    run_dir: Path,
    seen: Mapping[str, Any] | None = None,
    *,
    status: str = "crashed",
) -> dict[str, Any]:
    """Return `record` with the end of a run whose process died before it could write it.

    Parameters
    ----------
    record : dict
        The record. What an earlier witness added about the same death is kept.
    run_dir : Path
        Where the run is.
    seen : mapping, optional
        What a witness saw of the death: ``seen`` (when, in ISO 8601), ``signal``, ``exit_status``.
    status : {"crashed", "lost"}
        ``lost`` if only the silence of its heartbeat is known.
    """
    seen = seen or {}
    earlier = record.get("reason")
    reason = {
        "kind": status,
        **{name: seen[name] for name in ("signal", "exit_status") if seen.get(name) is not None},
    }
    if out_of_memory(as_dict(record.get("process")), seen):
        reason["out_of_memory"] = True
    if isinstance(earlier, dict):
        reason = {**earlier, **reason}
    return ended_record(
        record,
        exit_status=None,
        reason={**reason, **last_event_and_output(run_dir)},
        status=status,
        ended=seen.get("seen") or record.get("ended") or _last_sign(run_dir),
    )


def _last_sign(run_dir: Path) -> str:
    found = last_sign_of_life(run_dir)
    return utc_now() if found is None else found.isoformat(timespec="microseconds")


def last_event_and_output(run_dir: Path) -> dict[str, Any]:
    """Return the last event of a run, and the last line of each of its logs.

    The texts are shortened, secrets in them masked, and control characters removed, so that they
    are safe to show on a terminal.

    Returns
    -------
    dict
        ``last_event``, the event; ``last_output``, a dict from ``stdout`` and ``stderr`` to the
        line. What does not exist is left out.
    """
    found: dict[str, Any] = {}
    try:
        events = read_events(run_dir)
    except OSError:
        events = []
    # What git and a scheduler told is no sign of how far the run came.
    events = [event for event in events if event.get("event") not in ("git", "scheduler")]
    if events:
        found["last_event"] = {
            name: _shown(value) if isinstance(value, str) else value
            for name, value in events[-1].items()
            if isinstance(value, str | int | float | None)
        }
    output = {
        # The earlier part is what stood in a log before it was truncated.
        name: _last_line(run_dir, f"logs/{name}.log") or _last_line(run_dir, f"logs/{name}.1.log")
        for name in ("stdout", "stderr")
    }
    if any(output.values()):
        found["last_output"] = {name: line for name, line in output.items() if line}
    return found


def _last_line(run_dir: Path, log: str) -> str:
    try:
        with opened(run_dir) as directory, open(directory.open(log, os.O_RDONLY), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
    if size > _TAIL:
        # Begin with a whole line: half a secret would not be recognised.
        tail = re.sub(r"\A[^\r\n]*", "", tail)
    # Mask before splitting, since a private key has many lines. A carriage return also ends a line:
    # progress bars redraw themselves.
    lines = re.split(r"[\r\n]", without_secrets(re.sub(_ESCAPE, "", tail)))
    return next((shown for line in reversed(lines) if (shown := _shown(line))), "")


def _shown(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text).strip()
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
