"""Tags and the note of a run, changed at any time, and the place of a run."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress

from scitex_session._errors import UnknownRunError, UsageError
from scitex_session_core import (
    InvalidTypeError,
    InvalidValueError,
    Trash,
    append_event,
    archive_of,
    journal_update,
    out_dir_of_kept,
    registry_dir,
)

from .names import named_run
from .output import OK, printable, refuse, say, say_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from .names import Run

_LONGEST_TAG = 200
_LONGEST_NOTE = 100_000
_LONGEST_START_S = 5.0  # of a file manager


def tag(run: str | os.PathLike[str], *tags: str) -> None:
    """Add tags to a run, which may be running or have ended.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.
    *tags : str
        The tags. One that the run has already stays.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError
        No run is known by this name, several are, or its record can't be read.
    InvalidTypeError, InvalidValueError
        A tag is no text, or empty, too long, or has control characters.
    OSError
        The run directory or the registry can't be written.

    Notes
    -----
    A tag is appended to the events in the run directory and to the registry: the end of a run that
    still runs does not lose it.
    """
    _change(named_run(run), "tag", _checked(tags))


def untag(run: str | os.PathLike[str], *tags: str) -> None:
    """Remove tags from a run, which may be running or have ended.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.
    *tags : str
        The tags. One that the run does not have is no mistake.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError, InvalidTypeError, InvalidValueError, OSError
        As with `tag`.
    """
    _change(named_run(run), "untag", _checked(tags))


def note(run: str | os.PathLike[str], text: str) -> None:
    """Write the note of a run, in place of the earlier one.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.
    text : str
        The note; an empty one removes it.

    Raises
    ------
    UnknownRunError, AmbiguousRunError, RecordError, InvalidTypeError, InvalidValueError, OSError
        As with `tag`.
    """
    if not isinstance(text, str):
        raise InvalidTypeError("the note", text, "a text")
    if len(text) > _LONGEST_NOTE:
        allowed = f"a text of at most {_LONGEST_NOTE:,} characters"
        raise InvalidValueError("the note", f"{text[:40]}…", allowed)
    _change(named_run(run), "note", (text,))


def _checked(tags: tuple[str, ...]) -> tuple[str, ...]:
    allowed = f"a text of 1 to {_LONGEST_TAG} characters without control characters"
    for each in tags:
        if not isinstance(each, str):
            raise InvalidTypeError("a tag", each, allowed)
        if not each.strip() or len(each) > _LONGEST_TAG or not each.isprintable():
            raise InvalidValueError("a tag", each, allowed)
    return tags


def _change(run: Run, event: str, values: tuple[str, ...]) -> None:
    if run.place is None and not run.session:
        raise UnknownRunError(run.id, "neither its directory nor the registry is here")
    with ExitStack() as held:
        if run.place is not None and archive_of(run.place) is not None:
            if not run.session:
                why = "an archive never changes, and the registry does not know the run: reindex it"
                raise UnknownRunError(run.id, why)
            with suppress(OSError):  # in another user's folder nothing can be held
                # Who archives or restores it meanwhile would replace what the registry is told.
                held.enter_context(Trash(out_dir_of_kept(run.place), registry_dir()))
                run = named_run(run.id)
        if run.place is not None:
            run.record()  # no event is appended to what is no record
        for value in values:
            # To the record first: it is the truth, and the registry can be made from it again. In
            # an archive nothing changes: `restore` adds what the registry was told.
            if run.place is not None and archive_of(run.place) is None:
                append_event(run.place, event, **{event.removeprefix("un"): value})
            if run.session:
                change: dict[str, Any] = {event: value}
                journal_update(registry_dir(), run.id, **change)


def path(run: str | os.PathLike[str]) -> Path:
    """Return where the directory of a run is now.

    Parameters
    ----------
    run : str or path-like
        The run, by any of its names: see `record`.

    Raises
    ------
    UnknownRunError
        No run is known by this name, or its directory is gone.
    AmbiguousRunError
        Several runs are.
    RecordError
        Its record can't be read.
    """
    return named_run(run).directory()


def tag_command(run: str, /, *tags: str, json: bool = False) -> int:
    """Add tags to a run, which may be running or have ended.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    tags : str
        The tags.
    json : bool
        Print the tags and the note as a JSON object.
    """
    return _changed(tag, run, tags, "tag needs a TAG", json=json)


def untag_command(run: str, /, *tags: str, json: bool = False) -> int:
    """Remove tags from a run, which may be running or have ended.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    tags : str
        The tags.
    json : bool
        Print the tags and the note as a JSON object.
    """
    return _changed(untag, run, tags, "untag needs a TAG", json=json)


def note_command(run: str, /, *text: str, json: bool = False) -> int:
    """Write the note of a run, in place of the earlier one; an empty text removes it.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    text : str
        The note; several words are joined by blanks.
    json : bool
        Print the tags and the note as a JSON object.
    """
    words = (" ".join(text),) if text else ()
    return _changed(note, run, words, "note needs a TEXT ('' removes the note)", json=json)


def _changed(
    change: Callable[..., None], name: str, values: tuple[str, ...], why: str, *, json: bool
) -> int:
    """Change a run, and print the tags and the note that it has by now."""
    if not values:
        return refuse(why, usage=why.split()[0])
    change(name, *values)
    run = named_run(name)
    found = run.session if run.place is None else run.record()
    tags, text = list(found.get("tags") or ()), str(found.get("note") or "")
    if json:
        say_json({"id": run.id, "tags": tags, "note": text})
        return OK
    shown = [f"tags {', '.join(map(str, tags))}"] if tags else ["no tags"]
    shown += [f"note {text.splitlines()[0]}"] if text.strip() else []
    say(printable(f"{run.id}: {'; '.join(shown)}"))
    return OK


def path_command(run: str, /, *, json: bool = False) -> int:
    """Print where the directory of a run is now.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    json : bool
        Print a JSON object with its ID and directory.
    """
    found = named_run(run)
    place = os.fspath(found.directory())
    if json:
        say_json({"id": found.id, "directory": place})
    elif sys.stdout.isatty():
        say(printable(place))
    else:
        # To be used by another program: the bytes of the name, whatever they are.
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(place) + b"\n")
    return OK


def open_command(run: str, /) -> int:
    """Open the directory of a run in the file manager.

    Parameters
    ----------
    run : str
        An ID or a part of one, a directory, a file it made, latest, latest~1, latest:SCRIPT.
    """
    place = os.fspath(named_run(run).directory())
    if hasattr(os, "startfile"):
        os.startfile(place)
        return OK
    import shutil
    import subprocess

    program = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(program) is None:
        raise UsageError(f"there is no {program} here to open {printable(place)} with")
    nothing = subprocess.DEVNULL
    # Of its own session: a file manager that starts only now would end with this terminal.
    opened = subprocess.Popen(
        [program, place], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        code = opened.wait(_LONGEST_START_S)
    except subprocess.TimeoutExpired:
        return OK  # it is the file manager itself
    if code:
        raise UsageError(f"{program} can't open {printable(place)}: it ended with {code}")
    return OK
