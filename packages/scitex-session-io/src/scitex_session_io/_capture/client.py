"""The run's side of its companion process: start it, give it its task, ask it to show the logs."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` brings enum
import os
import select
import sys
import time

from .descriptors import Kept, copy_rest, identity, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .capture import Opener
    from .redirect import Redirection

    Terminals = tuple[Kept | None, Kept | None]

# Seconds to wait for an answer before checking whether another thread, or a signal's handler, that
# asked meanwhile has read it.
_LOOK_S = 0.02
# Bytes that go through a socket in one piece.
_LARGEST_TASK = 16384
# The shell ends at once and is waited for; what it leaves behind is no child of the run, so that
# no `os.wait()` of the user ever meets it.
_DETACH = ("/bin/sh", "-c", '"$@" &', "sh")
# Imported rather than run as a file, so that its bytecode is kept: 2.5 ms less to wait for at the
# end of a short run. Our folder comes last on the path: nothing in it, be it every package of the
# user's, stands before the standard library.
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from scitex_session_io._companion.main import main; main(sys.argv)"
)
# Blocked until the companion ignores them: a job may be ended in the milliseconds of its start.
_POLITE = [
    getattr(_signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(_signal, name)  # Windows has not all of them
]
_FOLDER = os.path.abspath(__file__).rsplit(os.sep, 3)[0]

# What a forked child closes: one that outlives the run must not keep the pipes open.
_live: set[Kept] = set()


def _close_in_child() -> None:
    for kept in tuple(_live):
        kept.close()
    _live.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def start_companion() -> Companion:
    """Start a companion process before its task is known.

    Python needs some 12 ms to start in that process, and a short run would wait for it at its end.
    So start it first, import and prepare meanwhile, and then give it to `capture`.

    Returns
    -------
    Companion
        Pass it to `capture`, once. Where no process could be started, or it is gone by then,
        `capture` starts another. A companion that is never used ends silently: by
        `Companion.release`, with this object, or when this process dies or becomes another program.

    Examples
    --------
    >>> companion = start_companion()
    >>> with capture("o.log", "e.log", companion=companion):
    ...     print("on disk, and on the terminal")
    on disk, and on the terminal
    >>> companion.release()
    """
    with starting_companion() as companion:
        return companion


class starting_companion:  # noqa: N801  # read as a word of the `with` statement
    """Start a companion process as `start_companion` does, beside the block.

    It is started by a shell, which `start_companion` waits for: 1 ms, and several on a busy
    machine. Within the block that shell is a child of this process, which an `os.wait` would meet.
    So the block is for imports and the like.

    Examples
    --------
    >>> with starting_companion() as companion:
    ...     import json
    >>> companion.release()
    """

    __slots__ = ("_companion",)

    def __enter__(self) -> Companion:
        self._companion = Companion()
        self._companion.start()
        return self._companion

    def __exit__(self, *_exc: object) -> None:
        self._companion.detach()


class Companion:
    """The run's handle of a companion process; `start_companion` makes one that waits.

    All but `waiting` and `release` is for `Capture` and `starting_companion`.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._ours: list[Kept] = []
        self._shell: _Shell | None = None
        self._link: Kept | None = None
        self._echoes: list[tuple[Kept, Kept | None]] = []
        self._stderr: Kept | None = None
        self._unanswered = 0
        self._gone = False

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not finalizing():  # with the interpreter goes our end, and with that the process
            self.release()

    @property
    def waiting(self) -> bool:
        """Whether the process has been started and has no task yet."""
        return self._link is not None

    def start(self) -> None:
        """Start the process without a task, where that can be."""
        try:
            import _socket  # `socket` brings selectors and enum

            ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
            self._link = Kept.taking(ours.detach())
            self._ours.append(self._link)
            with Kept.taking(theirs.detach()) as link:
                # It holds none of the caller's streams as long as it has no task.
                self._shell = self._spawn(link, (), (None, None), ())
        except (AttributeError, ImportError, OSError):  # another system; no process to be had
            self.close()

    def detach(self) -> None:
        """Wait for the shell that `start` has left."""
        shell, self._shell = self._shell, None
        try:
            if shell is not None:
                shell.end()
        except OSError:
            self.close()

    def accompany(
        self,
        redirection: Redirection | None,
        most: int,
        heartbeat: tuple[str, Opener] | None,
        on_death: Sequence[str],
        errand: tuple[Sequence[str], Sequence[int]] = ((), ()),
    ) -> None:
        """Give the process its task; start one where none waits.

        Parameters
        ----------
        redirection : Redirection or None
            What to show. The command for a crash gets the terminals behind it as its stdout and
            stderr; without a redirection, what stands on the descriptors 1 and 2.
        most : int
            The largest size of a log in bytes; 0 for no limit.
        heartbeat : pair of (str, callable), or None
            A file to touch every 30 s, and what opens it.
        on_death : sequence of str
            The folder of the code of the command for a crash, or ``""``, and the command, if any.
        errand : pair of sequences
            A command to start at once, if any, and the descriptors it gets.

        Raises
        ------
        OSError
            No process can be started. Nothing is left open.
        """
        terminals = redirection.terminals if redirection else None
        self._echoes = redirection.echoes if redirection else []
        self._stderr = terminals[1] if terminals else None
        theirs: list[Kept] = []
        try:
            beat = None
            if heartbeat is not None and (beat := self._opened(*heartbeat)):
                theirs.append(beat)
            if terminals is None:
                terminals = _if_open(1), _if_open(2)
                theirs += [kept for kept in terminals if kept is not None]
            pairs = [kept for pair in self._echoes for kept in pair]
            missing = [None] * (4 - len(pairs))
            marks = redirection.marks.pipe if redirection and redirection.marks else None
            command, numbers = errand
            passed: list[Kept | None] = [Kept.copy_of(number) for number in numbers]
            theirs += [kept for kept in passed if kept is not None]
            passed += [None] * (3 - len(passed))
            given = [beat, marks, *pairs, *missing, *passed]
            words = [str(most), str(len(command)), *command, *on_death]
            if not self._hand_over(given, terminals, words):
                self.close()
                if (shell := self._spawn(None, given, terminals, words)) is not None:
                    shell.end()
        except OSError:
            self.close()
            raise
        finally:
            for kept in theirs:
                kept.close()

    def drain(self, deadline: float, *, last: bool = False) -> None:
        """Wait until everything in the logs is shown, or until `deadline` (monotonic).

        After the `last` time, nothing that is added to the logs is shown any more. If the companion
        is gone, a message says so, and this process shows the rest.
        """
        if not self._gone and not self._ask(b"e" if last else b"d", deadline):
            self._gone = True
            self.close()
            say("the companion process is gone; the rest of its output follows", self._stderr)
        if self._gone:
            for log, out in self._echoes:
                if out is not None:
                    copy_rest(log, out)

    def dismiss(self) -> None:
        """Say goodbye: the run is over. The companion still shows the rest, and ends.

        The init of a container (PID 1) waits for that, however long its reader takes, as it would
        without us: with it every other process ends.
        """
        try:
            if os.getpid() == 1 and self._echoes and not self._gone:
                self._ask(b"d", float("inf"))
        finally:
            if self._connected():
                os.write(self._control.number, b"b")
            self.close()

    def release(self) -> None:
        """End the process if it still waits for a task; otherwise do nothing."""
        if self.waiting:
            self.close()

    def close(self) -> None:
        """Close the pipes; may be called twice."""
        for kept in self._ours:
            kept.close()
        _live.difference_update(self._ours)
        self._ours = []
        self._link = None

    def _spawn(
        self,
        link: Kept | None,
        given: Iterable[Kept | None],
        terminals: Terminals,
        words: Iterable[str],
    ) -> _Shell | None:
        """Start the process, with pipes to it; return the shell that starts it."""
        # We keep the read end too: then a write to a dead companion raises no SIGPIPE, which may
        # kill a script that has restored its default.
        control, self._control = Kept.pipe()
        self._ours += [control, self._control]
        self._answers, answer = Kept.pipe()
        os.set_blocking(self._answers.number, False)
        self._ours.append(self._answers)
        pidfd = _own_pidfd()
        try:
            shell = _spawn([control, answer, pidfd, link, *given], terminals, words)
        finally:
            for kept in (answer, pidfd):
                if kept is not None:
                    kept.close()
        _live.update(self._ours)
        return shell

    def _hand_over(
        self, given: Iterable[Kept | None], terminals: Terminals, words: Iterable[str]
    ) -> bool:
        """Send the task to the process that waits for it; return whether that could be done."""
        link = self._link
        if link is None or not link.valid or self._owner != os.getpid() or self._dead():
            return False
        numbers: list[int] = []
        task: list[str] = []
        for kept in (*terminals, *given):
            task.append(str(len(numbers) if kept else -1))
            numbers += [kept.number] if kept else []
        data = b"".join(os.fsencode(word) + b"\0" for word in (*task, *words))
        if len(data) > _LARGEST_TASK:
            return False
        import _socket

        rights = b"".join(number.to_bytes(4, sys.byteorder) for number in numbers)
        flags = _socket.MSG_DONTWAIT | getattr(_socket, "MSG_NOSIGNAL", 0)
        end = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, link.number)
        try:
            message = [b"%08d" % len(data), data]
            end.sendmsg(message, [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)], flags)
        except OSError:  # it has just died; or the user has too many descriptors in flight
            return False
        finally:
            end.detach()
        link.close()
        self._ours.remove(link)
        _live.discard(link)
        self._link = None
        return True

    def _dead(self) -> bool:
        """Return whether the process has gone: it alone holds the other end."""
        waiting = select.poll()
        waiting.register(self._answers.number, select.POLLIN)
        return not self._connected() or bool(waiting.poll(0))

    def _opened(self, heartbeat: str, opener: Opener) -> Kept | None:
        """Open the file to touch; everything else works without it."""
        try:
            return Kept.taking(opener(heartbeat, os.O_WRONLY | os.O_CREAT))
        except OSError as error:
            say(f"no heartbeat: {error}", self._stderr)
            return None

    def _ask(self, request: bytes, deadline: float) -> bool:
        """Ask the companion to show everything; return whether it is there."""
        if not self._connected():
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

    def _connected(self) -> bool:
        """Return whether the pipes are still ours."""
        return self._control.valid and self._answers.valid


class _Shell:
    """The shell that starts the companion, and ends at once.

    Until `end`, SIGCHLD is blocked where the user has a handler for it. Why: one that reaps every
    child (`waitpid(-1)`) would take ours for one of its own. That needs `sigtimedwait`; and in a
    process of several threads the handler may still see it: the signal goes to any of them.

    Parameters
    ----------
    argv : list of str
        The command, with the path of the program.
    descriptors : sequence of Kept
        Copies of these become its descriptors 0, 1, 2 and so on.

    Raises
    ------
    OSError
        It can't be started.
    """

    __slots__ = ("_mask", "_pid")

    def __init__(self, argv: list[str], descriptors: Sequence[Kept]) -> None:
        self._pid = 0
        self._mask: set[int] | None = None
        silent = (_signal.SIG_DFL, _signal.SIG_IGN)
        if hasattr(_signal, "sigtimedwait") and _signal.getsignal(_signal.SIGCHLD) not in silent:
            self._mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGCHLD,))
        try:
            self._pid = _started(argv, descriptors)
        except BaseException:
            self._unblock()
            raise

    def end(self) -> None:
        """Wait for it.

        Raises
        ------
        OSError
            It could not start the companion.
        """
        try:
            status = os.waitpid(self._pid, 0)[1]
        except ChildProcessError:  # SIGCHLD is ignored, or a thread of the user's waited first
            status = 0
        finally:
            self._unblock()
        _check(status)

    def _unblock(self) -> None:
        if self._mask is None:
            return
        heard = _signal.sigtimedwait((_signal.SIGCHLD,), 0)
        # This one signal may stand for other children that have ended meanwhile.
        if heard and (heard.si_pid != self._pid or _others_ended()):
            os.kill(os.getpid(), _signal.SIGCHLD)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)


def _others_ended() -> bool:
    """Return whether an ended child waits to be reaped; do not reap it."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def _spawn(
    given: Sequence[Kept | None], terminals: Terminals, words: Iterable[str]
) -> _Shell | None:
    """Start the companion process by a shell, and return that unless it has ended already.

    Parameters
    ----------
    given : sequence of (Kept or None)
        The descriptors it gets, in the order in which `_companion.main` names them.
    terminals : pair of (Kept or None)
        Its stdout and stderr; ``/dev/null`` for None.
    words : iterable of str
        The rest of its arguments.

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
    argv = [*_DETACH, python, "-I", "-S", "-c", _START, _FOLDER]
    argv += [*map(str, (os.getpid(), *numbers)), *words]
    with Kept.taking(os.open(os.devnull, os.O_RDWR)) as null:
        standard = [null, *(terminal or null for terminal in terminals)]
        if moved:
            return _Shell(argv, standard + passed)
        _run(argv, standard, passed)
    return None


def _started(argv: list[str], descriptors: Sequence[Kept]) -> int:
    """Start a command whose descriptors 0, 1, 2, ... are copies of these; return its pid."""
    # Ours have high numbers: a descriptor duplicated onto its own number would stay close-on-exec.
    actions = [(os.POSIX_SPAWN_DUP2, kept.number, new) for new, kept in enumerate(descriptors)]

    def run(*, setsid: bool) -> int:
        program, environment = argv[0], os.environ
        return os.posix_spawn(
            program, argv, environment, file_actions=actions, setsigmask=_POLITE, setsid=setsid
        )

    try:
        return run(setsid=True)
    except NotImplementedError:  # no such flag on this system: the companion does it itself
        return run(setsid=False)


def _run(argv: Sequence[str], standard: Sequence[Kept], passed: Sequence[Kept]) -> None:
    """Run it to its end where Python has no `os.posix_spawn`; the numbers stay as they are."""
    import subprocess

    stdin, stdout, stderr = (kept.number for kept in standard)
    finished = subprocess.run(
        argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=[kept.number for kept in passed],
        start_new_session=True,
        check=False,
    )
    _check(finished.returncode)


def _check(status: int) -> None:
    if status:
        raise OSError(f"{_DETACH[0]} ended with status {status}")


def _own_pidfd() -> Kept | None:
    """Open a pidfd of this process, where the system has such a thing."""
    try:
        return Kept.taking(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return None


def _if_open(number: int) -> Kept | None:
    return None if identity(number) is None else Kept.copy_of(number)
