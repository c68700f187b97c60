"""Run the trials of a sweep here, each as a process of its own, a few at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from scitex_session._cluster.ranks import RANK_VARIABLES
from scitex_session._command.output import size
from scitex_session._errors import tolerated
from scitex_session._lifecycle.options import RUN_VARIABLE, SWEEP_VARIABLE
from scitex_session_core import identify, warn

from .memory import available_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import FrameType
    from typing import IO, Any

    from .directory import SweepDirectory
    from .plan import Trial

_SAME_CTRL_C_S = 0.5
_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
_PATIENCE_S = 10.0
_LAST_WORDS_S = 1.0
_KEPT_OUTPUT = 1 << 16
# The run that calls `main.sweep` is no parent to be joined, or gone on from, by a trial.
_NOT_FOR_TRIALS = (*RANK_VARIABLES, RUN_VARIABLE, "SCITEX_SESSION_RESUME")


class Ended(NamedTuple):
    """A trial that has ended.

    Attributes
    ----------
    trial : Trial
        The trial.
    exit_status : int
        The exit status of its process; of one that a signal killed, minus its number.
    duration_s : float
        How long it took.
    output : bytes
        The end of what it wrote.
    """

    trial: Trial
    exit_status: int
    duration_s: float
    output: bytes


def base_environment() -> dict[str, str]:
    """Return our environment for trials: they are no ranks of a job that the sweep may run in."""
    return {n: value for n, value in os.environ.items() if n not in _NOT_FOR_TRIALS}


def start_process(
    sweep: SweepDirectory, trial: Trial, before: Sequence[str] = (), **variables: str
) -> subprocess.Popen[bytes]:
    """Start the process of a trial, by a command that stands before its own, if one is given.

    It works where the sweep was made, so that paths on its command line mean the same to all.
    """
    told = {SWEEP_VARIABLE: json.dumps({"id": sweep.id, "trial": trial.number})}
    return subprocess.Popen(
        [*before, sys.executable, os.fspath(sweep.code), *trial.argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=sweep.content["cwd"] or None,
        env={**base_environment(), **sweep.code_environment(), **told, **variables},
        process_group=0,
    )


def wait_for(process: subprocess.Popen[bytes], trial: Trial) -> Ended:
    """Wait for the end of a trial that has just been started."""
    began = time.monotonic()
    output = bytearray()
    # A child that outlives the trial may hold the pipe for hours.
    reader = threading.Thread(target=_keep_end, args=(process.stdout, output), daemon=True)
    reader.start()
    status = process.wait()
    took = time.monotonic() - began
    reader.join(_LAST_WORDS_S)
    return Ended(trial, status, took, bytes(output))


class LocalRunner:
    """Runs trials as processes of this machine.

    Parameters
    ----------
    sweep : SweepDirectory
        The sweep.
    jobs : int
        How many trials may run at once.
    ended : callable
        Called with each trial that has ended. If it returns True, the sweep is stopped.
    memory : int, optional
        The bytes that a trial needs. No more trials are started than fit.

    Notes
    -----
    A trial is a process group of its own, so that Ctrl-C reaches the sweep alone, which passes it
    on. If the sweep is killed, trials that run go on to their end, and no others are started.
    """

    def __init__(
        self,
        sweep: SweepDirectory,
        *,
        jobs: int,
        ended: Callable[[Ended], bool],
        memory: int | None = None,
    ) -> None:
        self._sweep = sweep
        self._memory = memory
        self._jobs = jobs
        if memory is not None:
            self._jobs = min(jobs, self._jobs_that_fit(memory))
        self._ended = ended
        # A thread for each trial puts its end here, and a signal handler its signal.
        self._news: SimpleQueue[Ended | int] = SimpleQueue()
        self._running: dict[int, Any] = {}
        self._is_stopping = False
        self._stopped_by: int | None = None
        self._stopped_at = 0.0
        self._deadline: float | None = None

    def run(self, trials: Iterable[Trial]) -> int | None:
        """Run trials, and return the number of the signal that stopped them, if one did."""
        waiting = deque(trials)
        with self._sweep.being_run(), self._signals():
            while waiting or self._running:
                while waiting and len(self._running) < self._jobs and self._is_room():
                    self._start(waiting)
                self._take_news()
                if self._is_stopping:
                    waiting.clear()
        return self._stopped_by

    def _start(self, waiting: deque[Trial]) -> None:
        trial = waiting.popleft()
        try:
            self._running[trial.number] = self.start(trial)
        except OSError:  # too many processes of this user, for now
            if not self._running:
                raise
            waiting.appendleft(trial)
            self._jobs = len(self._running)

    def start(self, trial: Trial) -> Any:
        """Start a trial whose end will be told to `has_ended`, and return what it is known by."""
        process = start_process(self._sweep, trial)
        with tolerated("recording the start of a trial"):
            self._sweep.append("start", trial, process=identify(process.pid))
        threading.Thread(
            target=lambda: self.has_ended(wait_for(process, trial)), daemon=True
        ).start()
        return process

    def has_ended(self, ended: Ended) -> None:
        """Take note of the end of a trial, from any thread."""
        self._news.put(ended)

    def _take_news(self) -> None:
        """Wait for the end of a trial, a signal, or the time when patience ends."""
        left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0)
        try:
            news = self._news.get(timeout=left)
        except Empty:
            self._deadline = None
            self.send(signal.SIGKILL)
            return
        if isinstance(news, Ended):
            del self._running[news.trial.number]
            # Or one whose run is removed later would look like one that needs none.
            recorded = self._sweep.has_run(news.trial.number)
            with tolerated("recording the end of a trial"):
                self._sweep.append(
                    "end", news.trial, exit_status=news.exit_status, recorded=recorded
                )
            if self._ended(news):
                self._stop(signal.SIGTERM)
        elif self._is_stopping:
            # A second Ctrl-C. What comes at once is the same one: timeout(1) and launchers signal a
            # process and its group.
            if time.monotonic() - self._stopped_at > _SAME_CTRL_C_S:
                self.send(signal.SIGKILL)
        else:
            self._stopped_by = news
            self._stop(news)

    def _stop(self, signum: int) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._stopped_at = time.monotonic()
            self._deadline = time.monotonic() + _PATIENCE_S
            self.send(signum)

    def send(self, signum: int) -> None:
        """Send a signal to all trials that run."""
        for process in self._running.values():
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signum)

    def _is_room(self) -> bool:
        if self._memory is None or not self._running:
            return True
        left = available_memory()
        return left is None or left >= self._memory

    def _jobs_that_fit(self, memory: int) -> int:
        left = available_memory()
        if left is None:
            warn("how much memory is available is not known here: memory is not looked at")
            return self._jobs
        if left < memory:
            warn(f"one trial needs {size(memory)}, and {size(left)} are available: one at a time")
        return max(left // memory, 1)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take note of signals that end the sweep, which has to end its trials first."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
            self._news.put(signum)

        numbers = [getattr(signal, name) for name in _STOPPING if hasattr(signal, name)]
        # One that is ignored (SIGHUP under nohup) stays ignored.
        found = {n: h for n in numbers if (h := signal.getsignal(n)) is not signal.SIG_IGN}
        for number in found:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in found.items():
                signal.signal(number, handler)


def _keep_end(stream: IO[bytes], output: bytearray) -> None:
    with stream:
        while piece := os.read(stream.fileno(), _KEPT_OUTPUT):
            output += piece
            del output[:-_KEPT_OUTPUT]
