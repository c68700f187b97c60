"""Sessions that nobody closed: the exception hook and `atexit` see to them."""

from __future__ import annotations

import atexit
import sys

from scitex_session_core import outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from .run import Run

_open: list[Run] = []


def watch_for_unclosed(run: Run) -> None:
    """Close `run` truly when the process ends without having closed it."""
    _open.append(run)
    found = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        found(kind, error, trace)  # prints the traceback, into the log too
        if run in _open:
            _open.remove(run)
            exit_status, reason = outcome(raised=error, signum=run.guard.ended_by)
            run.close(exit_status, {**reason, "never_closed": True}, message=":(")
            if not isinstance(error, KeyboardInterrupt):  # of which the interpreter itself dies
                run.guard.die()

    def restore() -> None:
        if run in _open:
            _open.remove(run)
        if sys.excepthook is hook:
            sys.excepthook = found

    sys.excepthook = hook
    run.at_close("putting back sys.excepthook", restore)


@atexit.register
def _at_exit() -> None:
    for run in _open[::-1]:
        signum = run.guard.ended_by
        if signum is None:
            run.close(None, {"kind": "never_closed"})
        else:
            run.close(*outcome(signum=signum))
        run.guard.die()
