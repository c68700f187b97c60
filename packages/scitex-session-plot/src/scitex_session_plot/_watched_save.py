"""One save of a figure, with what is added to it."""

from __future__ import annotations

import os
import sys
from _thread import RLock
from datetime import UTC, datetime

from ._footer import footer_on
from ._stamp import stamp_text
from ._stamp_places import NoPlaceError, dated_by_environment, keywords_with, stamp_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_FORMAT_ARGUMENT = 4  # of print_figure, after the file name
# PostScript's date can't be left out, only be set, and only in the environment.
_POSTSCRIPT = ("ps", "eps")
_EPOCH = "0"
_environment_lock = RLock()


class WatchedSave:
    """Saves a figure as its user asked for, stamped where that can be.

    Parameters
    ----------
    stamp : callable or None
        Gives what stands in the stamp.
    footer : str or None
        Drawn into the corner.
    said : set of str
        The warnings that were given; added to.
    """

    def __init__(
        self,
        stamp: Callable[[], Mapping[str, object]] | None,
        footer: str | None,
        said: set[str],
    ) -> None:
        self._stamp = stamp
        self._footer = footer
        self._said = said
        self._path: str | None = None
        self._pages: Any = None

    def run(
        self,
        own: Callable[..., Any],
        canvas: Any,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Save with matplotlib's own `print_figure`, and return what it returns."""
        fmt, self._path = _format_and_path(canvas, target, args, kwargs)
        if _is_pages(target):
            self._stamp_pages(target)
            given = kwargs
        else:
            given = self._with_stamp(canvas, fmt, kwargs)
        with_footer = footer_on(canvas.figure, self._footer) if self._footer else None
        try:
            return _save(own, canvas, target, args, given, kwargs, fmt, self._say)
        finally:
            if with_footer is not None:
                with_footer()

    def tell(self, on_save: Callable[[str], object]) -> None:
        """Tell of the file, once it is whole."""
        if self._path is not None:
            on_save(self._path)
        elif self._pages is not None:
            _tell_when_closed(self._pages, on_save)

    def _with_stamp(self, canvas: Any, fmt: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            writer = _canvas_class(canvas, fmt, kwargs.get("backend"))
            if writer is None:
                return kwargs
            return keywords_with(fmt, writer, kwargs, self._text())
        except NoPlaceError as why:
            self._say(f"a figure is saved without its stamp, for which there is no place: {why}")
        except Exception as error:  # noqa: BLE001  # the figure matters more than its stamp
            self._say(_failed(error))
        return kwargs

    def _stamp_pages(self, pages: Any) -> None:
        try:
            fresh = getattr(pages, "_file", pages) is None
            fresh = fresh and "CreationDate" not in (getattr(pages, "_metadata", None) or {})
            stamp_pages(pages.infodict(), self._text(), fresh=fresh)
        except OSError:
            raise  # infodict() begins the file, and that is the user's own trouble
        except Exception as error:  # noqa: BLE001
            self._say(_failed(error))
        self._pages = pages

    def _text(self) -> str | None:
        if self._stamp is None:
            return None
        return stamp_text(self._stamp(), datetime.now(UTC).isoformat(timespec="seconds"))

    def _say(self, message: str) -> None:
        if message in self._said:
            return
        self._said.add(message)
        import warnings

        try:
            warnings.warn(message, stacklevel=_stacklevel())
        except Warning:  # made an exception by the user; this is no reason to lose the figure
            if sys.stderr is not None:
                print(f"UserWarning: {message}", file=sys.stderr)


def _save(
    own: Callable[..., Any],
    canvas: Any,
    target: Any,
    args: tuple[Any, ...],
    given: dict[str, Any],
    kwargs: dict[str, Any],
    fmt: str,
    say: Callable[[str], None],
) -> Any:
    """Save with `given`; where that is refused, with the user's own `kwargs`."""
    if fmt in _POSTSCRIPT and not dated_by_environment():
        own = _without_date(own)
    if given is kwargs:
        return own(canvas, target, *args, **kwargs)
    begin = _position(target)
    try:
        return own(canvas, target, *args, **given)
    except OSError:
        raise  # a missing folder, a full disk: not because of a stamp
    except Exception as error:  # noqa: BLE001
        refused = error
    # Beyond the handler, so that what the user did wrong is raised as it would be without us.
    if begin is not None:
        target.seek(begin)
        target.truncate()
    result = own(canvas, target, *args, **kwargs)
    say(_failed(refused))
    return result


def _without_date(own: Callable[..., Any]) -> Callable[..., Any]:
    def save(*args: Any, **kwargs: Any) -> Any:
        with _environment_lock:
            os.environ["SOURCE_DATE_EPOCH"] = _EPOCH
            try:
                return own(*args, **kwargs)
            finally:
                os.environ.pop("SOURCE_DATE_EPOCH", None)

    return save


def _format_and_path(
    canvas: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, str | None]:
    """Give the format of a save, and its file: absolute, while the working directory is the same.

    Follows `print_figure`: a suffix names the format, and is added where there is neither.
    """
    asked = args[_FORMAT_ARGUMENT] if len(args) > _FORMAT_ARGUMENT else kwargs.get("format")
    path = os.fsdecode(target) if isinstance(target, (str, os.PathLike)) else None
    if asked is None and path is not None:
        asked = os.path.splitext(path)[1][1:]
    if not asked:
        asked = canvas.get_default_filetype()
        path = path and f"{path.rstrip('.')}.{asked}"
    return str(asked).lower(), path and os.path.abspath(path)


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
    path = getattr(pages, "_filename", None)
    if "close" in vars(pages) or not isinstance(path, (str, os.PathLike)):
        return
    absolute, close = os.path.abspath(os.fsdecode(path)), pages.close

    def close_and_tell() -> None:
        close()
        del pages.close
        on_save(absolute)

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
