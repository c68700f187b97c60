"""The life of one session, from its directory to its end."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from scitex_session_core import (
    RecordError,
    crash_command,
    ended_record,
    journal_close,
    journal_create,
    make_run_dir,
    move_to_finished,
    new_record,
    outcome,
    read_record,
    reap,
    registry_dir,
    warn,
    write_record,
)
from scitex_session_io import capture, save_into
from scitex_session_plot import CustomColors
from scitex_session_repro import RandomStateManager

from ._config import as_args, make_config, read_config_files
from ._signals import SignalGuard
from ._snapshot import save_script, write_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scitex_session_core import DotDict
    from scitex_session_io import Capture
    from scitex_session_plot import Style

    from ._options import Options

_REAPED_AT_A_CLOSE = 8

_active: list[Run] = []


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
    rng : RandomStateManager
    colors : CustomColors
    style : Style
    capture : Capture
    """

    config: DotDict
    rng: RandomStateManager
    colors: CustomColors
    capture: Capture
    _registry: Path

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
        self._owner = os.getpid()
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._record: dict[str, Any] = {}

    @property
    def owned(self) -> bool:
        """Whether this process started it; a forked child must leave it alone."""
        return os.getpid() == self._owner

    @property
    def path(self) -> Path:
        """Where the run directory is now."""
        path = self.config["SDIR_RUN"]
        assert isinstance(path, Path)
        return path

    def open(self) -> None:
        """Start it: after this, whatever happens is on record.

        Raises
        ------
        Exception
            What was asked for can't be (an `sdir` that can't be made, a broken ``config/*.yaml``, a
            seed out of range); nothing is left behind then.
        """
        self.guard.install()
        self._undo.append(("putting back signal handlers", self.guard.restore))
        try:
            self._open()
        except BaseException as error:
            if self in _active:
                self.close(*outcome(raised=error, signum=self.guard.ended_by), error=error)
            else:
                self._undo_all()
            raise

    def _open(self) -> None:
        options = self.options
        files = read_config_files(self.script)
        self.rng = RandomStateManager(options.seed)
        self._undo.append(("putting back random generators", self.rng.release))
        self.rng.seed_modules(*options.seed_modules)
        self.colors = CustomColors(alpha=options.alpha)
        run_dir = make_run_dir(
            self.script, sdir=options.sdir, suffix=options.sdir_suffix, clear=options.clear_logs
        )
        self._registry = registry_dir()
        self.capture = capture(
            run_dir.path / "logs" / "stdout.log",
            run_dir.path / "logs" / "stderr.log",
            mode=options.capture,
            heartbeat=run_dir.path / "heartbeat",
            on_death=crash_command(run_dir.path, self._registry),
        )
        args = as_args(options.args) if options.args is not None else as_args(self.arguments)
        self.config = make_config(run_dir, self.script, args, files)
        self._record = new_record(
            run_dir.id,
            script=self.script,
            function=self.function,
            arguments=self.arguments or (args if isinstance(args, dict) else {}),
            argv=getattr(sys, "argv", ()),
            config=files,
            seed=self.rng.seed,
        )
        _active.append(self)
        _attempt("writing the record", lambda: write_record(self.path, self._record))
        _attempt(
            "writing CONFIG.yaml", lambda: write_config(self.path, self.config, options.origins)
        )
        _attempt("keeping the script", lambda: save_script(self.path, self.script))
        _attempt("registering the session", self._register)
        _attempt("capturing output", self._start_capture)
        self._undo.append(("ending save_into", save_into(self.path, self._saved)))
        self.style.apply()
        self._undo.append(("putting back the style of figures", self.style.restore))

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
        _attempt("ending the capture", self.capture.finish)
        if error is not None:
            from ._traceback import log_error

            _attempt("logging the error", lambda: log_error(self.path, error))
        self.finish(exit_status, reason, message=message)
        _attempt("dismissing the companion", self.capture.dismiss)
        _attempt("removing the heartbeat", self._stop_heart)
        _active.remove(self)
        self._undo_all()
        _attempt(
            "reaping",
            lambda: reap(self.config["SDIR_OUT"], registry=self._registry, most=_REAPED_AT_A_CLOSE),
        )

    def finish(
        self,
        exit_status: int | None,
        reason: Mapping[str, Any],
        *,
        message: str = "",
        remove_src_dir: bool = True,
        max_wait: float = 60,
    ) -> None:
        """Write the end into the record and move the directory, unless that was done by hand."""
        if self._record["status"] != "running":
            return
        try:
            record = read_record(self.path)
        except RecordError as trouble:
            # The script deleted its own directory, or the disk was full at the start.
            warn(f"the record of the run is gone ({trouble}); it is written anew")
            record = self._record
            _attempt(
                "making the run directory", lambda: self.path.mkdir(parents=True, exist_ok=True)
            )
        self._record = ended_record(record, exit_status=exit_status, reason=reason, message=message)
        _attempt("writing the record", lambda: write_record(self.path, self._record))
        moved = move_to_finished(
            self.path, self._record["status"], remove_src_dir=remove_src_dir, max_wait=max_wait
        )
        ended = datetime.fromisoformat(self._record["ended"]).astimezone()
        self.config.update(
            SDIR_RUN=moved,
            SDIR=moved,
            EXIT_STATUS=exit_status,
            END_DATETIME=ended,
            RUN_DURATION=ended - self.config["START_DATETIME"],
        )
        _attempt("telling the registry", self._tell_registry)

    def at_close(self, what: str, undo: Callable[[], object]) -> None:
        """Have `undo` called when the session has ended."""
        self._undo.append((what, undo))

    @property
    def status(self) -> str:
        """The status on record."""
        return str(self._record["status"])

    def _start_capture(self) -> None:
        (self.path / "logs").mkdir(exist_ok=True)
        self.capture.start()

    def _stop_heart(self) -> None:
        (self.path / "heartbeat").unlink(missing_ok=True)

    def _register(self) -> None:
        journal_create(
            self._registry,
            self.config["ID"],
            self._record["config"],
            script_path=self._record["script"],
            process=self._record["process"],
            run_dir=self.path,
        )

    def _tell_registry(self) -> None:
        journal_close(
            self._registry,
            self.config["ID"],
            self.status,
            self._record["exit_status"],
            run_dir=self.path,
            time=self._record["ended"],
        )

    def _saved(self, path: Path) -> None:
        from ._artifacts import record_artifact

        _attempt("recording a saved file", lambda: record_artifact(self.path, path))

    def _undo_all(self) -> None:
        while self._undo:
            what, undo = self._undo.pop()
            _attempt(what, undo)


def active_run() -> Run | None:
    """Return the innermost session that this process runs."""
    return next((run for run in reversed(_active) if run.owned), None)


def run_of(config: Mapping[str, Any]) -> Run | None:
    """Return the session of a `CONFIG`, also in a forked child; None once it is closed."""
    return next((run for run in _active if run.config["ID"] == config.get("ID")), None)


def _attempt(what: str, action: Callable[[], object]) -> None:
    """Do something of our own whose failure must neither end the user's run nor be silent."""
    try:
        action()
    except Exception as error:  # noqa: BLE001
        warn(f"{what} failed: {type(error).__name__}: {error}")
