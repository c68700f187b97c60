"""The command that the companion starts for the run: beside it, and in nobody's way."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import fcntl
import os

from .echo import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# When it gets SIGALRM, which ends it unless it has a better end.
LONGEST_S = 60
# Nicer than every other process: what the run needs of the machine is the run's.
NICENESS = 19
FIRST = 3


def start_errand(command: Sequence[str], descriptors: Sequence[int]) -> None:
    """Start a command that nobody waits for, and close its descriptors here.

    It is no child of this process, so that nobody has to reap it. Of all that is open here it gets
    only `descriptors`, as 3, 4, 5 ...; its standard streams are ``/dev/null``. Like this process,
    it goes on where somebody asks the run to end.

    Parameters
    ----------
    command : sequence of str
        The command. The program is an absolute path.
    descriptors : sequence of int
        What it is given; -1 for one that stays closed.
    """
    try:
        child = os.fork()
        if child == 0:
            try:
                if os.fork() == 0:
                    _become(command, descriptors)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    except OSError as error:
        say(f"{command[0]} can't be started beside the run: {error.strerror}")
    for number in descriptors:
        if number >= 0:
            os.close(number)


def _become(command: Sequence[str], descriptors: Sequence[int]) -> None:
    os.setsid()  # its own group, so that it can end its children with itself
    os.nice(NICENESS)
    # Out of the way first: one of them may have the number that another one is to get.
    above = FIRST + len(descriptors)
    moved = [fcntl.fcntl(n, fcntl.F_DUPFD, above) if n >= 0 else -1 for n in descriptors]
    null = os.open(os.devnull, os.O_RDWR)
    given = [null, null, null, *moved]
    for wanted, number in enumerate(given):
        if number >= 0:
            os.dup2(number, wanted)
        elif wanted >= FIRST:
            _close(wanted)
    os.closerange(above, min(os.sysconf("SC_OPEN_MAX"), 65536))
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)  # which Python ignores
    _signal.alarm(LONGEST_S)
    os.execv(command[0], [*command])


def _close(number: int) -> None:
    try:
        os.close(number)
    except OSError:  # it was not open
        pass
