"""Watching every figure that is saved: its stamp, its footer, and who is told of it.

Nearly all ways to save a figure (pyplot, the figure, the canvas, the toolbar, a notebook) lead
through `FigureCanvasBase.print_figure`. Patching `pyplot.savefig` or `Figure.savefig` would miss
some of them, and ``from pyplot import savefig``. An array that is saved as an image (`imsave`) and
an animation are no figures to matplotlib: they have places of their own.
"""

from __future__ import annotations

from _thread import RLock

from ._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from ._open_file import OpenFile
    from ._passage import Call

# Reentrant: a signal handler may end a run while its thread holds it.
_lock = RLock()
# Those in force, the innermost last. Replaced, never changed: other threads read it.
_watches: tuple[_Watch, ...] = ()
# Module, holder in it (or the module itself), and function.
_PLACES = (
    ("matplotlib.backend_bases", "FigureCanvasBase", "print_figure"),
    ("matplotlib.image", "", "imsave"),
    ("matplotlib.animation", "Animation", "save"),
)
# By function: the holder that was patched, its own function, and ours in the place of it.
_patched: dict[str, tuple[Any, Any, Any]] = {}


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
        Called with the absolute path of each file that a figure, an image (`imsave`) or an
        animation was saved to, once it is whole: of a file object that stands for a file, once
        it is closed, which is seen at the next save, or when the watch ends.
    stamp : callable, optional
        Gives what stands in the stamp: ``id`` (of the run), and what else is known, such as
        ``script``, ``commit``, ``version``; texts, numbers and booleans, None for what isn't
        known. It is called at each save. The time is added. PNG, PDF, SVG, JPEG, TIFF, WebP, GIF,
        AVIF, PS and EPS have a place for it; the user's own metadata stay, and the stamp is added
        to them.
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
        self.open_files: list[OpenFile] = []
        with _lock:
            _watches = (*_watches, self)
        self._hooks = [Hook(place[0], self._patcher(*place[1:])) for place in _PLACES]

    def end(self) -> None:
        global _watches
        for hook in self._hooks:
            hook.cancel()
        with _lock:
            _watches = tuple(watch for watch in _watches if watch is not self)
            if not _watches:
                _unpatch()
        self.tell_of_files(ending=True)

    def add_file(self, file: OpenFile) -> None:
        """Keep an open file in mind, to tell of it when it is closed."""
        with _lock:
            self.open_files.append(file)

    def tell_of_files(self, *, ending: bool = False) -> None:
        """Tell of the open files that figures were written to, as far as they are whole."""
        with _lock:
            ready = [file for file in self.open_files if ending or file.closed]
            self.open_files = [file for file in self.open_files if file not in ready]
        for file in ready:
            if self.on_save is not None and file.is_there():
                self.on_save(file.path)

    def _patcher(self, holder: str, name: str) -> Callable[[ModuleType], None]:
        def patch(module: ModuleType) -> None:
            with _lock:
                place = getattr(module, holder) if holder else module
                if self not in _watches or (name in _patched and _patched[name][0] is place):
                    return
                from ._passage import passage

                own = getattr(place, name)
                ours = passage(module, own, _BEGIN[name])
                _patched[name] = place, own, ours
                setattr(place, name, ours)

        return patch


def _unpatch() -> None:
    """Put matplotlib's functions back, unless somebody has put others over ours."""
    for name, (place, own, ours) in list(_patched.items()):
        if getattr(place, name) is ours:  # else theirs calls ours, which now only passes on
            setattr(place, name, own)
            del _patched[name]


def _print_figure(canvas: Any, filename: Any, *args: Any, **kwargs: Any) -> Call | None:
    if not (watches := _watches):
        return None
    from ._watched_save import WatchedFigure

    return WatchedFigure(watches[-1], canvas, filename, args, kwargs)


def _imsave(fname: Any, *args: Any, **kwargs: Any) -> Call | None:
    if not (watches := _watches):
        return None
    from ._watched_others import watched_image

    return watched_image(watches[-1], fname, args, kwargs)


def _save(animation: Any, filename: Any, *args: Any, **kwargs: Any) -> Call | None:
    if not (watches := _watches):
        return None
    from ._watched_others import WatchedAnimation

    return WatchedAnimation(watches[-1], animation, filename, args, kwargs)


_BEGIN: dict[str, Callable[..., Call | None]] = {
    "print_figure": _print_figure,
    "imsave": _imsave,
    "save": _save,
}
