"""What a sweep shows while it runs."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

from scitex_session._command.output import bars, brief_duration, printable, say
from scitex_session._errors import tolerated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import rich.progress

    from .directory import SweepDirectory
    from .local import Ended

_USAGE = 2
_LAST_LINES = 20


class Progress:
    """Shows how far a sweep is: a bar on a terminal, else a line for each trial.

    Parameters
    ----------
    sweep : SweepDirectory
        The sweep.
    count : int
        How many trials run.

    Attributes
    ----------
    refused : int or None
        The exit status of the sweep, where its first trial failed and left no run on record.
    """

    def __init__(self, sweep: SweepDirectory, count: int) -> None:
        self._sweep = sweep
        self._count = count
        self._done = self._failed = 0
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self.refused: int | None = None

    def __enter__(self) -> None:
        if sys.stderr.isatty():
            self._bar = bars()
            self._task = self._bar.add_task(f"sweep {self._sweep.id}", total=self._count)
            self._bar.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()

    def ended(self, end: Ended) -> bool:
        """Show the end of a trial, and tell whether the sweep is to stop.

        The output of a trial that left no run on record is kept in the sweep. If that is the first
        one, the others would end in the same way, unless no run was to be on record.
        """
        self._done += 1
        if end.exit_status:
            self._failed += 1
        if not end.exit_status or self._sweep.has_run(end.trial.number):
            self._show(end)
            return False
        with tolerated("keeping the output of a trial"):
            self._sweep.output_path(end.trial.number).write_bytes(end.output)
        self._show(end)
        if self._done > 1 or end.exit_status < 0 or self._sweep.is_unsaved:
            return False
        self.refused = _USAGE if end.exit_status == _USAGE else 1
        lines = end.output.decode("utf-8", "replace").rstrip().split("\n")
        for line in lines[-_LAST_LINES:]:
            self._print(printable(line))
        if self._count > 1:
            self._print("the first trial left no run on record; no other is started")
        return True

    def _show(self, end: Ended) -> None:
        status = "failed" if end.exit_status else "success"
        if self._bar is not None and self._task is not None:
            failed = f", {self._failed} failed" if self._failed else ""
            self._bar.update(self._task, advance=1, description=f"sweep {self._sweep.id}{failed}")
        if self._bar is not None and not end.exit_status:
            return
        how = ""
        if end.exit_status < 0:
            how = f" ({signal.Signals(-end.exit_status).name})"
        elif end.exit_status:
            how = f" (exit status {end.exit_status})"
        values = shown_values(end.trial.values)
        took = brief_duration(end.duration_s)
        self._print(
            f"{self._done}/{self._count} trial {end.trial.number}{values}: {status}{how}, {took}"
        )

    def _print(self, text: str) -> None:
        if self._bar is None:
            note(text)
            return
        with suppress(OSError):
            self._bar.console.print(text)


def note(text: str) -> None:
    """Say what is no result: on standard error, so that the table alone goes into a pipe.

    If nobody reads it any more (``2>&1 | head``, a terminal that was closed), the trials go on.
    """
    with suppress(OSError):
        say(printable(text), sys.stderr)
        sys.stderr.flush()


def shown_values(values: Mapping[str, str]) -> str:
    """Return the values of a trial in parentheses; nothing where all trials are the same."""
    told = ", ".join(f"{name}={value}" for name, value in values.items())
    return f" ({printable(told)})" if told else ""
