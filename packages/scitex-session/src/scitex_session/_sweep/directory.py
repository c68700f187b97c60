"""A sweep on disk: what it runs, and what has been started and has ended.

``sweep.json`` is written once, before the first trial. ``trials.jsonl`` gets a line at each start
and each end of a trial. How the run of a trial ended is told by its own record.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from scitex_session._command_line.session_options import VARIABLE_PREFIX, YES
from scitex_session._errors import UsageError, tolerated
from scitex_session_core import (
    MASK,
    SessionManager,
    identify,
    jsonable,
    liveness,
    locate_run,
    new_id,
    new_record,
    out_dir_for,
    out_dir_of_kept,
    warn,
    write_atomic,
)

from .frozen import FROZEN, freeze, frozen_environment
from .plan import Trial, parameter_name
from .slurm import waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from scitex_session._config.frozen import Frozen

    from .plan import Plan

SWEEPS = "SWEEPS"
NOT_RUN = "not run"
REMOVED = "removed"
_STATUS_OF_PROCESS = {"alive": "running", "dead": "crashed", "unknown": "unknown"}
_REQUEUED = ("failed", "crashed", "lost", "unknown")  # what a run may be whose job begins again
_SWEEP_NAME = "sweep.json"
_TRIALS_NAME = "trials.jsonl"
_LONGEST_LINE = 2000
_OF_RECORD = ("schema", "id", "script", "argv", "cwd", "started", "process", "python", "git")


class State(NamedTuple):
    """What is known of a trial.

    Attributes
    ----------
    status : str
        That of its run; of a trial without one, what its process tells, `NOT_RUN`, or `REMOVED`
        where it had one.
    exit_status : int or None
        The exit status, where it is known.
    run : dict or None
        Its run, in the form of `SessionManager.get_session`.
    """

    status: str
    exit_status: int | None
    run: dict[str, Any] | None

    @property
    def is_done(self) -> bool:
        """Whether it need not run again."""
        return self.status in ("success", "finished")


class SweepDirectory:
    """The directory of a sweep, ``<script>_out/SWEEPS/<ID>``.

    Parameters
    ----------
    path : Path
        The directory.
    content : mapping
        What ``sweep.json`` says.
    frozen : Frozen, optional
        The code that trials run, if it is frozen already.

    Attributes
    ----------
    id : str
        The ID of the sweep.
    path, content, frozen
        As they were given; ``frozen`` once the code was frozen.
    """

    def __init__(
        self, path: Path, content: Mapping[str, Any], frozen: Frozen | None = None
    ) -> None:
        self.path = path
        self.content = content
        self.id = str(content["id"])
        self.frozen = frozen

    @property
    def script(self) -> Path:
        """The script."""
        return Path(self.content["script"])

    def freeze(self) -> None:
        """Have trials run the code as it is now, whatever happens to it until they begin.

        What a trial sweeps is frozen already, with its own code.
        """
        if self.frozen is not None:
            return
        number = 1
        while (folder := self.path / FROZEN / str(number)).exists():
            number += 1
        try:
            self.frozen = freeze(self.script, folder)
        except OSError as error:
            why = f"trials run {self.script} as it is when they begin: {error}"
            warn(f"the code is not frozen, {why}")
            return
        for note in self.frozen.facts()["notes"]:
            warn(note)

    @property
    def code(self) -> Path:
        """The copy of the script that trials run; the script itself where it was not frozen."""
        return self.script if self.frozen is None else self.frozen.place(self.script)

    def code_environment(self) -> dict[str, str]:
        """Return the variables by which a trial runs frozen code."""
        return {} if self.frozen is None else frozen_environment(self.frozen)

    @property
    def trials(self) -> list[Trial]:
        """The trials.

        Raises
        ------
        UsageError
            A secret in a command line was masked, so that the trial can't be run again.
        """
        if any(MASK in told["argv"] for told in self.content["trials"]):
            why = "its command lines had secrets, which are masked on disk; give all options again"
            raise UsageError(f"sweep {self.id}: {why}")
        return [
            Trial(number, tuple(shlex.split(told["argv"])), told["values"])
            for number, told in enumerate(self.content["trials"], start=1)
        ]

    @property
    def is_unsaved(self) -> bool:
        """Whether it was asked to leave no run on record, by the option ``no_save``."""
        asked = [os.environ.get(f"{VARIABLE_PREFIX}NO_SAVE", "")]
        for option, values in self.content["parameters"].items():
            if parameter_name(option) == "session.no_save":
                asked = [*values] or [YES[0]]
        return asked[-1].casefold() in YES

    @contextmanager
    def being_run(self) -> Iterator[None]:
        """Have others know that trials without a run will still start, as long as we live."""
        with tolerated("recording that the sweep runs"):
            self._append("run", process=identify())
        try:
            yield
        finally:
            with tolerated("recording that the sweep has ended"):
                self._append("over")

    def append(self, event: str, trial: Trial, **fields: Any) -> None:
        """Append a line to ``trials.jsonl``: a trial starts, or ends.

        Raises
        ------
        OSError
            It can't be written.
        """
        self._append(event, trial=trial.number, **fields)

    def _append(self, event: str, **fields: Any) -> None:
        from datetime import UTC, datetime

        time = datetime.now(UTC).isoformat(timespec="microseconds")
        line = {"event": event, "time": time, **fields}
        with open(self.path / _TRIALS_NAME, "ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of ``trials.jsonl``; a torn one is skipped."""
        found = []
        try:
            lines = (self.path / _TRIALS_NAME).read_bytes().split(b"\n")
        except FileNotFoundError:  # no trial has started
            return []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def runs(self) -> dict[int, dict[str, Any]]:
        """Return the run of each trial that has one, by the number of the trial.

        Of several runs of one trial, it is a success, or else the last that began.
        """
        found: dict[int, dict[str, Any]] = {}
        for session in SessionManager().select({"sweep": self.id}, sort="start_time"):
            number = session["sweep"]["trial"]
            if number not in found or found[number]["status"] != "success":
                found[number] = session
        return found

    def has_run(self, number: int) -> bool:
        """Tell whether a run of a trial is on record; False where that can't be told."""
        with tolerated("looking for the run of a trial"):
            return bool(SessionManager().select({"sweep": self.id, "trial": number}, limit=1))
        return False

    def states(self) -> dict[int, State]:
        """Return what is known of each trial now, by its number."""
        started: dict[int, Any] = {}
        ended: dict[int, int] = {}
        recorded: set[int] = set()
        submitted: set[int] = set()
        runner = None
        for event in self.events():
            match event:
                case {"event": "start", "trial": int(number)}:
                    started[number] = event.get("process")
                    ended.pop(number, None)
                case {"event": "end", "trial": int(number), "exit_status": int(ending)}:
                    ended[number] = ending
                    if event.get("recorded"):
                        recorded.add(number)
                case {"event": "submit", "trial": int(number)}:
                    submitted.add(number)
                case {"event": "run" | "over"}:
                    runner = event.get("process")
        not_run = "waiting" if runner and liveness(runner) == "alive" else NOT_RUN
        runs, queued = self.runs(), waiting(self)
        states = {}
        for number in range(1, len(self.content["trials"]) + 1):
            run, code = runs.get(number), ended.get(number)
            if number in queued and (run is None or run["status"] in _REQUEUED):
                status, code = queued[number], None
            elif run is not None:
                status, code = run["status"], run["exit_code"]
            elif code is not None and number in recorded:
                status, code = REMOVED, None
            elif code is not None:
                status = "failed" if code else "success"
            elif number in started:
                status = _STATUS_OF_PROCESS[liveness(started[number])]
            elif number in submitted and self.output_path(number).exists():
                status = "failed"
            else:
                status = not_run
            states[number] = State(status, code, run)
        return states

    def output_path(self, number: int) -> Path:
        """Return where the output of a trial is kept that left no run on record."""
        return self.path / f"trial-{number}.log"

    def last_line(self, number: int) -> str:
        """Return the last line of that output; an empty text if there is none."""
        try:
            with open(self.output_path(number), "rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - _LONGEST_LINE, 0))
                return file.read().decode("utf-8", "replace").rstrip().rpartition("\n")[2]
        except OSError:
            return ""


def make_sweep(
    plan: Plan,
    trials: list[Trial],
    *,
    options: Mapping[str, Any],
    command: list[str],
) -> SweepDirectory:
    """Write a new sweep, before its first trial starts.

    Parameters
    ----------
    plan : Plan
        What it runs.
    trials : list of Trial
        The trials, numbered from 1 on.
    options : mapping
        How they are run.
    command : list of str
        The command line of the sweep.

    Raises
    ------
    OSError
        It can't be written.
    """
    # Beside the runs, if all of them lie in one folder.
    out = plan.parameters.get("--session.out", ())
    folder = out_dir_for(plan.script, out[0] if len(out) == 1 else None) / SWEEPS
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), open(folder / ".gitignore", "xb") as file:
        file.write(b"*\n")  # or the next sweep would freeze the copies of this one
    while True:
        # Short, since one types it; 40 random bits tell the sweeps of a lab apart.
        sweep_id = new_id().rpartition("_")[2]
        try:
            (folder / sweep_id).mkdir()
            break
        except FileExistsError:
            continue
    record = new_record(sweep_id, script=plan.script, argv=command)
    content = {
        **{name: record[name] for name in _OF_RECORD},
        "interpreter": sys.executable,
        "options": dict(options),
        "parameters": plan.parameters,
        "zip": plan.zipped,
        "trials": [
            {"argv": shlex.join(jsonable(list(trial.argv))), "values": trial.values}
            for trial in trials
        ],
    }
    path = folder / sweep_id
    text = json.dumps(jsonable(content), indent=1, ensure_ascii=False)
    try:
        write_atomic(path / _SWEEP_NAME, text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError as error:  # a full disk, whose error names no file
        shutil.rmtree(path, ignore_errors=True)
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    return SweepDirectory(path, content, plan.frozen)


def find_sweep(name: str) -> SweepDirectory | None:
    """Return the sweep that is meant by an ID or a directory; None if there is none.

    Raises
    ------
    UsageError
        Its ``sweep.json`` can't be read.
    """
    for path in (place.absolute() for place in _places(name)):
        try:
            content = json.loads((path / _SWEEP_NAME).read_bytes())
            return SweepDirectory(path, content)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path / _SWEEP_NAME}: it can't be read: {error}") from None
    return None


def _places(name: str) -> list[Path]:
    places = [Path(name)] if os.sep in name else []
    if os.sep not in name and name.isalnum():
        for session in SessionManager().select({"sweep": name.upper()}, limit=1):
            if session["run_dir"] is not None:
                out_dir = out_dir_of_kept(locate_run(session["run_dir"]))
                places.append(out_dir / SWEEPS / name.upper())
        # A sweep none of whose trials has begun.
        chosen = os.environ.get("SCITEX_SESSION_OUT_DIR") or "."
        places += Path(chosen).glob(f"*_out/{SWEEPS}/{name.upper()}")
    return places
