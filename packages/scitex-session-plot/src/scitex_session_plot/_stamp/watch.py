"""Watch every figure that matplotlib saves: stamp it, draw its footer, report its file.

Nearly all ways to save a figure (pyplot, the figure, the canvas, the toolbar, a notebook) lead
through `FigureCanvasBase.print_figure`. To intercept `pyplot.savefig` or `Figure.savefig` would
miss some of them, and ``from pyplot import savefig``. For matplotlib, an array that is saved as an
image (`imsave`) and an animation are not figures: their functions are intercepted, too.
"""

from __future__ import annotations

from _thread import RLock

from scitex_session_plot._import_hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from scitex_session_plot._interception import Interception

    from .write import OpenFile, Save

# Reentrant: a signal handler may end a run while its thread holds it.
_lock = RLock()
# The active watches, innermost last. Replaced, never changed: other threads read it.
_watches: tuple[Watch, ...] = ()
# Module, holder in it (or the module itself), and function.
_PLACES = (
    ("matplotlib.backend_bases", "FigureCanvasBase", "print_figure"),
    ("matplotlib.image", "", "imsave"),
    ("matplotlib.animation", "Animation", "save"),
)


def watch_savefig(
    on_save: Callable[[str], object] | None = None,
    *,
    stamp: Callable[[], Mapping[str, object]] | None = None,
    footer: str | None = None,
) -> Callable[[], None]:
    """Watch every figure that matplotlib saves, until the function that is returned is called.

    Matplotlib is not imported; the watch begins when it is. A figure is drawn as it would be
    without: only its metadata have the stamp, and no date of saving, so that the same figure
    gives the same file. A date that the user gives, or ``$SOURCE_DATE_EPOCH``, stays.

    Parameters
    ----------
    on_save : callable, optional
        Called with the absolute path of each file that a figure, an image (`imsave`) or an
        animation was saved to, once it is whole. The file of a file object is whole once that is
        closed, which is noticed at the next save, or when the watch ends.
    stamp : callable, optional
        Called at each save; returns the content of the stamp: ``id`` (of the run), and what else
        is known, such as ``script``, ``commit``, ``version``: texts, numbers, booleans, and None
        for what isn't known, of at most 16,384 characters as JSON. The time is added. PNG, PDF,
        SVG, JPEG, TIFF, WebP, GIF, AVIF, PS and EPS can hold it; the user's own metadata stay,
        and the stamp is added to them.
    footer : str, optional
        A word that is drawn, small and grey, into the lower right corner of what is saved, but
        not into the figure.

    Returns
    -------
    callable
        Ends the watch. Calling it twice does no harm. Of several watches, the latest one that has
        not ended counts.

    Notes
    -----
    Trouble with a stamp is a warning, once, and the figure is saved without.

    Examples
    --------
    >>> restore = watch_savefig(print, stamp=lambda: {"id": "2026-a", "script": "fit.py"})
    >>> restore()
    """
    return Watch(on_save, stamp, footer).end


class Watch:
    """One call of `watch_savefig`.

    Attributes
    ----------
    on_save, stamp, footer
        The arguments of `watch_savefig`.
    warned : set of str
        The messages of which the user has been warned.
    """

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
        self.warned: set[str] = set()
        self._open_files: list[OpenFile] = []
        self._interceptions: list[Interception] = []
        with _lock:
            _watches = (*_watches, self)
        self._hooks = [Hook(place[0], self._interceptor(*place[1:])) for place in _PLACES]

    def end(self) -> None:
        """Stop watching; matplotlib's functions are restored after the last watch."""
        global _watches
        for hook in self._hooks:
            hook.cancel()
        with _lock:
            _watches = tuple(watch for watch in _watches if watch is not self)
            for interception in self._interceptions:
                interception.cancel()
        self.report_files(ending=True)

    def add_file(self, file: OpenFile) -> None:
        """Keep an open file, to report it when it is closed."""
        with _lock:
            self._open_files.append(file)

    def report_files(self, *, ending: bool = False) -> None:
        """Report the closed files of figures; at the end of the watch, the open ones too."""
        with _lock:
            ready = [file for file in self._open_files if ending or file.closed]
            self._open_files = [file for file in self._open_files if file not in ready]
        for file in ready:
            if self.on_save is not None and file.is_there():
                self.on_save(file.path)

    def _interceptor(self, holder: str, name: str) -> Callable[[ModuleType], None]:
        """Return what intercepts a function once its module is imported."""

        def intercept(module: ModuleType) -> None:
            # Import them now: when a figure is saved, it may no longer be possible to open files.
            from scitex_session_plot._interception import Interception

            from .write import BEGIN

            begin_save = BEGIN[name]

            def begin(*args: Any, **kwargs: Any) -> Save | None:
                return begin_save(self, *args, **kwargs) if _watches[-1:] == (self,) else None

            with _lock:
                if self in _watches:
                    self._interceptions.append(Interception(module, holder, name, begin))

        return intercept
