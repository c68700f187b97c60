"""List runs: what they were given, how they ended, what they found."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from scitex_session._errors import UsageError
from scitex_session_core import registry_dir

from .columns import columns_of
from .find import FIELDS, find
from .output import OK, PROGRAM, on_terminal, printable, say, say_json
from .query import before_now, span
from .table import rich_table, text_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from rich.console import RenderableType


class Wanted(NamedTuple):
    """Which runs are to be listed.

    Attributes
    ----------
    query : str
        A query.
    where : list of dict
        What the options ask for, besides.
    sort : str
        The field to sort by.
    limit : int
        The largest number of runs; 0 for all.
    """

    query: str
    where: list[dict[str, Any]]
    sort: str
    limit: int

    def find(self, limit: int | None = None) -> tuple[list[dict[str, Any]], bool]:
        """Return the runs, and whether there are more than a limit, or that of the user, allows."""
        most = min(filter(None, (limit, self.limit)), default=None)
        where = ("and", *self.where) if self.where else None
        ask = None if most is None else most + 1
        found = find(self.query, where=where, sort=self.sort, limit=ask)
        return found[:most], most is not None and len(found) > most

    def nothing_found(self) -> str:
        """Return what is said where there are no runs to list."""
        if (self.query or self.where) and find(limit=1):
            return "No run fits."
        return (
            f"No runs yet in the registry {printable(os.fspath(registry_dir()))}: run a script "
            f"whose function has the decorator @stx.session, or register the runs in a folder with "
            f"`{PROGRAM} reindex PATH`."
        )


def _moment(text: str) -> datetime:
    """Return the time that is meant by a time, or by how long ago it was."""
    found = before_now(text.strip()) or (span(text.strip()) or [None])[0]
    if found is None:
        allowed = "how long ago (2d, 3h, 30min), or a time such as 2026-11-01 or 2026-11-01T09:30"
        raise UsageError(f"--since {text.strip() or repr(text)}: give {allowed}")
    return found


def ls_command(
    *query: str,
    script: str | None = None,
    status: str | None = None,
    since: str | None = None,
    tag: str | None = None,
    sweep: str | None = None,
    sort: str | None = None,
    limit: int = 50,
    here: bool = False,
    watch: bool = False,
    json: bool = False,
) -> int:
    """List runs, the newest first.

    A query is made of conditions: the name of a field, an argument or a result; one of
    : = != < <= > >= ~ ; and a value. They are joined by and, or, not and parentheses. Put it in
    quotes, since a shell takes < > ( ) for its own.

    Parameters
    ----------
    query : str
        Which runs: 'lr<1e-3 and (status:failed or tag:paper)'.
    script : str
        Only runs of this script: its name, or its path.
    status : str
        Only runs with this status; several with commas between them.
    since : str
        Only runs that started since then: 2d, 3h, 30min, or a time such as 2026-11-01.
    tag : str
        Only runs with this tag.
    sweep : str
        Only runs of the sweep with this ID, in the order of its trials.
    sort : str
        The field, argument or result to sort by; with - before it, the largest first. -started by
        default.
    limit : int
        The largest number of runs to show; 0 for all.
    here : bool
        Only runs of scripts below the working directory.
    watch : bool
        Look again each second, until q or Ctrl-C.
    json : bool
        Print all that is known of each run, as JSON.
    """
    if limit < 0:
        raise UsageError(f"--limit {limit}: give a number of runs, or 0 for all")
    where: list[dict[str, Any]] = []
    if script is not None:
        is_path = os.sep in script
        where.append({"script_path": os.path.abspath(script)} if is_path else {"script": script})
    if status is not None:
        where.append({"status": ("in", [word.strip() for word in status.split(",")])})
    if since is not None:
        where.append({"start_time": (">=", _moment(since))})
    if tag is not None:
        where.append({"tags": tag})
    if sweep is not None:
        where.append({"sweep": sweep.upper()})
    if here:
        try:
            below = os.path.join(os.getcwd(), "")
        except FileNotFoundError:
            raise UsageError("--here: the working directory is gone") from None
        where += [{"script_path": (">=", below)}, {"script_path": ("<", f"{below}\U0010ffff")}]
    first = "-started" if sweep is None else "trial"
    wanted = Wanted(" ".join(query), where, sort or first, limit)
    if watch:
        if json:
            raise UsageError("--watch can't be used with --json")
        if not sys.stdout.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
            raise UsageError("--watch needs a terminal that knows codes as standard output")
        from .watch import watch_runs

        return watch_runs(wanted)
    found, more = wanted.find()
    if json:
        say_json([{name: run[name] for name in FIELDS} for run in found])
        if more:
            say(cut_line(len(found), wanted), sys.stderr)
    elif not found:
        say(wanted.nothing_found())
    else:
        print_runs(found, wanted.sort, cut_line(len(found), wanted) if more else "")
    return OK


def print_runs(found: Sequence[Mapping[str, Any]], sort: str, cut: str = "") -> None:
    """Print runs that are sorted by a field as a table, and what is said of those left out."""
    if on_terminal():
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        for part in drawn(found, console.width, sort):
            console.print(part)
        if cut:
            console.print(cut, style="dim")
        return
    for line in text_table(columns_of(found, sort)):
        say(line)
    if cut:
        say(cut, sys.stderr)


def cut_line(shown: int, wanted: Wanted) -> str:
    """Return what is said where there are more runs than are shown."""
    which = "newest" if wanted.sort in ("-started", "-start_time") else "first"
    return f"The {which} {'run' if shown == 1 else f'{shown} runs'}; --limit 0 shows all."


def drawn(found: Sequence[Mapping[str, Any]], width: int, sort: str) -> list[RenderableType]:
    """Return what a terminal of this width shows of runs that are sorted by a field."""
    table, left_out = rich_table(columns_of(found, sort, width=width), width)
    if not left_out:
        return [table]
    from rich.text import Text

    names = "1 more column" if left_out == 1 else f"{left_out} more columns"
    return [table, Text(f"+ {names} (--json has all)", "dim")]
