"""Remove runs to a trash, bring them back, and empty it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scitex_session._errors import AmbiguousRunError, UnknownRunError, UsageError
from scitex_session_core import (
    RunKeptError,
    SessionError,
    SessionManager,
    Trash,
    archive_of,
    check_removable,
    find_place,
    is_trashed,
    out_dir_of_kept,
    read_record,
    registry_dir,
    removed_runs,
    restore_archived,
    some_of,
    trashed_runs,
    warn,
)

from .names import has_part, named_run
from .output import OK, PROGRAM, printable, runs_in_words, say, say_json, size
from .selection import Chosen, moment_of, named, removable, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

_TO_TRASH = ("went to the trash", "would go to the trash")
_FOR_GOOD = ("left the trash for good", "would leave the trash for good")
_SHOWN = 3


def remove(runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[dict[str, Any]]:
    """Move runs to the trash of their script, ``<script>_out/.trash``. `restore` undoes it.

    If one of the runs can't be removed, none is.

    Parameters
    ----------
    runs : str, path-like, or iterable of them
        The runs, by any name that ``scitex-session`` takes: an ID or a part of one, a directory,
        ``latest``, a figure.

    Returns
    -------
    list of dict
        Of each run ``id``, ``directory`` (where it was), ``bytes`` and ``inodes`` (what it takes
        up) and ``trash`` (where it is now). The room is free when the trash is emptied, by
        ``gc(trash=True, yes=True)``.

    Raises
    ------
    UnknownRunError, AmbiguousRunError
        A name means no run, or several; or its directory is gone.
    RunKeptError
        A run may be running, is another user's, lies in an archive or in an explicit `sdir`.
    OSError
        A run could not be moved.
    """
    return _remove(_checked(named(runs)))


def gc(
    *,
    older: str | timedelta | None = None,
    status: str | Sequence[str] = (),
    where: str | None = None,
    keep: int = 0,
    keep_tag: str | Sequence[str] = (),
    trash: bool = False,
    yes: bool = False,
) -> list[dict[str, Any]]:
    """Move the runs that meet all conditions to the trash, or empty the trash.

    Runs that may be running, other users' runs, archived ones and those in an explicit `sdir` stay,
    whatever the conditions.

    Parameters
    ----------
    older : str or timedelta, optional
        How long ago they ended, or were removed: ``12h``, ``30d``, ``2w``.
    status : str or sequence of str
        Statuses, one of which they have: ``failed``.
    where : str, optional
        A query that they meet, as for `find`.
    keep : int
        So many of the runs that meet the conditions stay for each script, the newest.
    keep_tag : str or sequence of str
        Runs with one of these tags stay.
    trash : bool
        Delete what is in the trash, for good. Only `older` may be given with it.
    yes : bool
        Do it. Otherwise only return what would go.

    Returns
    -------
    list of dict
        Of each run ``id``, ``directory``, ``bytes`` and ``inodes``; of those that were removed also
        ``trash``.

    Raises
    ------
    UsageError
        No condition is given, or one can't be understood.
    QueryError
        The query can't be understood.
    OSError
        A run could not be moved.
    """
    conditions = {"status": status, "where": where, "keep": keep, "keep_tag": keep_tag}
    _, told, _ = _gc(trash=trash, yes=yes, older=older, **conditions)
    return told


def restore(run: str | os.PathLike[str]) -> Path:
    """Bring a run back from the trash or from an archive, to the folder that it was in.

    Modes, times and links are those that it had. An archive keeps its copy.

    Parameters
    ----------
    run : str or path-like
        An ID or a part of one at its beginning or end, or the place of the run in the trash or in
        an archive.

    Returns
    -------
    Path
        Its directory.

    Raises
    ------
    UnknownRunError, AmbiguousRunError
        The name means no run that could be restored, or several.
    ArchiveError
        The archive is damaged.
    RunKeptError
        Something stands where it was; or the disk is too full.
    OSError
        It could not be moved or written.
    """
    name = os.fspath(run)
    registry = registry_dir()
    place = _trashed_place(name, registry) or named_run(name).directory()
    if archive_of(place) is not None:
        return restore_archived(place, registry)
    if not is_trashed(place):
        raise UnknownRunError(name, f"it is neither in the trash nor in an archive, but in {place}")
    with Trash(out_dir_of_kept(place), registry) as trash:
        return trash.take_back(place)


def rm_command(*runs: str, yes: bool = False, json: bool = False) -> int:
    """Move runs to the trash. `restore` brings them back.

    More than one run is only listed, without `--yes`. A run that may be running, another user's,
    an archived one, and one with a directory of your own (sdir) are refused.

    Parameters
    ----------
    runs : str
        The runs: IDs or parts of them, directories, latest, or figures.
    yes : bool
        Remove several runs.
    json : bool
        Print a JSON object instead.
    """
    chosen = _checked(named(runs))
    done = yes or len(chosen) == 1
    told = _remove(chosen) if done else [run.as_dict() for run in chosen]
    report(chosen, told, _TO_TRASH, done=done, json=json)
    if done and not json:
        shown = " ".join(run.id for run in chosen[:_SHOWN]) + " …" * (len(chosen) > _SHOWN)
        say(f"Undo: {PROGRAM} restore {shown}")
    return OK


def gc_command(
    *,
    older: str | None = None,
    status: list[str] | None = None,
    where: str | None = None,
    keep: int = 0,
    keep_tag: list[str] | None = None,
    trash: bool = False,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Move the runs that meet all conditions to the trash. Without `--yes`, only list them.

    Runs that may be running, other users' runs, archived ones and those with a directory of your
    own (sdir) stay.

    Parameters
    ----------
    older : str
        How long ago they ended, or were removed: 12h, 30d, 2w.
    status : list of str
        Their status, such as failed; may be given several times.
    where : str
        A query that they meet.
    keep : int
        How many of them stay for each script, the newest.
    keep_tag : list of str
        A tag whose runs stay; may be given several times.
    trash : bool
        Delete what is in the trash for good, or what is there since longer than --older.
    yes : bool
        Do it.
    json : bool
        Print a JSON object instead.
    """
    conditions = {"status": status, "where": where, "keep": keep, "keep_tag": keep_tag}
    chosen, told, kept = _gc(trash=trash, yes=yes, older=older, **conditions)
    report(chosen, told, _FOR_GOOD if trash else _TO_TRASH, done=yes, json=json, kept=kept)
    return OK


def restore_command(*runs: str, json: bool = False) -> int:
    """Bring runs back from the trash or from an archive.

    Without a RUN, print what is in the trash.

    Parameters
    ----------
    runs : str
        The runs: IDs or parts of them, or places in the trash or in an archive.
    json : bool
        Print a JSON array instead.
    """
    if not runs:
        return _list_removed(json=json)
    restored = []
    try:
        for run in runs:
            place = restore(run)
            restored.append({"id": read_record(place)["id"], "directory": os.fspath(place)})
            if not json:
                say(f"Restored {printable(os.fspath(place))}")
    finally:  # those that are back, where one fails
        if json:
            say_json(restored)
    return OK


def report(
    chosen: Sequence[Chosen],
    told: Sequence[dict[str, Any]],
    says: tuple[str, str],
    *,
    done: bool,
    json: bool,
    kept: Sequence[RunKeptError] = (),
) -> None:
    """Print what happened to runs, or would happen, what they take up, and why others stay.

    `told` is what is told of them in JSON; `says` are the words for what was done, and would be.
    """
    if json:
        reasons = [{"directory": error.path, "why": error.why} for error in kept]
        say_json({"done": done, "runs": list(told), "kept": reasons})
        return
    for error in kept:
        say(f"{PROGRAM}: {printable(str(error))}", sys.stderr)
    for run in () if done else chosen:
        say(printable(f"{run.id}  {run.status:<8}  {size(run.bytes):>8}  {run.script}"))
    took = size(sum(run.bytes for run in chosen))
    inodes = sum(run.inodes for run in chosen)
    say(printable(f"{runs_in_words(len(chosen))} {says[not done]}: {took}, {inodes:,} inodes."))
    if not done and chosen:
        say("Nothing is done without --yes.")


def _checked(chosen: list[Chosen]) -> list[Chosen]:
    """Return the runs, if all of them can be removed."""
    for run in chosen:
        if not is_trashed(run.place):
            check_removable(run.place)
    return chosen


def _gc(
    *, trash: bool, yes: bool, older: str | timedelta | None, **conditions: Any
) -> tuple[list[Chosen], list[dict[str, Any]], list[RunKeptError]]:
    """Return the runs that go, what is told of them, and why others stay."""
    given = {name: value for name, value in conditions.items() if value}
    if trash and given:
        raise UsageError("with --trash, only --older and --yes can be given")
    if not (trash or given or older):
        named_so = "--older, --status, --where, --keep or --keep-tag"
        raise UsageError(f"say which runs are to go: give {named_so}")
    if trash:
        emptied = _empty(older, yes=yes)
        return emptied, [run.as_dict() for run in emptied], []
    going, kept = removable(selected(older=older, **given))
    return going, _remove(going) if yes else [run.as_dict() for run in going], kept


def _remove(chosen: list[Chosen]) -> list[dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    registry = registry_dir()
    with counted_before_an_error(told, "went to the trash"):
        for out_dir, runs in by_out_dir(chosen).items():
            with Trash(out_dir, registry) as trash:
                for run in runs:
                    try:
                        target = trash.put(run.place, run.id)
                    except RunKeptError:
                        target = find_place(run.place) or run.place
                        if not is_trashed(target):
                            raise
                        # Another process has removed it since we looked.
                    told[run.id] = {**run.as_dict(), "trash": os.fspath(target)}
    return [told[run.id] for run in chosen]


@contextmanager
def counted_before_an_error(told: Mapping[str, object], went: str) -> Iterator[None]:
    """Warn, where one of several runs fails, of those that are done already."""
    try:
        yield
    except (OSError, SessionError):
        if told:
            warn(f"{runs_in_words(len(told))} {went} before the error: {some_of([*told])}")
        raise


def by_out_dir(chosen: Iterable[Chosen]) -> dict[Path, list[Chosen]]:
    """Return the runs by the directory that holds the runs of their script."""
    groups: dict[Path, list[Chosen]] = {}
    for run in chosen:
        groups.setdefault(out_dir_of_kept(run.place), []).append(run)
    return groups


def _trashed_place(name: str, registry: Path) -> Path | None:
    """Return the place in the trash that is meant by a name; None if none is."""
    path = Path(os.path.abspath(name))
    if is_trashed(path) and path.exists():
        return path
    removed = _trashed(registry)
    meant = [run_id for run_id in removed if name and has_part(run_id, name)]
    found = [name] if name in removed else meant
    if len(found) > 1:
        raise AmbiguousRunError(name, tuple(found))
    return removed[found[0]] if found else None


def _trashes(registry: Path) -> dict[Path, Sequence[tuple[Path, datetime]]]:
    """Return the places of the runs in each trash, and when they were removed, by out dir."""
    runs = [*removed_runs(registry).values(), *SessionManager().directories().values()]
    places = {out_dir_of_kept(place) for place in runs if len(place.parts) > 2}
    found = {out_dir: trashed_runs(out_dir) for out_dir in sorted(places)}
    return {out_dir: inside for out_dir, inside in found.items() if inside}


def _trashed(registry: Path) -> dict[str, Path]:
    """Return where the removed runs are, by ID, or by name if their folder was moved since."""
    removed = removed_runs(registry)
    known = {*removed.values()}
    found = [place for inside in _trashes(registry).values() for place, _ in inside]
    return removed | {place.name: place for place in found if place not in known}


def _empty(older: str | timedelta | None, *, yes: bool) -> list[Chosen]:
    registry = registry_dir()
    before = datetime.now(UTC) + timedelta(days=1) if older is None else moment_of(older)
    found = []
    for out_dir, inside in _trashes(registry).items():
        found += [
            Chosen(place.name, place, "removed", str(place))
            for place, removed in inside
            if removed < before
        ]
        if yes:
            with Trash(out_dir, registry) as trash:
                trash.empty(before)
    return found


def _list_removed(*, json: bool) -> int:
    removed = _trashed(registry_dir())
    if json:
        say_json([{"id": i, "directory": os.fspath(place)} for i, place in removed.items()])
        return OK
    for run_id, place in removed.items():
        say(printable(f"{run_id}  {place}"))
    if not removed:
        say("Nothing is in the trash.")
    return OK
