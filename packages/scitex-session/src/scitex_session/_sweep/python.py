"""`main.sweep(lr=[...], jobs=4)`: a sweep from Python."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping

from scitex_session._command.find import runs
from scitex_session._command_line.session_options import PREFIX
from scitex_session._command_line.signature import VAR_KEYWORD, name_of, namespace_of, parameters_of
from scitex_session._config.script import notebook_here, script_of
from scitex_session._errors import UnsuitableFunctionError, UsageError
from scitex_session._suggest import did_you_mean

from .command import run_trials, without_done
from .directory import make_sweep
from .memory import bytes_of
from .plan import Plan, text_of, zip_groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    import pandas as pd

    from .directory import SweepDirectory


class Sweep:
    """A sweep that has run.

    Attributes
    ----------
    id : str
        Its ID.
    directory : Path
        Where it is kept.
    """

    def __init__(self, directory: SweepDirectory) -> None:
        self._directory = directory
        self.id = directory.id
        self.directory: Path = directory.path

    @property
    def failed(self) -> list[int]:
        """The numbers of the trials that have no success: they failed, or did not run."""
        return [n for n, state in self._directory.states().items() if not state.is_done]

    def runs(self) -> pd.DataFrame:
        """Return its runs as a table, in the order of the trials: see `scitex_session.runs`."""
        return runs(where={"sweep": self.id}, sort="trial")

    def __repr__(self) -> str:
        states = self._directory.states().values()
        failed = sum(not state.is_done for state in states)
        return f"<sweep {self.id}: {len(states)} trials, {failed} without success>"


def sweep(
    func: Callable[..., Any],
    parameters: Mapping[str, Any] | None = None,
    /,
    *,
    jobs: int = 1,
    memory: str | int | None = None,
    zip: str | Sequence[str] | Sequence[Sequence[str]] = (),  # noqa: A002  # as the option is called
    missing: bool = False,
    **more: Any,
) -> Sweep:
    """Run the script of a function once for each combination of values.

    Parameters
    ----------
    func : callable
        The function that the script runs as a session.
    parameters : mapping, optional
        Values by names that Python or this function can't take as keywords: ``{"jobs": [1, 2]}``,
        ``{"model.depth": [2, 4]}``, ``{"session.seed": range(5)}``.
    jobs : int
        How many trials run at once.
    memory : str or int, optional
        What a trial needs, such as ``"4G"`` or a number of bytes.
    zip : str or sequence
        Names of parameters whose values go together, or several such groups.
    missing : bool
        Run only what has no successful run of the script with these arguments.
    **more
        The values of each parameter. What can be iterated over, but for texts and mappings, is
        several values; anything else is the same for all trials.

    Returns
    -------
    Sweep

    Raises
    ------
    UsageError
        There is no such parameter, or a command line can't give a value.
    UnsuitableFunctionError
        The function does not stand in a script that a trial can run.
    """
    script = script_of(namespace_of(func))
    if script is None or script == notebook_here() or script.suffix != ".py":
        why = "a sweep runs its script once for each trial, so it must stand in a file of Python"
        raise UnsuitableFunctionError(name_of(func), why)
    values = {**(parameters or {}), **more}
    _check_names(func, values)
    if jobs < 1:
        raise UsageError(f"jobs {jobs!r}: give 1 or more")
    settings = {"jobs": jobs, "memory": None if memory is None else str(memory)}
    if memory is not None:
        bytes_of(str(memory))  # before anything is written
    options = {f"--{name}": _texts(name, v) for name, v in values.items()}
    plan = Plan(script, (), options, zip_groups(zip))
    trials = plan.trials()
    if missing:
        trials = without_done(plan, trials)
    made = make_sweep(plan, trials, options=settings, command=[f"{name_of(func)}.sweep"])
    signum, _ = run_trials(made, trials, settings, shape=plan.shape())
    if signum is not None:  # the trials have ended; now it is the turn of this process
        signal.raise_signal(signum)
    return Sweep(made)


def _check_names(func: Callable[..., Any], values: Mapping[str, Any]) -> None:
    parameters = parameters_of(func)
    if any(p.kind == VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if not p.injected]
    for name in values:
        if name.partition(".")[0] not in known and not f"--{name}".startswith(PREFIX):
            hint = did_you_mean(name, known)
            raise UsageError(f"{name_of(func)} has no parameter {name}{hint}")


def _texts(name: str, value: Any) -> list[str]:
    one = isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable)
    if one or getattr(value, "ndim", 1) == 0:  # an array of numpy may be a single number
        return [text_of(value)]
    texts = [text_of(each) for each in value]
    if not texts:
        raise UsageError(f"{name} has no values")
    return texts
