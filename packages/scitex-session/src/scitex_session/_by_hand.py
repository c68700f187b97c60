"""`start`, `close` and `running2finished`: a session by hand."""

from __future__ import annotations

import atexit
import operator
import sys as _sys
from collections.abc import Mapping
from pathlib import Path

from scitex_session_core import (
    RECORD_NAME,
    InvalidValueError,
    ended_record,
    move_to_finished,
    outcome,
    point_latest,
    say,
    status_of,
    warn,
    write_record,
)
from scitex_session_io import starting_companion

from ._command_line.session_options import asked_by_environment
from ._config.script import is_interactive, script_of
from ._errors import tolerated
from ._lifecycle.execute import end, enter
from ._lifecycle.options import KEYWORDS, Options, check_keywords
from ._lifecycle.run import Run, run_of
from ._names.config_object import copy_own_keys, set_own_keys
from ._names.injection import stood_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os as _os
    from collections.abc import Iterable, MutableMapping
    from types import FrameType, ModuleType, TracebackType
    from typing import Any, Self, TextIO, Unpack

    from scitex_session_plot import CustomColors
    from scitex_session_repro import RandomStateManager

    from ._lifecycle.options import CaptureMode, DeterministicMode, RunKeywords, StampMode
    from ._names.config_object import Config
    from ._names.logger import Logger

# The sessions that were begun by hand and that nobody has closed; of each, what was Python's last
# uncaught error (`sys.last_value`) when it began.
_unclosed: dict[Run, object] = {}


def start(
    sys: ModuleType | None = None,
    plt: ModuleType | None = None,
    file: str | None = None,
    sdir: str | _os.PathLike[str] | None = None,
    sdir_suffix: str | None = None,
    args: object = None,
    os: ModuleType | None = None,
    random: ModuleType | None = None,
    np: ModuleType | None = None,
    torch: ModuleType | None = None,
    seed: int | None = 42,
    agg: bool = False,
    fig_size_mm: tuple[float | str, float] | str = (160, 100),
    fig_scale: float = 1.0,
    dpi_display: int = 100,
    dpi_save: int = 300,
    fontsize: str | float | dict[str, str | float] = "small",
    autolayout: bool = False,
    show_execution_flow: bool = False,
    hide_top_right_spines: bool = True,
    alpha: float = 0.9,
    line_width: float = 1.0,
    clear_logs: bool = False,
    verbose: bool = True,
    *,
    capture: CaptureMode = "fd",
    max_log_bytes: int | None = None,
    debug: bool | None = None,
    note: str = "",
    tags: Iterable[str] = (),
    parent: str | None = None,
    resume: str | _os.PathLike[str] | None = None,
    out: str | _os.PathLike[str] | None = None,
    no_save: bool = False,
    stamp: StampMode = True,
    deterministic: DeterministicMode = False,
) -> tuple[Config, TextIO | None, TextIO | None, ModuleType, CustomColors, RandomStateManager]:
    """Start a session by hand; `close` ends it.

    Parameters
    ----------
    sys : module, optional
        Python's `sys`. Without it nothing is captured, and None is returned for both streams.
    plt : module, optional
        Pyplot, which is configured and returned. Without it, what is returned loads pyplot,
        configured, at its first use.
    file : str, optional
        The script; found from the caller by default.
    sdir : path-like, optional
        The run directory itself: made if missing, never moved.
    sdir_suffix : str, optional
        Appended to the name of the run directory.
    args : object, optional
        Arguments of the script (a Namespace, a mapping, any object with attributes), which are
        recorded and stand in ``CONFIG.ARGS``.
    os : module, optional
        Accepted because scripts pass it; not used.
    random, np, torch : module, optional
        Seeded at once. Generators of other modules are seeded too: now if they are imported, else
        at their import.
    seed : int or None
        The seed, 0 to 2**128 - 1; None draws one, which is recorded.
    agg : bool
        Draw without windows: ``plt.show()`` does nothing.
    fig_size_mm : tuple of float, or str
        Width and height of figures in millimetres. The width may be the column of a journal, as in
        ``("nature single", 60)``, and may be given alone.
    fig_scale : float
        Factor on sizes of figures, fonts and lines.
    dpi_display, dpi_save : int
        Resolution on screen and in files, dots per inch.
    fontsize : str, float or dict
        A size of matplotlib (``"small"``), one in points, or one for each element.
    autolayout : bool
        Fit axes and labels into the figure.
    show_execution_flow : bool
        Print which functions of the script call which.
    hide_top_right_spines : bool
        Draw axes without their top and right lines.
    alpha : float
        Opacity of the colours in ``COLORS``, 0 to 1.
    line_width : float
        Width of lines in points.
    clear_logs : bool
        With `sdir`: delete the record and logs that an earlier run left there. By default they are
        kept under ``previous/``.
    verbose : bool
        Print what the session is and where its files are.
    capture : {"fd", "sys", "none"}
        How output is captured: at the descriptors (complete), by a tee of Python's streams, or not.
    max_log_bytes : int, optional
        The most that each log may hold, at least 65536. The beginning and the end of a longer log
        are kept, and a line between them says how much is missing. By default everything is kept.
    debug : bool, optional
        Mark the run as one for debugging: its ID begins with ``DEBUG_``, and ``CONFIG.DEBUG`` is
        True. By default ``config/IS_DEBUG.yaml`` decides (``IS_DEBUG: true``).
    note : str
        A note for the record.
    tags : iterable of str
        Tags for the record, by which runs are found.
    parent : str, optional
        The ID of the session that this one goes on from.
    resume : str or path-like, optional
        An earlier run of the script, which goes on under its ID as the next attempt: its ID, a
        beginning or end of it, or its directory.
    out : path-like, optional
        The folder for ``<script>_out``.
    no_save : bool
        Keep nothing of a run that succeeds: its directory is a temporary one, which no registry
        knows, and is removed at the end unless the run fails.
    stamp : bool or "visible"
        Write into the metadata of every saved figure which run made it. ``"visible"`` also draws
        the last part of the ID into the corner of the figure, for drafts.
    deterministic : bool or "warn"
        Ask torch for deterministic algorithms during the run, and turn TF32 off. With ``"warn"``,
        torch warns of an operation that has no deterministic form, instead of raising.

    Returns
    -------
    CONFIG : DotDict
        Configuration of the run: ``ID``, ``SDIR_RUN``, ``ARGS`` and so on.
    stdout, stderr : text stream or None
        The captured streams. They are ``sys.stdout`` and ``sys.stderr`` already, and may be
        assigned to them.
    plt : module
        Pyplot.
    COLORS : CustomColors
        Colours by name.
    rng : RandomStateManager
        Random generators by name.

    Raises
    ------
    ValueError, TypeError
        An argument is not allowed. Nothing was started.
    OSError
        `sdir` can't be made, or belongs to a run that is still running.

    Notes
    -----
    What the environment asks for (``$SCITEX_SESSION_SEED`` and so on) counts more than arguments.
    In a notebook or a REPL, a session that was started before and not closed ends first.
    """
    given = dict(locals())
    keywords = {name: given[name] for name in KEYWORDS if name in given}
    if sys is not None and not hasattr(sys, "stdout"):
        raise InvalidValueError("sys", sys, "Python's module sys, or None")
    options = Options(keywords, asked_by_environment().with_origins())
    if sys is None:
        options.capture = "none"
    script = script_of(_sys._getframe(1).f_globals, file)
    if is_interactive():
        _close_earlier()
    run = _begun(options, script)
    stdout, stderr = (None, None) if sys is None else (run.capture.stdout, run.capture.stderr)
    names = run.names
    return run.config, stdout, stderr, plt or names["plt"], names["COLORS"], run.rng


def _begun(options: Options, script: Path | None, *, alone: bool = False) -> Run:
    with starting_companion() as companion:
        run = Run(options, script, companion)
    enter(run, alone=alone)
    run.open()
    _close_at_exit(run)
    run.guard.begin_run()
    run.announce()
    return run


def _close_earlier() -> None:
    """Close what `start` began before: somebody has run a cell or a line of theirs again."""
    for run in [*reversed(_unclosed)]:
        if run.owned:
            say(f"{run.id} ends, since another session begins")
            run.close(None, {"kind": "never_closed"})


def close(
    CONFIG: MutableMapping[str, Any],
    message: str = ":)",
    notify: bool = False,
    verbose: bool = True,
    exit_status: int | None = None,
) -> None:
    """End a session that `start` began.

    Parameters
    ----------
    CONFIG : DotDict
        What `start` returned. It is updated with where the run is now and how it ended.
    message : str
        A word for the record, the last line printed, and the notice.
    notify : bool
        Send a notice to the addresses in ``$SCITEX_SESSION_NOTIFY``.
    verbose : bool
        Print how it ended and where everything is.
    exit_status : int, optional
        0 is success, another number an error, None neither (``FINISHED``).

    Raises
    ------
    InvalidValueError
        `exit_status` is not an integer, or `CONFIG` not a mapping.

    Notes
    -----
    Closing twice, or a session of another process, only warns; in a forked child it does nothing.
    """
    exit_status = _checked_exit_status(exit_status)
    CONFIG = _checked_config(CONFIG)
    run = run_of(CONFIG)
    if run is None:
        warn(f"no session {CONFIG.get('ID')!r} to close: it was closed before, or not started here")
        return
    if not run.owned:
        return
    run.close(exit_status, {"kind": "closed"}, message=message)
    run.guard.die()  # of a signal that waited for the end of the clean-up
    run.conclude(message, verbose=verbose)
    if notify:
        run.notify(message)


class Session:
    """A session as a context manager: for notebooks, libraries and tests.

    Parameters
    ----------
    **session_kwargs
        Options of the session, as `session` takes them.

    Attributes
    ----------
    CONFIG, plt, COLORS, rngg, logger
        What a session gives its script; there within the ``with`` block.
    results : dict
        To be filled: what is in it at the end is on record, as if a function had returned it.

    Raises
    ------
    UnknownOptionError
        There is no such option.
    NestedSessionError
        On entering: a session runs in this process.

    Notes
    -----
    The end of the block ends the session: as a success, or with the exception that leaves the
    block, which goes on. ``async with`` does the same.

    Examples
    --------
    >>> import scitex_session as stx
    >>> with stx.Session(seed=7, tags=["notebook"]) as s:
    ...     s.results["mean"] = s.rngg("data").normal(size=100).mean()
    """

    CONFIG: Config
    plt: ModuleType
    COLORS: CustomColors
    rngg: RandomStateManager
    logger: Logger

    def __init__(self, **session_kwargs: Unpack[RunKeywords]) -> None:
        check_keywords(session_kwargs)
        self._keywords = session_kwargs
        self._run: Run | None = None
        self._namespace: dict[str, Any] = {}
        self.results: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self._enter(_sys._getframe(1))

    async def __aenter__(self) -> Self:
        return self._enter(_sys._getframe(1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        run, self._run = self._run, None
        if run is not None and run in _unclosed:
            run.guard.begin_cleanup(error)
            end(run, self.results, error, block=self._namespace)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def _enter(self, caller: FrameType) -> Self:
        options = Options({"agg": True, **self._keywords}, asked_by_environment().with_origins())
        script = script_of(caller.f_globals, options.file)
        self._run = _begun(options, script, alone=True)
        self._namespace = caller.f_globals
        self.results = {}
        for name, value in self._run.names.items():
            setattr(self, name, value)
        return self


def running2finished(
    CONFIG: MutableMapping[str, Any],
    exit_status: int | None = None,
    remove_src_dir: bool = True,
    max_wait: int = 60,
) -> MutableMapping[str, Any]:
    """Move a run from ``RUNNING`` to the ``FINISHED`` directory of its exit status.

    `close` does this by itself. Call it for a run whose files must be in place before it is closed,
    and for one that another process left behind, be it of scitex-session 0.3.1, without a record.

    Parameters
    ----------
    CONFIG : dict
        A mapping with ``SDIR_RUN`` (or ``SDIR``), the run directory. It is updated in place.
    exit_status : int, optional
        0 is success, another number an error, None neither.
    remove_src_dir : bool
        Remove the source. False leaves it and makes a verified copy.
    max_wait : int
        The most seconds that a copy may take. The source stays whole when they run out.

    Returns
    -------
    dict
        `CONFIG`.

    Raises
    ------
    InvalidValueError
        `exit_status` is not an integer, or `CONFIG` names no directory.
    RecordError
        The directory holds no record of a run.
    """
    exit_status = _checked_exit_status(exit_status)
    CONFIG = _checked_config(CONFIG)
    run = run_of(CONFIG)
    if run is not None:
        if run.owned:
            run.move(exit_status, remove_src_dir=remove_src_dir, max_wait=max_wait)
            copy_own_keys(run.config, CONFIG)
        return CONFIG
    where = CONFIG.get("SDIR_RUN") or CONFIG.get("SDIR")
    if where is None:
        raise InvalidValueError("CONFIG", CONFIG, "a mapping with SDIR_RUN, the run directory")
    source = Path(where)
    record, is_legacy = _record_left(source)
    if record.get("status") == "running":
        record = ended_record(record, exit_status=exit_status, reason={"kind": "closed"})
        write_record(source, record)
    moved = move_to_finished(
        source, status_of(exit_status), remove_src_dir=remove_src_dir, max_wait=max_wait
    )
    if is_legacy:
        from scitex_session_core import reindex

        with tolerated("registering the run"):  # nobody ever did
            reindex(moved)
    if exit_status == 0:
        with tolerated("pointing latest to the run"):
            point_latest(moved)
    set_own_keys(CONFIG, SDIR_RUN=moved, SDIR=moved, EXIT_STATUS=exit_status)
    return CONFIG


def _record_left(run_dir: Path) -> tuple[dict[str, Any], bool]:
    """Return the record of a run that another process left, and whether that was 0.3.1's.

    Raises
    ------
    RecordError
        The directory holds no record, and is not one that scitex-session 0.3.1 left.
    """
    from scitex_session_core import RecordError, legacy_record, read_record

    try:
        return read_record(run_dir), False
    except RecordError:
        found = None if (run_dir / RECORD_NAME).exists() else legacy_record(run_dir)
        if found is None or found["status"] != "unknown":
            raise
        return {"schema": 1, **found, "status": "running"}, True


def _checked_config(config: Any) -> MutableMapping[str, Any]:
    """Return the mapping that `config` is or stands for.

    Raises
    ------
    InvalidValueError
        There is none.
    """
    config = stood_for(config)
    if not isinstance(config, Mapping):
        raise InvalidValueError("CONFIG", config, "the configuration that start() returned")
    return config  # type: ignore[return-value]  # a read-only one fails where it is written to


def _checked_exit_status(exit_status: object) -> int | None:
    """Return an exit status as an int, or None.

    Raises
    ------
    InvalidValueError
        It is neither.
    """
    if exit_status is None:
        return None
    try:
        return operator.index(exit_status)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidValueError("exit_status", exit_status, "an integer or None") from None


def _close_at_exit(run: Run) -> None:
    """Close `run` truly when the process ends without having closed it."""
    _unclosed[run] = getattr(_sys, "last_value", None)
    found = _sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            found(kind, error, trace)  # prints the traceback, into the log too
        finally:  # it may be the user's, and broken
            if run in _unclosed:
                del _unclosed[run]
                run.guard.insist_on_cleanup(error)
                exit_status, reason = outcome(raised=error, signum=run.guard.ended_by)
                run.close(exit_status, {**reason, "never_closed": True}, message=":(")
                run.guard.die()

    def restore() -> None:
        _unclosed.pop(run, None)
        if _sys.excepthook is hook:
            _sys.excepthook = found

    _sys.excepthook = hook
    run.at_close("putting back sys.excepthook", restore)


# Twice: a signal's handler of the script's own may raise before the first has begun.
@atexit.register
@atexit.register
def _close_unclosed() -> None:
    runs = [*reversed(_unclosed)]
    for run in runs:
        run.guard.insist_on_cleanup(_printed_error(run))
    # One signal ends them all, whichever of them has taken it.
    signum = next((run.guard.ended_by for run in runs if run.guard.ended_by is not None), None)
    for run in runs:
        error = _printed_error(run)
        if error is None and signum is None:
            run.close(None, {"kind": "never_closed"})
        else:
            run.close(*outcome(raised=error, signum=signum))
    for run in runs:
        run.guard.die()


def _printed_error(run: Run) -> BaseException | None:
    """Return the error that ended the script, if a second Ctrl-C has kept it from our hook."""
    error: BaseException | None = getattr(_sys, "last_value", None)
    return None if error is _unclosed.get(run) else error
