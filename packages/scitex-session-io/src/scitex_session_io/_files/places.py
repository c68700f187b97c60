"""Where `save` and `load` look, and who is told."""

from __future__ import annotations

import os
import pathlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Place:
    """Where relative paths go for a time."""

    __slots__ = ("directory", "on_save", "reserved")

    def __init__(
        self,
        directory: pathlib.Path,
        on_save: Callable[[pathlib.Path], object] | None,
        reserved: Collection[str],
    ) -> None:
        self.directory = directory
        self.on_save = on_save
        self.reserved = frozenset(reserved)


_places: list[Place] = []


def save_into(
    directory: str | os.PathLike[str],
    on_save: Callable[[pathlib.Path], object] | None = None,
    *,
    reserved: Collection[str] = (),
) -> Callable[[], None]:
    """Let relative paths given to `save` go under a directory, until that is taken back.

    Parameters
    ----------
    directory : path
        The directory; made when something is saved. `load` looks for a relative path in the
        working directory first and then there.
    on_save : callable, optional
        Called with the path of each file that `save` has written, wherever it lies. What it
        raises reaches the caller of `save`.
    reserved : collection of str
        Names in the directory that `save` refuses, with ``/``: they belong to somebody else.

    Returns
    -------
    callable
        Takes it back, and with it nothing else: where several are set, the latest still set
        counts. Calling it twice does no harm.

    Examples
    --------
    >>> restore = save_into("results")
    >>> restore()
    """
    place = Place(pathlib.Path(directory).absolute(), on_save, reserved)
    _places.append(place)

    def restore() -> None:
        if place in _places:
            _places.remove(place)

    return restore


def saving_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """Tell where a file is to be saved.

    Raises
    ------
    InvalidValueError
        A relative path leads out of the directory that is set, or the name is reserved there.
    """
    given = pathlib.Path(path).expanduser()
    if not _places:
        return pathlib.Path.cwd() / given
    place = _places[-1]
    target = pathlib.Path(os.path.normpath(place.directory / given))
    inside = target.is_relative_to(place.directory)
    if inside and target.relative_to(place.directory).as_posix() in place.reserved:
        allowed = f"a name that is not reserved in {place.directory}"
    elif inside or given.is_absolute():
        return target
    else:
        allowed = f"within {place.directory}, or absolute"
    from scitex_session_io._errors import InvalidValueError

    raise InvalidValueError("path", str(path), allowed)


def loading_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """Tell where a file is.

    Raises
    ------
    MissingFileError
        In none of the places where it could be.
    """
    given = pathlib.Path(path).expanduser()
    places = [pathlib.Path.cwd(), *(place.directory for place in _places[-1:])]
    candidates = list(dict.fromkeys(place / given for place in places))
    for candidate in candidates:
        if candidate.exists():
            return candidate
    from scitex_session_io._errors import MissingFileError

    raise MissingFileError(str(path), map(str, candidates))


def tell_saved(path: pathlib.Path) -> None:
    """Tell that a file has been saved."""
    if _places and _places[-1].on_save is not None:
        _places[-1].on_save(path)
