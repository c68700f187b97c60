"""One save of a figure, an image or an animation, with its stamp and footer."""

from __future__ import annotations

import os
import sys
import weakref
from _thread import RLock, _local
from datetime import UTC, datetime

from scitex_session_plot._errors import warn
from scitex_session_plot._interception import Call

from .places import dated_by_environment, footer_on, keywords_with, stamp_pages, stamp_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .watch import Watch

_FORMAT_ARGUMENT = 4  # of print_figure and of imsave, after the file name
# `imsave` makes a figure of the array for these, and saves that.
_AS_FIGURE = ("pdf", "ps", "eps", "svg")
# PostScript's date can't be left out, only be set, and only in the environment.
_POSTSCRIPT = ("ps", "eps")
_EPOCH = "0"
_environment_lock = RLock()
_saving = _local()


class Save(Call):
    """A call that saves a file, with a stamp if its format can hold one.

    Parameters
    ----------
    watch : Watch
        The watch, which has the stamp and the footer.
    target : path-like or file object
        The file.
    args, kwargs : tuple, dict
        The user's arguments for matplotlib's function.

    Attributes
    ----------
    args, kwargs : tuple, dict
        Its arguments with the stamp in the keywords.
    path : str or None
        The file, absolute; None for a file object.
    """

    def __init__(
        self, watch: Watch, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        super().__init__(args, kwargs)
        self.path: str | None = None
        self._watch = watch
        self._target = target
        self._user_kwargs = kwargs
        self._begin = _position(target)
        self._trouble: str | None = None

    def stamp_keywords(self, fmt: str, canvas: type | None) -> None:
        """Add the stamp to the keywords that the class of canvas, or `imsave`, takes."""
        try:
            self.kwargs = keywords_with(fmt, canvas, self.kwargs, self.text())
        except Exception as error:  # noqa: BLE001  # the figure matters more than its stamp
            self.warn_once(_failed(error))

    def again(self, error: Exception) -> bool:
        """Prepare another call without the stamp, if the stamp may have caused the error.

        So a mistake of the user is raised as it would be without us.
        """
        # A missing folder or a full disk: the stamp did not cause it.
        if self.kwargs is self._user_kwargs or isinstance(error, OSError):
            return False
        self._trouble = _failed(error)
        self.kwargs = self._user_kwargs
        if self._begin is not None:
            self._target.seek(self._begin)
            self._target.truncate()
        return True

    def done(self) -> None:
        """Report the complete file."""
        if self._trouble is not None:
            self.warn_once(self._trouble)
        watch = self._watch
        watch.report_files()
        if watch.on_save is None:
            return
        if self.path is not None:
            watch.on_save(self.path)
        elif (file := open_file(self._target)) is not None:
            watch.add_file(file)

    def text(self) -> str | None:
        """Return the stamp."""
        stamp = self._watch.stamp
        if stamp is None:
            return None
        return stamp_text(stamp(), datetime.now(UTC).isoformat(timespec="seconds"))

    def warn_once(self, message: str) -> None:
        """Warn, once per message, of trouble with the stamp, not with the figure."""
        if message in self._watch.warned:
            return
        self._watch.warned.add(message)
        warn(message)


class FigureSave(Save):
    """Save a figure, with a footer if the watch has one, and in PostScript without a date."""

    def __init__(
        self,
        watch: Watch,
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
        self._remove_footer = footer_on(canvas.figure, watch.footer) if watch.footer else None
        self._undated = fmt in _POSTSCRIPT and not dated_by_environment()
        if self._undated:
            _environment_lock.acquire()
            os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
        _saving.depth = saving_figure() + 1

    def end(self) -> None:
        """Remove the footer, and let files have dates again."""
        _saving.depth -= 1
        if self._undated:
            os.environ.pop("SOURCE_DATE_EPOCH", None)
            _environment_lock.release()
        if self._remove_footer is not None:
            self._remove_footer()

    def done(self) -> None:
        """Report the file, once it is complete."""
        if self._pages and self._watch.on_save is not None:
            _report_when_closed(self._target, self._watch.on_save)
        else:
            super().done()

    def _stamp_figure(self, canvas: Any, fmt: str) -> None:
        try:
            writer = _canvas_class(canvas, fmt, self.kwargs.get("backend"))
        except Exception as error:  # noqa: BLE001
            self.warn_once(_failed(error))
            return
        if writer is not None:
            self.stamp_keywords(fmt, writer)

    def _stamp_pages(self, pages: Any) -> None:
        try:
            fresh = getattr(pages, "_file", pages) is None
            fresh = fresh and "CreationDate" not in (getattr(pages, "_metadata", None) or {})
            stamp_pages(pages.infodict(), self.text(), fresh=fresh)
        except OSError:
            raise  # infodict() opens the file: an error concerns the user, not the stamp
        except Exception as error:  # noqa: BLE001
            self.warn_once(_failed(error))


class ImageSave(Save):
    """Save an array as an image."""

    def __init__(
        self, watch: Watch, fmt: str, fname: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        super().__init__(watch, fname, (fname, *args), kwargs)
        self.path = absolute(fname)
        self.stamp_keywords(fmt, None)


class AnimationSave(Save):
    """Save an animation without a stamp, which not all of a writer's formats can hold."""

    def __init__(
        self,
        watch: Watch,
        animation: Any,
        filename: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        super().__init__(watch, filename, (animation, filename, *args), kwargs)
        self.path = absolute(filename)


def _figure_save(
    watch: Watch, /, canvas: Any, filename: Any, *args: Any, **kwargs: Any
) -> FigureSave:
    return FigureSave(watch, canvas, filename, args, kwargs)


def _animation_save(
    watch: Watch, /, animation: Any, filename: Any, *args: Any, **kwargs: Any
) -> AnimationSave:
    return AnimationSave(watch, animation, filename, args, kwargs)


def _image_save(watch: Watch, /, fname: Any, *args: Any, **kwargs: Any) -> ImageSave | None:
    """Return the save of an array by `imsave`; None if it saves, or is part of, a figure.

    The canvas of Agg saves through `imsave`: a direct call of its `print_png` is watched here.
    """
    fmt = args[_FORMAT_ARGUMENT] if len(args) > _FORMAT_ARGUMENT else kwargs.get("format")
    if fmt is None and isinstance(fname, (str, os.PathLike)):
        fmt = os.path.splitext(os.fsdecode(fname))[1][1:]
    elif fmt is None:
        fmt = sys.modules["matplotlib"].rcParams["savefig.format"]
    fmt = str(fmt).lower()
    if fmt in _AS_FIGURE or saving_figure():
        return None
    return ImageSave(watch, fmt, fname, args, kwargs)


# By the name of matplotlib's function: the function that begins a save, with its arguments.
BEGIN: dict[str, Callable[..., Save | None]] = {
    "print_figure": _figure_save,
    "imsave": _image_save,
    "save": _animation_save,
}


class OpenFile:
    """A file on disk that the user has open. Only a weak reference is kept, so that it can close.

    Attributes
    ----------
    path : str
        Its absolute path.
    """

    def __init__(self, file: Any, path: str) -> None:
        self.path = path
        self._file = weakref.ref(file)

    @property
    def closed(self) -> bool:
        """Whether all of it is on disk."""
        file = self._file()
        return file is None or bool(getattr(file, "closed", False))

    def is_there(self) -> bool:
        """Flush the file, and return whether it is there: a temporary one may be gone."""
        file = self._file()
        if file is not None and not self.closed:
            try:
                file.flush()
            except (OSError, ValueError):
                return False
        return os.path.isfile(self.path)


def open_file(file: Any) -> OpenFile | None:
    """Return the file on disk of a file object; None for a buffer, a pipe and the like.

    A name alone proves nothing: that of a member of an archive is not a path.
    """
    name = getattr(file, "name", None)
    if not isinstance(name, (str, bytes, os.PathLike)):
        return None
    path = os.path.abspath(os.fsdecode(name))
    try:
        if os.path.isfile(path) and os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
            return OpenFile(file, path)
    except (AttributeError, TypeError, OSError, ValueError):
        pass  # no descriptor, or closed, or one that can't be referred to: nothing to report
    return None


def saving_figure() -> int:
    """Return how many figures this thread is saving, one within another."""
    return getattr(_saving, "depth", 0)


def absolute(path: Any) -> str | None:
    """Return the absolute path, before the working directory can change; None if it is no path."""
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.path.abspath(os.fsdecode(path))
    return None


def _format_and_path(
    canvas: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, str | None]:
    """Return the format of a save, and its absolute path.

    As `print_figure` does: the suffix of a str names the format, and is added if there is neither;
    the suffix of a path in bytes is ignored.
    """
    fmt = args[_FORMAT_ARGUMENT] if len(args) > _FORMAT_ARGUMENT else kwargs.get("format")
    path = os.fspath(target) if isinstance(target, os.PathLike) else target
    if fmt is None and isinstance(path, str):
        fmt = os.path.splitext(path)[1][1:]
    if not fmt:
        fmt = canvas.get_default_filetype()
        path = f"{path.rstrip('.')}.{fmt}" if isinstance(path, str) else path
    return str(fmt).lower(), absolute(path)


def _canvas_class(canvas: Any, fmt: str, backend: str | None) -> type | None:
    """Return the class that will write the format, as `print_figure` chooses it."""
    if backend is not None:
        import importlib

        if backend.startswith("module://"):
            name = backend.removeprefix("module://")
        else:
            name = f"matplotlib.backends.backend_{backend.lower()}"
        canvas_class: type = importlib.import_module(name).FigureCanvas
        return canvas_class
    if hasattr(canvas, f"print_{fmt}"):
        return type(canvas)
    bases: Any = sys.modules["matplotlib.backend_bases"]
    registered: type | None = bases.get_registered_canvas_class(fmt)
    return registered


def _is_pages(target: Any) -> bool:
    backend: Any = sys.modules.get("matplotlib.backends.backend_pdf")
    return backend is not None and isinstance(target, backend.PdfPages)


def _report_when_closed(pages: Any, on_save: Callable[[str], object]) -> None:
    """Report a file of many pages when it is closed, and so complete."""
    path, close = absolute(getattr(pages, "_filename", None)), pages.close
    if "close" in vars(pages) or path is None:
        return

    def close_and_report() -> None:
        close()
        del pages.close
        on_save(path)

    pages.close = close_and_report


def _position(target: Any) -> int | None:
    """Return the position of a file object, if it is seekable."""
    try:
        return int(target.tell()) if target.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None


def _failed(error: Exception) -> str:
    return f"a figure is saved without its stamp: {type(error).__name__}: {error}"
