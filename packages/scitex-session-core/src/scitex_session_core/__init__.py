"""Run directories, IDs, records and the registry of scitex-session.

Everything is imported at its first use: a tool that wants IDs does not pay for the registry.
"""

from ._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._atomic import write_atomic
    from ._crash import crash_command, file_crash
    from ._dotdict import DotDict
    from ._ending import ended_record
    from ._errors import (
        DuplicateSessionError,
        InvalidSessionIdError,
        InvalidTypeError,
        InvalidValueError,
        RecordError,
        RunDirectoryBusyError,
        SessionError,
        SessionWarning,
        warn,
    )
    from ._events import append_event, fold_events, read_events
    from ._ids import check_id, new_id
    from ._journal import journal_close, journal_create, journal_update
    from ._jsonable import jsonable
    from ._layout import RUN_FILES, whereabouts
    from ._manager import SessionManager
    from ._move import move_to_finished
    from ._outcome import outcome, status_of
    from ._places import registry_dir
    from ._reaping import reap
    from ._record import current_status, new_record, read_record, write_record
    from ._reindex import reindex
    from ._rundir import RunDir, make_run_dir
    from ._secrets import MASK, is_secret_name
    from ._telling import tell_begin, tell_end

_HOMES = {
    "MASK": "_secrets",
    "RUN_FILES": "_layout",
    "DotDict": "_dotdict",
    "DuplicateSessionError": "_errors",
    "InvalidSessionIdError": "_errors",
    "InvalidTypeError": "_errors",
    "InvalidValueError": "_errors",
    "RecordError": "_errors",
    "RunDir": "_rundir",
    "RunDirectoryBusyError": "_errors",
    "SessionError": "_errors",
    "SessionManager": "_manager",
    "SessionWarning": "_errors",
    "append_event": "_events",
    "check_id": "_ids",
    "crash_command": "_crash",
    "current_status": "_record",
    "ended_record": "_ending",
    "file_crash": "_crash",
    "fold_events": "_events",
    "is_secret_name": "_secrets",
    "jsonable": "_jsonable",
    "journal_close": "_journal",
    "journal_create": "_journal",
    "journal_update": "_journal",
    "make_run_dir": "_rundir",
    "move_to_finished": "_move",
    "new_id": "_ids",
    "new_record": "_record",
    "outcome": "_outcome",
    "read_events": "_events",
    "read_record": "_record",
    "reap": "_reaping",
    "reindex": "_reindex",
    "registry_dir": "_places",
    "status_of": "_outcome",
    "tell_begin": "_telling",
    "tell_end": "_telling",
    "warn": "_errors",
    "whereabouts": "_layout",
    "write_atomic": "_atomic",
    "write_record": "_record",
}

__all__ = [
    "MASK",
    "RUN_FILES",
    "DotDict",
    "DuplicateSessionError",
    "InvalidSessionIdError",
    "InvalidTypeError",
    "InvalidValueError",
    "RecordError",
    "RunDir",
    "RunDirectoryBusyError",
    "SessionError",
    "SessionManager",
    "SessionWarning",
    "__version__",
    "append_event",
    "check_id",
    "crash_command",
    "current_status",
    "ended_record",
    "file_crash",
    "fold_events",
    "is_secret_name",
    "journal_close",
    "journal_create",
    "journal_update",
    "jsonable",
    "make_run_dir",
    "move_to_finished",
    "new_id",
    "new_record",
    "outcome",
    "read_events",
    "read_record",
    "reap",
    "registry_dir",
    "reindex",
    "status_of",
    "tell_begin",
    "tell_end",
    "warn",
    "whereabouts",
    "write_atomic",
    "write_record",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # __import__ with a level, since importlib is one more import.
    module = __import__(_HOMES[name], globals(), None, [name], 1)
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
