"""Run the trials of a sweep as an array of jobs of SLURM, which goes on without us."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
import time

from scitex_session._errors import UsageError
from scitex_session._lifecycle.options import SWEEP_VARIABLE
from scitex_session_core import warn

from .local import base_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .directory import SweepDirectory
    from .plan import Trial

_LARGEST_ARRAY = 1001  # SLURM's default for MaxArraySize, which no index may reach
_ASKING_S = 60
_REFUSED = (
    *("-a", "--array", "--wrap", "-Q", "--quiet", "-W", "--wait", "--test-only"),
    *("-h", "--help", "--usage", "-V", "--version"),
)
_PAUSES_S = (0.5, 10.0)  # between two looks at the queue, the first and the longest
# `exec`, since bash keeps the signals from what it waits for. The output of a trial that dies
# before its session begins is nowhere else.
_SCRIPT = """#!/bin/bash
number=$((SLURM_ARRAY_TASK_ID + {offset}))
case $number in
{cases}
esac
export {exports} {variable}='{{"id": "{sweep}", "trial": '$number'}}'
exec {command} "$@" >>{folder}/trial-$number.log 2>&1
"""


def submit(
    sweep: SweepDirectory, trials: Sequence[Trial], options: str, *, jobs: int | None = None
) -> list[str]:
    """Submit trials with ``sbatch --array``.

    Parameters
    ----------
    sweep : SweepDirectory
        The sweep.
    trials : sequence of Trial
        The trials.
    options : str
        Options of ``sbatch``, as one types them.
    jobs : int, optional
        How many trials may run at once.

    Returns
    -------
    list of str
        The number of the job; of several where the cluster allows no array of that size.

    Raises
    ------
    UsageError
        There is no ``sbatch``, or it refuses the job.

    Notes
    -----
    The batch script comes to ``sbatch`` through a pipe: on disk, it would show secrets in the
    command lines of trials.
    """
    words = _words(options)
    size = _largest_array()
    submitted: list[str] = []
    by_array = itertools.groupby(trials, lambda trial: trial.number // size)
    for offset, group in ((number * size, list(group)) for number, group in by_array):
        ours = [
            "--parsable",
            "--requeue",
            f"--job-name={sweep.script.stem}-{sweep.id}",
            f"--output={sweep.path}/slurm-%A.log",
            "--open-mode=append",
            f"--chdir={sweep.content['cwd'] or '.'}",
            # Arrays of one sweep run one after the other where their number at once is limited.
            *([f"--dependency=afterany:{submitted[-1]}"] if submitted and jobs else []),
        ]
        indices = _ranges(trial.number - offset for trial in group)
        array = f"--array={indices}{f'%{jobs}' if jobs else ''}"
        told = _ask("sbatch", *ours, *words, array, script=_script(sweep, group, offset))
        submitted.append(told.strip().partition(";")[0])
        for trial in group:
            sweep.append("submit", trial, job=f"{submitted[-1]}_{trial.number - offset}")
    return submitted


def waiting(sweep: SweepDirectory) -> dict[int, str]:
    """Return the trials that SLURM has not ended yet, by number: ``waiting`` or ``running``.

    Where SLURM does not answer, that is warned of.
    """
    tasks = _tasks(sweep)
    try:
        told = _queue(submitted_jobs(sweep)) if tasks else {}
    except UsageError as error:
        warn(f"what waits in SLURM is not known: {error}")
        return {}
    states = {"RUNNING": "running", "COMPLETING": "running"}
    return {
        tasks[task]: states.get(state, "waiting") for task, state in told.items() if task in tasks
    }


def submitted_jobs(sweep: SweepDirectory) -> list[str]:
    """Return the numbers of the jobs to which the trials of a sweep were submitted."""
    return sorted({task.partition("_")[0] for task in _tasks(sweep)})


def _tasks(sweep: SweepDirectory) -> dict[str, int]:
    """Return the trial of each task that was submitted, by job and index."""
    submitted = (event for event in sweep.events() if event.get("event") == "submit")
    return {str(event["job"]): int(event["trial"]) for event in submitted}


def wait_for_jobs(numbers: Sequence[str]) -> None:
    """Wait until jobs are over; while SLURM does not answer, too."""
    pause, longest = _PAUSES_S
    said = False
    while True:
        try:
            if not numbers or not _queue(numbers):
                return
        except UsageError as error:  # the controller is restarted
            if not said:
                warn(f"{error}; waiting goes on")
            said = True
        time.sleep(pause)
        pause = min(2 * pause, longest)


def _queue(numbers: Iterable[str]) -> dict[str, str]:
    """Return the states of the tasks of these jobs that are not over, by job and index."""
    try:
        told = _ask("squeue", "-h", "-r", "-o", "%F_%K %T", "-j", ",".join(numbers))
    except UsageError as error:
        if "Invalid job id" in str(error):  # SLURM has forgotten it
            return {}
        raise
    return dict(line.split(" ", 1) for line in told.splitlines())


def _words(options: str) -> list[str]:
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise UsageError(f"--slurm={options}: {error}") from None
    for word in words:
        if word.partition("=")[0] in _REFUSED:
            why = "a sweep is one array of jobs, whose number it has to be told at once"
            raise UsageError(f"--slurm: {word} can't be given: {why}")
    return words


def _script(sweep: SweepDirectory, trials: Iterable[Trial], offset: int) -> str:
    environment = sweep.code_environment()
    return _SCRIPT.format(
        offset=offset,
        cases="\n".join(f"{t.number}) set -- {shlex.join(t.argv)} ;;" for t in trials),
        exports=" ".join(f"{name}={shlex.quote(text)}" for name, text in environment.items()),
        variable=SWEEP_VARIABLE,
        sweep=sweep.id,
        command=shlex.join([sys.executable, str(sweep.code)]),
        folder=shlex.quote(str(sweep.path)),
    )


def _ranges(numbers: Iterable[int]) -> str:
    """Return numbers as SLURM reads them: ``1-3,7``."""

    def parts() -> Iterator[str]:
        # In a row of neighbours, number and place rise together.
        rows = itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
        for _, row in rows:
            (_, first), *rest = row
            yield f"{first}-{rest[-1][1]}" if rest else str(first)

    return ",".join(parts())


def _largest_array() -> int:
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config"))
    return int(found[1]) if found else _LARGEST_ARRAY


def _ask(*command: str, script: str | None = None) -> str:
    """Return what a program of SLURM prints.

    Raises
    ------
    UsageError
        It is not installed, fails, or does not answer.
    """
    try:
        done = subprocess.run(
            command,
            input=script,
            capture_output=True,
            text=True,
            env=base_environment(),
            timeout=_ASKING_S,
            check=False,
        )
    except FileNotFoundError:
        why = (
            f"{command[0]} is not installed, or not on the PATH: is this a machine of the cluster?"
        )
        raise UsageError(why) from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{command[0]} has not answered for {_ASKING_S} s") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines()]
        raise UsageError("; ".join(filter(None, lines)) or f"{command[0]} failed")
    return done.stdout
