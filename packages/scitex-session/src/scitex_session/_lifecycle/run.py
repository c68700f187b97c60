"""The life of one session, from its directory to its end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from scitex_session._config.folder import read_config_files
from scitex_session._errors import tolerated
from scitex_session._names.config_object import RESERVED, as_args, make_config
from scitex_session._names.injection import SessionLogger, provide
from scitex_session_core import (
    HEARTBEAT_NAME,
    code_dir,
    crash_command,
    make_run_dir,
    outcome,
    registry_dir,
    warn,
)
from scitex_session_io import capture
from scitex_session_plot import CustomColors
from scitex_session_repro import RandomStateManager, found_rank

from .artifacts import Artifacts, OwnModules
from .options import RUN_VARIABLE, frozen_code
from .record import RunRecord, log_path
from .reserve import Reserve
from .signals import SignalGuard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scitex_session._command_line.earlier import Earlier
    from scitex_session._config.folder import ConfigFiles
    from scitex_session._names.config_object import Config
    from scitex_session_core import GitErrand, Rank, RunDir
    from scitex_session_io import Capture, Companion

    from .options import Options


_RESTARTS = "SLURM_RESTART_COUNT"  # set in a job that was requeued
# The sessions of this process that are on record and not yet closed, innermost last.
_active: list[Run] = []


class Run:
    """A session of this process.

    Parameters
    ----------
    options : Options
        What the session was asked for.
    script : Path or None
        The script it belongs to, or the frozen copy of that which runs.
    companion : Companion
        Its companion process, started.
    function : str, optional
        The function it runs.
    arguments : mapping, optional
        The values the function is called with.

    Attributes
    ----------
    options, function, arguments
        As they were given.
    script : Path or None
        The script it belongs to.
    source : Path or None
        The file that runs: the script, or its frozen copy.
    config : Config
        Its `CONFIG`.
    record : RunRecord
        Its record, once it has a directory.
    rng : RandomStateManager
        Its generators.
    style : Style
        The look of its figures.
    names : dict
        What it gives its script, by name: ``CONFIG``, ``plt``, ``COLORS``, ``rngg``, ``logger``.
    capture : Capture
        Its captured output.
    guard : SignalGuard
        Its signal handlers.
    closed_figures : int
        How many figures were left open and closed at its end.
    rank : Rank or None
        Which rank it is of a job whose ranks share one run.
    """

    config: Config
    record: RunRecord
    rng: RandomStateManager
    names: Mapping[str, Any]
    capture: Capture

    def __init__(
        self,
        options: Options,
        script: Path | None,
        companion: Companion,
        *,
        function: str | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = options
        self.style = options.style()
        self.script = self.source = script
        self._frozen = frozen_code(script)
        if self._frozen is not None and script is not None:
            self.script = self._frozen.original(script)
        self.function = function
        self.arguments = dict(arguments or {})
        self.guard = SignalGuard()
        self.closed_figures = 0
        self.rank: Rank | None = None
        self._job = ""
        self._companion = companion
        self._owner = os.getpid()
        self._threads = _threads()
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._reserve = Reserve()
        self.at_close("releasing the companion", companion.release)
        self._end_watch: Callable[[], object] | None = None
        self._modules: OwnModules | None = None

    @property
    def id(self) -> str:
        """Its ID; before it has one, words that stand for it in a message."""
        return self.record.id if hasattr(self, "record") else "that is just starting"

    @property
    def owned(self) -> bool:
        """Whether this process started it; a forked child must leave it alone."""
        return os.getpid() == self._owner

    def threads_left(self) -> list[Any]:
        """Return the threads that were started during the session and for which a process waits."""
        return [each for each in _threads() if each not in self._threads]

    def open(self) -> None:
        """Start the session: from now on, whatever happens is on record.

        Signals wait until the caller has its `guard` begin the run.

        Raises
        ------
        Exception
            Something that was asked for can't be (an `sdir` that can't be made, a broken
            ``config/*.yaml``, a seed out of range). Nothing is left behind then.
        """
        self.guard.begin_opening()
        self.at_close("putting back signal handlers", self.guard.release)
        try:
            self._open()
        except BaseException as error:
            if self in _active:
                self.close(*outcome(raised=error, signum=self.guard.ended_by), error=error)
            else:
                with self._reserve:
                    self._undo_all()
            self.guard.die()
            raise

    def _open(self) -> None:
        options = self.options
        here = self._frozen.copy(Path()) if self._frozen else None
        files = read_config_files(self.source, RESERVED, here=here, debug=options.debug)
        if found_rank() is not None and not options.no_save:
            self._find_rank()
        earlier = self._find_earlier()
        self.rng = RandomStateManager(options.seed, deterministic=options.deterministic)
        self.at_close("putting back random generators", lambda: self.rng.release())
        self.rng.seed_modules(*options.seed_modules)
        colors = CustomColors(alpha=options.alpha)
        run_dir, registry, resumed = self._claim_directory(earlier, debug=files.debug)
        self.at_close("closing the run directory", run_dir.close)
        self._make_record(run_dir, registry, files, resumed)
        # Beside the runs: what one of them records, the next ones are compared with.
        self.rng.verify_directory = run_dir.out_dir / "fingerprints"
        if self.record.is_other_rank:  # each is compared with itself
            self.rng.verify_directory /= run_dir.path.name
        self.rng.checkpoint_directory = run_dir.path
        self._make_names(colors)
        git = None if options.no_save else self.record.git_errand()
        if git is not None:
            self.at_close("closing what git writes to", git.close)
        self.capture = self._make_capture(run_dir, registry, git)
        _active.append(self)
        self._withdraw_names = provide(self.names, run_dir)
        self.record.begin()
        with tolerated("capturing output"):
            self.capture.start()
        if git is not None:
            git.close()  # the errand has its own
        self.at_close("putting back the logger", self.names["logger"].restore)
        self._watch(run_dir)
        self._tell_workers(run_dir, debug=files.debug)
        self.style.apply()
        self.at_close("putting back the style of figures", self.style.restore)
        self.at_close("closing figures left open", self._close_figures)

    def _make_capture(
        self, run_dir: RunDir, registry: Path | None, git: GitErrand | None
    ) -> Capture:
        crash = crash_command(run_dir.path, registry, self.record.content, self._notice_command())
        return capture(
            log_path(run_dir.path, "stdout"),
            log_path(run_dir.path, "stderr"),
            mode=self.options.capture,
            heartbeat=run_dir.path / HEARTBEAT_NAME,
            on_death=crash,
            on_death_code=code_dir(),
            errand=git.command if git else None,
            errand_descriptors=git.descriptors if git else (),
            max_bytes=self.options.max_log_bytes,
            companion=self._companion,
            opener=run_dir.opener,
        )

    def _watch(self, run_dir: RunDir) -> None:
        """Record what the script imports, saves, loads and draws."""
        artifacts = Artifacts(run_dir, self.script, self.record.commit, self.options.stamp)
        self._modules = artifacts.watch_imports(self.source, self.record.started)
        self.at_close("ending the watch on imports", self._modules.stop)
        self.at_close("ending save_into", artifacts.redirect())
        self._end_watch = artifacts.watch_figures()
        self.at_close("ending the watch on figures", self._end_watch)

    def _notice_command(self) -> list[str]:
        if not self.options.notify or self.record.is_other_rank:
            return []
        from .notices import crash_notice_command  # for the end, too: by then it may be gone

        return crash_notice_command()

    def _find_earlier(self) -> Earlier | None:
        """Return the run that goes on."""
        if self.options.resume is None and not os.environ.get(_RESTARTS):
            return None
        from .resume import find_earlier

        return find_earlier(self)

    def _claim_directory(
        self, earlier: Earlier | None, *, debug: bool
    ) -> tuple[RunDir, Path | None, Mapping[str, Any] | None]:
        """Make the run directory, or take that of an earlier attempt.

        Return it, the registry in which the run belongs, if any, and the record that a resumed run
        begins with.
        """
        options = self.options
        registry = self._find_registry()
        if earlier is not None:
            from .resume import resume

            if (found := resume(self, earlier, registry)) is not None:
                run_dir, resumed = found
                return run_dir, registry, resumed
        sdir, out = options.sdir, options.out
        if options.no_save:
            from .no_save import TemporaryFolder

            folder = TemporaryFolder()
            self.at_close(
                "removing what was not to be saved",
                lambda: folder.end(getattr(self, "record", None)),
            )
            registry, sdir, out = folder.registry, None, folder.path
        wanted: dict[str, Any] = {
            "sdir": sdir,
            "suffix": options.sdir_suffix,
            "clear": options.clear_logs,
            "debug": debug,
            "out": out,
        }
        if self.rank is not None:
            from scitex_session_core import make_rank_dir

            shared = make_rank_dir(
                self.rank, self.rng.seed, self.script, registry=registry, **wanted
            )
            if shared is not None:
                self._share_seed(shared.seed)
                return shared.directory, registry, shared.resumed
            self.rank = None
        return make_run_dir(self.script, **wanted), registry, None

    def _find_registry(self) -> Path | None:
        try:
            registry = registry_dir()
        except OSError as error:  # a container whose user has no home
            if not self.options.no_save:
                why = f"{error.strerror}, or SCITEX_SESSION_REGISTRY"
                warn(f"this run is registered nowhere: {why}")
            return None
        if self.options.parent:
            with tolerated("looking up the parent"):
                _warn_of_unknown_parent(self.options.parent, registry)
        return registry

    def _find_rank(self) -> None:
        """Find out which rank this session is of which job."""
        from scitex_session._cluster.ranks import rank_of

        with tolerated("looking for the other ranks of the job"):
            announced = json.loads(os.environ.get(RUN_VARIABLE) or "{}")
            found = found_rank()
            if found is not None and (known := rank_of(found, self.script, announced)) is not None:
                self.rank, self._job = known

    def _share_seed(self, seed: int) -> None:
        """Draw from the seed that the first rank has drawn, unless one was given."""
        options = self.options
        if options.seed is None and self.rng.seed != seed:
            self.rng.release()
            self.rng = RandomStateManager(seed, deterministic=options.deterministic)
            self.rng.seed_modules(*options.seed_modules)

    def _make_record(
        self,
        run_dir: RunDir,
        registry: Path | None,
        files: ConfigFiles,
        resumed: Mapping[str, Any] | None,
    ) -> None:
        given = self.options.args
        args = as_args(self.arguments if given is None else given)
        self.config = make_config(run_dir, self.script, args, files.values, debug=files.debug)
        self.record = RunRecord(
            self.config,
            run_dir,
            registry,
            self.options,
            script=self.script,
            frozen=self._frozen,
            function=self.function,
            arguments=self.arguments or (args if isinstance(args, dict) else {}),
            files=files,
            seed=self.rng.seed,
            rank=self.rank,
            earlier=resumed,
        )
        if "SLURM_JOB_ID" in os.environ:
            from scitex_session._cluster.stopping import Stop, warn_if_batch_script_keeps_signals

            self.guard.stop = Stop(run_dir)
            self.at_close("putting back the signals of the scheduler", self.guard.stop.release)
            warn_if_batch_script_keeps_signals()

    def _make_names(self, colors: CustomColors) -> None:
        name = self.script.stem if self.script else self.function or "session"
        self.names = {
            "CONFIG": self.config,
            "plt": self.style.plt,
            "COLORS": colors,
            "rngg": self.rng,
            "logger": SessionLogger(name),
        }

    def close(
        self,
        exit_status: int | None,
        reason: Mapping[str, Any],
        *,
        message: str = ":)",
        error: BaseException | None = None,
    ) -> None:
        """End the session: complete its logs, write the final record, move the directory, undo.

        Does nothing in a forked child, or the second time. Trouble of ours is warned about.
        """
        if not self.owned or self not in _active:
            return
        self.guard.begin_cleanup(error)
        if reason["kind"] == "signal" and self.guard.ended_by is None:
            self.guard.ended_by = reason["signal"]
        with self._reserve:
            self._close(exit_status, reason, message, error)
            self._undo_all()

    def _close(
        self,
        exit_status: int | None,
        reason: Mapping[str, Any],
        message: str,
        error: BaseException | None,
    ) -> None:
        if self._end_watch is not None:
            # While the record is open: a figure in an open file becomes an artifact only here.
            with tolerated("ending the watch on figures"):
                self._end_watch()
        with tolerated("ending the capture"):
            self.capture.finish()
        if error is not None:
            with tolerated("logging the error"):
                self.record.log_error(error)
        with tolerated("recording what repeats"):
            self._record_what_repeats()
        with tolerated("recording the code"):
            if self._modules is not None:
                self.record.add_code(self._modules.end())
        with tolerated("filing the end of the run"):
            self.record.end(exit_status, reason, message=message)
        # Not before: whatever a log does to the rendering, how the run ended is on record.
        with tolerated("rendering the logs"):
            if self.capture.mode != "none":
                self.record.render_logs()
        with tolerated("dismissing the companion"):
            self.capture.dismiss()
        with tolerated("removing the heartbeat"):
            self.record.directory.unlink(HEARTBEAT_NAME, missing_ok=True)
        _active.remove(self)
        with tolerated("withdrawing the names"):
            self._withdraw_names()
        with tolerated("reaping"):
            if not self.record.is_other_rank:
                self.record.reap_others()

    def move(self, exit_status: int | None, *, remove_src_dir: bool, max_wait: float) -> None:
        """Write the final record and move the directory, before the session is closed."""
        with self._reserve:
            self.record.end(
                exit_status, {"kind": "closed"}, remove_src_dir=remove_src_dir, max_wait=max_wait
            )

    def announce(self) -> None:
        """Print what the session is, and which functions call which, as far as was asked for."""
        options = self.options
        if self.record.is_other_rank:
            return
        if options.verbose or options.show_execution_flow:
            from . import messages  # for its end, too: by then the package may be gone

            with tolerated("printing what the session is"):
                if options.verbose:
                    messages.print_header(self)
                if options.show_execution_flow and self.source is not None:
                    messages.print_flow(self.source)

    def conclude(self, message: str, *, verbose: bool, failure: bool = False) -> None:
        """Print how the session ended, if that was asked for.

        With `failure`, a session that failed says where its logs are even if it is not verbose.
        """
        if verbose and not self.record.is_other_rank:
            with self._reserve, tolerated("printing how the session ended"):
                from .messages import print_footer

                print_footer(self, message)
        elif failure and self.record.status == "failed" and not self.options.no_save:
            with self._reserve, tolerated("printing where the logs are"):
                from .messages import print_failure

                print_failure(self)

    def notify(self, message: str) -> None:
        """Send a notice of how the session ended; of several ranks, rank 0 sends one."""
        if self.record.is_other_rank:
            return
        with self._reserve, tolerated("sending the notice"):
            from .notices import send_notice

            send_notice(self, message)

    def add_results(self, returned: Mapping[Any, Any]) -> None:
        """Record what the function returned in a dict."""
        with self._reserve, tolerated("recording the results"):
            from .results import results_of

            results, omitted = results_of(returned)
            self.record.add("results", results)
            if omitted:
                self.record.add("results_omitted", omitted)

    def at_close(self, what: str, undo: Callable[[], object]) -> None:
        """Have `undo` called when the session has ended; the last one is called first."""
        self._undo.append((what, undo))

    def _tell_workers(self, run_dir: RunDir, *, debug: bool) -> None:
        """Tell workers that do not inherit the run (spawned ones) what they need to join it."""
        options = self.options
        announced = {
            "run": str(run_dir.path),
            "debug": debug,
            "deterministic": options.deterministic,
            "stamp": options.stamp,
            "style": options.style_keywords,
        }
        if self.rank is not None:
            announced |= {"job": self._job, "pid": os.getpid()}
        found = os.environ.get(RUN_VARIABLE)
        os.environ[RUN_VARIABLE] = json.dumps(announced)

        def restore() -> None:
            if found is None:
                os.environ.pop(RUN_VARIABLE, None)
            else:
                os.environ[RUN_VARIABLE] = found

        self.at_close("putting back the environment", restore)

    def _record_what_repeats(self) -> None:
        # A run that has used neither has nothing to report.
        if "numpy" in sys.modules or "torch" in sys.modules:
            from scitex_session_repro import report

            self.record.add("reproducibility", report(self.rng).as_dict())

    def _close_figures(self) -> None:
        self.closed_figures = self.style.close_figures()

    def _undo_all(self) -> None:
        with tolerated("putting back the script's signal handlers"):
            self.guard.restore_held()
        while self._undo:
            what, undo = self._undo.pop()
            with tolerated(what):
                undo()


def _threads() -> list[Any]:
    """Return the threads, beside the main one, for whose end Python waits at its own."""
    threading = sys.modules.get("threading")
    if threading is None:
        return []
    main = threading.main_thread()
    return [each for each in threading.enumerate() if each is not main and not each.daemon]


def run_of(config: Mapping[str, Any]) -> Run | None:
    """Return the session of a `CONFIG`, also in a forked child; None once it is closed."""
    return next((run for run in _active if run.record.id == config.get("ID")), None)


def _warn_of_unknown_parent(parent: str, registry: Path) -> None:
    """Warn if no session of that ID is known here: it may be of another machine, or mistyped."""
    from scitex_session_core import SessionManager

    if not SessionManager(registry).get_session(parent):
        warn(f"the parent session {parent} is not in the registry {registry}; it is kept as given")
