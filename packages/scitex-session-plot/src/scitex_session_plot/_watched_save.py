"""One save of a figure, with what is added to it."""

from __future__ import annotations

import os
import sys
from _thread import RLock, _local
from datetime import UTC, datetime

from ._footer import footer_on
from ._open_file import open_file
from ._stamp import stamp_text
from ._stamp_places import NoPlaceError, dated_by_environment, keywords_with, stamp_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._saving import _Watch

_FORMAT_ARGUMENT = 4  # of print_figure, after the file name
# PostScript's date can't be left out, only be set, and only in the environment.
_POSTSCRIPT = ("ps", "eps")
_EPOCH = "0"
_environment_lock = RLock()
_saving = _local()


class WatchedSave:
    """A call that saves, as its user asked for, stamped where that can be.

    Parameters
    ----------
    watch : _Watch
        What is to be done.
    target : path-like or file object
        What is saved to.
    args, kwargs : tuple, dict
        What matplotlib's own function is called with.

    Attributes
    ----------
    args, kwargs : tuple, dict
        The same; the keywords with the stamp.
    path : str or None
        The file, absolute, where it is known by its name.
    """

    def __init__(
        self, watch: _Watch, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.args = args
        self.kwargs = kwargs
        self.path: str | None = None
        self._watch = watch
        self._target = target
        self._asked = kwargs
        self._begin = _position(target)
        self._trouble: str | None = None

    def stamp_keywords(self, fmt: str, canvas: type | None) -> None:
        """Add the stamp to the keywords, for what the class of canvas writes, or `imsave`."""
        try:
            self.kwargs = keywords_with(fmt, canvas, self.kwargs, self.text())
        except NoPlaceError as why:
            self.say(f"a figure is saved without its stamp, for which there is no place: {why}")
        except Exception as error:  # noqa: BLE001  # the figure matters more than its stamp
            self.say(_failed(error))

    def again(self, error: Exception) -> bool:
        """Make ready for another call, without the stamp, if there is one and it may be the reason.

        So what the user did wrong is raised as it would be without us.
        """
        # A missing folder, a full disk: not because of a stamp.
        if self.kwargs is self._asked or isinstance(error, OSError):
            return False
        self._trouble = _failed(error)
        self.kwargs = self._asked
        if self._begin is not None:
            self._target.seek(self._begin)
            self._target.truncate()
        return True

    def end(self) -> None:
        """Take back what was done for this save."""

    def done(self) -> None:
        """Tell of the file, once it is whole."""
        if self._trouble is not None:
            self.say(self._trouble)
        watch = self._watch
        watch.tell_of_files()
        if watch.on_save is None:
            return
        if self.path is not None:
            watch.on_save(self.path)
        elif (file := open_file(self._target)) is not None:
            watch.add_file(file)

    def text(self) -> str | None:
        """Give the stamp."""
        stamp = self._watch.stamp
        if stamp is None:
            return None
        return stamp_text(stamp(), datetime.now(UTC).isoformat(timespec="seconds"))

    def say(self, message: str) -> None:
        """Warn, once, of trouble that the figure itself has no part in."""
        if message in self._watch.said:
            return
        self._watch.said.add(message)
        import warnings

        try:
            warnings.warn(message, stacklevel=_stacklevel())
        except Warning:  # made an exception by the user; this is no reason to lose the figure
            if sys.stderr is not None:
                print(f"UserWarning: {message}", file=sys.stderr)


class WatchedFigure(WatchedSave):
    """Saves a figure, which may get a footer, and in PostScript no date."""

    def __init__(
        self,
        watch: _Watch,
        canvas: Any,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(watch, target, (canvas, target, *args), kwargs)
        fmt, self.path = _format_and_path(canvas, target, args, kwargs)
        self._pages = _is_pages(target)
        if self._pages:
            self._stamp_pages(target)
        else:
            self._stamp_figure(canvas, fmt)
        self._take_off = footer_on(canvas.figure, watch.footer) if watch.footer else None
        self._undated = fmt in _POSTSCRIPT and not dated_by_environment()
        if self._undated:
            _environment_lock.acquire()
            os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
        _saving.depth = saving_figure() + 1

    def end(self) -> None:
        """Take off the footer, and let files have dates again."""
        _saving.depth -= 1
        if self._undated:
            os.environ.pop("SOURCE_DATE_EPOCH", None)
            _environment_lock.release()
        if self._take_off is not None:
            self._take_off()

    def done(self) -> None:
        """Tell of the file, once it is whole."""
        if self._pages and self._watch.on_save is not None:
            _tell_when_closed(self._target, self._watch.on_save)
        else:
            super().done()

    def _stamp_figure(self, canvas: Any, fmt: str) -> None:
        try:
            writer = _canvas_class(canvas, fmt, self.kwargs.get("backend"))
        except Exception as error:  # noqa: BLE001
            self.say(_failed(error))
            return
        if writer is not None:
            self.stamp_keywords(fmt, writer)

    def _stamp_pages(self, pages: Any) -> None:
        try:
            fresh = getattr(pages, "_file", pages) is None
            fresh = fresh and "CreationDate" not in (getattr(pages, "_metadata", None) or {})
            stamp_pages(pages.infodict(), self.text(), fresh=fresh)
        except OSError:
            raise  # infodict() begins the file, and that is the user's own trouble
        except Exception as error:  # noqa: BLE001
            self.say(_failed(error))


def saving_figure() -> int:
    """Tell how many figures this thread is saving, one within another."""
    return getattr(_saving, "depth", 0)


def absolute(path: Any) -> str | None:
    """Give where a file is, while the working directory is the same; None for what is no path."""
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.path.abspath(os.fsdecode(path))
    return None


def _format_and_path(
    canvas: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, str | None]:
    """Give the format of a save, and its file: absolute, while the working directory is the same.

    Follows `print_figure`: the suffix of a text names the format, and is added where there is
    neither; that of bytes is not looked at.
    """
    asked = args[_FORMAT_ARGUMENT] if len(args) > _FORMAT_ARGUMENT else kwargs.get("format")
    path = os.fspath(target) if isinstance(target, os.PathLike) else target
    if asked is None and isinstance(path, str):
        asked = os.path.splitext(path)[1][1:]
    if not asked:
        asked = canvas.get_default_filetype()
        path = f"{path.rstrip('.')}.{asked}" if isinstance(path, str) else path
    return str(asked).lower(), absolute(path)


def _canvas_class(canvas: Any, fmt: str, backend: str | None) -> type | None:
    """Give the class that will write the format, as `print_figure` chooses it."""
    if backend is not None:
        import importlib

        if backend.startswith("module://"):
            name = backend.removeprefix("module://")
        else:
            name = f"matplotlib.backends.backend_{backend.lower()}"
        found: type = importlib.import_module(name).FigureCanvas
        return found
    if hasattr(canvas, f"print_{fmt}"):
        return type(canvas)
    bases: Any = sys.modules["matplotlib.backend_bases"]
    registered: type | None = bases.get_registered_canvas_class(fmt)
    return registered


def _is_pages(target: Any) -> bool:
    backend: Any = sys.modules.get("matplotlib.backends.backend_pdf")
    return backend is not None and isinstance(target, backend.PdfPages)


def _tell_when_closed(pages: Any, on_save: Callable[[str], object]) -> None:
    """Tell of a file of many pages when it is closed, which is when it becomes one."""
    path, close = absolute(getattr(pages, "_filename", None)), pages.close
    if "close" in vars(pages) or path is None:
        return

    def close_and_tell() -> None:
        close()
        del pages.close
        on_save(path)

    pages.close = close_and_tell


def _position(target: Any) -> int | None:
    """Give where a file object stands, if it can be taken back there."""
    try:
        return int(target.tell()) if target.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None


def _failed(error: Exception) -> str:
    return f"a figure is saved without its stamp: {type(error).__name__}: {error}"


def _stacklevel() -> int:
    """Count the frames up to the first that is neither ours nor matplotlib's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("scitex_session", "matplotlib")):
            break
        frame, level = frame.f_back, level + 1
    return level
