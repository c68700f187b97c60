"""Tell a run that its job is about to end, so that it can save and leave.

Before a job of SLURM ends, its processes get a signal: SIGTERM at a time limit, a preemption or
``scancel``, and earlier what ``sbatch --signal`` names, mostly SIGUSR1, which would kill Python.
"""

from __future__ import annotations

import os
import signal

from scitex_session_core import append_event, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from scitex_session_core import RunDir

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
# Those of the runs of this process, innermost last.
_stops: list[Stop] = []


def stopping() -> bool:
    """Tell whether the scheduler has asked the running session to stop.

    Returns
    -------
    bool
        Whether SIGUSR1, SIGUSR2 or SIGTERM has come in a job of SLURM.

    Notes
    -----
    The first call says that the script asks: from then on, SIGTERM does not end the session by
    itself. A function that returns after this was True has the status ``failed`` and the reason
    ``stopped``, and its process exits with 75: its work may be unfinished, and `--session.resume`
    or a requeue of the job goes on with it. Elsewhere than in a job of SLURM, and outside of a
    session, this is False.

    Examples
    --------
    >>> import scitex_session as stx
    >>> @stx.session
    ... def train():
    ...     for epoch in range(10):
    ...         if stx.stopping():
    ...             return  # having saved a checkpoint in stx.checkpoint_dir
    """
    return bool(_stops) and _stops[-1].ask()


class Stop:
    """The request to stop that a scheduler may send to a run of this process.

    Parameters
    ----------
    directory : RunDir
        The run directory, for the event.
    """

    def __init__(self, directory: RunDir) -> None:
        self._directory = directory
        self._owner = os.getpid()
        self._signum: int | None = None
        self._is_asked_for = False
        self._is_seen = False
        self._installed: list[int] = []
        try:
            for signum in _SIGNALS:
                if signal.getsignal(signum) == signal.SIG_DFL and not _is_caught(signum):
                    signal.signal(signum, self._handle)
                    self._installed.append(signum)
        except ValueError:  # not in the main thread, where alone Python allows it
            pass
        _stops.append(self)

    @property
    def signum(self) -> int | None:
        """The signal that asked the script to stop, if the script has learnt of it."""
        return self._signum if self._is_seen else None

    def ask(self) -> bool:
        """Tell the script whether it is to stop."""
        self._is_asked_for = True
        self._is_seen = self._signum is not None
        return self._is_seen

    def takes(self, signum: int) -> bool:
        """Take a SIGTERM as a request to stop; tell whether the script asks for such."""
        if self._is_asked_for:
            self._handle(signum, None)
        return self._is_asked_for

    def release(self) -> None:
        """Put back the dispositions that were found."""
        _stops[:] = [each for each in _stops if each is not self]
        for signum in self._installed:
            if signal.getsignal(signum) == self._handle:
                signal.signal(signum, signal.SIG_DFL)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        is_new = self._signum is None
        self._signum = self._signum or int(signum)
        if not is_new or os.getpid() != self._owner:
            return
        # At once: what comes next may be SIGKILL.
        try:
            name = signal.Signals(signum).name
            append_event(self._directory, "signal", signal=int(signum), name=name)
        except Exception as error:  # noqa: BLE001  # trouble of ours must not end the run
            warn(f"the signal could not be recorded: {error}")


def _is_caught(signum: int) -> bool:
    """Tell whether C code handles a signal, such as `faulthandler`: Python knows nothing of it."""
    return bool(_caught_by("self") >> (signum - 1) & 1)


def _caught_by(pid: int | str) -> int:
    """Return the signals that a process handles, as a mask; 0 where that can't be known."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith(b"SigCgt:")), 0)


def warn_if_batch_script_keeps_signals() -> None:
    """Warn if the signals of this job end at its batch script, which waits for this process.

    SLURM sends the signals of a job without steps to the shell that runs the batch script. A shell
    that has no trap dies of them, and this process is killed with it, unasked.
    """
    if "SLURM_STEP_ID" in os.environ:  # `srun` passes signals on
        return
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return
    is_script = any(os.path.basename(word) == b"slurm_script" for word in words)
    wanted = (signal.SIGTERM, *_SIGNALS)
    if is_script and not any(_caught_by(parent) >> (each - 1) & 1 for each in wanted):
        warn(
            "the batch script keeps the signals of this job from Python: at the time limit it "
            "is killed without notice. Start it with `exec python ...` or `srun python ...`"
        )
