"""The many keywords of a session as a few values, checked before anything starts."""

from __future__ import annotations

from scitex_session_core import InvalidValueError

from ._errors import UnknownOptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from types import ModuleType
    from typing import Any, Literal

    from scitex_session_plot import Style

    CaptureMode = Literal["fd", "sys", "none"]
    StampMode = bool | Literal["visible"]

CAPTURE_MODES = ("fd", "sys", "none")

# Keywords of `start` that describe the look of figures, and their defaults.
STYLE_DEFAULTS: Mapping[str, Any] = {
    "agg": False,
    "fig_size_mm": (160, 100),
    "fig_scale": 1.0,
    "dpi_display": 100,
    "dpi_save": 300,
    "fontsize": "small",
    "autolayout": False,
    "hide_top_right_spines": True,
    "alpha": 0.9,
    "line_width": 1.0,
}
# The other keywords that `session` and `run` pass on.
_OTHERS = (
    "args",
    "capture",
    "clear_logs",
    "file",
    "message",
    "notify",
    "np",
    "random",
    "sdir",
    "sdir_suffix",
    "seed",
    "show_execution_flow",
    "stamp",
    "torch",
    "verbose",
)
KEYWORDS = tuple(sorted((*STYLE_DEFAULTS, *_OTHERS)))


class Options:
    """How a session was asked for, without the look of its figures.

    Attributes
    ----------
    args : object
        What becomes ``CONFIG.ARGS``, where it is not the arguments of the function.
    origins : mapping
        By argument, where its value came from.
    seed_modules : tuple of module
        Seeded at once.
    alpha : float
        Opacity of the colours.
    sdir, sdir_suffix, seed, capture, clear_logs, stamp
        As for `start`.
    """

    FROM_KEYWORDS = (
        "alpha",
        "args",
        "capture",
        "clear_logs",
        "sdir",
        "sdir_suffix",
        "seed",
        "stamp",
    )
    __slots__ = (
        "alpha",
        "args",
        "capture",
        "clear_logs",
        "origins",
        "sdir",
        "sdir_suffix",
        "seed",
        "seed_modules",
        "stamp",
    )

    def __init__(
        self,
        *,
        args: object = None,
        origins: Mapping[str, str] | None = None,
        sdir: str | os.PathLike[str] | None = None,
        sdir_suffix: str | None = None,
        seed: int | None = 42,
        seed_modules: Iterable[ModuleType] = (),
        alpha: float = 0.9,
        capture: CaptureMode = "fd",
        clear_logs: bool = False,
        stamp: StampMode = True,
    ) -> None:
        if capture not in CAPTURE_MODES:
            raise InvalidValueError("capture", capture, "one of 'fd', 'sys', 'none'")
        if stamp is not True and stamp is not False and stamp != "visible":
            raise InvalidValueError("stamp", stamp, "True, False or 'visible'")
        self.args = args
        self.origins = dict(origins or {})
        self.sdir = sdir
        self.sdir_suffix = sdir_suffix
        self.seed = seed
        self.seed_modules = tuple(seed_modules)
        self.alpha = alpha
        self.capture = capture
        self.clear_logs = clear_logs
        self.stamp = stamp


def make_style(keywords: Mapping[str, Any]) -> Style:
    """Make the style of figures from the keywords of `start` that describe it.

    Raises
    ------
    Exception
        A value can't be: the plot package says which, and what is allowed.
    """
    from scitex_session_plot import Style

    return Style(**{name: keywords.get(name, default) for name, default in STYLE_DEFAULTS.items()})


def check_keywords(keywords: Iterable[str]) -> None:
    """Refuse keywords that no part of a session takes.

    Raises
    ------
    UnknownOptionError
    """
    for name in keywords:
        if name not in KEYWORDS:
            import difflib

            near = tuple(difflib.get_close_matches(name, KEYWORDS, n=1))
            raise UnknownOptionError(name, near, KEYWORDS)
