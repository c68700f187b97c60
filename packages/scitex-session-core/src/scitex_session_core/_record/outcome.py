"""Decides the exit status of a run from the way its function ended: one pure function."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
from operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: "temporary failure, the user is invited to retry"
_LONGEST_MESSAGE = 10_000
# What the system keeps of the number that a process exits with, and the bits of a C long, into
# which the interpreter puts it first.
_KEPT, _LONG_BITS = (0xFFFF_FFFF, 31) if os.name == "nt" else (0xFF, 63)


def outcome(
    returned: object = None,
    raised: BaseException | None = None,
    signum: int | None = None,
    stopped: int | None = None,
) -> tuple[int, dict[str, Any]]:
    """Map the end of a function to ``(exit_status, reason)``.

    Parameters
    ----------
    returned : object
        The value that it returned.
    raised : BaseException, optional
        The exception that it raised.
    signum : int, optional
        The signal that ended it. A Ctrl-C comes as `KeyboardInterrupt` instead.
    stopped : int, optional
        The signal by which it was asked to stop, if it has learnt of that. Where it would be a
        success else, it is none: it left before its work was done, as far as anybody knows.

    Returns
    -------
    exit_status : int
        What the process exits with; 0 for success.
    reason : dict
        ``kind`` is ``returned``, ``exit``, ``signal``, ``stopped`` or ``exception``; the other keys
        give the details, such as the number that was returned or given to `sys.exit`.

    Notes
    -----
    Booleans come before integers: ``True`` is the integer 1, and a function that returns ``True``
    did not fail. A number that no process can exit with, such as -1 or 256, is a failure where it
    is returned, and 1. `SystemExit` means what it means to the interpreter and the system, which
    keep the last eight bits: ``sys.exit(-1)`` exits with 255, and ``sys.exit(256)`` is a success.
    """
    if signum is not None:
        return _by_signal(signum)
    exit_status, reason = _of_function(returned, raised)
    if stopped is None or exit_status != 0:
        return exit_status, reason
    return TRY_AGAIN, {**_by_signal(stopped)[1], "kind": "stopped"}


def _of_function(returned: object, raised: BaseException | None) -> tuple[int, dict[str, Any]]:
    if raised is None:
        return _by_return(returned)
    if isinstance(raised, KeyboardInterrupt):
        return _by_signal(2)
    if isinstance(raised, SystemExit):
        return _by_exit(raised.code)
    kind = type(raised)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    return 1, {"kind": "exception", "type": name, "message": _text(raised)}


def status_of(exit_status: int | None) -> str:
    """Return the status of a run with this exit status: finished, success or failed."""
    if exit_status is None:
        return "finished"
    return "failed" if exit_status else "success"


def _by_return(returned: object) -> tuple[int, dict[str, Any]]:
    if isinstance(returned, bool):
        return 0, {"kind": "returned"}
    try:
        number = index(returned)  # type: ignore[arg-type]  # no integer: no __index__
    except BaseException:  # noqa: BLE001  # a user's __index__ may raise anything; it did return
        return 0, {"kind": "returned"}
    if number == 0:
        return 0, {"kind": "returned"}
    return number if 1 <= number <= 255 else 1, {"kind": "returned", "value": number}


def _by_exit(code: object) -> tuple[int, dict[str, Any]]:
    if code is None:
        return 0, {"kind": "exit", "code": None}
    if isinstance(code, int):
        number = int(code)
        fits = -(1 << _LONG_BITS) <= number < 1 << _LONG_BITS
        return (number if fits else -1) & _KEPT, {"kind": "exit", "code": number}
    return 1, {"kind": "exit", "code": _text(code)}


def _by_signal(signum: int) -> tuple[int, dict[str, Any]]:
    # Not by `signal.Signals`: `signal` is a file, and the script may have used up its descriptors.
    signals = [n for n in vars(_signal) if n.startswith("SIG") and not n.startswith("SIG_")]
    names = [name for name in signals if getattr(_signal, name) == signum]
    name = min(names, default=f"signal {signum}")  # of synonyms, as `Signals` has it
    return 128 + signum, {"kind": "signal", "signal": int(signum), "name": name}


def _text(value: object) -> str:
    # The user's __str__ may raise, which must not hide how the run ended.
    try:
        text = str(value)
    except BaseException as broken:  # noqa: BLE001
        return f"<its __str__ raised {type(broken).__name__}>"
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
