"""Run the trials of a sweep on the workers of Dask, each as a process of its own there."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from copy import copy
from datetime import UTC, datetime

from scitex_session._errors import UsageError, tolerated
from scitex_session_core import SessionManager, identify

from .local import Ended, LocalRunner, start_process, wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from distributed import Client, Future

    from .directory import SweepDirectory
    from .plan import Trial

_LOCAL = "local"
_PAUSE_S = 0.2
# A Ctrl-C in the terminal reaches the workers as well, which would end before their trials. A
# handler, since a trial would inherit that it is ignored.
_KEEP_WORKERS = "import signal; signal.signal(signal.SIGINT, lambda *_: None)"
# A trial must not outlive its worker: Dask starts it again elsewhere. So the kernel sends it
# SIGTERM when the thread that waits for it ends, from before its own program begins.
_WITH_PARENT = """import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(parent): sys.exit("the worker of Dask has ended")
os.execv(command[0], command)
"""
# In a worker: which sweeps are stopped, by ID and by when it ran, since what is missing may run
# later in the same worker; and the trials that run.
_stopped: set[tuple[str, datetime]] = set()
_running: dict[tuple[str, int], subprocess.Popen[bytes]] = {}


class DaskRunner(LocalRunner):
    """Runs trials on the workers of Dask.

    Parameters
    ----------
    sweep : SweepDirectory
        The sweep. Workers on other machines must see its directory under the same path.
    address : str
        The address of a scheduler, or ``"local"`` for workers that are started here.
    jobs : int or None
        How many trials may run at once; None for as many as the workers have threads.
    ended : callable
        Called with each trial that has ended. If it returns True, the sweep is stopped.

    Raises
    ------
    UsageError
        Dask is not installed.

    Notes
    -----
    If a worker dies, Dask gives its trials to others, where their runs are resumed.
    """

    def __init__(
        self,
        sweep: SweepDirectory,
        address: str,
        *,
        jobs: int | None,
        ended: Callable[[Ended], bool],
    ) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError:
            why = "needs Dask: python -m pip install 'distributed>=2025.1'"
            raise UsageError(f"--dask {address} {why}") from None
        workers = jobs or os.cpu_count() or 1
        super().__init__(
            sweep, jobs=workers if address == _LOCAL else jobs or sys.maxsize, ended=ended
        )
        # With each trial goes the sweep, but for the list of its trials, which may be long.
        self._sent = copy(sweep)
        self._sent.content = {name: sweep.content[name] for name in ("id", "script", "cwd")}
        self._address = address
        self._workers = workers
        self._client: Client | None = None
        self._began = datetime.now(UTC)
        # Where the runs are registered and lie is the same there as here.
        self._variables = {n: v for n, v in os.environ.items() if n.startswith("SCITEX_SESSION_")}

    def run(self, trials: Iterable[Trial]) -> int | None:
        """Run trials, and return the number of the signal that stopped them, if one did.

        Raises
        ------
        UsageError
            The scheduler does not answer.
        """
        with ExitStack() as stack:
            self._client = self._connect(stack)
            return super().run(trials)

    def start(self, trial: Trial) -> Future:
        """Give a trial to Dask."""
        assert self._client is not None
        future = self._client.submit(
            run_trial,
            self._sent,
            trial,
            self._began,
            self._variables,
            key=f"{self._sweep.id}-{trial.number}-{self._began.isoformat()}",
            pure=False,
        )
        future.add_done_callback(lambda future: self.has_ended(_ended(trial, future)))
        return future

    def send(self, signum: int) -> None:
        """Send a signal to all trials that run; of those that wait, none will begin."""
        assert self._client is not None
        with tolerated("stopping the trials on the workers"):
            self._client.run(stop_trials, self._sweep.id, self._began, signum)

    def _connect(self, stack: ExitStack) -> Client:
        import logging

        from distributed import Client, LocalCluster

        address: Any = self._address
        if address == _LOCAL:
            # The memory of a worker is no limit for a process beside it, and nobody looks at a
            # page of its own; a worker that dies is told of by its trials.
            cluster = LocalCluster(
                n_workers=self._workers,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
                preload=[_KEEP_WORKERS],
            )
            address = stack.enter_context(cluster)
        try:
            return stack.enter_context(Client(address, set_as_default=False))
        except (OSError, ValueError) as error:
            raise UsageError(f"--dask {self._address}: {error}") from None


def run_trial(
    sweep: SweepDirectory, trial: Trial, began: datetime, variables: dict[str, str]
) -> Ended:
    """Run a trial, in a worker, and return how it ended.

    A worker before this one may have died with the trial, or may only have lost the scheduler, and
    still run it: what it began is waited for, and resumed if it was broken off.
    """
    earlier = _earlier_run(sweep, trial, began)
    if earlier is not None and not _is_broken_off(earlier):
        return Ended(trial, earlier["exit_code"] or 0, _duration_of(earlier), b"")
    if (sweep.id, began) in _stopped:
        return Ended(trial, -signal.SIGTERM, 0.0, b"")
    if earlier is not None and earlier["status"] in ("failed", "crashed"):
        variables = {**variables, "SCITEX_SESSION_RESUME": earlier["id"]}
    guard = []
    if sys.platform == "linux":
        guard = [sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid())]
    process = start_process(sweep, trial, guard, **variables)
    with tolerated("recording the start of a trial"):
        sweep.append("start", trial, process=identify(process.pid))
    _running[sweep.id, trial.number] = process
    try:
        return wait_for(process, trial)
    finally:
        del _running[sweep.id, trial.number]


def stop_trials(sweep_id: str, began: datetime, signum: int) -> None:
    """Send a signal to the trials of a sweep that run in this worker; start no others."""
    _stopped.add((sweep_id, began))
    for (sweep, _), process in tuple(_running.items()):
        if sweep == sweep_id and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signum)


def _ended(trial: Trial, future: Future) -> Ended:
    """Return how a trial ended; or that Dask gave it up, after too many workers died with it."""
    if future.status == "finished":
        ended: Ended = future.result()
        return ended
    error = future.exception() if future.status == "error" else "the scheduler has dropped it"
    return Ended(trial, -signal.SIGKILL, 0.0, f"Dask: {error}\n".encode())


def _earlier_run(sweep: SweepDirectory, trial: Trial, began: datetime) -> dict[str, Any] | None:
    """Return the run that a worker before this one has begun, once it is over."""
    manager = SessionManager()
    filters = {"sweep": sweep.id, "trial": trial.number, "start_time": (">=", began)}
    while True:
        found: Sequence[dict[str, Any]] = manager.select(filters, sort="-start_time", limit=1)
        if not found or found[0]["status"] != "running":
            return found[0] if found else None
        time.sleep(_PAUSE_S)


def _is_broken_off(run: dict[str, Any]) -> bool:
    """Tell whether a run ended with its worker, and not by itself."""
    if run["status"] in ("crashed", "lost", "unknown"):
        return True
    return run["status"] == "failed" and run["exit_code"] in (None, 128 + signal.SIGTERM)


def _duration_of(run: dict[str, Any]) -> float:
    begin, end = run["start_time"], run["end_time"]
    return (end - begin).total_seconds() if begin and end else 0.0
