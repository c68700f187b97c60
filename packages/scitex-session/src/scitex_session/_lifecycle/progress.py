"""How far a run is: a bar on the terminal, and a line in its heartbeat for other processes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sized

from scitex_session._errors import tolerated
from scitex_session._names.injection import directory_for, in_session
from scitex_session_core import HEARTBEAT_NAME, RunDir, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

_BETWEEN_WRITES_S = 1.0
_BETWEEN_LINES_S = 10.0
_BYTES = 256  # of what stands in the heartbeat: one write of this length replaces the one before


def progress(
    iterable: Iterable[T], total: int | None = None, *, desc: str | None = None
) -> Iterator[T]:
    """Iterate, and show how far the iteration is.

    Parameters
    ----------
    iterable : iterable
        What to iterate over.
    total : int, optional
        The number of its items; by default its length, if it has one.
    desc : str, optional
        A word before the bar.

    Yields
    ------
    object
        The items.

    Notes
    -----
    The bar is tqdm's where tqdm is installed; else a line on stderr every ten seconds. In a
    session, ``heartbeat`` in the run directory holds the number of items done, at most a second
    old, so that other processes can tell how far the run is.

    Examples
    --------
    >>> import scitex_session as stx
    >>> sum(stx.progress([1, 2, 3]))
    6
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        bar = _lines(iterable, total, desc)
    else:
        bar = tqdm(iterable, desc, total)
    return _recorded(bar, total, desc)


def _recorded(items: Iterable[T], total: int | None, desc: str | None) -> Iterator[T]:
    directory = directory_for("stx.progress") if in_session() else None
    done, due = 0, 0.0
    try:
        for item in items:
            if directory is not None and (now := time.monotonic()) >= due:
                due = now + _BETWEEN_WRITES_S
                _write(directory, done, total, desc)
            yield item
            done += 1
    finally:
        if directory is not None:
            _write(directory, done, total, desc)


def _write(directory: RunDir, done: int, total: int | None, desc: str | None) -> None:
    with tolerated("writing the progress"):
        state = {"done": done, "total": total, "desc": desc and desc[:50]}
        line = json.dumps(state).encode().ljust(_BYTES - 1) + b"\n"
        try:
            number = directory.open(HEARTBEAT_NAME, os.O_WRONLY)
        except FileNotFoundError:  # the run has ended; or nobody watches it
            return
        try:
            os.write(number, line)
        finally:
            os.close(number)


def read_progress(directory: os.PathLike[str]) -> tuple[int, int | None, str] | None:
    """Return how many items a run has done, of how many, and of what; None where it has not said.

    The number of all is None where it is not known.
    """
    try:
        with opened(directory) as at:
            state = json.loads(at.read(HEARTBEAT_NAME, _BYTES))
        done, total, desc = state["done"], state["total"], state["desc"]
    except (OSError, ValueError, TypeError, KeyError):  # empty; or the run ends just now
        return None
    if not isinstance(done, int) or not isinstance(total, int | None):
        return None
    return done, total, str(desc or "")


def _lines(items: Iterable[T], total: int | None, desc: str | None) -> Iterator[T]:
    """Print a line on stderr every ten seconds."""
    before = f"{desc}: " if desc else ""
    began = time.monotonic()
    due = began + _BETWEEN_LINES_S
    for done, item in enumerate(items):
        if (now := time.monotonic()) >= due:
            due = now + _BETWEEN_LINES_S
            passed = now - began
            if total:
                left = passed / done * (total - done) if done else 0
                share = f"{done} of {total} ({100 * done // total} %), about {left:.0f} s left"
            else:
                share = f"{done} done in {passed:.0f} s"
            print(f"{before}{share}", file=sys.stderr)
        yield item
