"""The directory for relative paths of `save` and `load`, and the callbacks of whoever set it."""

from __future__ import annotations

import os
import pathlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Place:
    """A directory for relative paths, set by `save_into`."""

    __slots__ = ("directory", "find", "on_load", "on_save", "reserved")

    def __init__(
        self,
        directory: pathlib.Path,
        on_save: Callable[[pathlib.Path], object] | None,
        on_load: Callable[[pathlib.Path], object] | None,
        find: Callable[[pathlib.Path], pathlib.Path | None] | None,
        reserved: Collection[str],
    ) -> None:
        self.directory = directory
        self.on_save = on_save
        self.on_load = on_load
        self.find = find
        self.reserved = frozenset(reserved)


_places: list[Place] = []


def save_into(
    directory: str | os.PathLike[str],
    on_save: Callable[[pathlib.Path], object] | None = None,
    *,
    on_load: Callable[[pathlib.Path], object] | None = None,
    find: Callable[[pathlib.Path], pathlib.Path | None] | None = None,
    reserved: Collection[str] = (),
) -> Callable[[], None]:
    """Make `save` put relative paths under a directory, until the returned function is called.

    Parameters
    ----------
    directory : path
        The directory; made when something is saved. `load` looks for a relative path first in the
        working directory and then there.
    on_save : callable, optional
        Called with the path of each file that `save` has written, inside the directory or not; of
        a format that is a directory, with each file in it. Its exceptions reach the caller of
        `save`.
    on_load : callable, optional
        Called with the absolute path of each file that `load` has read, once its content is known
        to be sound. Its exceptions reach the caller of `load`.
    find : callable, optional
        Called with a path that `load` is given and that stands nowhere (``~`` is expanded). It
        returns the file to read instead, or None. Its exceptions reach the caller of `load`.
    reserved : collection of str
        Names in the directory that `save` refuses, with ``/`` between their parts.

    Returns
    -------
    callable
        Ends the effect of this call only: of several directories, the latest one left counts. A
        second call does nothing.

    Examples
    --------
    >>> restore = save_into("results")
    >>> restore()
    """
    place = Place(pathlib.Path(directory).absolute(), on_save, on_load, find, reserved)
    _places.append(place)

    def restore() -> None:
        if place in _places:
            _places.remove(place)

    return restore


def saving_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """Return the absolute path at which to save a file.

    Raises
    ------
    InvalidValueError
        A relative path leads out of the directory, or the name is reserved there.
    """
    user_path = pathlib.Path(path).expanduser()
    if not _places:
        return pathlib.Path.cwd() / user_path
    place = _places[-1]
    target = pathlib.Path(os.path.normpath(place.directory / user_path))
    inside = target.is_relative_to(place.directory)
    if inside and target.relative_to(place.directory).as_posix() in place.reserved:
        allowed = f"a name that is not reserved in {place.directory}"
    elif inside or user_path.is_absolute():
        return target
    else:
        allowed = f"within {place.directory}, or absolute"
    from scitex_session_io._errors import InvalidValueError

    raise InvalidValueError("path", str(path), allowed)


def loading_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """Return the absolute path of an existing file, or the one that `find` knows instead.

    Raises
    ------
    MissingFileError
        It is in none of the directories, and `find` knows none.
    """
    user_path = pathlib.Path(path).expanduser()
    places = [pathlib.Path.cwd(), *(place.directory for place in _places[-1:])]
    candidates = list(dict.fromkeys(place / user_path for place in places))
    for candidate in candidates:
        if candidate.exists():
            return candidate
    find = _places[-1].find if _places else None
    if find is not None and (found := find(user_path)) is not None:
        return pathlib.Path(found).absolute()
    from scitex_session_io._errors import MissingFileError

    raise MissingFileError(str(path), map(str, candidates))


def report_saved(path: pathlib.Path) -> None:
    """Call `on_save` with each file that has been saved: `path`, or those in that directory."""
    if _places and (on_save := _places[-1].on_save) is not None:
        for file in _files_at(path):
            on_save(file)


def report_loaded(path: pathlib.Path) -> None:
    """Call `on_load` with each file that has been read: `path`, or those in that directory."""
    if _places and (on_load := _places[-1].on_load) is not None:
        for file in _files_at(path):
            on_load(file)


def _files_at(path: pathlib.Path) -> list[pathlib.Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())
