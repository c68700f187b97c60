"""Watching every figure that is saved: its stamp, its footer, and who is told of it.

All ways to save a figure (pyplot, the figure, the canvas, the toolbar, a notebook) lead through
`FigureCanvasBase.print_figure`, so that is the one place where a save is watched. Patching
`pyplot.savefig` or `Figure.savefig` would miss some of them, and ``from pyplot import savefig``.
"""

from __future__ import annotations

from _thread import RLock

from ._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

# Reentrant: a signal handler may end a run while its thread holds it.
_lock = RLock()
# Those in force, the innermost last. Replaced, never changed: other threads read it.
_watches: tuple[_Watch, ...] = ()
# The class that was patched, its own method, and ours in the place of it.
_patched: tuple[Any, Any, Any] | None = None


def watch_savefig(
    on_save: Callable[[str], object] | None = None,
    *,
    stamp: Callable[[], Mapping[str, object]] | None = None,
    footer: str | None = None,
) -> Callable[[], None]:
    """Watch every figure that matplotlib saves, until that is taken back.

    Matplotlib is not imported; the watch begins when it is. A figure is drawn as it would be
    without: its metadata alone have the stamp, and no date of saving, so that the same figure
    gives the same file. A date that the user gives, or ``$SOURCE_DATE_EPOCH``, stays.

    Parameters
    ----------
    on_save : callable, optional
        Called with the absolute path of each file that a figure was saved to; not for one that
        was written into a file object.
    stamp : callable, optional
        Gives what stands in the stamp: ``id`` (of the run), and what else is known, such as
        ``script``, ``commit``, ``version``; texts, numbers and booleans, None for what isn't
        known. It is called at each save. The time is added. PNG, PDF, SVG, JPEG, TIFF, WebP, PS
        and EPS have a place for it; the user's own metadata stay, and the stamp is added to them.
    footer : str, optional
        A word that is drawn, small and grey, into the lower right corner of what is saved, and
        not into the figure.

    Returns
    -------
    callable
        Takes it back. Calling it twice does no harm. Of several, the latest still in force counts.

    Notes
    -----
    Trouble with a stamp is warned about once, and the figure is saved without.

    Examples
    --------
    >>> restore = watch_savefig(print, stamp=lambda: {"id": "2026-a", "script": "fit.py"})
    >>> restore()
    """
    return _Watch(on_save, stamp, footer).end


class _Watch:
    """One `watch_savefig`."""

    def __init__(
        self,
        on_save: Callable[[str], object] | None,
        stamp: Callable[[], Mapping[str, object]] | None,
        footer: str | None,
    ) -> None:
        global _watches
        self.on_save = on_save
        self.stamp = stamp
        self.footer = footer
        self.said: set[str] = set()
        with _lock:
            _watches = (*_watches, self)
        self._hook = Hook("matplotlib.backend_bases", self._patch)

    def end(self) -> None:
        global _watches
        self._hook.cancel()
        with _lock:
            _watches = tuple(watch for watch in _watches if watch is not self)
            if not _watches:
                _unpatch()

    def _patch(self, backend_bases: ModuleType) -> None:
        global _patched
        with _lock:
            canvas = backend_bases.FigureCanvasBase
            if self not in _watches or (_patched is not None and _patched[0] is canvas):
                return
            own = canvas.print_figure
            _patched = canvas, own, _watched(own)
            canvas.print_figure = _patched[2]


def _unpatch() -> None:
    """Put matplotlib's method back, unless somebody has put another over ours."""
    global _patched
    if _patched is not None:
        canvas, own, ours = _patched
        if canvas.print_figure is ours:  # else theirs calls ours, which now only passes on
            canvas.print_figure = own
            _patched = None


def _watched(own: Callable[..., Any]) -> Callable[..., Any]:
    from functools import wraps

    @wraps(own)
    def print_figure(self: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
        watches = _watches
        if not watches:
            return own(self, filename, *args, **kwargs)
        from ._watched_save import WatchedSave

        watch = watches[-1]
        save = WatchedSave(watch.stamp, watch.footer, watch.said)
        result = save.run(own, self, filename, args, kwargs)
        if watch.on_save is not None:
            save.tell(watch.on_save)
        return result

    return print_figure
