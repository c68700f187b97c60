"""The life of one session, from its directory to its end."""

from __future__ import annotations

import os
import sys

from scitex_session_core import RUN_FILES, crash_command, make_run_dir, outcome, registry_dir
from scitex_session_io import capture, save_into, start_companion
from scitex_session_plot import CustomColors
from scitex_session_repro import RandomStateManager

from ._config import read_config_files
from ._errors import NestedSessionError
from ._figures import watch_figures
from ._ledger import Ledger
from ._logger import SessionLogger
from ._run_config import as_args, make_config
from ._signals import SignalGuard
from ._trouble import attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from scitex_session_core import DotDict
    from scitex_session_io import Capture
    from scitex_session_plot import Style

    from ._options import Options

# Those that are on record and not yet closed, the innermost last.
_active: list[Run] = []
# The same from the beginning of their opening to the end of their clean-up.
_present: list[Run] = []


class Run:
    """A session of this process.

    Parameters
    ----------
    options : Options
        How it was asked for.
    style : Style
        The look of its figures, not yet applied.
    script : Path or None
        The script it belongs to.
    function : str, optional
        The function it runs.
    arguments : mapping, optional
        The values the function is called with.

    Attributes
    ----------
    config : DotDict
        Its `CONFIG`.
    ledger : Ledger
        What is written of it.
    rng : RandomStateManager
    colors : CustomColors
    style : Style
    capture : Capture
    guard : SignalGuard
    closed_figures : int
        How many figures were left open, and closed at its end.
    logger : SessionLogger
    """

    config: DotDict
    ledger: Ledger
    rng: RandomStateManager
    colors: CustomColors
    capture: Capture

    def __init__(
        self,
        options: Options,
        style: Style,
        script: Path | None,
        *,
        function: str | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = options
        self.style = style
        self.script = script
        self.function = function
        self.arguments = dict(arguments or {})
        self.guard = SignalGuard()
        self.closed_figures = 0
        self.logger = SessionLogger(script.stem if script else function or "session")
        self._owner = os.getpid()
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._end_watch: Callable[[], object] | None = None

    @property
    def id(self) -> str:
        """Its ID, once it has one."""
        return self.ledger.id if hasattr(self, "ledger") else "that is just starting"

    @property
    def owned(self) -> bool:
        """Whether this process started it; a forked child must leave it alone."""
        return os.getpid() == self._owner

    def open(self, *, alone: bool = False) -> None:
        """Start it: after this, whatever happens is on record.

        Parameters
        ----------
        alone : bool
            Whether to refuse where another session is there, be it one that another thread is
            just starting or cleaning up: two would take each other's output and globals.

        Raises
        ------
        NestedSessionError
            Another one is there.
        Exception
            What was asked for can't be (an `sdir` that can't be made, a broken ``config/*.yaml``, a
            seed out of range); nothing is left behind then.
        """
        # Appended before the look, so that of two threads only one is the first.
        _present.append(self)
        first = next(run for run in _present if run.owned)
        if alone and first is not self:
            _present.remove(self)
            raise NestedSessionError(self.function or "start", first.id)
        self.guard.begin_opening()
        self.at_close("putting back signal handlers", self.guard.restore)
        try:
            self._open()
            self.guard.begin_run()
        except BaseException as error:
            if self in _active:
                self.close(*outcome(raised=error, signum=self.guard.ended_by), error=error)
            else:
                self._undo_all()
            if not isinstance(error, KeyboardInterrupt):  # of which the interpreter itself dies
                self.guard.die()
            raise

    def _open(self) -> None:
        options = self.options
        # First: its own start takes as long as ours, and passes meanwhile.
        companion = start_companion()
        self.at_close("releasing the companion", companion.release)
        files = read_config_files(self.script)
        debug = files.debug if options.debug is None else options.debug
        self.rng = RandomStateManager(options.seed, deterministic=options.deterministic)
        self.at_close("putting back random generators", self.rng.release)
        self.rng.seed_modules(*options.seed_modules)
        self.colors = CustomColors(alpha=options.alpha)
        registry, sdir, out = registry_dir(), options.sdir, options.out
        if parent := options.parent:
            from ._parent import tell_if_unknown

            known = registry
            attempt("looking up the parent", lambda: tell_if_unknown(parent, known))
        if options.no_save:
            from ._trial import Trial

            trial = Trial()
            self.at_close("removing what was tried", lambda: trial.end(self))
            registry, sdir, out = trial.registry, None, trial.folder
        run_dir = make_run_dir(
            self.script,
            sdir=sdir,
            suffix=options.sdir_suffix,
            clear=options.clear_logs,
            debug=debug,
            out=out,
        )
        path = run_dir.path
        # Beside the runs: what one of them records, the next ones are compared with.
        self.rng.verify_directory = run_dir.out_dir / "fingerprints"
        args = as_args(options.args) if options.args is not None else as_args(self.arguments)
        self.config = make_config(run_dir, self.script, args, files.values, debug=debug)
        self.ledger = Ledger(
            self.config,
            run_dir,
            registry,
            script=self.script,
            function=self.function,
            arguments=self.arguments or (args if isinstance(args, dict) else {}),
            files=files,
            seed=self.rng.seed,
            parent=options.parent,
            tags=options.tags,
            note=options.note,
        )
        self.capture = capture(
            path / "logs" / "stdout.log",
            path / "logs" / "stderr.log",
            mode=options.capture,
            heartbeat=path / "heartbeat",
            on_death=crash_command(path, registry),
            max_bytes=options.max_log_bytes,
            companion=companion,
        )
        _active.append(self)
        self.ledger.begin(options.origins, options.asked)
        attempt("capturing output", self.capture.start)
        self.at_close("ending save_into", save_into(path, self.saved, reserved=RUN_FILES))
        self.at_close("putting back the logger", self.logger.restore)
        self._end_watch = watch_figures(self)
        self.at_close("ending the watch on figures", self._end_watch)
        self.style.apply()
        self.at_close("putting back the style of figures", self.style.restore)
        self.at_close("closing figures left open", self._close_figures)

    def close(
        self,
        exit_status: int | None,
        reason: Mapping[str, Any],
        *,
        message: str = ":)",
        error: BaseException | None = None,
    ) -> None:
        """End it: logs complete, record final, directory moved, everything borrowed given back.

        Does nothing in a forked child, or the second time. Trouble of our own is warned about.
        """
        if not self.owned or self not in _active:
            return
        if reason["kind"] == "signal":
            self.guard.ended_by = reason["signal"]
        self.guard.begin_cleanup()
        if self._end_watch is not None:
            # While the record is open: a figure in an open file becomes an artifact only here.
            attempt("ending the watch on figures", self._end_watch)
        attempt("ending the capture", self.capture.finish)
        if error is not None:
            from ._traceback import log_error

            attempt("logging the error", lambda: log_error(self.ledger.path, error))
        attempt("rendering the logs", self._render_logs)
        attempt("telling what repeats", self._tell_what_repeats)
        self.ledger.end(exit_status, reason, message=message)
        attempt("dismissing the companion", self.capture.dismiss)
        attempt("removing the heartbeat", self._stop_heart)
        _active.remove(self)
        attempt("reaping", self.ledger.reap_others)
        self._undo_all()

    def announce(self, *, verbose: bool, flow: bool) -> None:
        """Print what it is, and which functions of the script call which, as asked for."""
        if verbose:
            from ._report import print_header

            print_header(self)
        if flow and self.script is not None:
            from ._flow import print_flow

            print_flow(self.script)

    def conclude(self, message: str, *, verbose: bool, notify: bool) -> None:
        """Print how it ended, and send a notice of it, as asked for."""
        if verbose:
            from ._report import print_footer

            print_footer(self, message)
        if notify:
            from ._notify import notify_of

            notify_of(self, message)

    def saved(self, path: Path) -> None:
        """Put a file that was saved on record, as made by this session."""
        from ._artifacts import record_artifact

        attempt("recording a saved file", lambda: record_artifact(self.ledger.path, path))

    def at_close(self, what: str, undo: Callable[[], object]) -> None:
        """Have `undo` called when the session has ended, the last one first."""
        self._undo.append((what, undo))

    def _render_logs(self) -> None:
        if self.capture.mode != "none":
            from ._rendered_logs import render_logs

            render_logs(self.ledger.path)

    def _tell_what_repeats(self) -> None:
        # Of a run that has used nothing of this there is nothing to tell.
        if "numpy" in sys.modules or "torch" in sys.modules:
            from scitex_session_repro import report

            self.ledger.add("reproducibility", report(self.rng).as_dict())

    def _stop_heart(self) -> None:
        (self.ledger.path / "heartbeat").unlink(missing_ok=True)

    def _close_figures(self) -> None:
        self.closed_figures = self.style.close_figures()

    def _undo_all(self) -> None:
        while self._undo:
            what, undo = self._undo.pop()
            attempt(what, undo)
        _present.remove(self)


def active_run() -> Run | None:
    """Return the innermost session of this process, also one that starts or ends."""
    return next((run for run in reversed(_present) if run.owned), None)


def current_run() -> Run | None:
    """Return the innermost session there is, which in a forked worker is its parent's."""
    return _active[-1] if _active else None


def run_of(config: Mapping[str, Any]) -> Run | None:
    """Return the session of a `CONFIG`, also in a forked child; None once it is closed."""
    return next((run for run in _active if run.ledger.id == config.get("ID")), None)
