"""The many keywords of a session as a few values, checked before anything starts."""

from __future__ import annotations

from scitex_session._errors import UnknownOptionError
from scitex_session_core import InvalidSessionIdError, InvalidTypeError, InvalidValueError, check_id

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
LEAST_LOG_BYTES = 65536

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
# Keywords that `session` and `run` take, and that are no part of `Options`.
_OTHERS = (
    "file",
    "message",
    "notify",
    "np",
    "random",
    "show_execution_flow",
    "torch",
    "verbose",
)
_SWITCHES = (
    "clear_logs",
    "deterministic",
    "no_save",
    "notify",
    "show_execution_flow",
    "verbose",
)


class Options:
    """How a session was asked for, without the look of its figures.

    Attributes
    ----------
    args : object
        What becomes ``CONFIG.ARGS``, where it is not the arguments of the function.
    origins : mapping
        By argument, where its value came from.
    asked : mapping
        By keyword, what was asked for from outside the script, and from where.
    seed_modules : tuple of module
        Seeded at once.
    alpha : float
        Opacity of the colours.
    tags : tuple of str
        Tags of the run.
    sdir, sdir_suffix, seed, capture, clear_logs, debug, max_log_bytes, note, parent, out, \
no_save, stamp, deterministic
        As for `start`.
    """

    FROM_KEYWORDS = (
        "alpha",
        "args",
        "capture",
        "clear_logs",
        "debug",
        "deterministic",
        "max_log_bytes",
        "no_save",
        "note",
        "out",
        "parent",
        "sdir",
        "sdir_suffix",
        "seed",
        "stamp",
        "tags",
    )
    __slots__ = (*FROM_KEYWORDS, "asked", "origins", "seed_modules")

    def __init__(
        self,
        *,
        args: object = None,
        origins: Mapping[str, str] | None = None,
        asked: Mapping[str, tuple[Any, str]] | None = None,
        sdir: str | os.PathLike[str] | None = None,
        sdir_suffix: str | None = None,
        seed: int | None = 42,
        seed_modules: Iterable[ModuleType] = (),
        alpha: float = 0.9,
        capture: CaptureMode = "fd",
        clear_logs: bool = False,
        debug: bool | None = None,
        max_log_bytes: int | None = None,
        note: str = "",
        tags: Iterable[str] = (),
        parent: str | None = None,
        out: str | os.PathLike[str] | None = None,
        no_save: bool = False,
        stamp: StampMode = True,
        deterministic: bool = False,
    ) -> None:
        if capture not in CAPTURE_MODES:
            raise InvalidValueError("capture", capture, "one of 'fd', 'sys', 'none'")
        if max_log_bytes is not None:
            allowed = "None or at least 65536 (64 KiB)"
            if isinstance(max_log_bytes, bool) or not hasattr(max_log_bytes, "__index__"):
                raise InvalidTypeError("max_log_bytes", max_log_bytes, allowed)
            if max_log_bytes < LEAST_LOG_BYTES:
                raise InvalidValueError("max_log_bytes", max_log_bytes, allowed)
        if debug is not None and not isinstance(debug, bool):
            raise InvalidTypeError("debug", debug, "True, False or None")
        if not isinstance(note, str):
            raise InvalidTypeError("note", note, "a string")
        if parent is not None:
            _check_parent(parent)
        if out is not None and not isinstance(out, str) and not hasattr(out, "__fspath__"):
            raise InvalidTypeError("out", out, "a path, or None")
        check_switches(
            {"clear_logs": clear_logs, "deterministic": deterministic, "no_save": no_save}
        )
        if stamp is not True and stamp is not False and stamp != "visible":
            raise InvalidValueError("stamp", stamp, "True, False or 'visible'")
        self.args = args
        self.origins = dict(origins or {})
        self.asked = dict(asked or {})
        self.sdir = sdir
        self.sdir_suffix = sdir_suffix
        self.seed = seed
        self.seed_modules = tuple(seed_modules)
        self.alpha = alpha
        self.capture = capture
        self.clear_logs = clear_logs
        self.max_log_bytes = max_log_bytes
        self.debug = debug
        self.note = note
        self.tags = _checked_tags(tags)
        self.parent = parent
        self.out = out
        self.no_save = no_save
        self.stamp = stamp
        self.deterministic = deterministic


KEYWORDS = tuple(sorted({*STYLE_DEFAULTS, *Options.FROM_KEYWORDS, *_OTHERS}))


def _check_parent(parent: str) -> None:
    try:
        check_id(parent)
    except (InvalidSessionIdError, InvalidTypeError):
        raise InvalidValueError("parent", parent, "the ID of a session, or None") from None


def _checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    found = () if isinstance(tags, str) else tuple(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in found):
        raise InvalidTypeError("tags", tags, "a list of strings")
    return found


def make_style(keywords: Mapping[str, Any]) -> Style:
    """Make the style of figures from the keywords of `start` that describe it.

    Raises
    ------
    Exception
        A value can't be: the plot package says which, and what is allowed.
    """
    from scitex_session_plot import Style

    return Style(**{name: keywords.get(name, default) for name, default in STYLE_DEFAULTS.items()})


def check_switches(keywords: Mapping[str, Any]) -> None:
    """Refuse a value other than True and False where only these are meant.

    Raises
    ------
    InvalidTypeError
    """
    for name in _SWITCHES:
        if name in keywords and keywords[name] not in (True, False):
            raise InvalidTypeError(name, keywords[name], "True or False")


def check_keywords(keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that no part of a session takes, and switches that are none.

    Raises
    ------
    UnknownOptionError, InvalidTypeError
    """
    for name in keywords:
        if name not in KEYWORDS:
            import difflib

            near = tuple(difflib.get_close_matches(name, KEYWORDS, n=1))
            raise UnknownOptionError(name, near, KEYWORDS)
    check_switches(keywords)
