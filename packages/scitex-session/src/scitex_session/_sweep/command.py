"""`scitex-session sweep`: run a script once for each combination of values."""

from __future__ import annotations

import os
import shlex
import shutil

from scitex_session._command.find import find
from scitex_session._command.ls import print_runs
from scitex_session._command.output import OK, PROGRAM, say_json
from scitex_session._errors import UsageError

from .directory import SweepDirectory, find_sweep, make_sweep
from .local import LocalRunner
from .memory import bytes_of
from .missing import done_trials
from .plan import Plan, read_plan
from .progress import Progress, note, shown_values
from .slurm import submit, submitted_jobs, wait_for_jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .directory import State
    from .plan import Trial

_SOME_FAILED = 1
_SHOWN = 10
_MISSING = "what is missing"
_ALIVE = ("running", "waiting", "lost", "unknown")


def sweep_command(
    *words: str,
    jobs: int | None = None,
    memory: str | None = None,
    zip: tuple[str, ...] = (),  # noqa: A002  # as the option is called
    slurm: str | None = None,
    wait: bool = False,
    dask: str | None = None,
    missing: bool = False,
    json: bool = False,
) -> int:
    """Run a script once for each combination of values.

    Each option of the script may have several values: --lr 1e-3 1e-2, or with commas a,b,c, or a
    range 0..4 (0..10..5 in steps of 5). An option with one value is the same for all trials. Each
    trial is a process and a run of its own; scitex-session ls --sweep ID lists them.

    Options of the sweep may stand anywhere. What stands behind -- belongs to the script, whatever
    its name: scitex-session sweep train.py -- --jobs 1 2.

    Parameters
    ----------
    words : str
        The script and its options; or a file such as sweep.yaml, which has the keys script,
        parameters, zip, jobs and memory; or the ID of a sweep, to see how it is.
    jobs : int
        How many trials run at once; also -j. One by default.
    memory : str
        What a trial needs, such as 4G: no more trials run at once than fit.
    zip : str
        Parameters whose values go together, the first with the first: lr,batch_size.
    slurm : str
        Submit the trials to SLURM, as one array, with these options of sbatch: "--mem=4G
        --time=1:00:00". The command ends once they are submitted.
    wait : bool
        With --slurm, or the ID of such a sweep, wait until the trials are over.
    dask : str
        Run the trials on the workers of this Dask scheduler, such as tcp://node7:8786; local for
        workers that are started here.
    missing : bool
        Run only what has no successful run: of this script with these arguments, or of a sweep.
    json : bool
        Print the sweep and the state of each trial as JSON.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs}: give 1 or more")
    _check_engine(slurm, dask, memory)
    options = {"jobs": jobs, "memory": memory, "slurm": slurm, "dask": dask}
    if len(words) == 1 and (missing or not os.path.isfile(words[0])):
        found = find_sweep(words[0])
        if found is not None and not missing:
            return _report(found, wait=wait, json=json)
        if found is not None:
            kept = dict(found.content["options"])
            if slurm is not None or dask or memory:
                kept.update(slurm=None, dask=None, memory=None)
            kept.update((name, value) for name, value in options.items() if value is not None)
            return _rerun(found, kept, wait=wait, json=json)
        if not os.path.splitext(words[0])[1] and not os.path.isfile(words[0]):
            raise UsageError(f"{words[0]}: there is no such sweep, and no such script")
    plan, settings = read_plan(words, zip)
    jobs = _jobs_of(settings) if jobs is None else jobs
    memory = settings.get("memory") if memory is None else memory
    options.update(jobs=jobs, memory=memory)
    if options["memory"]:
        bytes_of(str(options["memory"]))  # before anything is written
    trials = plan.trials()
    if missing:
        trials = without_done(plan, trials)
        if not trials:
            return OK
    sweep = make_sweep(plan, trials, options=options, command=[PROGRAM, "sweep", *words])
    shape = _MISSING if missing else plan.shape()
    try:
        return _run(sweep, trials, options, shape=shape, wait=wait, json=json)
    except UsageError:
        if not sweep.events():  # what was asked for can't be: nothing has begun
            shutil.rmtree(sweep.path, ignore_errors=True)
        raise


def _check_engine(slurm: str | None, dask: str | None, memory: str | None) -> None:
    if slurm is not None and dask is not None:
        raise UsageError("--slurm and --dask can't be given together")
    if memory and slurm is not None:
        raise UsageError(f"--memory {memory}: SLURM looks after memory: --slurm=--mem={memory}")
    if memory and dask is not None:
        raise UsageError(f"--memory {memory} can't be given with --dask, which has no such limit")


def _jobs_of(settings: Mapping[str, str]) -> int | None:
    text = settings.get("jobs")
    if text is None:
        return None
    if not text.isdecimal() or not int(text):
        raise UsageError(f"jobs {text}: give a whole number, 1 or more")
    return int(text)


def without_done(plan: Plan, trials: list[Trial]) -> list[Trial]:
    """Return the trials that have no successful run, numbered anew; say what the others have."""
    done = done_trials(plan.script, trials)
    left = [trial for trial in trials if trial.number not in done]
    have = "has" if len(done) == 1 else "have"
    said = f"{len(done)} of {_trials(len(trials))} {have} a successful run"
    if changed := [names for names in done.values() if names]:
        files = ", ".join(dict.fromkeys(name for names in changed for name in names))
        said += f" ({len(changed)} with other code: {files} changed since)"
    note(f"{said}; {_trials(len(left))} to run")
    return [trial._replace(number=number) for number, trial in enumerate(left, start=1)]


def _rerun(sweep: SweepDirectory, options: Mapping[str, object], *, wait: bool, json: bool) -> int:
    states = sweep.states()
    trials = [trial for trial in sweep.trials if not states[trial.number].is_done]
    alive = [t for t in trials if states[t.number].status in _ALIVE]
    if alive:
        note(f"left alone, as waiting or running for all that is known: {_numbers(alive)}")
    left = [trial for trial in trials if trial not in alive]
    if not left:
        note(f"sweep {sweep.id}: nothing {'else ' if alive else ''}is missing")
        return OK
    for place in (sweep.script, sweep.content["cwd"]):
        if place and not os.path.exists(place):
            raise UsageError(f"sweep {sweep.id} can't go on: {place} is gone")
    return _run(sweep, left, options, shape=_MISSING, wait=wait, json=json)


def _report(sweep: SweepDirectory, *, wait: bool, json: bool) -> int:
    """Tell how a sweep is."""
    if wait:
        _wait_for(submitted_jobs(sweep))
    states = sweep.states()
    if json:
        say_json(described(sweep, states))
    else:
        show(sweep, states)
    return _SOME_FAILED if _has_missing(states) else OK


def _has_missing(states: Mapping[int, State]) -> bool:
    return any(not state.is_done and state.status not in _ALIVE for state in states.values())


def _run(
    sweep: SweepDirectory,
    trials: Sequence[Trial],
    options: Mapping[str, object],
    *,
    shape: str,
    wait: bool,
    json: bool,
) -> int:
    slurm, signum, refused = options.get("slurm"), None, None
    if wait and slurm is None:
        raise UsageError("--wait goes with --slurm; options of the script stand behind --")
    if slurm is None:
        signum, refused = run_trials(sweep, trials, options, shape=shape)
    elif not _submit(sweep, trials, options, shape=shape, wait=wait):
        if json:
            say_json(described(sweep, sweep.states()))
        return OK
    states = sweep.states()
    if json:
        say_json(described(sweep, states))
    else:
        show(sweep, states, is_shown=refused is not None)
    if signum is not None:
        return 128 + signum
    if refused is not None:
        return refused
    return OK if all(states[trial.number].is_done for trial in trials) else _SOME_FAILED


def _submit(
    sweep: SweepDirectory,
    trials: Sequence[Trial],
    options: Mapping[str, object],
    *,
    shape: str,
    wait: bool,
) -> bool:
    """Submit trials to SLURM, and tell whether they are over."""
    sweep.freeze()
    numbers = submit(sweep, trials, str(options["slurm"]), jobs=_at_once(options))
    job = f"job{'s' * (len(numbers) > 1)} {', '.join(numbers)} of SLURM"
    note(f"sweep {sweep.id}: {_what(sweep, trials, shape)}, {job}")
    if wait:
        _wait_for(numbers)
    return wait


def _wait_for(numbers: Sequence[str]) -> None:
    try:
        wait_for_jobs(numbers)
    except KeyboardInterrupt:
        note(f"the trials go on; scancel {' '.join(numbers)} ends them")
        raise


def run_trials(
    sweep: SweepDirectory,
    trials: Sequence[Trial],
    options: Mapping[str, object],
    *,
    shape: str,
) -> tuple[int | None, int | None]:
    """Run trials of a sweep here or on Dask, and show how far they are.

    Parameters
    ----------
    sweep : SweepDirectory
        The sweep.
    trials : sequence of Trial
        Those that run.
    options : mapping
        ``jobs``, ``memory`` and ``dask``.
    shape : str
        What makes the trials, in words.

    Returns
    -------
    int or None
        The number of the signal that stopped the sweep.
    int or None
        The exit status, where the first trial failed and left no run on record.
    """
    memory, dask, at_once = options.get("memory"), options.get("dask"), _at_once(options)
    sweep.freeze()
    progress = Progress(sweep, len(trials))
    runner: LocalRunner
    if dask is not None:
        from .dask import DaskRunner

        runner = DaskRunner(sweep, str(dask), jobs=at_once, ended=progress.ended)
    else:
        at_once = at_once or 1
        needed = None if memory is None else bytes_of(str(memory))
        runner = LocalRunner(sweep, jobs=at_once, memory=needed, ended=progress.ended)
    many = f", {at_once} at a time" if at_once else ""
    where = " on Dask" if dask else ""
    note(f"sweep {sweep.id}: {_what(sweep, trials, shape)}{many}{where}")
    with progress:
        return runner.run(trials), progress.refused


def _at_once(options: Mapping[str, object]) -> int | None:
    jobs = options.get("jobs")
    return int(str(jobs)) if jobs else None


def _what(sweep: SweepDirectory, trials: Sequence[Trial], shape: str) -> str:
    return f"{_trials(len(trials))} of {sweep.script.name}" + (f": {shape}" if shape else "")


def described(sweep: SweepDirectory, states: Mapping[int, State]) -> dict[str, object]:
    """Return what is told of a sweep as JSON."""
    told = sweep.content["trials"]
    return {
        "id": sweep.id,
        "directory": os.fspath(sweep.path),
        "script": os.fspath(sweep.script),
        "trials": [
            {
                "trial": number,
                "argv": shlex.split(told[number - 1]["argv"]),
                "status": state.status,
                "exit_status": state.exit_status,
                "run": None if state.run is None else state.run["id"],
                "results": {} if state.run is None else state.run["results"],
            }
            for number, state in states.items()
        ],
    }


def show(sweep: SweepDirectory, states: Mapping[int, State], *, is_shown: bool = False) -> None:
    """Print the runs of a sweep as a table, and what has none; of that, its last words."""
    if any(state.run for state in states.values()):
        found = find(where={"sweep": sweep.id.upper()}, sort="trial")
        print_runs(found, "trial")
    counts: dict[str, list[int]] = {}
    for number, state in states.items():
        counts.setdefault(state.status, []).append(number)
    for number in [n for n, s in states.items() if s.run is None and s.status == "failed"][:_SHOWN]:
        values = shown_values(sweep.content["trials"][number - 1]["values"])
        code = states[number].exit_status  # which SLURM alone knows of its tasks
        why = "failed, without a run on record" + (f", exit status {code}" if code else "")
        if not is_shown and (words := sweep.last_line(number)):
            why += f": {words}"
        note(f"trial {number}{values}: {why}; its output is in {sweep.output_path(number)}")
    said = ", ".join(f"{len(numbers)} {status}" for status, numbers in counts.items())
    again = f"; run what is missing: {PROGRAM} sweep --missing {sweep.id}"
    done = all(state.is_done for state in states.values())
    note(f"sweep {sweep.id}: {said}{again if _has_missing(states) else ''}")
    if done and not sweep.is_unsaved and not any(state.run for state in states.values()):
        why = "does it call its function, without arguments? With argparse, that is stx.run"
        note(f"{sweep.script.name} recorded no session: {why}")


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"


def _numbers(trials: Sequence[Trial]) -> str:
    numbers = ", ".join(str(trial.number) for trial in trials[:_SHOWN])
    more = "" if len(trials) <= _SHOWN else f" and {len(trials) - _SHOWN} more"
    return f"{'trial' if len(trials) == 1 else 'trials'} {numbers}{more}"
