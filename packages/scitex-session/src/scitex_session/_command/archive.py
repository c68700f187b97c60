"""Put runs into archives."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from scitex_session._errors import UsageError
from scitex_session_core import RunKeptError, archive_runs, check_removable, registry_dir

from .output import DIFFERENT, OK, bars
from .remove import by_out_dir, counted_before_an_error, report
from .selection import Chosen, named, removable, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import timedelta
    from typing import Any, TypeAlias

    Progress: TypeAlias = Callable[[str, int, int], object]

_STEPS = {"pack": "packed", "check": "read back", "remove": "taken away"}


def archive(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    *,
    older: str | timedelta | None = None,
    status: str | Sequence[str] = (),
    where: str | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Put runs into a zip file in ``<script>_out/ARCHIVE``, one for each script.

    The zip file is read back and compared before the directories of the runs go. All that reads a
    run reads it there, too. `restore` takes one out again, as it was.

    Parameters
    ----------
    runs : str, path-like, or iterable of them
        The runs, by any name that ``scitex-session`` takes.
    older : str or timedelta, optional
        Instead of names: all runs that ended so long ago, ``30d``.
    status : str or sequence of str
        Instead of names: all runs with one of these statuses.
    where : str, optional
        Instead of names: all runs that meet a query, as for `find`.
    progress : callable, optional
        Called with what is done (``pack``, ``check``, ``remove``), how many runs, and of how many.

    Returns
    -------
    list of dict
        Of each run ``id``, ``directory`` (where it was), ``bytes`` and ``inodes`` (what it took up)
        and ``archive``, its place there: the zip file and the name of the run; None for a run that
        stays, with the reason in ``why``.

    Raises
    ------
    UsageError
        No run is named and no condition given, or both are.
    UnknownRunError, AmbiguousRunError
        A name means no run, or several; or its directory is gone.
    RunKeptError
        A run that is named may be running, is another user's, or lies in an explicit `sdir`.
    ArchiveError
        What was written reads back differently. All runs are where they were.
    OSError
        The archive could not be written. All runs are where they were.
    """
    chosen, _ = _chosen(runs, older=older, status=status, where=where)
    return _archive(chosen, progress)


def archive_command(
    *runs: str,
    older: str | None = None,
    status: list[str] | None = None,
    where: str | None = None,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Put runs into one zip file, which takes up less room and few inodes.

    More than one run is only listed, without `--yes`. What reads a run (show, logs, diff, whence)
    reads it in the archive, too; `restore` takes one out again.

    The exit status is 1 if one of the runs stays where it is.

    Parameters
    ----------
    runs : str
        The runs: IDs or parts of them, directories, latest, or figures.
    older : str
        Instead of RUN: all runs that ended so long ago, 12h, 30d, 2w.
    status : list of str
        Instead of RUN: all runs with this status; may be given several times.
    where : str
        Instead of RUN: all runs that meet a query.
    yes : bool
        Archive several runs.
    json : bool
        Print a JSON object instead.
    """
    chosen, kept = _chosen(runs, older=older, status=status or (), where=where)
    done = yes or (len(chosen) == 1 and len(runs) == 1)
    if not done:
        told = [run.as_dict() for run in chosen]
        report(chosen, told, ("", "would go to an archive"), done=False, json=json, kept=kept)
        return OK
    with _progress() as progress:
        told = _archive(chosen, progress)
    gone = [run for run, each in zip(chosen, told, strict=True) if each["archive"]]
    kept += [RunKeptError(each["directory"], each["why"]) for each in told if not each["archive"]]
    files = sorted({os.path.dirname(each["archive"]) for each in told if each["archive"]})
    went = f"went to {', '.join(files) or 'an archive'}"
    report(gone, told, (went, ""), done=True, json=json, kept=kept)
    return OK if len(gone) == len(chosen) else DIFFERENT


def _chosen(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], **conditions: Any
) -> tuple[list[Chosen], list[RunKeptError]]:
    names = [runs] if isinstance(runs, (str, os.PathLike)) else [*runs]
    if bool(names) is any(conditions.values()):
        why = "not both" if names else "to say which"
        raise UsageError(f"name runs, or give --older, --status or --where, {why}")
    if not names:
        return removable(selected(**conditions))
    chosen = named(names)
    for run in chosen:
        check_removable(run.place)
    return chosen, []


def _archive(chosen: list[Chosen], progress: Progress | None) -> list[dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    with counted_before_an_error(told, "went to an archive"):
        for out_dir, runs in by_out_dir(chosen).items():
            made = archive_runs(out_dir, [run.place for run in runs], registry_dir(), progress)
            # By name: one that had died was moved before.
            reasons = {os.path.basename(error.path): error.why for error in made.kept}
            for run in runs:
                place = made.places.get(run.place)
                name = None if place is None else os.fspath(place)
                told[run.id] = {**run.as_dict(), "archive": name}
                if place is None:
                    told[run.id]["why"] = reasons.get(run.place.name, "")
    return [told[run.id] for run in chosen]


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show on a terminal how far it is."""
    if not sys.stderr.isatty():
        yield None
        return
    with bars() as shown:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(f"runs {_STEPS[what]}", total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield show
