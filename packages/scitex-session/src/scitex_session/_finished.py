"""`running2finished`: moving a run by hand."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import Path

from scitex_session_core import (
    InvalidValueError,
    ended_record,
    move_to_finished,
    read_record,
    status_of,
    write_record,
)

from ._config.folder import PROTECTED
from ._lifecycle.run import run_of
from ._names.config_object import tell
from ._names.stand_ins import stood_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any


def running2finished(
    CONFIG: MutableMapping[str, Any],
    exit_status: int | None = None,
    remove_src_dir: bool = True,
    max_wait: int = 60,
) -> MutableMapping[str, Any]:
    """Move a run from ``RUNNING`` to the ``FINISHED`` directory of its exit status.

    `close` does this by itself; by hand it is for a run whose files must be in place before it is
    closed, and for one that another process left.

    Parameters
    ----------
    CONFIG : dict
        With ``SDIR_RUN`` (or ``SDIR``), the run directory. Updated in place.
    exit_status : int, optional
        0 is success, another number an error, None neither.
    remove_src_dir : bool
        False leaves the source and makes a verified copy.
    max_wait : int
        The most seconds such a copy may take; the source stays whole when they run out.

    Returns
    -------
    dict
        `CONFIG`.

    Raises
    ------
    InvalidValueError
        `exit_status` is no integer, or `CONFIG` names no directory.
    RecordError
        There is no record of a run in that directory.
    """
    exit_status = checked_exit_status(exit_status)
    CONFIG = checked_config(CONFIG)
    run = run_of(CONFIG)
    if run is not None:
        if run.owned:
            run.ledger.end(
                exit_status, {"kind": "closed"}, remove_src_dir=remove_src_dir, max_wait=max_wait
            )
            if CONFIG is not run.config:
                tell(CONFIG, **{key: run.config[key] for key in PROTECTED})
        return CONFIG
    where = CONFIG.get("SDIR_RUN") or CONFIG.get("SDIR")
    if where is None:
        raise InvalidValueError("CONFIG", CONFIG, "a mapping with SDIR_RUN, the run directory")
    source = Path(where)
    record = read_record(source)
    if record.get("status") == "running":
        record = ended_record(record, exit_status=exit_status, reason={"kind": "closed"})
        write_record(source, record)
    moved = move_to_finished(
        source, status_of(exit_status), remove_src_dir=remove_src_dir, max_wait=max_wait
    )
    tell(CONFIG, SDIR_RUN=moved, SDIR=moved, EXIT_STATUS=exit_status)
    return CONFIG


def checked_config(config: Any) -> MutableMapping[str, Any]:
    """Return a `CONFIG`.

    Raises
    ------
    InvalidValueError
        It is none.
    """
    config = stood_for(config)
    if not isinstance(config, Mapping):
        raise InvalidValueError("CONFIG", config, "the configuration that start() returned")
    return config  # type: ignore[return-value]  # a read-only one fails where it is written to


def checked_exit_status(exit_status: object) -> int | None:
    """Return an exit status as an int, or None.

    Raises
    ------
    InvalidValueError
    """
    if exit_status is None:
        return None
    try:
        return operator.index(exit_status)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidValueError("exit_status", exit_status, "an integer or None") from None
