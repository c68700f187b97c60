"""Where a run is, and its files: in a directory, in the trash or in an archive, all alike."""

from __future__ import annotations

import os
from pathlib import Path

from scitex_session_core._atomic import names_in
from scitex_session_core._errors import ArchiveError
from scitex_session_core._paths import (
    ARCHIVE,
    ARCHIVE_SUFFIX,
    RECORD_NAME,
    RUNNING,
    STATUS_OF_FOLDER,
    archive_of,
    locate_run,
)
from scitex_session_core._record.record import run_in_archive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader


def find_place(run_dir: str | os.PathLike[str]) -> Path | None:
    """Return where a run is by now; None if it is gone.

    Parameters
    ----------
    run_dir : path-like
        Where it was last known to be: a directory, or a place in an archive.

    Returns
    -------
    Path or None
        Its directory, which may lie in the trash, or its place in an archive,
        ``<out>/ARCHIVE/<archive>.zip/<name>``; `read_record`, `run_files` and `open_run_file` take
        each of them.

    Notes
    -----
    A run that is where it should be costs one look. Otherwise the trash and the archives of the
    script are searched: a process may have been killed after it moved a run, and before it told the
    registry.
    """
    place = locate_run(run_dir)
    if archive_of(place) is not None:
        return place
    try:
        os.stat(place / RECORD_NAME)
        return place
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError:  # it is there, and closed to us
        return place
    folder = place.parent.parent if place.parent.suffix == ARCHIVE_SUFFIX else place.parent
    if folder.name not in (ARCHIVE, RUNNING, *STATUS_OF_FOLDER):
        return None
    return _found_in(folder.parent, place.name)


def _found_in(out_dir: Path, name: str) -> Path | None:
    for folder in STATUS_OF_FOLDER:
        if os.path.exists(out_dir / folder / name / RECORD_NAME):
            return out_dir / folder / name
    return next((place for place in places_away(out_dir) if place.name == name), None)


def places_away(out_dir: Path) -> Iterator[Path]:
    """Yield where the removed and the archived runs of an out dir are, the last ones first."""
    from scitex_session_core._archive_reader import open_archive  # zipfile: few runs are not there

    from .trash import trashed_runs

    yield from (found.place for found in trashed_runs(out_dir))
    for each in sorted(names_in(out_dir / ARCHIVE), reverse=True):
        path = out_dir / ARCHIVE / each
        try:
            names = open_archive(path).names if each.endswith(ARCHIVE_SUFFIX) else ()
        except ArchiveError:
            continue  # its own reader says so
        yield from (path / name for name in names)


def run_files(place: str | os.PathLike[str]) -> list[str]:
    """Return the files of a run, relative to its directory, with ``/``.

    Parameters
    ----------
    place : path-like
        Its directory, or its place in an archive.

    Raises
    ------
    ArchiveError
        The archive is damaged.
    """
    if (archived := run_in_archive(place)) is not None:
        return archived.files()
    return sorted(
        os.path.relpath(os.path.join(folder, name), place).replace(os.sep, "/")
        for folder, _, files in os.walk(place)
        for name in files
    )


def open_run_file(place: str | os.PathLike[str], name: str) -> BufferedReader:
    """Open a file of a run for reading.

    Parameters
    ----------
    place : path-like
        The run's directory, or its place in an archive.
    name : str
        The file, relative to that, with ``/``.

    Raises
    ------
    OSError
        There is no such file, or it can't be read.
    ArchiveError
        The archive is damaged.
    """
    if (archived := run_in_archive(place)) is not None:
        return archived.open(name)
    return open(Path(place) / name, "rb")
