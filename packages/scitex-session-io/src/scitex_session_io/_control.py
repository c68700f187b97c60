"""The run's side of its companion: starting it, asking it, doing without it when it is gone."""

from __future__ import annotations

import os
import select
import time

from ._descriptors import Kept, copy_rest, identity
from ._quiet import say
from ._spawn import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._redirection import Redirection

# How long to wait for an answer before looking whether another thread, or a signal's handler, that
# asked meanwhile has taken it; seconds.
_LOOK_S = 0.02


class Companion:
    """The run's end of the pipes to its companion.

    Parameters
    ----------
    redirection : Redirection or None
        What is to be shown. The terminals found by it are also what the command for a crash gets
        as its stdout and stderr; without it, what stands on the descriptors 1 and 2.
    most : int
        How many bytes a log may have; 0 for any number.
    heartbeat : str or None
        A file to touch every 30 s.
    on_death : sequence of str
        The command for a crash; may be empty.

    Raises
    ------
    OSError
        It can't be started. Nothing is left open.
    """

    def __init__(
        self,
        redirection: Redirection | None,
        most: int,
        heartbeat: str | None,
        on_death: Sequence[str],
    ) -> None:
        terminals = redirection.terminals if redirection else None
        order = redirection.order if redirection else None
        # A log that is shown nowhere is looked after for its length alone.
        echoes = redirection.echoes if redirection else []
        self._echoes = [(log, out) for log, out in echoes if out or most]
        self._stderr = terminals[1] if terminals else None
        self._ours: list[Kept] = []
        self._unanswered = 0
        self._gone = False
        theirs: list[Kept] = []
        try:
            # We keep the read end too: with it, a write to a companion that is dead is no SIGPIPE,
            # which a script may have told to kill.
            control, self._control = Kept.pipe()
            self._ours += [control, self._control]
            self._answers, answer = Kept.pipe()
            os.set_blocking(self._answers.number, False)
            self._ours.append(self._answers)
            theirs.append(answer)
            if pidfd := _own_pidfd():
                theirs.append(pidfd)
            beat = None
            if heartbeat is not None and (beat := self._opened(heartbeat)):
                theirs.append(beat)
            if terminals is None:
                terminals = _if_open(1), _if_open(2)
                theirs += [kept for kept in terminals if kept is not None]
            pairs = [kept for pair in self._echoes for kept in pair]
            missing = [None] * (4 - len(pairs))
            marks = order.marks if order else None
            spawn(
                [control, answer, pidfd, beat, marks, *pairs, *missing], terminals, most, on_death
            )
        except OSError:
            self.close()
            raise
        finally:
            for kept in theirs:
                kept.close()
        _live.append(self)

    def drain(self, deadline: float, *, last: bool = False) -> None:
        """Have everything in the logs shown, waiting no longer than to `deadline` (monotonic).

        After the `last` time, nothing that is added to the logs is shown any more.

        If the companion is no longer there, that is said, and the rest shown from here.
        """
        if not self._gone and not self._ask(b"e" if last else b"d", deadline):
            self._gone = True
            self.close()
            say("the companion process is gone; what it did not show follows", self._stderr)
        if self._gone:
            for log, out in self._echoes:
                if out is not None:
                    copy_rest(log, out)

    def dismiss(self) -> None:
        """Say goodbye: the run is over, watch no longer. What is not yet shown still will be."""
        if self._ours_still():
            os.write(self._control.number, b"b")
        self.close()

    def close(self) -> None:
        """Close the pipes; may be called twice."""
        for kept in self._ours:
            kept.close()
        if self in _live:
            _live.remove(self)

    def _opened(self, heartbeat: str) -> Kept | None:
        """Open the file to touch; without one the rest is no worse."""
        try:
            return Kept.taking(os.open(heartbeat, os.O_WRONLY | os.O_CREAT, 0o666))
        except OSError as error:
            say(f"nothing shows that this run lives: {error}", self._stderr)
            return None

    def _ask(self, request: bytes, deadline: float) -> bool:
        """Ask for everything to be shown; return whether there is anyone to ask."""
        if not self._ours_still():
            return False
        os.write(self._control.number, request)
        self._unanswered += 1
        waiting = select.poll()
        waiting.register(self._answers.number, select.POLLIN)
        while self._unanswered > 0:
            left = deadline - time.monotonic()
            if not waiting.poll(max(0.0, min(left, _LOOK_S)) * 1000):
                if left <= 0:
                    break
                continue
            try:
                count = len(os.read(self._answers.number, 64))
            except BlockingIOError:
                continue
            if not count:
                return False
            self._unanswered -= count
        return True

    def _ours_still(self) -> bool:
        return self._control.valid and self._answers.valid


_live: list[Companion] = []


def _leave_to_parent() -> None:
    """Close our ends in a forked child: one that outlives the run must not keep the pipe open."""
    for companion in tuple(_live):
        companion.close()


os.register_at_fork(after_in_child=_leave_to_parent)


def _own_pidfd() -> Kept | None:
    """Open a pidfd of this process, where the system has such a thing."""
    try:
        return Kept.taking(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return None


def _if_open(number: int) -> Kept | None:
    return None if identity(number) is None else Kept.copy_of(number)
