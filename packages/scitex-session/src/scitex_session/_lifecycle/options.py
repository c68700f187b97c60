"""What a session is asked for: one table of keywords, with their defaults and checks; variables."""

from __future__ import annotations

import os

from scitex_session._config.script import notebook_here
from scitex_session._errors import UnknownOptionError, tolerated
from scitex_session_core import InvalidTypeError, InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from pathlib import Path
    from types import ModuleType
    from typing import Any, Literal, TypedDict

    from scitex_session._config.frozen import Frozen
    from scitex_session_plot import Style

    CaptureMode = Literal["fd", "sys", "none"]
    DeterministicMode = bool | Literal["warn"]
    StampMode = bool | Literal["visible"]
    Check = Callable[[str, Any], Any]

    class Keywords(TypedDict, total=False):
        """The keywords of `session` that its signature does not spell, for type checkers."""

        alpha: float
        args: object
        autolayout: bool
        capture: CaptureMode
        clear_logs: bool
        debug: bool | None
        deterministic: DeterministicMode
        dpi_display: int
        dpi_save: int
        fig_scale: float
        fig_size_mm: tuple[float | str, float] | str
        file: str | PathLike[str] | None
        fontsize: str | float | dict[str, str | float]
        hide_top_right_spines: bool
        line_width: float
        max_log_bytes: int | None
        message: str | None
        no_save: bool
        note: str
        np: ModuleType | None
        out: str | PathLike[str] | None
        parent: str | None
        random: ModuleType | None
        resume: str | PathLike[str] | None
        sdir: str | PathLike[str] | None
        seed: int | None
        show_execution_flow: bool
        stamp: StampMode
        tags: Iterable[str]
        torch: ModuleType | None

    class RunKeywords(Keywords, total=False):
        """The keywords of `run`."""

        agg: bool
        notify: bool
        sdir_suffix: str | None
        verbose: bool


# Where a run tells its spawned workers what it is. `scitex_session.__init__` looks for it, too.
RUN_VARIABLE = "SCITEX_SESSION_RUN"
NOTIFY_VARIABLE = "SCITEX_SESSION_NOTIFY"
# Where a sweep tells its trials in which folder their code is frozen.
FROZEN_VARIABLE = "SCITEX_SESSION_FROZEN"
# Where a sweep tells a process which of its trials it is, as JSON: `id` and `trial`.
SWEEP_VARIABLE = "SCITEX_SESSION_SWEEP"
_trial: dict[str, Any] | None = None  # what it said

_CAPTURE_MODES = ("fd", "sys", "none")
_LEAST_LOG_BYTES = 65536


def _deterministic(name: str, value: Any) -> Any:
    if value not in (True, False, "warn"):
        raise InvalidTypeError(name, value, "True, False or 'warn'")
    return value


def _elsewhere(_name: str, value: Any) -> Any:
    """Leave the check to the package that takes the value."""
    return value


def _of_figures(_name: str, value: Any) -> Any:
    """Leave the check to `scitex_session_plot.Style`, of which it is a keyword."""
    return value


def _switch(name: str, value: Any) -> Any:
    if value not in (True, False):
        raise InvalidTypeError(name, value, "True or False")
    return value


def _capture(name: str, value: Any) -> Any:
    if value not in _CAPTURE_MODES:
        raise InvalidValueError(name, value, f"one of {', '.join(map(repr, _CAPTURE_MODES))}")
    return value


def _debug(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        raise InvalidTypeError(name, value, "True, False or None")
    return value


def _log_bytes(name: str, value: Any) -> Any:
    allowed = f"None or at least {_LEAST_LOG_BYTES} (64 KiB)"
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InvalidTypeError(name, value, allowed)
    if value < _LEAST_LOG_BYTES:
        raise InvalidValueError(name, value, allowed)
    return value


def _note(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        raise InvalidTypeError(name, value, "a string")
    return value


def _out(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise InvalidTypeError(name, value, "a path, or None")
    return value


def _parent(name: str, value: Any) -> Any:
    if value is None:
        return None
    from scitex_session_core import InvalidSessionIdError, check_id

    try:
        return check_id(value)
    except (InvalidSessionIdError, InvalidTypeError):
        raise InvalidValueError(name, value, "the ID of a session, or None") from None


def _resume(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise InvalidTypeError(name, value, "the ID or the directory of a run, or None")
    return value


def _stamp(name: str, value: Any) -> Any:
    if value is not True and value is not False and value != "visible":
        raise InvalidValueError(name, value, "True, False or 'visible'")
    return value


def _tags(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise InvalidTypeError(name, value, "a list of strings")
    tags = tuple(value)
    if not all(isinstance(tag, str) for tag in tags):
        raise InvalidTypeError(name, value, "a list of strings")
    return tags


# Every keyword of a session: its default, and what checks it. `start` spells the same defaults in
# its signature (`session` and `start` have some of their own); the rest follows from this table.
_KEYWORDS: Mapping[str, tuple[Any, Check]] = {
    "agg": (False, _of_figures),
    "alpha": (0.9, _of_figures),
    "args": (None, _elsewhere),
    "autolayout": (False, _of_figures),
    "capture": ("fd", _capture),
    "clear_logs": (False, _switch),
    "debug": (None, _debug),
    "deterministic": (False, _deterministic),
    "dpi_display": (100, _of_figures),
    "dpi_save": (300, _of_figures),
    "fig_scale": (1.0, _of_figures),
    "fig_size_mm": ((160, 100), _of_figures),
    "file": (None, _elsewhere),
    "fontsize": ("small", _of_figures),
    "hide_top_right_spines": (True, _of_figures),
    "line_width": (1.0, _of_figures),
    "max_log_bytes": (None, _log_bytes),
    "message": (None, _elsewhere),
    "no_save": (False, _switch),
    "note": ("", _note),
    "notify": (False, _switch),
    "np": (None, _elsewhere),
    "out": (None, _out),
    "parent": (None, _parent),
    "random": (None, _elsewhere),
    "resume": (None, _resume),
    "sdir": (None, _elsewhere),
    "sdir_suffix": (None, _elsewhere),
    "seed": (42, _elsewhere),
    "show_execution_flow": (False, _switch),
    "stamp": (True, _stamp),
    "tags": ((), _tags),
    "torch": (None, _elsewhere),
    "verbose": (False, _switch),
}
KEYWORDS = tuple(_KEYWORDS)
_STYLE_KEYWORDS = tuple(name for name, (_, check) in _KEYWORDS.items() if check is _of_figures)


class Options:
    """What a session was asked for: one attribute for each keyword, checked.

    Parameters
    ----------
    keywords : mapping
        What the script asks for. A keyword that is missing has its default.
    asked : mapping, optional
        What the command line and the environment ask for, with where it comes from, by keyword.
        It counts more than `keywords`.
    origins : mapping, optional
        Where the value of each argument of the function comes from.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        A value is not allowed.
    """

    __slots__ = (*KEYWORDS, "asked", "origins")

    if TYPE_CHECKING:
        asked: Mapping[str, tuple[Any, str]]
        capture: CaptureMode
        origins: Mapping[str, str]
        seed: int | None

        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        keywords: Mapping[str, Any],
        asked: Mapping[str, tuple[Any, str]] | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self.asked = dict(asked or {})
        self.origins = dict(origins or {})
        values = {**keywords, **{name: value for name, (value, _) in self.asked.items()}}
        for name, (default, check) in _KEYWORDS.items():
            setattr(self, name, check(name, values.get(name, default)))

    @property
    def seed_modules(self) -> tuple[ModuleType, ...]:
        """The modules that are seeded at once."""
        return tuple(m for m in (self.random, self.np, self.torch) if m is not None)

    @property
    def style_keywords(self) -> dict[str, Any]:
        """The keywords of `Style`, which are texts, numbers, and collections of them.

        A notebook shows figures in its own way, whatever `agg` says: no window opens there.
        """
        keywords = {name: getattr(self, name) for name in _STYLE_KEYWORDS}
        if notebook_here() is not None and isinstance(self.agg, bool):
            keywords["agg"] = False
        return keywords

    def style(self) -> Style:
        """Make the style of the figures.

        Raises
        ------
        PlotError
            A value is not allowed.
        """
        from scitex_session_plot import Style

        return Style(**self.style_keywords)


def check_keywords(keywords: Mapping[str, Any]) -> None:
    """Refuse unknown keywords, and switches that are neither True nor False.

    Raises
    ------
    UnknownOptionError, InvalidTypeError
        There is one.
    """
    for name, value in keywords.items():
        if name not in _KEYWORDS:
            from scitex_session._suggest import suggest

            raise UnknownOptionError(name, suggest(name, KEYWORDS), KEYWORDS)
        if _KEYWORDS[name][1] is _switch:
            _switch(name, value)


def trial_of_sweep() -> dict[str, Any] | None:
    """Return the sweep and the trial that this process is, for each of its sessions; or None.

    The variable is taken away: a script that the trial starts is no trial of that sweep.
    """
    global _trial
    if text := os.environ.pop(SWEEP_VARIABLE, None):
        import json

        with tolerated(f"reading ${SWEEP_VARIABLE}"):
            told = json.loads(text)
            _trial = {"id": str(told["id"]), "trial": int(told["trial"])}
    return _trial


def frozen_code(script: Path | None) -> Frozen | None:
    """Return the frozen code that the script is part of, if it is a trial's."""
    folder = os.environ.get(FROZEN_VARIABLE)
    if not folder:
        return None
    from scitex_session._config.frozen import Frozen

    return Frozen.of(folder, script)
