"""Starting the companion process, detached."""

from __future__ import annotations

import functools
import os
import sys

from ._descriptors import Kept
from ._unheard import Unheard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The shell goes at once and is waited for; what it leaves behind is no child of the run, so that
# no `os.wait()` of the user ever meets it.
_DETACH = ("/bin/sh", "-c", '"$@" &', "sh")
# Imported rather than run as a file, so that its bytecode is kept: 2.5 ms less to wait for at the
# end of a short run. What we are installed in comes last: nothing there, be it every package of
# the user's, stands before the standard library.
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from scitex_session_io._companion import main; main(sys.argv)"
)
_PARENT = os.path.dirname(os.path.dirname(__file__))


def spawn(
    given: Sequence[Kept | None],
    terminals: tuple[Kept | None, Kept | None],
    most: int,
    on_death: Sequence[str],
) -> None:
    """Start the companion.

    Parameters
    ----------
    given : sequence of (Kept or None)
        The descriptors it gets, in the order in which `_companion` names them.
    terminals : pair of (Kept or None)
        Its stdout and stderr; ``/dev/null`` for None.
    most : int
        How many bytes a log may have; 0 for any number.
    on_death : sequence of str
        The command for a crash.

    Raises
    ------
    OSError
        It can't be started: no shell, no processes left, or no Python to run it with
        (`sys.executable` is empty where Python is embedded, and is the application where it is
        frozen).
    """
    python = sys.executable
    if not python or hasattr(sys, "frozen") or not os.access(python, os.X_OK):
        raise OSError(f"sys.executable ({python!r}) is no Python")
    moved = hasattr(os, "posix_spawn")
    passed = [kept for kept in given if kept is not None]
    new = iter(range(3, 3 + len(passed)))
    numbers = [-1 if kept is None else next(new) if moved else kept.number for kept in given]
    argv = [*_DETACH, python, "-I", "-S", "-c", _START, _PARENT]
    argv += [*map(str, (os.getpid(), *numbers, most)), *on_death]
    with Kept.taking(os.open(os.devnull, os.O_RDWR)) as null:
        standard = [null, *(terminal or null for terminal in terminals)]
        status = _run_moved(argv, standard + passed) if moved else _run(argv, standard, passed)
    if status:
        raise OSError(f"{argv[0]} ended with status {status}")


def _run_moved(argv: list[str], descriptors: Sequence[Kept]) -> int:
    """Run a command to its end; its descriptors 0, 1, 2, ... are copies of these."""
    # Ours are high, so that none is duplicated onto its own number, which would leave it
    # close-on-exec.
    actions = [(os.POSIX_SPAWN_DUP2, kept.number, new) for new, kept in enumerate(descriptors)]
    run = functools.partial(
        os.posix_spawn, argv[0], argv, os.environ, file_actions=actions, setsigmask=()
    )
    with Unheard() as unheard:
        try:
            pid = run(setsid=True)
        except NotImplementedError:  # no such flag on this system: the companion does it itself
            pid = run()
        unheard.child = pid
        try:
            return os.waitpid(pid, 0)[1]
        except ChildProcessError:  # SIGCHLD is ignored, or a thread of the user's waited first
            return 0


def _run(argv: Sequence[str], standard: Sequence[Kept], passed: Sequence[Kept]) -> int:
    """Do the same where Python was built without `os.posix_spawn`; the numbers stay as they are."""
    import subprocess

    stdin, stdout, stderr = (kept.number for kept in standard)
    return subprocess.run(
        argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=[kept.number for kept in passed],
        start_new_session=True,
        check=False,
    ).returncode
