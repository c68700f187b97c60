"""`start` and `close`: a session by hand."""

from __future__ import annotations

import sys as _sys
from pathlib import Path

from scitex_session_core import InvalidValueError, warn

from ._command_line.session_options import asked_by_environment
from ._config.script import script_of_caller
from ._finished import checked_config, checked_exit_status
from ._lifecycle.options import Options, check_switches, make_style
from ._lifecycle.run import Run, run_of
from ._lifecycle.unclosed import watch_for_unclosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os as _os
    from collections.abc import Iterable, MutableMapping
    from types import ModuleType
    from typing import Any, TextIO

    from scitex_session_core import DotDict
    from scitex_session_plot import CustomColors
    from scitex_session_repro import RandomStateManager

    from ._lifecycle.options import CaptureMode, StampMode


def start(
    sys: ModuleType | None = None,
    plt: ModuleType | None = None,
    file: str | None = None,
    sdir: str | _os.PathLike[str] | None = None,
    sdir_suffix: str | None = None,
    args: object = None,
    os: ModuleType | None = None,  # noqa: ARG001
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
    out: str | _os.PathLike[str] | None = None,
    no_save: bool = False,
    stamp: StampMode = True,
    deterministic: bool = False,
) -> tuple[DotDict, TextIO | None, TextIO | None, ModuleType, CustomColors, RandomStateManager]:
    """Start a session by hand; `close` ends it.

    Parameters
    ----------
    sys : module, optional
        Python's `sys`. Without it nothing is captured, and None is returned for both streams.
    plt : module, optional
        Pyplot, to be configured and returned; without it, what is returned loads pyplot,
        configured, at its first use.
    file : str, optional
        The script; found from the caller by default.
    sdir : path-like, optional
        The run directory itself: made if missing, never moved.
    sdir_suffix : str, optional
        Appended to the name of the run directory.
    args : object, optional
        Arguments of the script (a Namespace, a mapping, any object with attributes): recorded, and
        to be had as ``CONFIG.ARGS``.
    os : module, optional
        Taken since scripts hand it over; the session has its own.
    random, np, torch : module, optional
        Seeded at once. Generators of other modules are seeded too: at once where they are imported,
        at their import where not.
    seed : int or None
        0 to 2**128 - 1; None draws one, which is recorded.
    agg : bool
        Draw without windows, whatever the machine has: ``plt.show()`` does nothing.
    fig_size_mm : tuple of float, or str
        Width and height of figures in millimetres; the width may be a journal's column, as in
        ``("nature single", 60)``, or that alone be given.
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
        With `sdir`: delete the record and logs that an earlier run left there; by default they are
        kept under ``previous/``.
    verbose : bool
        Print what the session is and where its files are.
    capture : {"fd", "sys", "none"}
        How output is captured: at the descriptors (complete), by a tee of Python's streams, or not.
    max_log_bytes : int, optional
        How long each log may grow, at least 65536. Of a longer one the beginning and the end are
        kept, and a line in between says how much is missing. By default everything is kept.
    debug : bool, optional
        Whether the run is for debugging: ``DEBUG_`` stands before its ID then, and ``CONFIG.DEBUG``
        is True. By default ``config/IS_DEBUG.yaml`` says it (``IS_DEBUG: true``).
    note : str
        A note for the record.
    tags : iterable of str
        Tags for the record, by which runs are found.
    parent : str, optional
        The ID of the session that this one goes on from.
    out : path-like, optional
        The folder for ``<script>_out``.
    no_save : bool
        Try it: the run directory is a temporary one, in no registry, and removed at the end unless
        the run fails.
    stamp : bool or "visible"
        Write into the metadata of every saved figure which run made it; ``"visible"`` also draws
        the last part of the ID into its corner, for drafts.
    deterministic : bool
        Ask torch for deterministic algorithms for the time of the run, and turn TF32 off.

    Returns
    -------
    CONFIG : DotDict
        Configuration of the run: ``ID``, ``SDIR_RUN``, ``ARGS`` and so on.
    stdout, stderr : text stream or None
        To be assigned to ``sys.stdout`` and ``sys.stderr``, if you like; they are those already.
    plt : module
    COLORS : CustomColors
    rng : RandomStateManager

    Raises
    ------
    ValueError, TypeError
        An argument is not what it may be. Nothing was started.
    OSError
        `sdir` can't be made, or belongs to a run that is still going on.

    Notes
    -----
    What the environment asks for (``$SCITEX_SESSION_SEED`` and so on) stands above the arguments.
    """
    if sys is not None and not hasattr(sys, "stdout"):
        raise InvalidValueError("sys", sys, "Python's module sys, or None")
    style = make_style(
        {
            "agg": agg,
            "fig_size_mm": fig_size_mm,
            "fig_scale": fig_scale,
            "dpi_display": dpi_display,
            "dpi_save": dpi_save,
            "fontsize": fontsize,
            "autolayout": autolayout,
            "hide_top_right_spines": hide_top_right_spines,
            "alpha": alpha,
            "line_width": line_width,
        }
    )
    outside = asked_by_environment()
    asked: dict[str, Any] = {
        "seed": seed,
        "verbose": verbose,
        "capture": capture,
        "debug": debug,
        "note": note,
        "tags": tags,
        "parent": parent,
        "out": out,
        "no_save": no_save,
        **outside.keywords,
    }
    verbose = asked.pop("verbose")
    check_switches({"verbose": verbose, "show_execution_flow": show_execution_flow})
    options = Options(
        args=args,
        sdir=sdir,
        sdir_suffix=sdir_suffix,
        seed_modules=tuple(m for m in (random, np, torch) if m is not None),
        alpha=alpha,
        clear_logs=clear_logs,
        max_log_bytes=max_log_bytes,
        stamp=stamp,
        deterministic=deterministic,
        asked=outside.told(),
        **asked,
    )
    if sys is None:
        options.capture = "none"
    script = Path(file).absolute() if file is not None else script_of_caller(_sys._getframe(1))
    run = Run(options, style, script)
    run.open()
    watch_for_unclosed(run)
    run.announce(verbose=verbose, flow=show_execution_flow)
    stdout, stderr = (None, None) if sys is None else (run.capture.stdout, run.capture.stderr)
    return run.config, stdout, stderr, plt or style.plt, run.colors, run.rng


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
        What `start` returned; updated with where the run is now and how it ended.
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
        `exit_status` is no integer, or `CONFIG` no mapping.

    Notes
    -----
    Closing twice, or a session of another process, only warns; in a forked child it does nothing.
    """
    exit_status = checked_exit_status(exit_status)
    CONFIG = checked_config(CONFIG)
    run = run_of(CONFIG)
    if run is None:
        warn(f"no session {CONFIG.get('ID')!r} to close: it was closed before, or not started here")
        return
    if not run.owned:
        return
    run.close(exit_status, {"kind": "closed"}, message=message)
    run.guard.die()  # of a signal that waited for the end of the clean-up
    run.conclude(message, verbose=verbose, notify=notify)
